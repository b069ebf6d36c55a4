"""New anchors for a site that stops: the same one, its scope renamed, in another file, or at a similar statement.

Whether the payload is still correct there is not decided here: a person must read the window.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from ast_grep_py import SgNode

from patcher import javascript
from patcher.bump.model import Candidate, Kind, Reviewed
from patcher.javascript import similarity
from patcher.javascript.unique_pattern import Shape, respelled, shape_for
from patcher.locate import locate
from patcher.model import MODULE, Anchor, Match, Position, Scope, SiteResult

_LIKE_SCOPE, _LIKE_STATEMENT, _SURELY_IT = 0.4, 0.45, 0.95
_SCOPES, _STATEMENTS, _GROWTH = 4, 3, 3
_STATEMENT_KINDS = frozenset(
    {"expression_statement", "lexical_declaration", "variable_declaration", "return_statement", "throw_statement"}
)


@dataclass(frozen=True)
class Home:
    """A scope that may contain the site now. likeness: 0 to 1, of its text to the scope as reviewed."""

    file: str
    text: str
    scope: Scope
    node: SgNode
    likeness: float

    @property
    def language(self) -> str:
        """The language of its file, see `javascript.language_of`."""
        return javascript.language_of(self.file)

    def beside(self, old: Reviewed) -> str:
        """The name of the scope, with its file where that is not the reviewed one."""
        return str(self.scope) if self.file == old.file else f"{self.scope} of {self.file}"


def candidates(old: Reviewed, anchor: Anchor, texts: Mapping[str, str]) -> list[Candidate]:
    """Candidates for a site, not yet tried, the most similar first.

    old: the site as reviewed. anchor: the one that stopped. texts: the files to search by path, its own first.
    """
    if old.file in texts and locate(texts[old.file], anchor, old.language).is_unique:
        return [same(old.file, anchor)]
    if not anchor.pattern:
        return []  # the anchor of an item of a list has no pattern to search for
    homes = _homes(old, anchor, texts)
    drafts = [draft for home in homes for draft in _in_home(old, anchor, home)]
    best: dict[tuple[str, Scope, str, str], Candidate] = {}
    for draft in sorted(drafts, key=lambda each: (0.05 * _ORDER[each.kind] - each.likeness, _ORDER[each.kind])):
        best.setdefault((draft.file, draft.anchor.scope, draft.anchor.pattern, draft.anchor.target), draft)
    return list(best.values())


_ORDER = {kind: number for number, kind in enumerate(Kind)}


def same(file: str, anchor: Anchor) -> Candidate:
    """The anchor itself, where its pattern matches exactly once and only the pin is not met."""
    why = (f"the same pattern matches once in {anchor.scope}", "only a new pin is needed: read the window first")
    return Candidate(Kind.PIN, file, replace(anchor, pins=()), 1.0, why)


# --- where to look ---------------------------------------------------------------------------------------------


def _homes(old: Reviewed, anchor: Anchor, texts: Mapping[str, str]) -> list[Home]:
    was = scope_text(old)
    found = [
        home
        for file, text in texts.items()
        for home in _homes_in(file, text, anchor.scope, was, own=file == old.file)
        if home.scope == anchor.scope or home.likeness >= _LIKE_SCOPE or _has(home, anchor)
    ]
    own = [each for each in found if (each.file, each.scope) == (old.file, anchor.scope)]
    others = sorted((each for each in found if each not in own), key=lambda each: -each.likeness)
    return [*own, *others[:_SCOPES]]


def _homes_in(file: str, text: str, scope: Scope, was: str, *, own: bool) -> Iterator[Home]:
    language = javascript.language_of(file)
    if scope == MODULE or own:
        likeness = similarity.overlap(was, text) if scope == MODULE else 0.0
        yield Home(file, text, MODULE, javascript.parse(text, language), likeness)
    for name, node in javascript.named_scopes(text, language):
        if name.kind == scope.kind or own:
            yield Home(file, text, name, node, similarity.overlap(was, node.text()))


def _has(home: Home, anchor: Anchor) -> bool:
    """Whether the old pattern matches in it, nested named scopes left out."""
    return home.scope != MODULE and bool(javascript.matching(home.text, home.node, anchor.pattern, home.language))


def scope_span(result: SiteResult) -> tuple[int, int]:
    """Start and end of the scope that a site is in; of the whole text for the module scope."""
    scopes = javascript.scopes_named(
        result.text, result.located.anchor.scope, javascript.language_of(result.finding.file)
    )
    start = result.located.matches[0].start
    spans = (javascript.span(node) for node in scopes)
    return next((span for span in spans if span[0] <= start < span[1]), (0, len(result.text)))


def scope_text(old: Reviewed) -> str:
    """The text of the scope that the site was reviewed in."""
    return old.text[slice(*scope_span(old.result))]


# --- anchors in one scope --------------------------------------------------------------------------------------


def _in_home(old: Reviewed, anchor: Anchor, home: Home) -> Iterator[Candidate]:
    moved = replace(anchor, scope=home.scope, pins=())
    if home.scope != anchor.scope or home.file != old.file:
        found = locate(home.text, moved, home.language)
        if found.is_unique:
            yield _rehomed(old, moved, home, found.matches[0])
            return
    yield from _similar(old, anchor, home)


def _rehomed(old: Reviewed, anchor: Anchor, home: Home, match: Match) -> Candidate:
    likeness = similarity.likeness(statement_text(old.text, old.match), statement_text(home.text, match))
    kind = Kind.FILE if home.file != old.file else Kind.SCOPE
    why = (
        f"the same pattern matches once in {home.beside(old)}",
        f"that scope is {home.likeness:.0%} like {old.anchor.scope} as reviewed",
        f"the statement is {likeness:.0%} like the reviewed one",
    )
    return Candidate(kind, home.file, anchor, (likeness + home.likeness) / 2, why)


def statement_text(text: str, match: Match) -> str:
    """The text of the statement that a pattern matches in."""
    return text[match.statement_start : match.statement_end]


def _similar(old: Reviewed, anchor: Anchor, home: Home) -> Iterator[Candidate]:
    """Candidates at the statements most similar to the reviewed one, each with a pattern that matches nothing else."""
    alike = nearest(old, home)
    for number, (likeness, each) in enumerate(alike[:_STATEMENTS]):
        made = _anchor_at(old, anchor, home, each)
        if made is None and likeness >= _SURELY_IT:
            break  # the reviewed statement exists but has no unique pattern; a less similar one is not it
        if made is not None:
            runner_up = alike[number + 1][0] if number + 1 < len(alike) else 0.0
            yield _at_statement(old, made, home, likeness, runner_up)


def nearest(old: Reviewed, home: Home) -> list[tuple[float, SgNode]]:
    """`(likeness, node)` of the nodes in a scope that are similar to the reviewed match, the most similar first.

    Nodes of the same kind; for a whole statement that the payload is put beside, statements of any kind.
    """
    node = _reviewed_node(old)
    if node is None:
        return []
    kinds = {node.kind()}
    if old.result.site.position is not Position.REPLACE and _is_statement(node):
        kinds |= _STATEMENT_KINDS
    was, found = node.text(), dict[tuple[int, str], tuple[float, SgNode]]()
    for each in (one for kind in sorted(kinds) for one in _of_kind(home, kind)):
        text = each.text().removesuffix(";")
        if similarity.overlap(was, text) >= _LIKE_STATEMENT:  # fast, and an upper bound of the likeness
            likeness = similarity.likeness(was.removesuffix(";"), text)
            found.setdefault((javascript.span(each)[0], text), (likeness, each))
    return sorted((one for one in found.values() if one[0] >= _LIKE_STATEMENT), key=lambda one: -one[0])


def _is_statement(node: SgNode) -> bool:
    statement = javascript.statement_of(node)
    return statement.text().removesuffix(";") == node.text().removesuffix(";")


def _reviewed_node(old: Reviewed) -> SgNode | None:
    """The node that the pattern matched when it was reviewed; for an anchor with a target, the statement around it."""
    match = old.match
    span = (match.statement_start, match.statement_end) if old.anchor.target else (match.start, match.end)
    return similarity.node_at(old.text, *span, old.language)


def _of_kind(home: Home, kind: str) -> list[SgNode]:
    nodes = home.node.find_all(kind=kind)
    if home.scope == MODULE:
        return [node for node in nodes if javascript.enclosing_function(node) is None]
    return list(nodes)


def _anchor_at(old: Reviewed, anchor: Anchor, home: Home, node: SgNode) -> Anchor | None:
    """The anchor with the best pattern that matches this node and nothing else in the scope."""
    target = _target_in(old, home, node) if anchor.target else ""
    if target is None:
        return None

    def made(shape: Shape) -> Anchor:
        pattern, containing = shape
        return replace(anchor, scope=home.scope, pattern=pattern, containing=containing, target=target, pins=())

    shape = shape_for(node, Shape(anchor.pattern, anchor.containing), home.language, partial(_others, home, made, node))
    return _grown(home, made(shape)) if shape else None


def _others(home: Home, made: Callable[[Shape], Anchor], node: SgNode, shape: Shape) -> list[str] | None:
    try:
        matches = locate(home.text, made(shape), home.language).matches
    except RuntimeError:  # ast-grep rejects the pattern
        return None
    first, last = javascript.span(node)
    own = [each for each in matches if first <= each.start and each.end <= last]
    return [statement_text(home.text, each) for each in matches if each not in own] if len(own) == 1 else None


def _target_in(old: Reviewed, home: Home, node: SgNode) -> str | None:
    """A pattern for the target inside the node: the old one, or the most similar expression; None for neither."""
    target = old.anchor.target
    if len(javascript.matching(home.text, node, target, home.language)) == 1:
        return target
    match = old.match
    was = similarity.node_at(old.text, match.start, match.end, old.language)
    if was is None:
        return None
    alike = sorted(node.find_all(kind=was.kind()), key=lambda each: -similarity.likeness(was.text(), each.text()))
    if not alike or similarity.likeness(was.text(), alike[0].text()) < _LIKE_STATEMENT:
        return None
    return respelled(target, alike[0], home.language)


def _grown(home: Home, anchor: Anchor) -> Anchor:
    """The anchor with the smallest window, not smaller than the reviewed one, whose text is unique in the file."""
    grown = anchor
    for _ in range(_GROWTH):
        [match] = locate(home.text, grown, home.language).matches
        window = home.text[match.window_start : match.window_end]
        if _times(home.text, window) == 1:
            return grown
        grown = (
            replace(grown, before=grown.before + 1)
            if grown.before <= grown.after
            else replace(grown, after=grown.after + 1)
        )
    return grown


def _times(text: str, window: str) -> int:
    wanted = "\x1f".join(similarity.words(window))
    return "\x1f".join(similarity.words(text)).count(wanted)


def _at_statement(old: Reviewed, anchor: Anchor, home: Home, likeness: float, runner_up: float) -> Candidate:
    after = f"the next is {runner_up:.0%}" if runner_up else "no other is like it"
    why = [f"the statement in {home.beside(old)} most like the reviewed one: {likeness:.0%}, {after}"]
    if likeness - runner_up < 0.1:
        why.append("the margin is thin: read both")
    if home.scope != old.anchor.scope:
        why.append(f"that scope is {home.likeness:.0%} like {old.anchor.scope} as reviewed")
    kind = Kind.FILE if home.file != old.file else Kind.STATEMENT
    weight = likeness if home.scope == old.anchor.scope else likeness * (0.5 + home.likeness / 2)
    return Candidate(kind, home.file, anchor, weight, tuple(why))
