"""What upstream changed at a site since its review: its code, its scope, and new copies of the code it replaces."""

import difflib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ast_grep_py import SgNode

from patcher import javascript
from patcher.bump.candidates import Home, nearest, scope_span, scope_text, statement_text
from patcher.bump.model import Change, Reviewed, ScopeDiff, Twin
from patcher.errors import NotReversible
from patcher.javascript import language_of, similarity
from patcher.javascript.similarity import words
from patcher.locate import locate
from patcher.markers import unsplice
from patcher.model import MODULE, Anchor, Position, SiteResult, Verdict

_RENAMED, _SPLIT, _PIECE, _EDITED = 0.6, 0.8, 0.25, 0.6


def change_of(old: Reviewed, result: SiteResult, texts: Mapping[str, str]) -> tuple[Change, str]:
    """What happened to a site that stops, and a sentence on it. texts: the files to search, by path."""
    anchor, located = result.located.anchor, result.located
    if result.finding.verdict is Verdict.AMBIGUOUS:
        if len(located.scopes) > 1:
            lines = ", ".join(map(str, located.scopes))
            return Change.DUPLICATED, f"{anchor.scope} is defined {len(located.scopes)} times, at lines {lines}"
        return Change.DUPLICATED, f"the code is there {len(located.matches)} times"
    if result.finding.verdict is Verdict.DRIFTED:
        return _drifted(old, result, texts.get(old.file, ""))
    if (not located.scopes and anchor.scope != MODULE) or old.file not in texts:
        return _scope_gone(old, anchor, texts)
    return _statement_gone(old, anchor, texts)


def _drifted(old: Reviewed, result: SiteResult, text: str) -> tuple[Change, str]:
    now = result.located.matches[0]
    was, found = old.text[old.match.window_start : old.match.window_end], text[now.window_start : now.window_end]
    if words(was) == words(found):
        return Change.SURROUNDED, "the statement is as reviewed; a block or a function around it is not"
    return Change.EDITED, f"the window was edited: {similarity.likeness(was, found):.0%} of it is as reviewed"


def _scope_gone(old: Reviewed, anchor: Anchor, texts: Mapping[str, str]) -> tuple[Change, str]:
    file, was = old.file, scope_text(old)
    gone = "the file is gone" if file not in texts else f"{anchor.scope} is gone from the file"
    homes = sorted(_homes(anchor, was, texts), key=lambda home: -home.likeness)
    same = next((each for each in homes if each.scope == anchor.scope and each.likeness >= _EDITED), None)
    if same:
        return Change.MOVED, f"{gone}; {anchor.scope} is in {same.file} now, {same.likeness:.0%} as it was"
    match [each for each in homes[:2] if each.file == file]:
        case [one, other] if _are_pieces(was, one.node.text(), other.node.text()):
            return Change.SPLIT, f"{gone}; what was in it is in {one.scope} and {other.scope}"
    if homes and homes[0].likeness >= _RENAMED:
        change = Change.RENAMED if homes[0].file == file else Change.MOVED
        return change, f"{gone}; {homes[0].beside(old)} is {homes[0].likeness:.0%} like it"
    return Change.DELETED, f"{gone}, and nothing in the tree is like it"


def _are_pieces(was: str, one: str, other: str) -> bool:
    """Whether the two texts together contain the former one, and neither does alone."""
    together = similarity.covered(was, one + other)
    return together >= _SPLIT and together - max(similarity.covered(was, one), similarity.covered(was, other)) >= _PIECE


def _homes(anchor: Anchor, was: str, texts: Mapping[str, str]) -> Iterator[Home]:
    """The scopes of the same kind, in all files."""
    for path, text in texts.items():
        for scope, node in javascript.named_scopes(text, language_of(path)):
            if scope.kind == anchor.scope.kind:
                yield Home(path, text, scope, node, similarity.overlap(was, node.text()))


def _statement_gone(old: Reviewed, anchor: Anchor, texts: Mapping[str, str]) -> tuple[Change, str]:
    elsewhere = _elsewhere(old, anchor, texts)
    if elsewhere:
        return Change.MOVED, f"the statement is not in {anchor.scope} any more; it is in {elsewhere}"
    text = texts[old.file]
    scopes = javascript.scopes_named(text, anchor.scope, old.language)
    found = [nearest(old, Home(old.file, text, anchor.scope, scope, 0.0)) for scope in scopes]
    alike = max((each[0][0] for each in found if each), default=0.0)
    if alike >= _EDITED:
        return Change.EDITED, f"the statement was edited: the nearest in {anchor.scope} is {alike:.0%} like it"
    most = f"the most similar statement there is {alike:.0%} like it" if alike else "nothing in it is similar"
    return Change.DELETED, f"the statement is gone from {anchor.scope}; {most}"


def _elsewhere(old: Reviewed, anchor: Anchor, texts: Mapping[str, str]) -> str:
    for path, text in texts.items():
        for scope, node in javascript.named_scopes(text, language_of(path)):
            own = (path, scope) == (old.file, anchor.scope)
            if not own and len(locate(text, replace(anchor, scope=scope), language_of(path)).matches) == 1:
                return Home(path, text, scope, node, 0.0).beside(old)
    return ""


