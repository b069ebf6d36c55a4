"""A Claude session with sub-agents, as Claude Code tells of it: hooks, and a transcript of each sub-agent."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from patcher.prove.sidecar import Sidecar

Payload = dict[str, Any]


@dataclass
class ClaudeSubagent:
    """One sub-agent of a session, spawned by a call of `Agent`, with calls of its own.

    name: what Claude Code calls it, `agent_id` in hooks and in the name of its transcript. knows: whether this Claude
    Code names the sub-agent in its hooks, and the call that spawned it beside the transcript; older ones do not.
    """

    session: str
    name: str
    claude_home: str
    description: str = "look around"
    kind: str = "general-purpose"
    knows: bool = True
    calls: list[str] = field(default_factory=list)

    @property
    def spawning_call(self) -> str:
        """The `tool_use_id` of the call that spawned it."""
        return f"toolu_spawn_{self.name}"

    @property
    def session_transcript(self) -> str:
        """Where the transcript of its session would be."""
        return os.path.join(self.claude_home, "projects", "-home-user-project", f"{self.session}.jsonl")

    @property
    def transcript(self) -> str:
        """Where its own transcript is."""
        folder = os.path.join(self.session_transcript.removesuffix(".jsonl"), "subagents")
        return os.path.join(folder, f"agent-{self.name}.jsonl")

    def spawn(self, sidecar: Sidecar) -> None:
        """The hook of the call that spawns it."""
        asked = {"description": self.description, "prompt": "look around", "subagent_type": self.kind}
        call = {"tool_name": "Agent", "tool_input": asked, "tool_use_id": self.spawning_call}
        self._post(sidecar, "PreToolUse", call)

    def begin(self, sidecar: Sidecar, call: str) -> None:
        """The hook of a call of its own."""
        self._post(sidecar, "PreToolUse", {**self._of_call(call), **self._own})

    def end(self, sidecar: Sidecar, call: str) -> None:
        """The hook of that call's end."""
        self._post(sidecar, "PostToolUse", {**self._of_call(call), "tool_response": {"stdout": call}, **self._own})

    def stop(self, sidecar: Sidecar) -> None:
        """The hook that says that it has stopped: the sidecar reads its transcript then."""
        more = {"agent_transcript_path": self.transcript, "last_assistant_message": "done"}
        self._post(sidecar, "SubagentStop", {**self._own, "agent_type": self.kind, **more})

    def write(self, *calls: str) -> None:
        """Its transcript with these calls and their results, and what stands beside it."""
        self.calls = list(calls)
        os.makedirs(os.path.dirname(self.transcript), exist_ok=True)
        beside: Payload = {"agentType": self.kind, "description": self.description}
        if self.knows:
            beside |= {"toolUseId": self.spawning_call, "spawnDepth": 1}
        with open(self.transcript.replace(".jsonl", ".meta.json"), "w", encoding="utf-8") as file:
            json.dump(beside, file)
        lines = [self._line("user", "look around")]
        for call in calls:
            asked = {"type": "tool_use", "id": call, "name": "Bash", "input": {"command": f"echo {call}"}}
            lines.append(self._line("assistant", [asked]))
            lines.append(self._line("user", [{"type": "tool_result", "tool_use_id": call, "content": call}]))
        with open(self.transcript, "w", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(line, separators=(',', ':'))}\n" for line in lines)

    @property
    def _own(self) -> Payload:
        return {"agent_id": self.name, "agent_type": self.kind} if self.knows else {}

    def _of_call(self, call: str) -> Payload:
        return {"tool_name": "Bash", "tool_input": {"command": f"echo {call}"}, "tool_use_id": call}

    def _line(self, kind: str, content: Any) -> Payload:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"isSidechain": True, "agentId": self.name, "sessionId": self.session, "type": kind, "timestamp": now,
                "message": {"role": kind, "content": content}}  # fmt: skip

    def _post(self, sidecar: Sidecar, hook: str, fields: Mapping[str, Any]) -> None:
        common = {"session_id": self.session, "transcript_path": self.session_transcript, "cwd": "/home/user/project"}
        sidecar.post_hook(hook, {**common, "hook_event_name": hook, **fields})
