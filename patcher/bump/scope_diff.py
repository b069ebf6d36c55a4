"""What else is new in a scope since it was reviewed: 20 lines to read, not 2,000."""

import difflib
from collections.abc import Collection, Sequence

from ast_grep_py import SgNode

from patcher import javascript
from patcher.bump.model import ScopeDiff
from patcher.errors import NotReversible
from patcher.javascript.similarity import words
from patcher.markers import unsplice
from patcher.model import MODULE, SiteResult

BUDGET = 24
"""Lines of a diff that are shown; the rest is counted."""
_NEIGHBOURS = 6


def scope_diff(
    ref: str, old: SiteResult, new: SiteResult, relies_on: Collection[str], *, everything: bool = False
) -> ScopeDiff:
    """The hunks that matter most: those with a name that the payload relies on, then the nearest; or all of them."""
    scope = str(new.located.anchor.scope)
    before, _ = _scope_lines(old)
    after, at = _scope_lines(new)
    hunks = _hunks(before, after)
    chosen = sorted(hunks, key=lambda hunk: (not _names(hunk.lines) & set(relies_on), abs(hunk.line - at)))
    kept: list[_Hunk] = []
    for hunk in chosen:
        if everything or sum(len(each.lines) for each in kept) + len(hunk.lines) <= BUDGET:
            kept.append(hunk)
    if chosen and not kept:
        kept = [_Hunk(chosen[0].line, chosen[0].lines[:BUDGET])]
    lines = [line for hunk in sorted(kept, key=lambda each: each.line) for line in hunk.lines]
    return ScopeDiff(ref, tuple(lines), _changed(hunks) - _changed(kept), scope)


class _Hunk:
    """A hunk of a unified diff. line: where it is in the new text, from 0."""

    def __init__(self, line: int, lines: Sequence[str]) -> None:
        self.line = line
        self.lines = list(lines)


def _changed(hunks: Sequence[_Hunk]) -> int:
    return sum(line[:1] in {"+", "-"} for hunk in hunks for line in hunk.lines)


def _hunks(before: Sequence[str], after: Sequence[str]) -> list[_Hunk]:
    found: list[_Hunk] = []
    for line in list(difflib.unified_diff(before, after, lineterm="", n=1))[2:]:
        if line.startswith("@@"):
            found.append(_Hunk(int(line.split("+")[1].split(",")[0].split(" ")[0]), [line]))
        else:
            found[-1].lines.append(line)
    return found


def _names(lines: Sequence[str]) -> set[str]:
    return {word for line in lines if line[:1] in {"+", "-"} for word in words(line[1:])}


def _scope_lines(there: SiteResult) -> tuple[list[str], int]:
    """The lines of the scope around a site, and which of them is the site's, from 0.

    Of the module scope, the statements nearest to the site: all of a file is no scope to read.
    """
    match = there.located.matches[0]
    start, end = _scope_span(there)
    text = _unspliced(there.text[start:end]).replace("\r\n", "\n")
    return text.split("\n"), there.text.count("\n", start, match.start)


def _unspliced(text: str) -> str:
    """Without payloads: another site that stops takes them from one side, which is no change of upstream's."""
    try:
        return unsplice(text)[0]
    except NotReversible:  # it begins or ends inside one
        return text


def _scope_span(there: SiteResult) -> tuple[int, int]:
    match = there.located.matches[0]
    if there.located.anchor.scope == MODULE:
        statement = _statement_at(there, match.statement_start, match.statement_end)
        near = javascript.neighbours(statement, _NEIGHBOURS, _NEIGHBOURS)
        return javascript.span(near[0])[0], javascript.span(near[-1])[1]
    scopes = javascript.scopes_named(there.text, there.located.anchor.scope, _language(there))
    spans = [javascript.span(node) for node in scopes]
    return next(span for span in spans if span[0] <= match.start < span[1])


def _language(there: SiteResult) -> str:
    return javascript.language_of(there.finding.file)


def _statement_at(there: SiteResult, start: int, end: int) -> SgNode:
    return next(
        node
        for node in javascript.parse(there.text, _language(there)).children()
        if javascript.span(node)[0] <= start < end <= javascript.span(node)[1]
    )
