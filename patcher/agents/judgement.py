"""Whether a sidecar's rows are what happened in a simulated session: each event once."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from patcher.agents.simulated import Hook, SimulatedAgent, forwarded

_Event = tuple[str, str, str]  # its type, and what equal events have in common

_CALLS = ("PreToolUse", "PostToolUse")


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def _event_of(event_type: str, data: Mapping[str, Any]) -> _Event:
    if event_type in _CALLS:
        return event_type, str(data.get("tool_name")), _canonical(data.get("tool_input"))
    return event_type, "", str(data.get("prompt")) if event_type == "UserPromptSubmit" else ""


def _delivered(agent: SimulatedAgent, hooks: Iterable[Hook]) -> Counter[_Event]:
    """How many of each event hooks reported: one that is delivered twice is one."""
    bodies = {_canonical(body): body for hook in hooks if (body := forwarded(agent.harness, hook.payload))}
    return Counter(_event_of(body["hook_type"], body["data"]) for body in bodies.values())


def _written(agent: SimulatedAgent) -> Counter[_Event]:
    """How many of each event the transcript reports."""
    events = Counter({("UserPromptSubmit", "", prompt): count for prompt, count in agent.prompts.items()})
    for (tool, arguments), count in agent.calls.items():
        events.update({(phase, tool, arguments): count for phase in _CALLS})
    return events


def problems(
    agent: SimulatedAgent,
    rows: Sequence[Mapping[str, Any]],
    *,
    hooks: Iterable[Hook],
    imported: bool,
) -> list[str]:
    """How the rows of `events` differ from what the delivered hooks and, if imported, the transcript report."""
    expected = _delivered(agent, hooks) | (_written(agent) if imported else Counter())
    found = Counter(_event_of(row["event_type"], json.loads(row["data"] or "{}")) for row in rows)
    only_hooks = {event for event in found if event not in expected and event[0] in {"SessionStart", "SessionEnd"}}
    return [
        f"{' '.join(filter(None, event))} has {found[event]} rows, not {expected[event]}"
        for event in sorted((found | expected).keys() - only_hooks)
        if found[event] != expected[event]
    ]
