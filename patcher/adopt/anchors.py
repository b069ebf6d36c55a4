"""The anchor of an edit: the shortest unique scope, the item in it, and the smallest unique window."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from patcher.adopt.compare import Edit
from patcher.javascript.definitions import definitions
from patcher.javascript.items import Place, digest_of, places, squeezed
from patcher.javascript.lists import ItemList, list_of
from patcher.javascript.named import around, scopes_named
from patcher.javascript.tree import DATA, parse, span
from patcher.locate import locate
from patcher.model import MODULE, Anchor, ListKind, Pin, Scope

_LONGEST = 48
_SHORTEST = 12
_MOST_NEIGHBOURS = 6
_ORDER_FREE_LISTS = frozenset({ListKind.IMPORTS, ListKind.MEMBERS, ListKind.PAIRS})
_ORDER_FREE = frozenset(
    {
        *("function_declaration", "generator_function_declaration", "import_statement", "interface_declaration"),
        *("type_alias_declaration", "method_definition", "property_signature", "method_signature"),
    }
)


@dataclass(frozen=True)
class Anchored:
    """An edit with its anchor and the pin of the code there."""

    edit: Edit
    anchor: Anchor
    pin: Pin


def anchored(edit: Edit, reviewed: str) -> Anchored | None:
    """The anchor of an edit; None where no code around it is unique in the file."""
    inside, text, language = edit.inside, edit.inside.text, edit.inside.language
    for scope in _scopes(edit, text, language):
        for draft in _drafts(edit, scope):
            found = _unique(draft, edit, text, language)
            if found is None:
                continue
            anchor, tokens = found
            located = locate(text, replace(anchor, pins=(Pin(tokens, "", 1),)), inside.language)
            if located.is_unique and (located.matches[0].start, located.matches[0].end) == (edit.start, edit.end):
                match = located.matches[0]
                return Anchored(edit, anchor, Pin(match.tokens, match.text, match.line, reviewed))
    return None


def all_anchored(edits: Sequence[Edit], reviewed: str) -> tuple[list[Anchored], list[Edit]]:
    """The edits with their anchors, and those that have none.

    Where no code around an edit is unique, the whole enclosing item is replaced, with all edits in it.
    """
    waiting = list(edits)
    found: list[Anchored] = []
    lost: list[Edit] = []
    while waiting:
        edit = waiting.pop(0)
        made = anchored(edit, reviewed)
        larger = _lifted(edit, [edit, *waiting, *(each.edit for each in found)]) if made is None else None
        if made is not None:
            found.append(made)
        elif larger is None:
            lost.append(edit)
        else:
            waiting = [larger, *(each for each in waiting if not _is_in(each, larger))]
            found = [each for each in found if not _is_in(each.edit, larger)]
    return sorted(found, key=lambda each: (each.edit.start, each.edit.end)), lost


def _is_in(edit: Edit, larger: Edit) -> bool:
    return larger.start <= edit.start and edit.end <= larger.end


def _lifted(edit: Edit, edits: Sequence[Edit]) -> Edit | None:
    """The edit that replaces the item around an edit, including all of `edits` in it; None at the top level."""
    text = edit.inside.text
    if edit.item >= 0:
        whole = Edit(edit.inside, edit.item, edit.item + 1, "")
    else:
        found = _item_around(edit.inside)
        if found is None:
            return None
        whole = Edit(*found, found[1] + 1, "")
    inner = sorted((each for each in edits if _is_in(each, whole)), key=lambda each: (each.start, each.end))
    out = text[whole.start : whole.end]
    for each in reversed(inner):
        out = out[: each.start - whole.start] + each.text + out[each.end - whole.start :]
    return replace(whole, text=out)


def _item_around(inside: ItemList) -> tuple[ItemList, int] | None:
    """The item that encloses a list: its own list, and the index of its piece."""
    child = inside.node
    for parent in inside.node.ancestors():
        outer = list_of(inside.text, parent, inside.language)
        if outer is not None:
            place = span(child)
            for index in outer.items:
                if (outer.pieces[index].start, outer.pieces[index].end) == place:
                    return outer, index
        child = parent
    return None


def _scopes(edit: Edit, text: str, language: str) -> Iterator[Scope]:
    """The unique scopes around an edit, the innermost first, each with the shortest name."""
    place = span(edit.inside.node) if edit.item < 0 else span(edit.inside.node_at(edit.item))
    names = around(text, place, language)
    for number, (scope, node) in enumerate(names):
        for outer in (None, *(each for each, _ in names[number + 1 :])):
            named = replace(scope, within=outer)
            found = scopes_named(text, named, language)
            if len(found) == 1 and span(found[0]) == span(node) and len(definitions(text, named, node, language)) == 1:
                yield named
                break
    yield MODULE


def _drafts(edit: Edit, scope: Scope) -> Iterator[Anchor]:
    """The possible anchors: at the edited item, or at the item beside the edit."""
    inside, text = edit.inside, edit.inside.text
    if edit.item >= 0:
        node = edit.inside.node_at(edit.item)
        if scope.kind not in {"module", "pointer"}:
            nodes = scopes_named(text, scope, inside.language)
            if [span(each) for each in nodes] == [span(node)]:
                yield Anchor(scope, pieces=(edit.first, edit.last), header=True)
                return
        yield _draft(edit, scope, edit.item, (edit.first, edit.last))
        return
    own = [index for index in inside.items if edit.first <= index < edit.last]
    if own:
        pieces = (edit.first - own[0], edit.last - own[0])
        yield replace(_draft(edit, scope, own[0], pieces), count=len(own))
        return
    before = [index for index in inside.items if index < edit.first]
    after = [index for index in inside.items if index >= edit.last]
    free = _is_order_free(edit)
    if before and (not after or edit.first == before[-1] + 1 or edit.last != after[0]):
        pieces = edit.first - before[-1], edit.last - before[-1]
        yield replace(_draft(edit, scope, before[-1], pieces), after=0 if free else 1)
    elif after:
        pieces = edit.first - after[0], edit.last - after[0]
        yield replace(_draft(edit, scope, after[0], pieces), before=0 if free else 1)


def _draft(edit: Edit, scope: Scope, index: int, pieces: tuple[int, int]) -> Anchor:
    return Anchor(
        scope, list=edit.inside.kind, item=_beginning(edit.inside, index), pieces=pieces, header=edit.item >= 0
    )


def _beginning(inside: ItemList, index: int) -> str:
    """The beginning of the text of an item, white space folded."""
    piece = inside.pieces[index]
    return " ".join(inside.text[piece.start : piece.end][: _LONGEST * 2].split())[:_LONGEST]


def _is_order_free(edit: Edit) -> bool:
    """Whether the place of new items among their neighbours does not matter.

    Functions are hoisted; the order of imports, members and keys with different names has no meaning.
    """
    inside = edit.inside
    if edit.first != edit.last or edit.item >= 0:
        return False
    if inside.kind in _ORDER_FREE_LISTS:
        return True
    if inside.kind is not ListKind.STATEMENTS or inside.language in DATA:
        return False
    new = [child for child in parse(edit.text, inside.language).children() if child.kind() != "comment"]
    return bool(new) and all(child.kind() in _ORDER_FREE for child in new)


def _unique(draft: Anchor, edit: Edit, text: str, language: str) -> tuple[Anchor, str] | None:
    """The anchor with the shortest unique item and the smallest unique window, and the digest of its tokens."""
    nodes = scopes_named(text, draft.scope, language)
    if draft.list is None:
        [place] = [Place(node, None, 0, node) for node in nodes]
        return draft, digest_of(place, draft, text, language)
    everything = [place for node in nodes for place in places(text, node, replace(draft, item=""), language)]
    index = edit.item if edit.item >= 0 or draft.pieces is None else edit.first - draft.pieces[0]
    piece = edit.inside.pieces[index]
    mine = next((each for each in everything if span(each.item) == (piece.start, piece.end)), None)
    if mine is None:
        return None
    draft = replace(draft, item=_shortest(draft.item, everything, text))
    wanted = squeezed(draft.item)
    same = [each for each in everything if each.begins(text, wanted)]
    for grown in range(_MOST_NEIGHBOURS):
        window = replace(draft, before=draft.before + (grown + 1) // 2, after=draft.after + grown // 2)
        tokens = digest_of(mine, window, text, language)
        if sum(digest_of(each, window, text, language) == tokens for each in same) == 1:
            return window, tokens
    return None


def _shortest(item: str, everything: list[Place], text: str) -> str:
    """The shortest unique beginning of an item, by whole words; all of `item` where no beginning is unique."""
    ends = [at for at in range(1, len(item) + 1) if at == len(item) or not (item[at - 1 : at + 1].isalnum())]
    for end in ends:
        short = squeezed(item[:end])
        if sum(each.begins(text, short) for each in everything) == 1 and len(short) >= _SHORTEST:
            return item[:end].strip()
    return item
