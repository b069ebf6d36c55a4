"""A window then and now, side by side, with the payload where it goes."""

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

    then_line, now_line: line numbers in the file, 0 where that side has no line, and for the header of a block.
    A payload is on the side of now; of then where the statement that it goes to is no longer there.
    """

    kind: str
    then: str = ""
    then_line: int = 0
    now: str = ""
    now_line: int = 0


def rows(reviewed: "Window | None", found: "Window | None", payload: str, position: str) -> list[Row]:
    """The rows of one window. The payload is where the statement is; where that is on neither side, it is nowhere.

    Where the blocks around it are others than they were, their headers are above.
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
    """The lines of a window, at the left: its text may begin where its first statement does."""
    return dedented(_text(window).splitlines())


def _text(window: "Window") -> str:
    return f"{window.indent}{window.text}"


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
    """The lines that the payload makes: its own, or the statement with the payload in place of what it replaces."""
    text, (first, last) = _text(window), window.statement or (0, 0)
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
    """The index of the row after which so many lines of a side have been shown."""
    seen = 0
    for index, row in enumerate(compared):
        if seen == above:
            return index
        seen += bool(getattr(row, side))
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
        if row.kind in {"payload", "payload-then"}:
            lines.append(f"! {row.now or row.then}")
    return "\n".join(lines)
