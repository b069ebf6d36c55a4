"""A window then and now, side by side, with the payload where it goes. Leaf module."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any, NamedTuple

from patcher.model import Position

THERE = "<what stood there>"
"""What a payload that keeps what it replaces is rendered with, for people."""


class Row(NamedTuple):
    """One line of the comparison. kind: `same`, `gone`, `new`, `changed`, `payload` or `payload-then`.

    then_line, now_line: line numbers in the file, 0 where that side has no line, and for what is said before a block.
    A payload stands on the side of now, and of then where the statement that it goes to is not there any more.
    """

    kind: str
    then: str = ""
    then_line: int = 0
    now: str = ""
    now_line: int = 0


_Window = Mapping[str, Any]


def rows(reviewed: _Window | None, found: _Window | None, payload: str, position: str) -> list[Row]:
    """The rows of one window. The payload is where the statement is; where that is on neither side, it is nowhere.

    Where the blocks around it are others than they were, what is said before their braces stands above.
    """
    return [*_headers(reviewed or {}, found or {}), *_with_payload(reviewed, found, payload, position)]


def _headers(reviewed: _Window, found: _Window) -> Iterator[Row]:
    then, now = reviewed.get("around", ()), found.get("around", ())
    if then and now and list(then) != list(now):
        yield from _compared([(0, line) for line in then], [(0, line) for line in now])


def _with_payload(reviewed: _Window | None, found: _Window | None, payload: str, position: str) -> list[Row]:
    compared = list(_compared(_numbered(reviewed), _numbered(found)))
    if payload and found is not None and found.get("statement"):
        brought = [Row("payload", now=line) for line in _brought(found, payload, position)]
        at = _row_of(compared, _boundary(found, position), "now_line")
    elif payload and reviewed is not None and reviewed.get("statement"):
        brought = [Row("payload-then", then=line) for line in _brought(reviewed, payload, position)]
        at = _row_of(compared, _boundary(reviewed, position), "then_line")
    else:
        return compared
    return [*compared[:at], *brought, *compared[at:]]


_Line = tuple[int, str]


def _numbered(window: _Window | None) -> list[_Line]:
    if window is None:
        return []
    text = _text(window)
    return list(enumerate(_dedented(text.splitlines(), text), max(1, int(window.get("line") or 1))))


def _text(window: _Window) -> str:
    """Whole lines: the text of a window may begin where its first statement does."""
    return f"{window.get('indent') or ''}{window['text']}"


def _dedented(lines: Sequence[str], like: str) -> list[str]:
    """The lines, by so much further left as all of `like` allows."""
    by = min((len(line) - len(line.lstrip()) for line in like.splitlines() if line.strip()), default=0)
    return [line[min(by, len(line) - len(line.lstrip())) :] for line in lines]


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


def _brought(window: _Window, payload: str, position: str) -> list[str]:
    """The lines that the payload makes: its own, or the statement with the payload in place of what it replaces."""
    text, (first, last) = _text(window), window["statement"]
    at = text.splitlines()[first]
    if position == Position.REPLACE and window.get("matched"):
        start, end = (each + len(window.get("indent") or "") for each in window["matched"])
        put = payload.strip().replace("\n", f"\n{_margin(at)}").replace(THERE, text[start:end])
        more = put.count("\n") - text.count("\n", start, end)
        made = f"{text[:start]}{put}{text[end:]}".splitlines()
        return _dedented(made[first : last + more + 1], text)
    indent = _margin(*_dedented([at], text))
    return [f"{indent}{line}" if line.strip() else line for line in payload.rstrip("\n").split("\n")]


def _margin(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _boundary(window: _Window, position: str) -> int:
    """How many lines of the window stand above the payload."""
    first, last = window["statement"]
    return int(first) if position == Position.BEFORE else min(int(last) + 1, len(str(window["text"]).splitlines()))


def _row_of(compared: Sequence[Row], above: int, side: str) -> int:
    """The index of the row behind which so many lines of a side have been shown."""
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
