"""What a patch replaces, somewhere else in the file as well: the build goes through, and half of it is not replaced."""

from collections import Counter
from collections.abc import Sequence

from ast_grep_py import SgNode

from patcher import javascript
from patcher.bump.model import Twin
from patcher.javascript.similarity import words
from patcher.model import Position, SiteResult


def twins(old: SiteResult, new: SiteResult, there: Sequence[SiteResult]) -> tuple[Twin, ...]:
    """Where the code that a site replaces stands now, and did not when it was reviewed, and no site replaces it.

    there: every site at the new ref. Nothing for a site that only adds: what it stands beside may well come twice.
    """
    if new.site.position is not Position.REPLACE:
        return ()
    pattern = new.located.anchor.target or new.located.anchor.pattern
    known = Counter(words(each.text()) for each in _others(old, pattern))
    taken = {words(_own(each)) for each in there if each.finding.file == new.site.file and _is_other(each, new)}
    found = []
    for each in _others(new, pattern):
        said = words(each.text())
        if known[said]:
            known[said] -= 1
        elif said not in taken:
            found.append(Twin(javascript.line_of(each), _scope(new, each), each.text().splitlines()[0]))
    return tuple(found)


def _is_other(each: SiteResult, site: SiteResult) -> bool:
    return bool(each.located.matches) and each.id != site.id


def _others(there: SiteResult, pattern: str) -> list[SgNode]:
    """The statements with what the pattern matches, but for the site's own."""
    start = there.located.matches[0].statement_start
    return [each for each in _statements(there, pattern) if javascript.span(each)[0] != start]


def _statements(there: SiteResult, pattern: str) -> list[SgNode]:
    language = javascript.language_of(there.finding.file)
    found = javascript.matching(there.text, javascript.parse(there.text, language), pattern, language)
    return [javascript.statement_of(node) for node in found]


def _own(there: SiteResult) -> str:
    match = there.located.matches[0]
    return there.text[match.statement_start : match.statement_end]


def _scope(there: SiteResult, node: SgNode) -> str:
    """The innermost named scope around it."""
    first, last = javascript.span(node)
    around = [
        (end - start, str(scope))
        for scope, each in javascript.named_scopes(there.text, javascript.language_of(there.finding.file))
        for start, end in [javascript.span(each)]
        if start <= first and last <= end
    ]
    return min(around)[1] if around else "module"
