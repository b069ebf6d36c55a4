"""Damage to the lines of a rollout file: torn, not JSON, not UTF-8, of no known kind, of many megabytes, or gone.

Only a lost line may cost events; every other kind of damage must not. Bytes that are not UTF-8 are lone surrogates in
the text of a line, as with `surrogateescape`.
"""

import json
import random
from dataclasses import replace

from patcher.codex.records import Line
from patcher.codex.simulated import Thread

LARGEST = 6_000_000
"""Characters of the largest line that is put in."""

_NO_LINES = ("", " ", "{", "null", "[1, 2]", '"text"', "\udcff\udcfe\udc80", '{"timestamp": 5}')
_OF_NO_KIND = (
    {"type": "next_years_line", "payload": {"type": "function_call", "call_id": "x"}},
    {"type": "event_msg", "payload": {"type": "next_years_message", "turn_id": "x"}},
    {"type": "response_item", "payload": {"type": "reasoning", "encrypted_content": "x"}},
    {"type": "response_item", "payload": [1]},
    {"type": "event_msg", "payload": None},
    {"type": "event_msg", "payload": {"type": "item_completed", "item": 5}},
    {"type": "event_msg", "payload": {"type": "token_count", "info": "x"}},
    {"type": "turn_context", "payload": {}},
)
_OUTPUTS = ("function_call_output", "custom_tool_call_output")


def head(chance: random.Random) -> bytes:
    """A line that Codex did not write, for the start of a file: not to be taken for the thread's own first line."""
    return Line(chance.choice(_NO_LINES), 0).data


def spoil(thread: Thread, chance: random.Random) -> None:
    """Insert lines without events, and put bytes that are not text into lines with events."""
    for _ in range(chance.randint(1, 8)):
        at = chance.randint(0, len(thread.lines))
        thread.lines.insert(at, Line(_junk(thread, at, chance), _time_at(thread, at), spurious=True))
    for at in _ends(thread):
        line = thread.lines[at]
        if chance.random() < 0.2:
            thread.lines[at] = replace(line, text=line.text.replace('"output":"', '"output":"\udcff', 1))


def swell(thread: Thread, chance: random.Random) -> None:
    """Insert lines of megabytes without events: one with an unknown type, one that is not JSON."""
    for template in ('{"timestamp":"2026-01-01T00:00:00.000Z","type":"response_item","payload":{"type":"%s"}}', "{%s"):
        at = chance.randint(1, len(thread.lines))
        text = template % ("é" * chance.randint(LARGEST // 10, LARGEST // 2))
        thread.lines.insert(at, Line(text, _time_at(thread, at), spurious=True))


def lose(thread: Thread, chance: random.Random) -> None:
    """Cut some lines with the end of a call: an event that no other line has is then not in the rollout."""
    for at in _ends(thread):
        line = thread.lines[at]
        if chance.random() < 0.3:
            thread.lines[at] = Line(line.text[: chance.randint(1, len(line.text) - 1)], line.at)


def _junk(thread: Thread, at: int, chance: random.Random) -> str:
    begun = any(line.events for line in thread.lines[:at])  # no junk before the first line may look like Codex's
    if not begun or thread.codex.version.bare or chance.random() < 0.4:
        return chance.choice(_NO_LINES)
    whole = thread.lines[chance.randrange(len(thread.lines))].text
    if chance.random() < 0.4 and len(whole) > 1:
        return whole[: chance.randint(1, len(whole) - 1)]  # as left by an interrupted write that was repeated
    return json.dumps({"timestamp": "2026-01-01T00:00:00.000Z", **chance.choice(_OF_NO_KIND)})


def _time_at(thread: Thread, at: int) -> int:
    return thread.lines[max(at, 1) - 1].at


def _ends(thread: Thread) -> list[int]:
    """The indices of the lines with the end of a call, without those that later lines depend on."""
    return [at for at, line in enumerate(thread.lines) if line.events and _is_end(line)]


def _is_end(line: Line) -> bool:
    try:
        entry = json.loads(line.text)
    except ValueError:
        return False
    payload = entry.get("payload", entry)  # the oldest lines have no envelope
    kind = payload.get("type")
    if kind == "item_completed":
        return bool(payload["item"]["type"] != "UserMessage")
    return kind in _OUTPUTS and len(line.events) == 1  # of two events, the second is the end of a background command
