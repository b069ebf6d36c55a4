"""Text changes that remember where the rest of the text went. Leaf module."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

Span = tuple[int, int]
Track = Callable[[Span], Span | None]
"""Where a span of the unchanged text is now; None where it is no more."""


@dataclass(frozen=True)
class Change:
    """Put `text` in the place of `[start, end)`. `carried`: a span of the old text that is in `text`, from `at` on."""

    start: int
    end: int
    text: str
    carried: Span | None = None
    at: int = 0


def insert(position: int, text: str) -> Change:
    """Nothing goes, `text` comes."""
    return Change(position, position, text)


def delete(span: Span) -> Change:
    """The span goes."""
    return Change(*span, "")


def apply(text: str, changes: Iterable[Change]) -> str:
    """All changes at once, in the offsets of `text`. Raises `ValueError` where two of them overlap."""
    out, position = [], 0
    for change in _ordered(changes):
        if change.start < position:
            raise ValueError(f"two changes of one mutation overlap at {change.start}")
        out += [text[position : change.start], change.text]
        position = change.end
    return "".join([*out, text[position:]])


def tracked(changes: Iterable[Change]) -> Track:
    """The way to find a span again once the changes are made."""
    ordered = _ordered(changes)
    return lambda span: _track(ordered, span)


def _ordered(changes: Iterable[Change]) -> list[Change]:
    return sorted(changes, key=lambda change: (change.start, change.end))


def _track(changes: Sequence[Change], span: Span) -> Span | None:
    shift = 0
    for change in changes:
        if change.carried and change.carried[0] <= span[0] and span[1] <= change.carried[1]:
            start = change.start + shift + change.at + span[0] - change.carried[0]
            return start, start + span[1] - span[0]
        shift += len(change.text) - (change.end - change.start)
    return _shifted(changes, span)


def _shifted(changes: Sequence[Change], span: Span) -> Span | None:
    """What is put in right at the start stands before the span, right at the end behind it."""
    start, end = span
    for change in changes:
        grown = len(change.text) - (change.end - change.start)
        if change.end <= span[0]:
            start, end = start + grown, end + grown
        elif change.start >= span[1]:
            continue
        elif span[0] <= change.start and change.end <= span[1] and (change.start, change.end) != span:
            end += grown
        else:
            return None
    return start, end
