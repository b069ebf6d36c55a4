"""An item of a list, found by how it begins, and the digest of the window around it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from ast_grep_py import SgNode

from patcher.javascript.digest import tokens
from patcher.javascript.lists import ItemList, Piece, What, header_of, list_of, lists_of_kind, owners
from patcher.javascript.tree import DATA, span
from patcher.model import Anchor, ListKind

_BLANKS = re.compile(r"\s+")
_BIG = frozenset({ListKind.STATEMENTS, ListKind.MEMBERS, ListKind.CHILDREN, ListKind.RULES})
_LONG = 200
_SEPARATORS = frozenset({",", ";"})


@dataclass(frozen=True)
class Place:
    """An item: the piece `index` of a list; of no list where the scope itself is meant, and then `index` is 0."""

    item: SgNode
    inside: ItemList | None
    index: int
    scope: SgNode

    def begins(self, text: str, wanted: str) -> bool:
        """Whether the item begins with these characters, blanks left out. wanted: `squeezed`."""
        return self.inside is not None and begins_with(text, self.inside.pieces[self.index], wanted)

    def last(self, count: int) -> int:
        """The piece that is the last of `count` neighbouring items, from this one on."""
        if self.inside is None:
            return self.index
        following = [each for each in self.inside.items if each >= self.index][:count]
        return following[-1]


def places(text: str, scope: SgNode, anchor: Anchor, language: str) -> list[Place]:
    """The items that begin as the anchor says, in this scope."""
    if anchor.list is None:
        return [Place(scope, None, 0, scope)]
    wanted = squeezed(anchor.item)
    found: dict[tuple[int, int], Place] = {}
    for each in _lists(text, scope, anchor.list, language):
        for number, index in enumerate(each.items):
            piece = each.pieces[index]
            begins = begins_with(text, piece, wanted)
            if begins and len(each.items) - number >= anchor.count:
                found[piece.start, piece.end] = Place(each.node_at(index), each, index, scope)
    return [found[place] for place in sorted(found)]


def _lists(text: str, scope: SgNode, kind: ListKind, language: str) -> Iterator[ItemList]:
    start, end = span(scope) if scope.parent() is not None else (0, len(text))
    for each in lists_of_kind(text, kind, language):
        first, last = span(each.node)
        if start <= first and last <= end:
            yield each


def begins_with(text: str, piece: Piece, wanted: str) -> bool:
    """Whether a piece begins with these characters, blanks left out. wanted: `squeezed`."""
    if not wanted:
        return True
    if text[piece.start] != wanted[0] and not text[piece.start].isspace():
        return False
    head = text[piece.start : min(piece.end, piece.start + 3 * len(wanted) + _LONG)]
    return squeezed(head).startswith(wanted)


def squeezed(text: str) -> str:
    """The text without blanks."""
    return _BLANKS.sub("", text)


def span_of(place: Place, anchor: Anchor, text: str, language: str) -> tuple[int, int] | None:
    """The characters that an exact payload stands for; None where there are not so many pieces."""
    if anchor.pieces is None:
        return None
    in_header = anchor.header or place.inside is None
    row = header_of(text, place.item, language) if in_header or place.inside is None else place.inside.pieces
    base = 0 if in_header else place.index
    first, last = base + anchor.pieces[0], base + anchor.pieces[1]
    if not 0 <= first <= last <= len(row):
        return None
    start = row[first].start if first < len(row) else row[-1].end
    return start, row[last - 1].end if last > first else start


def digest_of(place: Place, anchor: Anchor, text: str, language: str) -> str:
    """SHA-256 over the window: the items, or the header, and the neighbours; and the headers on the way from the scope.

    Neighbours that hold blocks count with their headers only: what is inside of them is not what we stand beside.
    """
    stream = [*_way(place, text, language), "\x1e"]
    if anchor.header or place.inside is None:
        row = header_of(text, place.item, language)
        stream += [*_header(row, language, place.item), "\x1e", "".join(piece.what[0] for piece in row)]
        if anchor.pieces is not None:
            replaced = row[slice(*anchor.pieces)]
            stream += [text[each.start : each.end] for each in replaced if each.what is What.COMMENT]
            stream += [text[each.start : each.end] for each in replaced if each.inner is not None]
    if place.inside is not None:
        stream += _neighbourhood(place, place.inside, anchor, text, language)
    return sha256("\x1f".join(stream).encode()).hexdigest()


def _neighbourhood(place: Place, inside: ItemList, anchor: Anchor, text: str, language: str) -> Iterator[str]:
    items = list(inside.items)
    at = items.index(place.index)
    touched = _touched(place, inside, anchor)
    first, last = max(at - anchor.before, 0), at + anchor.count - 1 + anchor.after
    yield from ["^"] if at < anchor.before else []
    for number in range(first, min(last + 1, len(items))):
        piece = inside.pieces[items[number]]
        yield "\x1e"
        own = at <= number < at + anchor.count
        if own and anchor.header:
            continue
        if own and (touched is None or touched[0] <= items[number] < touched[1]):
            yield from _tokens(inside.node_at(items[number]), language)
        else:
            yield from identity(text, piece, inside.node_at(items[number]), language)
    yield from ["$"] if last >= len(items) else []
    if touched is not None:
        yield from _gaps(inside, *touched, text)


def _touched(place: Place, inside: ItemList, anchor: Anchor) -> tuple[int, int] | None:
    """The pieces that an exact payload replaces; None where the payload is not exact."""
    del inside
    if anchor.pieces is None or anchor.header:
        return None
    return place.index + anchor.pieces[0], place.index + anchor.pieces[1]


def _gaps(inside: ItemList, first: int, last: int, text: str) -> Iterator[str]:
    """The bytes of gaps that a payload replaces or stands in the middle of: there, they must be the same."""
    row = inside.pieces
    is_item = [piece.what is What.ITEM for piece in row]

    def at_edge(index: int) -> bool:
        return index in {0, len(row)} or is_item[index - 1] or is_item[index]

    if not 0 <= first <= last <= len(row):
        yield "\x1d"
        return
    while not at_edge(first):
        first -= 1
    while last < len(row) and not at_edge(last):
        last += 1
    yield "\x1e"
    yield from (text[piece.start : piece.end] for piece in row[first:last] if piece.what is not What.ITEM)


def identity(text: str, piece: Piece, node: SgNode, language: str) -> Iterator[str]:
    """What a neighbour is known by: all its tokens, or where it holds blocks or is long, those of its header."""
    row = header_of(text, node, language)
    big = piece.end - piece.start > _LONG or any(each.inner is not None and each.inner.kind in _BIG for each in row)
    return _header(row, language, node) if big else _tokens(node, language)


def _header(row: Sequence[Piece], language: str, item: SgNode) -> Iterator[str]:
    """The tokens of a header, and the kind of each list in it."""
    keeps = item.kind() == "for_statement"
    for piece in row:
        if piece.inner is not None:
            yield f"\x1d{piece.inner.kind}"
        elif piece.what is What.TOKEN and piece.node is not None:
            text = piece.node.text()
            if keeps or text not in _SEPARATORS:
                yield from _tokens(piece.node, language) if piece.node.is_leaf() else [_squeezed_tag(piece)]


def _squeezed_tag(piece: Piece) -> str:
    node = piece.node
    if node is None:
        return ""
    if node.kind() in {"string", "template_string", "regex"}:
        return "".join(tokens(node))
    start, _ = span(node)
    return squeezed(node.text()[: piece.end - start])


def _tokens(node: SgNode, language: str) -> Iterator[str]:
    if language in DATA:
        return _leaves(node)
    return tokens(node)


def _leaves(node: SgNode) -> Iterator[str]:
    if node.kind() == "comment":
        return
    children = node.children()
    if not children:
        yield from [node.text()] if node.text() != ";" else []
    for child in children:
        yield from _leaves(child)


def _way(place: Place, text: str, language: str) -> Iterator[str]:
    """The headers of the items around, from the scope to the list, outside in, and which list of each."""
    inside = place.inside
    if inside is None:
        return
    yield str(inside.kind)
    left, right = span(place.scope)
    kinds = owners(language)
    steps: list[list[str]] = []
    child = inside.node
    for parent in inside.node.ancestors():
        first, last = span(parent)
        if first < left or last > right:
            break
        owned = list_of(text, parent, language) if parent.kind() in kinds else None
        if owned is not None and span(child) != (left, right) and _is_in(span(child), owned.start, owned.end):
            row = header_of(text, child, language)
            lists = [each.inner for each in row if each.inner is not None]
            which = [
                str(number)
                for number, each in enumerate(lists)
                if _is_in((inside.start, inside.end), each.start, each.end)
            ]
            steps.append([str(owned.kind), *_header(row, language, child), *which, "\x1e"])
        child = parent
    for step in reversed(steps):
        yield from step


def _is_in(place: tuple[int, int], start: int, end: int) -> bool:
    return start <= place[0] and place[1] <= end


def is_between_tags(scope: SgNode, offset: int) -> bool | None:
    """Whether a place is between the tags of JSX; None where no comment may stand: in a string, in text, in a tag."""
    node = scope.get_root().root()
    while True:
        inner = next((child for child in node.children() if span(child)[0] < offset < span(child)[1]), None)
        if inner is None:
            break
        node = inner
    kind = node.kind()
    if kind == "jsx_element":
        return True
    if node.is_leaf() or kind in {"string", "template_string", "regex", "jsx_text", "comment", "jsx_closing_element"}:
        return None
    return False
