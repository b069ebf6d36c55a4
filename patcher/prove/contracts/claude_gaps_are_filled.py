"""What Claude's main agent does while no hook reports it is recorded from the transcript, and nothing twice.

Sessions without hooks; with hooks, and the sidecar killed in the middle; with hooks that come after the transcript was
read; a fork, whose transcript begins with a copy of another; and one that hooks report all the time, with a call in its
transcript for which there is no hook: its rows stay as they are.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.queries import settled
from patcher.prove.sidecar import Sidecar

_PATIENCE = 10.0
_SESSION = "0c1a0de3-0000-4000-8000-{:012d}"
_PROMPTS = ("<b>look</b> around", "again", "again")
_PHASES = ("PreToolUse", "PostToolUse")


@dataclass
class _Claude:
    """A session of Claude Code, with the calls and prompts in its transcript."""

    sidecar: Sidecar
    session: str
    calls: list[str] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)

    @property
    def transcript(self) -> str:
        folder = os.path.join(self.sidecar.claude_home, "projects", "-home-user-project")
        return os.path.join(folder, f"{self.session}.jsonl")

    def turn(self, number: int, *, hooks: bool, lines: bool = True) -> None:
        """A prompt, and a call with its end: the odd ones fail."""
        prompt, call = _PROMPTS[number], f"call-{self.session[-1]}-{number}"
        if lines:
            self.prompts.append(prompt)
            self.calls.append(call)
            self.line("user", prompt, number)
            self.line("assistant", [{"type": "tool_use", "id": call, **_tool(call)}], number)
            result = {"type": "tool_result", "tool_use_id": call, "content": call, "is_error": bool(number % 2)}
            self.line("user", [result], number, toolUseResult={"stdout": call})
        if hooks:
            asked = {"tool_name": "Bash", "tool_input": _tool(call)["input"], "tool_use_id": call}
            self.hook("UserPromptSubmit", number, prompt=prompt)
            self.hook("PreToolUse", number, **asked)
            self.hook("PostToolUse", number, **asked, tool_response={"stdout": call})

    def noise(self) -> None:
        """Lines that are not the user's or not this session's, and a call of a sub-agent."""
        self.line("user", "<task-notification>done</task-notification>", 9)
        self.line("user", "<command-name>/clear</command-name>", 9)
        self.line("user", [{"type": "text", "text": "[Request interrupted by user]"}], 9)
        self.line("user", "not typed", 9, isMeta=True)
        self.line("user", "of a sub-agent", 9, isSidechain=True)
        self.line("user", "of another session", 9, sessionId="other")
        self.line("user", "of the session that this is a fork of", 9, timestamp="2026-11-26T01:00:00.000Z")

    def line(self, kind: str, content: object, number: int, **more: object) -> None:
        """A line of the transcript."""
        time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        common = {"isSidechain": False, "promptId": f"prompt-{number}", "sessionId": self.session, "timestamp": time}
        os.makedirs(os.path.dirname(self.transcript), exist_ok=True)
        with open(self.transcript, "a", encoding="utf-8") as file:
            message = {"role": kind, "model": "claude-sonnet-4-5", "content": content}
            file.write(json.dumps({**common, "type": kind, "message": message, **more}) + "\n")

    def hook(self, event: str, number: int, **fields: object) -> None:
        """A hook."""
        common = {"session_id": self.session, "transcript_path": self.transcript, "cwd": "/home/user/project"}
        payload = {**common, "prompt_id": f"prompt-{number}", "hook_event_name": event, **fields}
        self.sidecar.post_hook(event, payload)

    def rows(self) -> list[dict[str, Any]]:
        """Its rows of prompts and calls."""
        return self.sidecar.rows(
            "SELECT id, event_type, agent_id, json_extract(data, '$.tool_use_id') AS call,"
            " json_extract(data, '$.tool_input') AS input, json_extract(data, '$.prompt') AS prompt"
            " FROM events WHERE session_id = ? AND event_type IN ('UserPromptSubmit', 'PreToolUse', 'PostToolUse')",
            self.session,
        )

    def problems(self) -> list[str]:
        """What is wrong with its rows."""
        rows = self.rows()
        prompts = Counter(row["prompt"] for row in rows if row["event_type"] == "UserPromptSubmit")
        found = [] if prompts == Counter(self.prompts) else [f"{prompts.total()} of {len(self.prompts)} prompts"]
        numbers = Counter((row["call"], row["event_type"]) for row in rows if row["event_type"] in _PHASES)
        wanted = Counter((call, phase) for call in self.calls for phase in _PHASES)
        if numbers != wanted:
            found.append(f"{numbers.total()} rows of {len(self.calls)} calls, {(wanted - numbers).total()} missing")
        strangers = {row["agent_id"] for row in rows} - {f"{self.session}-main"}
        found += [f"rows are under {agent}" for agent in sorted(strangers)]
        blind = [row for row in rows if row["event_type"] in _PHASES and not row["input"]]
        return found + ([f"{len(blind)} rows have no input"] if blind else [])


def _tool(call: str) -> dict[str, Any]:
    return {"name": "Bash", "input": {"command": f"echo {call}"}}


def _without_hooks(claude: _Claude) -> None:
    claude.noise()
    for number in range(len(_PROMPTS)):
        claude.turn(number, hooks=False)


def _killed(claude: _Claude) -> None:
    claude.turn(0, hooks=True)
    claude.sidecar.kill()
    claude.turn(1, hooks=False)
    claude.sidecar.start()
    claude.turn(2, hooks=True)


def _late_hooks(claude: _Claude) -> None:
    _without_hooks(claude)
    settled(claude.problems, _PATIENCE)
    for number in range(len(_PROMPTS)):
        claude.turn(number, hooks=True, lines=False)


_JOURNEYS: Mapping[str, Callable[[_Claude], None]] = {
    "no hooks": _without_hooks,
    "late hooks": _late_hooks,
    "the sidecar killed": _killed,
}


def _observe(bed: TestBed) -> Observation:
    wrong: list[str] = []
    played: dict[str, _Claude] = {}
    with bed.sidecar(env={"AGENT_POLL_MS": "100"}) as sidecar:
        undisturbed = _undisturbed(sidecar)
        for number, (name, travel) in enumerate(_JOURNEYS.items()):
            claude = _Claude(sidecar, _SESSION.format(number))
            travel(claude)
            played[name] = claude
        for name, claude in played.items():
            wrong += [f"{name}: {said}" for said in settled(claude.problems, 1.0 if wrong else _PATIENCE)]
        wrong += undisturbed()
    if wrong:
        return Observation(green=False, said="; ".join(wrong))
    said = f"each prompt and each call has its rows, once: {', '.join(_JOURNEYS)}; with hooks, they are what hooks said"
    return Observation(green=True, said=said)


def _undisturbed(sidecar: Sidecar) -> Callable[[], list[str]]:
    """A session that hooks report, with a call that has no hook. Returns what says how its rows have changed."""
    claude = _Claude(sidecar, _SESSION.format(9))
    claude.hook("SessionStart", 0, source="startup")
    claude.turn(0, hooks=True)
    claude.line("assistant", [{"type": "tool_use", "id": "refused", **_tool("refused")}], 0)
    claude.line("user", [{"type": "tool_result", "tool_use_id": "refused", "content": "no", "is_error": True}], 0)
    before = claude.rows()
    return partial(_changes, claude, before)


def _changes(claude: _Claude, before: list[dict[str, Any]]) -> list[str]:
    return [] if claude.rows() == before else [f"with hooks: {len(claude.rows())} rows, not {len(before)}"]


CONTRACT = Contract(
    id="claude_gaps_are_filled",
    summary="What Claude's main agent does while no hook reports it is recorded from its transcript, each event once.",
    patches=("claude_gaps",),
    observe=_observe,
)