# --- what else is new in the scope -----------------------------------------------------------------------------

_MAX_DIFF = 24
"""Lines of a diff that are shown; the others are counted."""
_NEIGHBOURS = 6


@dataclass(frozen=True)
class _Hunk:
    """A hunk of a unified diff. line: where it is in the new text, from 0."""

    line: int
    lines: list[str]

    @property
    def changed(self) -> list[str]:
        return [line[1:] for line in self.lines if line[:1] in {"+", "-"}]

    @property
    def names(self) -> set[str]:
        return {word for line in self.changed for word in words(line)}


def scope_diff(old: Reviewed, new: SiteResult, relies_on: Collection[str], *, everything: bool = False) -> ScopeDiff:
    """The most relevant hunks: those with a name that the payload relies on, then the nearest ones; or all of them."""
    before, _ = _scope_lines(old.result)
    after, at = _scope_lines(new)
    hunks = _hunks(before, after)
    best = sorted(hunks, key=lambda hunk: (hunk.names.isdisjoint(relies_on), abs(hunk.line - at)))
    kept: list[_Hunk] = []
    for hunk in best:
        if everything or sum(len(each.lines) for each in kept) + len(hunk.lines) <= _MAX_DIFF:
            kept.append(hunk)
    kept = kept or [_Hunk(each.line, each.lines[:_MAX_DIFF]) for each in best[:1]]
    lines = [line for hunk in sorted(kept, key=lambda each: each.line) for line in hunk.lines]
    left_out = sum(len(each.changed) for each in hunks) - sum(len(each.changed) for each in kept)
    return ScopeDiff(old.ref, tuple(lines), left_out, str(new.located.anchor.scope))


def _hunks(before: Sequence[str], after: Sequence[str]) -> list[_Hunk]:
    found: list[_Hunk] = []
    for line in list(difflib.unified_diff(before, after, lineterm="", n=1))[2:]:
        if line.startswith("@@"):
            found.append(_Hunk(int(line.split("+")[1].split(",")[0].split(" ")[0]), [line]))
        else:
            found[-1].lines.append(line)
    return found


def _scope_lines(result: SiteResult) -> tuple[list[str], int]:
    """The lines of the scope around a site, and the index of the site's line.

    Of the module scope only the statements near the site: a whole file would be too long to read.
    """
    match = result.located.matches[0]
    start, end = scope_span(result)
    if result.located.anchor.scope == MODULE:
        nodes = javascript.parse(result.text, language_of(result.finding.file)).children()
        spans = ((node, *javascript.span(node)) for node in nodes)
        own = next(
            node for node, first, last in spans if first <= match.statement_start and match.statement_end <= last
        )
        near = javascript.neighbours(own, _NEIGHBOURS, _NEIGHBOURS)
        start, end = javascript.span(near[0])[0], javascript.span(near[-1])[1]
    text = _unspliced(result.text[start:end]).replace("\r\n", "\n")
    return text.split("\n"), result.text.count("\n", start, match.start)


def _unspliced(text: str) -> str:
    """The text without payloads: if another site stops, they are on one side only, and upstream did not change them."""
    try:
        return unsplice(text)[0]
    except NotReversible:  # the text begins or ends inside a payload
        return text


# --- new copies of the code that a patch replaces --------------------------------------------------------------


def twins(old: SiteResult, new: SiteResult, results: Sequence[SiteResult]) -> tuple[Twin, ...]:
    """New copies of the code that a site replaces, which no site replaces: the build succeeds without patching them.

    results: every site at the new ref. Empty for a site that only adds: the code beside it may occur more than once.
    """
    if new.site.position is not Position.REPLACE:
        return ()
    pattern = new.located.anchor.target or new.located.anchor.pattern
    known = Counter(words(each.text()) for each in _other_statements(old, pattern))
    sites = [
        each for each in results if each.finding.file == new.site.file and each.located.matches and each.id != new.id
    ]
    replaced = {words(statement_text(each.text, each.located.matches[0])) for each in sites}
    found = []
    for each in _other_statements(new, pattern):
        code = words(each.text())
        if known[code]:
            known[code] -= 1
        elif code not in replaced:
            found.append(Twin(javascript.line_of(each), _scope_of(new, each), each.text().splitlines()[0]))
    return tuple(found)


def _other_statements(result: SiteResult, pattern: str) -> list[SgNode]:
    """The statements in which the pattern matches, except the site's own."""
    language = language_of(result.finding.file)
    found = javascript.matching(result.text, javascript.parse(result.text, language), pattern, language)
    statements = [javascript.statement_of(node) for node in found]
    return [each for each in statements if javascript.span(each)[0] != result.located.matches[0].statement_start]


def _scope_of(result: SiteResult, node: SgNode) -> str:
    """The innermost named scope around it."""
    first, last = javascript.span(node)
    around = [
        (end - start, str(scope))
        for scope, each in javascript.named_scopes(result.text, language_of(result.finding.file))
        for start, end in [javascript.span(each)]
        if start <= first and last <= end
    ]
    return min(around)[1] if around else "module"
