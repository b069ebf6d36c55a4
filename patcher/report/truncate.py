"""Shorten a page step by step until it fits GitHub's limit for a comment."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from patcher.report.sites import Groups, Item
from patcher.report.wording import counted

if TYPE_CHECKING:
    from patcher.matrix.model import RefResult

LIMIT = 65_536
"""Of the body of a comment or a pull request, in characters. We count UTF-16 units, which are never fewer."""
_HEADROOM = 536  # for a caller's prefix
_ROWS = 40


@dataclass(frozen=True)
class Shown:
    """The parts of a page that may be left out. refs: the rows of the grid. left_out: descriptions of what was."""

    groups: Groups
    refs: "tuple[RefResult, ...]"
    left_out: tuple[str, ...] = ()


def fitted(page: Shown, rendered: Callable[[Shown], str]) -> str:
    """The text of the longest page that fits; it lists what it leaves out."""
    text = ""
    for each in _shorter(page):
        text = rendered(each)
        if _size(text) <= LIMIT - _HEADROOM:
            return text
    return _cut(text)


def _size(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _shorter(page: Shown) -> Iterator[Shown]:
    """Ever shorter pages. Left out first: details of what fits, then old refs, then items from the last one on."""
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


def _fits_without(page: Shown, what: str, shortened: Callable[[Item], Item]) -> Shown:
    groups = [(heading, [each if each.stops else shortened(each) for each in items]) for heading, items in page.groups]
    return replace(page, groups=groups, left_out=(*page.left_out, *([what] if groups != page.groups else [])))


def _without_last(page: Shown, count: int) -> Shown:
    groups, left = [], sum(len(items) for _, items in page.groups) - count
    for heading, items in page.groups:
        kept = items[:left]
        left -= len(kept)
        groups += [(heading, kept)] if kept else []
    return replace(page, groups=groups, left_out=(*page.left_out, f"the last {counted(count, 'entry', 'entries')}"))


def _cut(text: str) -> str:
    """The first lines that fit. A page without items has no code fences, so it may be cut after any line."""
    note = "\n\n> Cut here, because GitHub takes no more than 65,536 characters."
    kept, size = [], _size(note)
    for line in text.splitlines():
        size += _size(line) + 1
        if size > LIMIT - _HEADROOM:
            break
        kept.append(line)
    return "\n".join(kept).rstrip() + note + "\n"
