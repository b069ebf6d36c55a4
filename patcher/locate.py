"""Stage 2: an anchor becomes places in a text. Every match is reported; judging them is the next stage."""

from dataclasses import replace
from functools import lru_cache

from ast_grep_py import SgNode

from patcher import javascript
from patcher.javascript.definitions import definitions
from patcher.javascript.jsx import is_child
from patcher.model import MODULE, Anchor, Located, Match, digest

_SHOWN = 60


@lru_cache(maxsize=64)
def locate(text: str, anchor: Anchor, language: str = javascript.JAVASCRIPT) -> Located:
    """Find all matches of the anchor's pattern in all scopes of its name. language: as `javascript.language_of` gives.

    Remembered, so that the second build of a gate costs no second search.
    """
    scopes = javascript.scopes_named(text, anchor.scope, language)
    if not scopes:
        return Located(
            anchor, (), candidates=_similar_scopes(text, anchor, language), problem=f"no {anchor.scope} in the file"
        )
    found = [(scope, node) for scope in scopes for node in _matching(text, scope, anchor, language)]
    places = {javascript.span(node): _match(text, anchor, scope, node) for scope, node in found}
    # A scope inside its namesake is seen twice: the inner one comes last, and is the match's own.
    near = found[-1][0] if found else scopes[0]
    lines = tuple(javascript.line_of(each) for each in definitions(text, anchor.scope, near, language))
    if places:
        return Located(anchor, tuple(places.values()), lines)
    problem = _without_target(text, scopes, anchor, language) or "none"
    return Located(anchor, (), lines, _similar_statements(scopes[0], anchor, language), problem)


def _without_target(text: str, scopes: list[SgNode], anchor: Anchor, language: str) -> str:
    """Where the pattern matches, and its target is not in it; empty otherwise."""
    whole = replace(anchor, target="")
    found = [node for scope in scopes for node in _matching(text, scope, whole, language)] if anchor.target else []
    lines = " and ".join(f"line {javascript.line_of(node)}" for node in found)
    return f"the pattern at {lines}, and no such target in it" if found else ""


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


def _similar_scopes(text: str, anchor: Anchor, language: str) -> tuple[str, ...]:
    from difflib import get_close_matches  # only a build that stops needs it

    lines = {str(scope): javascript.line_of(node) for scope, node in javascript.named_scopes(text, language)}
    return tuple(f"{name} (line {lines[name]})" for name in get_close_matches(str(anchor.scope), lines, n=3))


def _similar_statements(scope: SgNode, anchor: Anchor, language: str) -> tuple[str, ...]:
    from difflib import get_close_matches

    kind = javascript.parse(anchor.pattern, language).child(0)
    nodes = scope.find_all(kind=kind.kind()) if kind is not None else []
    if anchor.scope == MODULE:
        nodes = [node for node in nodes if javascript.enclosing_function(node) is None]
    lines = {node.text().split("\n", 1)[0][:_SHOWN]: javascript.line_of(node) for node in nodes}
    close = get_close_matches(anchor.pattern[:_SHOWN], lines, n=3, cutoff=0.5)
    return tuple(f"`{text}` (line {lines[text]})" for text in close)
