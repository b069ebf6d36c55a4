"""Stage 2: an anchor becomes places in a text. Every match is reported; judging them is the next stage."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from ast_grep_py import SgNode

from patcher import javascript
from patcher.errors import FileKindUnsupported
from patcher.javascript import DATA, is_program, language_of
from patcher.javascript.definitions import definitions
from patcher.javascript.items import Place, digest_of, is_between_tags, places, span_of
from patcher.javascript.jsx import is_child
from patcher.javascript.lists import ItemList
from patcher.javascript.named import all_scopes, scopes_named
from patcher.model import FILE, MODULE, Anchor, File, Located, Match, Patch, Similar, Site, Upstream, digest

_SHOWN = 60
_COMPARED = 160
"""Characters of code that is shown because it is similar: enough for the arguments of a long call."""


@lru_cache(maxsize=64)
def locate(text: str, anchor: Anchor, language: str = javascript.JAVASCRIPT, *, similar: bool = True) -> Located:
    """Find all matches of the anchor's pattern in all scopes of its name. language: as `javascript.language_of` gives.

    similar: where there is none, say what is most like it, which takes longer than all the rest.
    Remembered, so that the second build of a gate costs no second search.
    """
    if anchor.scope == FILE:
        return Located(anchor, (_whole(text),), (1,))
    scopes = scopes_named(text, anchor.scope, language)
    if not scopes:
        candidates = _similar_scopes(text, anchor, language) if similar else ()
        return Located(anchor, (), candidates=candidates, problem=f"no {anchor.scope} in the file")
    if not anchor.pattern:
        return _by_item(text, scopes, anchor, language, similar=similar)
    found = [(scope, node) for scope in scopes for node in _matching(text, scope, anchor, language)]
    matches = {javascript.span(node): _match(text, anchor, scope, node) for scope, node in found}
    # A scope inside its namesake is seen twice: the inner one comes last, and is the match's own.
    near = found[-1][0] if found else scopes[0]
    lines = tuple(javascript.line_of(each) for each in definitions(text, anchor.scope, near, language))
    if matches:
        return Located(anchor, tuple(matches.values()), lines)
    candidates = _similar_statements(scopes[0], anchor, language) if similar else ()
    return Located(anchor, (), lines, candidates, "none", _without_target(text, scopes, anchor, language))


def _without_target(text: str, scopes: list[SgNode], anchor: Anchor, language: str) -> tuple[int, ...]:
    """The lines where the pattern matches, and its target is not in it."""
    whole = replace(anchor, target="")
    found = [node for scope in scopes for node in _matching(text, scope, whole, language)] if anchor.target else []
    return tuple(javascript.line_of(node) for node in found)


def _by_item(text: str, scopes: list[SgNode], anchor: Anchor, language: str, *, similar: bool) -> Located:
    """The items that begin as the anchor says; of several the one that a pin was made of, if there is only one."""
    found = {place.item.range(): place for scope in scopes for place in places(text, scope, anchor, language)}
    near = scopes[-1]
    lines = tuple(javascript.line_of(each) for each in definitions(text, anchor.scope, near, language))
    matches = tuple(match for place in found.values() if (match := _item(text, place, anchor, language)) is not None)
    if len(matches) > 1:
        tokens = {pin.tokens for pin in anchor.pins}
        reviewed = tuple(match for match in matches if match.tokens in tokens)
        matches = reviewed if len(reviewed) == 1 else matches
    if matches:
        return Located(anchor, matches, lines)
    candidates = _similar_items(text, scopes[0], anchor, language) if similar else ()
    return Located(anchor, (), lines, candidates, "none")


def _item(text: str, place: Place, anchor: Anchor, language: str) -> Match | None:
    """None where the item has not as many pieces as the payload stands for."""
    target = _target(text, place, anchor, language)
    exact = target or span_of(place, anchor, text, language)
    if anchor.target and target is None:
        return None
    if anchor.pieces is not None and exact is None:
        return None
    first, last = javascript.span(place.item)
    if place.inside is not None:
        last = place.inside.pieces[place.last(anchor.count)].end
    start, end = exact or (first, last)
    window = _window(place.inside, place.index, anchor) if place.inside is not None else (first, last)
    return Match(
        start=start,
        end=end,
        statement_start=first,
        statement_end=last,
        window_start=window[0],
        window_end=window[1],
        line=javascript.line_of(place.item),
        tokens=digest_of(place, anchor, text, language),
        text=digest(text[window[0] : window[1]].encode()),
        shown=place.item.text().split("\n", 1)[0].strip()[:_SHOWN],
        jsx=language not in javascript.DATA and bool(is_between_tags(place.item, start)),
        list=anchor.list,
        exact=anchor.pieces is not None,
    )


def _target(text: str, place: Place, anchor: Anchor, language: str) -> tuple[int, int] | None:
    """The one node in the item that the target is; None where there is none, or more than one."""
    if not anchor.target or language in javascript.DATA:
        return None
    found = javascript.matching(text, place.item, anchor.target, language)
    return javascript.span(found[0]) if len(found) == 1 else None


def _window(inside: ItemList, index: int, anchor: Anchor) -> tuple[int, int]:
    items = inside.items
    at = items.index(index)
    above, below = items[max(at - anchor.before, 0)], items[min(at + anchor.count - 1 + anchor.after, len(items) - 1)]
    return inside.pieces[above].start, inside.pieces[below].end


def _similar_items(text: str, scope: SgNode, anchor: Anchor, language: str) -> tuple[Similar, ...]:
    everything = places(text, scope, replace(anchor, item="", count=1), language)
    return _most_similar(anchor.item, [place.item for place in everything], cutoff=0.4)


def _whole(text: str) -> Match:
    whole = digest(text.encode())
    return Match(0, len(text), 0, len(text), 0, len(text), 1, whole, whole, text.split("\n", 1)[0][:_SHOWN], exact=True)


def _matching(text: str, scope: SgNode, anchor: Anchor, language: str) -> list[SgNode]:
    found = javascript.matching(text, scope, anchor.pattern, language)
    if anchor.scope == MODULE:
        found = [node for node in found if javascript.enclosing_function(node) is None]
    if anchor.containing:
        found = [node for node in found if anchor.containing in node.text()]
    if not anchor.target:
        return found
    return [inner for node in found for inner in javascript.matching(text, node, anchor.target, language)]


def _match(text: str, anchor: Anchor, scope: SgNode, node: SgNode) -> Match:
    statement = javascript.statement_of(node)
    window = javascript.neighbours(statement, anchor.before, anchor.after)
    start, end = javascript.span(node)
    first, last = javascript.span(window[0])[0], javascript.span(window[-1])[1]
    outer = javascript.span(statement)
    return Match(
        start=start,
        end=end,
        statement_start=outer[0],
        statement_end=outer[1],
        window_start=first,
        window_end=last,
        line=javascript.line_of(statement),
        tokens=javascript.window_digest(window, scope),
        text=digest(text[first:last].encode()),
        shown=statement.text().split("\n", 1)[0].strip()[:_SHOWN],
        jsx=is_child(statement),
    )


def _similar_scopes(text: str, anchor: Anchor, language: str) -> tuple[Similar, ...]:
    from difflib import get_close_matches  # only a build that stops needs it

    lines = {str(scope): javascript.line_of(node) for scope, node in all_scopes(text, language)}
    wanted = str(replace(anchor.scope, within=None))
    return tuple(Similar(name, lines[name]) for name in get_close_matches(wanted, lines, n=3))


def _similar_statements(scope: SgNode, anchor: Anchor, language: str) -> tuple[Similar, ...]:
    kind = javascript.parse(anchor.pattern, language).child(0)
    nodes = scope.find_all(kind=kind.kind()) if kind is not None else []
    if anchor.scope == MODULE:
        nodes = [node for node in nodes if javascript.enclosing_function(node) is None]
    return _most_similar(anchor.pattern, nodes, cutoff=0.5)


def _most_similar(wanted: str, nodes: Iterable[SgNode], *, cutoff: float) -> tuple[Similar, ...]:
    """The nodes whose code begins most like `wanted`, at most three, on one line however they are laid out.

    A pattern may end before the code that it matches, so no more of the code is compared. cutoff: from 0 to 1.
    """
    from difflib import get_close_matches

    wanted = wanted[:_COMPARED]
    found: dict[str, Similar] = {}
    for node in nodes:
        code = " ".join(node.text().split())[:_COMPARED]
        found[code[: len(wanted)]] = Similar(f"`{code}`", javascript.line_of(node))
    return tuple(found[start] for start in get_close_matches(wanted, found, n=3, cutoff=cutoff))


def refuse_other_kinds(upstream: Upstream, series: Sequence[Patch]) -> None:
    """Raise where a site is in a file without a grammar, before it is read with one that is not its own."""
    wrong: dict[str, list[str]] = {}
    for patch in series:
        for site in patch.sites_for(upstream.line):
            for path in dict.fromkeys(site.file_of(anchor) for anchor in site.anchors if anchor.scope != FILE):
                file = upstream.tree.get(path)
                if file is not None and not _can_be_looked_in(path, file, site):
                    wrong.setdefault(path, []).append(site.id)
    if wrong:
        found = "; ".join(f"{path} ({', '.join(names)})" for path, names in sorted(wrong.items()))
        message = (
            "expected JavaScript or TypeScript, or an item of a list in JSON, CSS or HTML; "
            f"found sites of the series in {found}"
        )
        hint = "give them a `list` and an `item`, or replace the whole file with `scope=FILE`"
        raise FileKindUnsupported(message, where=min(wrong), hint=hint)


def _can_be_looked_in(path: str, file: File, site: Site) -> bool:
    """A pattern is a piece of a program; in JSON, CSS and HTML an item says where."""
    return is_program(path, file.data) or (
        language_of(path) in DATA and not any(anchor.pattern for anchor in site.anchors)
    )
