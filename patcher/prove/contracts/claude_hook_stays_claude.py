"""A Claude Code hook, which names no provider, makes a Claude session; the series does not change its events."""

from typing import Any

from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.queries import counted, events_of, harness_of, listed, session_of
from patcher.prove.sidecar import NotSeen

_SESSION = "5b1c7a52-3d0e-4c4f-9d51-0f8f1f0a7c11"
_HOOKS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("SessionStart", {"source": "startup"}),
    ("UserPromptSubmit", {"prompt": "hello"}),
    ("PreToolUse", {"tool_name": "Bash", "tool_input": {"command": "ls"}, "tool_use_id": "toolu_1"}),
    ("PreToolUse", {"tool_name": "Bash", "tool_input": {"command": "ls"}, "tool_use_id": "toolu_1"}),
    ("Stop", {}),
)


def _observe(bed: TestBed) -> Observation:
    with bed.sidecar() as sidecar:
        for hook_type, fields in _HOOKS:
            sidecar.post_hook(hook_type, {"session_id": _SESSION, "cwd": "/home/user/project", **fields})
        shown = session_of(sidecar, _SESSION)
        row = listed(sidecar).get(_SESSION)
        events = events_of(sidecar, _SESSION)
    if shown is None or row is None:
        raise NotSeen("a Claude hook made no session")
    harnesses = {harness_of(shown), harness_of(row)}
    marked = sum(event.get("capture") is not None or event.get("event_key") is not None for event in events)
    said = (
        f"{len(_HOOKS)} hooks made {counted(len(events), 'event')}, {marked or 'none'} of them marked as Codex's; "
        f"the session's `harness` is {' or '.join(harnesses)}"
    )
    return Observation(green=harnesses == {"`claude`"} and len(events) == len(_HOOKS) and not marked, said=said)


CONTRACT = Contract(
    id="claude_hook_stays_claude",
    summary="A hook that names no provider makes a Claude session, and every event of it a row.",
    patches=("stamp_harness",),
    observe=_observe,
)
