"""A page made shorter, step by step, until it is a comment that GitHub takes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from patcher.report.model import Problem
from patcher.report.sites import Groups, Item
from patcher.report.wording import counted

if TYPE_CHECKING:
    from patcher.bump.model import Bump, ContractRegression
    from patcher.matrix.model import Matrix, RefResult
    from patcher.model import Finding
    from patcher.prove.contract import ProofResult

LIMIT = 65_536
"""Of the body of a comment or a pull request, in characters; counted as UTF-16 does, which never counts fewer."""
_HEADROOM = 536  # for a caller's prefix
_ROWS = 40


@dataclass(frozen=True)
class Page:
    """All that the templates read. refs: the rows of the grid. anchors: see `sites`. left_out: what did not fit.

    next_steps: a sentence and a command, which may be empty. unproven: why there are no contracts to show.
    """

    title: str
    headline: str
    version: str
    next_steps: list[tuple[str, str]]
    grid: "Matrix | None"
    repository: str
    refs: "tuple[RefResult, ...]"
    groups: Groups
    anchors: dict[tuple[str, str], str]
    bump: "Bump | None"
    superseded: "tuple[Finding, ...]"
    contracts: "tuple[ProofResult, ...]"
    unproven: str
    reasons: "list[tuple[ContractRegression, list[str]]]"
    problems: list[Problem]
    left_out: tuple[str, ...] = ()


def fitted(page: Page, rendered: Callable[[Page], str]) -> str:
    """The text of the first of ever shorter pages that fits; each says what it leaves out."""
    text = ""
    for each in _shorter(page):
        text = rendered(each)
        if _size(text) <= LIMIT - _HEADROOM:
            return text
    return _cut(text)


def _size(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _shorter(page: Page) -> Iterator[Page]:
    """The least missed goes first: what fits, then old refs, then stops from the last one on."""
    yield page
    page = _fits_without(page, "what else is new in the scopes", lambda item: replace(item, scope_diff=None))
    yield page
    page = _fits_without(page, "the windows of what fits", lambda item: replace(item, windows=()))
    yield page
    older = len(page.refs) - _ROWS
    if older > 0:
        page = replace(page, refs=page.refs[older:], left_out=(*page.left_out, f"{older} older refs of the table"))
    yield page
    for count in range(1, 1 + sum(len(items) for _, items in page.groups)):
        yield _without_last(page, count)


def _fits_without(page: Page, said: str, shortened: Callable[[Item], Item]) -> Page:
    groups = [(heading, [each if each.stops else shortened(each) for each in items]) for heading, items in page.groups]
    return replace(page, groups=groups, left_out=(*page.left_out, *([said] if groups != page.groups else [])))


def _without_last(page: Page, count: int) -> Page:
    groups, left = [], sum(len(items) for _, items in page.groups) - count
    for heading, items in page.groups:
        kept = items[:left]
        left -= len(kept)
        groups += [(heading, kept)] if kept else []
    return replace(page, groups=groups, left_out=(*page.left_out, f"the last {counted(count, 'entry', 'entries')}"))


def _cut(text: str) -> str:
    """The lines that fit, of a page without fences: without any item, each line is complete in itself."""
    note = "\n\n> Cut here, because GitHub takes no more than 65,536 characters."
    kept, size = [], _size(note)
    for line in text.splitlines():
        size += _size(line) + 1
        if size > LIMIT - _HEADROOM:
            break
        kept.append(line)
    return "\n".join(kept).rstrip() + note + "\n"
