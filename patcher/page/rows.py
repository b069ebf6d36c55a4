"""A window then and now, side by side, with the payload where it goes. Leaf module."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any, NamedTuple


class Row(NamedTuple):
    """One line of the comparison. kind: `same`, `gone`, `new`, `changed` or `payload`.

    then_line, now_line: line numbers in the file, 0 where that side has no line.
    """

    kind: str
    then: str = ""
    then_line: int = 0
    now: str = ""
    now_line: int = 0


def rows(reviewed: Mapping[str, Any] | None, found: Mapping[str, Any] | None, payload: str, place: str) -> list[Row]:
    """The rows of one window. Where nothing is found, there is no payload: it goes nowhere."""
    compared = list(_compared(_numbered(reviewed), _numbered(found)))
    if found is None or not payload:
        return compared
    brought = [Row("payload", now=line) for line in payload.rstrip("\n").split("\n")]
    at = _row_of(compared, _boundary(found, place))
    return [*compared[:at], *brought, *compared[at:]]


_Line = tuple[int, str]


def _numbered(window: Mapping[str, Any] | None) -> list[_Line]:
    if window is None:
        return []
    return list(enumerate(str(window["text"]).splitlines(), max(1, int(window.get("line") or 1))))


def _compared(then: Sequence[_Line], now: Sequence[_Line]) -> Iterator[Row]:
    matcher = SequenceMatcher(None, [text for _, text in then], [text for _, text in now], autojunk=False)
    for tag, start, end, first, last in matcher.get_opcodes():
        for left, right in zip_longest(then[start:end], now[first:last]):
            if left and right:
                kind = "same" if tag == "equal" else "changed"
                yield Row(kind, left[1], left[0], right[1], right[0])
            elif left:
                yield Row("gone", left[1], left[0])
            else:
                yield Row("new", now=right[1], now_line=right[0])


def _boundary(found: Mapping[str, Any], place: str) -> int:
    """How many lines of the window that was found stand above the payload."""
    lines = len(str(found["text"]).splitlines())
    first, last = found.get("statement") or (0, lines - 1)
    return first if place == "before" else min(last + 1, lines)


def _row_of(compared: Sequence[Row], above: int) -> int:
    """The index of the row behind which so many lines of now have been shown."""
    seen = 0
    for index, row in enumerate(compared):
        if seen == above:
            return index
        seen += bool(row.now_line)
    return len(compared)


def as_diff(compared: Sequence[Row]) -> str:
    """The rows as the lines of a unified diff; the payload is marked with `!`, which GitHub colours in its own way."""
    lines: list[str] = []
    for row in compared:
        if row.kind == "same":
            lines.append(f"  {row.now}")
        if row.kind in {"gone", "changed"}:
            lines.append(f"- {row.then}")
        if row.kind in {"new", "changed"}:
            lines.append(f"+ {row.now}")
        if row.kind == "payload":
            lines.append(f"! {row.now}")
    return "\n".join(lines)
