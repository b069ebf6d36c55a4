"""The difference between two texts of a file, as edits of items and headers, as small as the grammar allows.

A list is aligned item by item. Between two items that stay, the gap is compared piece by piece; of two items that
correspond, first the headers and then the lists inside. No edit begins or ends inside a token, a comment or a string.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from ast_grep_py import SgNode

from patcher.javascript.items import is_between_tags
from patcher.javascript.lists import ItemList, Piece, What, header_of, root_list
from patcher.javascript.similarity import likeness
from patcher.javascript.tree import DATA, parse, syntax_errors
from patcher.model import ListKind

_SHORT = 80
"""An item of at most so many characters is replaced as a whole, unless it contains a block."""
_ALIKE = 0.5
_MOST_PAIRS = 2500
_NEAR = 15
_BLOCKS = frozenset({ListKind.STATEMENTS, ListKind.MEMBERS, ListKind.CHILDREN, ListKind.PROPERTIES, ListKind.RULES})


@dataclass(frozen=True)
class Edit:
    """Replace the pieces `[first, last)` of a row by `text`. The row is that of a list, or the header of an item.

    inside: the list; for a header, the list with the item. item: the index in `inside` of the piece of the item; -1
    where the row is that of the list.
    """

    inside: ItemList
    first: int
    last: int
    text: str
    item: int = -1

    @property
    def row(self) -> tuple[Piece, ...]:
        """The pieces that `first` and `last` count."""
        if self.item < 0:
            return self.inside.pieces
        return header_of(self.inside.text, self.inside.node_at(self.item), self.inside.language)

    @property
    def start(self) -> int:
        """The offset of the first replaced character."""
        return _edge(self.row, self.inside, self.first)

    @property
    def end(self) -> int:
        """The offset after the last replaced character."""
        return self.row[self.last - 1].end if self.last > self.first else self.start


def _edge(row: Sequence[Piece], inside: ItemList, index: int) -> int:
    if index < len(row):
        return row[index].start
    return row[-1].end if row else inside.end


def compare(before: str, after: str, language: str) -> list[Edit] | None:
    """The edits from `before` to `after`, in text order; None where one of the texts has no list at its top level."""
    old, new = root_list(before, language), root_list(after, language)
    if old is None or new is None or before[: old.start] != after[: new.start] or before[old.end :] != after[new.end :]:
        return None
    return sorted(_lists(old, new), key=lambda each: (each.start, each.end))


def _lists(old: ItemList, new: ItemList) -> list[Edit]:
    edits: list[Edit] = []
    stay: list[tuple[int, int]] = []
    for left, right in _pairs(old, new):
        within = _items(old, left, new, right)
        if within is not None:
            stay.append((left, right))
            edits += within
    old_at = new_at = 0
    for left, right in [*stay, (len(old.pieces), len(new.pieces))]:
        edits += _gap(old, old_at, left, new, new_at, right)
        old_at, new_at = left + 1, right + 1
    return edits


def _text(inside: ItemList, piece: Piece) -> str:
    return inside.text[piece.start : piece.end]


def _pairs(old: ItemList, new: ItemList) -> list[tuple[int, int]]:
    """The corresponding items, as indexes of pieces of both lists, in order."""
    ours = [_text(old, old.pieces[index]) for index in old.items]
    theirs = [_text(new, new.pieces[index]) for index in new.items]
    found: list[tuple[int, int]] = []
    for what, a, b, c, d in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        if what == "equal":
            found += zip(range(a, b), range(c, d), strict=True)
        elif what == "replace":
            found += _alike(old, new, (a, b), (c, d))
    return [(old.items[left], new.items[right]) for left, right in found]


def _alike(old: ItemList, new: ItemList, ours: tuple[int, int], theirs: tuple[int, int]) -> list[tuple[int, int]]:
    """The pairs of similar items in a replaced run, in order, with the greatest sum of likenesses."""
    (a, b), (c, d) = ours, theirs
    if (b - a) * (d - c) > _MOST_PAIRS:
        return []
    scores: dict[tuple[int, int], float] = {}
    best = [[0.0] * (d - c + 1) for _ in range(b - a + 1)]
    for i in range(b - a - 1, -1, -1):
        for j in range(d - c - 1, -1, -1):
            left, right = old.items[a + i], new.items[c + j]
            score = _score(old, left, new, right)
            scores[i, j] = score
            best[i][j] = max(best[i + 1][j], best[i][j + 1], best[i + 1][j + 1] + score if score else 0.0)
    found, i, j = [], 0, 0
    while i < b - a and j < d - c:
        if scores[i, j] and best[i][j] == best[i + 1][j + 1] + scores[i, j]:
            found.append((a + i, c + j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return found


def _score(old: ItemList, left: int, new: ItemList, right: int) -> float:
    one, other = old.node_at(left), new.node_at(right)
    if one.kind() != other.kind():
        return 0.0
    score = likeness(_text(old, old.pieces[left]), _text(new, new.pieces[right]))
    if score < _ALIKE and _name(one) and _name(one) == _name(other):
        return _ALIKE
    return score if score >= _ALIKE else 0.0


def _name(item: SgNode) -> str:
    name = item.field("name") or item.field("key") if item.is_named() else None
    return name.text() if name is not None else ""


def _items(old: ItemList, left: int, new: ItemList, right: int) -> list[Edit] | None:
    """The edits inside an item that stays; None where it should be replaced as a whole."""
    one, other = old.pieces[left], new.pieces[right]
    if _text(old, one) == _text(new, other):
        return []
    ours = header_of(old.text, old.node_at(left), old.language)
    theirs = header_of(new.text, new.node_at(right), new.language)
    lists = [piece.inner for piece in ours if piece.inner is not None]
    is_short = one.end - one.start <= _SHORT and not any(each.kind in _BLOCKS for each in lists)
    if not lists or is_short or old.node_at(left).kind() != new.node_at(right).kind():
        return None
    inner: list[Edit] = []
    segments: list[tuple[int, int, int, int]] = []
    keys = [_key(old, piece) for piece in ours], [_key(new, piece) for piece in theirs]
    for what, a, b, c, d in SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
        if what != "equal":
            segments.append((a, b, c, d))
            continue
        for mine, yours in zip(ours[a:b], theirs[c:d], strict=True):
            if mine.inner is not None and yours.inner is not None:
                inner += _lists(mine.inner, yours.inner)
    edits = [_header_edit(old, left, new, theirs, each) for each in _merged(old, ours, segments)]
    headers = [each for each in edits if each is not None]
    if len(headers) < len(edits) or not all(map(_is_whole, headers)):
        return None
    replaced = sum(each.end - each.start for each in headers) + sum(each.end - each.start for each in inner)
    if headers and replaced > (one.end - one.start) / 2:
        return None
    return [*headers, *inner]


def _is_whole(edit: Edit) -> bool:
    """Whether the program still parses with this edit alone: one that opens a bracket may need another edit."""
    before, language = edit.inside.text, edit.inside.language
    after = before[: edit.start] + edit.text + before[edit.end :]
    return bool(syntax_errors(parse(before, language))) or not syntax_errors(parse(after, language))


def _key(inside: ItemList, piece: Piece) -> str:
    return f"\0{piece.inner.kind}" if piece.inner is not None else _text(inside, piece)


def _merged(
    old: ItemList, row: Sequence[Piece], segments: list[tuple[int, int, int, int]]
) -> list[tuple[int, int, int, int]]:
    """The segments, those with only a few characters between them joined."""
    merged: list[tuple[int, int, int, int]] = []
    for each in segments:
        before = merged[-1] if merged else None
        between = row[before[1] : each[0]] if before else ()
        is_near = sum(len(_text(old, piece)) for piece in between) <= _NEAR
        if before and is_near and not any(piece.inner for piece in between):
            merged[-1] = (before[0], each[1], before[2], each[3])
        else:
            merged.append(each)
    return merged


def _header_edit(
    old: ItemList,
    left: int,
    new: ItemList,
    theirs: Sequence[Piece],
    segment: tuple[int, int, int, int],
) -> Edit | None:
    """An edit of a header; None where a marker would not be a comment at one of its ends."""
    a, b, c, d = segment
    text = "".join(_text(new, piece) for piece in theirs[c:d])
    edit = Edit(old, a, b, text, left)
    if old.language in DATA:
        return edit
    ends = {is_between_tags(old.node, edit.start), is_between_tags(old.node, edit.end)}
    can_comment = edit.start == 0 or old.text[edit.start - 1] not in "</"  # after these, `/*` is not a comment
    return edit if len(ends) == 1 and None not in ends and can_comment else None


def _gap(old: ItemList, first: int, last: int, new: ItemList, start: int, end: int) -> list[Edit]:
    """The edit between two items that stay, without the common pieces at its ends; none for equal gaps."""
    ours = [_text(old, piece) for piece in old.pieces[first:last]]
    theirs = [_text(new, piece) for piece in new.pieces[start:end]]
    if "".join(ours) == "".join(theirs):
        return []
    same = 0
    while same < min(len(ours), len(theirs)) and ours[same] == theirs[same]:
        same += 1
    rest = 0
    while rest < min(len(ours), len(theirs)) - same and ours[-1 - rest] == theirs[-1 - rest]:
        rest += 1
    edit = Edit(old, first + same, last - rest, "".join(theirs[same : len(theirs) - rest]))
    return [_at_item(_without_blanks(edit), first, last)]


def _without_blanks(edit: Edit) -> Edit:
    """The edit without white space at its ends that the old and the new text have in common."""
    row = edit.row
    while edit.first < edit.last and row[edit.first].what is What.BLANK:
        blank = _text(edit.inside, row[edit.first])
        shorter = replace(edit, first=edit.first + 1, text=edit.text.removeprefix(blank))
        if not edit.text.startswith(blank) or not _may_begin(shorter):
            break
        edit = shorter
    while edit.first < edit.last and row[edit.last - 1].what is What.BLANK:
        blank = _text(edit.inside, row[edit.last - 1])
        shorter = replace(edit, last=edit.last - 1, text=edit.text.removesuffix(blank))
        if not edit.text.endswith(blank) or not _may_begin(shorter):
            break
        edit = shorter
    return edit


def _may_begin(edit: Edit) -> bool:
    """Whether white space beside the markers is harmless: between JSX tags it is shown unless it has a line break."""
    if edit.inside.kind is not ListKind.CHILDREN or edit.inside.language in DATA or not edit.text:
        return True
    head = edit.text[: len(edit.text) - len(edit.text.lstrip())]
    tail = edit.text[len(edit.text.rstrip()) :]
    return (not head or "\n" in head) and (not tail or "\n" in tail)


def _at_item(edit: Edit, first: int, last: int) -> Edit:
    """The edit; an insertion inside a gap is moved to the edge of an item where the result is the same."""
    if edit.first != edit.last:
        return edit
    right = edit
    while not _is_at_item(right) and right.first < last:
        text = _text(edit.inside, edit.inside.pieces[right.first])
        if not right.text.startswith(text):
            break
        right = replace(right, first=right.first + 1, last=right.last + 1, text=right.text[len(text) :] + text)
    if _is_at_item(right) and _may_begin(right):
        return right
    left = edit
    while not _is_at_item(left) and left.first > first:
        text = _text(edit.inside, edit.inside.pieces[left.first - 1])
        if not left.text.endswith(text):
            break
        left = replace(left, first=left.first - 1, last=left.last - 1, text=text + left.text[: -len(text)])
    return left if _is_at_item(left) and _may_begin(left) else edit


def _is_at_item(edit: Edit) -> bool:
    row, at = edit.inside.pieces, edit.first
    return any(row[each].what is What.ITEM for each in (at - 1, at) if 0 <= each < len(row))
