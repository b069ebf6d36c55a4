"""A window as reviewed and as found, side by side, with the payload at its place."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from patcher.model import Position
from patcher.render import REPLACED
from patcher.report.wording import dedented

if TYPE_CHECKING:
    from patcher.matrix.window import Window


class Row(NamedTuple):
    """One line of the comparison. kind: `same`, `gone`, `new`, `changed`, `payload` or `payload-then`.

    then_line, now_line: line numbers in the file; 0 where that side has no line, and for the header of a block.
    A payload is in `now`; in `then` where its statement no longer exists.
    """

    kind: str
    then: str = ""
    then_line: int = 0
    now: str = ""
    now_line: int = 0


def rows(reviewed: "Window | None", found: "Window | None", payload: str, position: str) -> list[Row]:
    """The rows of one window. The payload is shown at its statement, or not at all where neither side has it.

    The headers of the surrounding blocks come first, if they changed.
    """
    headers = _compared(_headers(reviewed), _headers(found)) if _has_other_blocks(reviewed, found) else ()
    return [*headers, *_with_payload(reviewed, found, payload, position)]


def _has_other_blocks(reviewed: "Window | None", found: "Window | None") -> bool:
    then, now = _headers(reviewed), _headers(found)
    return bool(then and now) and then != now


def _headers(window: "Window | None") -> "list[_Line]":
    return [(0, line) for line in window.around] if window else []


def _with_payload(reviewed: "Window | None", found: "Window | None", payload: str, position: str) -> list[Row]:
    compared = list(_compared(_numbered(reviewed), _numbered(found)))
    if payload and found is not None and found.statement:
        brought = [Row("payload", now=line) for line in _brought(found, payload, position)]
        at = _row_of(compared, _boundary(found, position), "now_line")
    elif payload and reviewed is not None and reviewed.statement:
        brought = [Row("payload-then", then=line) for line in _brought(reviewed, payload, position)]
        at = _row_of(compared, _boundary(reviewed, position), "then_line")
    else:
        return compared
    return [*compared[:at], *brought, *compared[at:]]


_Line = tuple[int, str]


def _numbered(window: "Window | None") -> list[_Line]:
    return list(enumerate(lines_of(window), max(1, window.line))) if window else []


def lines_of(window: "Window") -> list[str]:
    """The lines of a window without their common indentation. `indent` completes the first line, which `text` cuts."""
    return dedented(f"{window.indent}{window.text}".splitlines())


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


def _brought(window: "Window", payload: str, position: str) -> list[str]:
    """The lines of the payload; of one that replaces, the whole statement with the payload in it."""
    text, (first, last) = f"{window.indent}{window.text}", window.statement or (0, 0)
    at = text.splitlines()[first]
    if position == Position.REPLACE and window.matched:
        start, end = (each + len(window.indent) for each in window.matched)
        put = payload.strip().replace("\n", f"\n{_margin(at)}").replace(REPLACED, text[start:end])
        more = put.count("\n") - text.count("\n", start, end)
        made = f"{text[:start]}{put}{text[end:]}".splitlines()
        return dedented(made[first : last + more + 1], text.splitlines())
    indent = _margin(*dedented([at], text.splitlines()))
    return [f"{indent}{line}" if line.strip() else line for line in payload.rstrip("\n").split("\n")]


def _margin(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _boundary(window: "Window", position: str) -> int:
    """How many lines of the window are above the payload."""
    first, last = window.statement or (0, 0)
    return first if position == Position.BEFORE else min(last + 1, len(window.text.splitlines()))


def _row_of(compared: Sequence[Row], above: int, side: str) -> int:
    """The index of the row above which `above` lines of this side are shown."""
    shown = 0
    for index, row in enumerate(compared):
        if shown == above:
            return index
        shown += bool(getattr(row, side))
    return len(compared)


def as_diff(compared: Sequence[Row]) -> str:
    """The rows as lines of a unified diff; the payload is marked with `!`, which GitHub shows in another colour."""
    lines: list[str] = []
    for row in compared:
        if row.kind == "same":
            lines.append(f"  {row.now}")
        if row.kind in {"gone", "changed"}:
            lines.append(f"- {row.then}")
        if row.kind in {"new", "changed"}:
            lines.append(f"+ {row.now}")
        if row.kind in {"payload", "payload-then"}:
            lines.append(f"! {row.now or row.then}")
    return "\n".join(lines)
