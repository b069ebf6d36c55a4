"""A made-up Codex session that knows its own truth: the hook payloads, the rollout lines, and what really happened.

Shaped like a session of a direct-tool model with paginated history (`patcher/doctor/CODEX.md`). The two roads never
carry quite the same: hooks have no time, rollouts know calls whose hook never comes.
"""

import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MODEL = "gpt-5.5"

Payload = dict[str, Any]
Line = dict[str, Any]


@dataclass(frozen=True)
class Happened:
    """One logical event. `mark` is the identifier that both roads carry; `hooked` is false if its hook never comes."""

    event_type: str
    mark: str
    hooked: bool = True


class CodexSession:
    """Builds the two streams side by side. Identifiers are uuid-like and follow from `name` alone.

    codex_home: where the rollout file belongs. The session begins now, or the sidecar would think it long over.
    """

    def __init__(self, name: str, *, codex_home: str, cwd: str) -> None:
        self.name = name
        self.id = self._identifier("session")
        self.cwd = cwd
        self.hooks: list[Payload] = []
        self.rollout: list[Line] = []
        self.truth: list[Happened] = []
        self._now = time.time()
        self._turns = 0
        self._turn = ""
        stamp = time.strftime("%Y-%m-%dT%H-%M-%S", time.gmtime(self._now))
        day = time.strftime("%Y/%m/%d", time.gmtime(self._now)).split("/")
        self.rollout_path = os.path.join(codex_home, "sessions", *day, f"rollout-{stamp}-{self.id}.jsonl")

    def start(self) -> None:
        """The session begins: both roads know, the rollout first."""
        meta = {
            "id": self.id,
            "session_id": self.id,
            "timestamp": self._time(),
            "cwd": self.cwd,
            "originator": "codex_exec",
            "cli_version": "0.169.0",
            "source": "exec",
            "thread_source": "user",
            "model_provider": "mock",
            "history_mode": "paginated",
            "git": {},
        }
        self._line("session_meta", meta)
        self._hook("SessionStart", turn=False, source="startup")

    def turn(self, prompt: str) -> None:
        """A new turn with its first prompt."""
        self._turns += 1
        self._turn = self._identifier(f"turn {self._turns}")
        self._event("task_started", root_turn_id=self._turn, started_at=int(self._now), model_context_window=258400)
        context = {"turn_id": self._turn, "root_turn_id": self._turn, "cwd": self.cwd, "model": MODEL}
        self._line("turn_context", {**context, "approval_policy": "never", "summary": "none"})
        self.prompt(prompt)

    def prompt(self, text: str) -> None:
        """A prompt in the current turn; a second one steers it, and has the same turn id."""
        self._message("user", "input_text", text)
        self._item("UserMessage", self._next_id("item"), content=[{"type": "text", "text": text}])
        self._hook("UserPromptSubmit", prompt=text)
        self._happened("UserPromptSubmit", self._turn)

    def shell(self, command: str, output: str, *, exit_code: int = 0) -> str:
        """A shell call: `Bash` to the hooks, `exec_command` in the rollout. Post comes whatever the exit code."""
        call = self._begin_function("exec_command", {"cmd": command}, "Bash", {"command": command})
        self._item(
            "CommandExecution",
            call,
            command=["/bin/bash", "-lc", command],
            cwd=f"file://{self.cwd}",
            status="completed" if exit_code == 0 else "failed",
            aggregated_output=output,
            exit_code=exit_code,
            duration={"secs": 0, "nanos": 20_000_000},
        )
        said = f"Wall time: 0.02 seconds\nProcess exited with code {exit_code}\nOutput:\n{output}"
        self._output("function_call_output", call, said)
        self._post(call, "Bash", {"command": command}, output)
        return call

    def patch(self, patch: str) -> str:
        """A patch with the tool of that name: a custom tool call."""
        call = self._next_id("call")
        item = {"type": "custom_tool_call", "id": self._next_id("ctc"), "status": "completed"}
        self._response({**item, "call_id": call, "name": "apply_patch", "input": patch})
        self._pre(call, "apply_patch", {"command": patch})
        self._item("FileChange", call, changes={}, status="completed", stdout="Success.", stderr="")
        self._output("custom_tool_call_output", call, "Exit code: 0\nOutput:\nSuccess.\n")
        self._post(call, "apply_patch", {"command": patch}, "Exit code: 0\nOutput:\nSuccess.\n")
        return call

    def shell_patch(self, patch: str) -> str:
        """A patch that Codex intercepts in a shell call: a Pre hook, and no Post hook ever."""
        command = f"apply_patch <<'EOF'\n{patch}EOF"
        call = self._begin_function("exec_command", {"cmd": command}, "Bash", {"command": command})
        self._item("FileChange", call, changes={}, status="completed", stdout="Success.", stderr="")
        self._output("function_call_output", call, "Wall time: 0.00 seconds\nOutput:\nSuccess.\n")
        self._happened("PostToolUse", call, hooked=False)
        return call

    def remember(self, arguments: Mapping[str, Any]) -> str:
        """A call of an MCP tool, whose name differs between the roads."""
        name = "mcp__mem_srv__remember"
        call = self._next_id("call")
        item = {"type": "function_call", "id": self._next_id("fc"), "name": "remember", "namespace": "mcp__mem_srv"}
        self._response({**item, "arguments": json.dumps(arguments), "call_id": call})
        self._pre(call, name, arguments)
        result = {"content": [{"type": "text", "text": "remembered"}], "isError": False}
        self._item("McpToolCall", call, server="mem-srv", tool="remember", status="completed", result=result)
        self._output("function_call_output", call, "Wall time: 0.01 seconds\nOutput:\nremembered")
        self._post(call, name, arguments, result)
        return call

    def stop(self, message: str) -> None:
        """The turn ends with the model's message."""
        self._item("AgentMessage", self._next_id("msg"), content=[{"type": "Text", "text": message}])
        self._message("assistant", "output_text", message)
        usage = {"input_tokens": 120, "cached_input_tokens": 20, "output_tokens": 30, "total_tokens": 150}
        self._event("token_count", info={"total_token_usage": usage, "last_token_usage": usage})
        self._event("task_complete", last_agent_message=message, duration_ms=900)
        self._hook("Stop", stop_hook_active=False, last_assistant_message=message)
        self._happened("Stop", self._turn)

    def end(self) -> None:
        """The process ends: only a hook tells."""
        self._hook("SessionEnd", turn=False, reason="other")

    def lose_hook(self, event_type: str, call: str) -> None:
        """Take one hook out of the stream: the handler was killed, or the sidecar was down."""
        [lost] = [h for h in self.hooks if h["hook_event_name"] == event_type and h.get("tool_use_id") == call]
        self.hooks.remove(lost)
        at = self.truth.index(Happened(event_type, call))
        self.truth[at] = Happened(event_type, call, hooked=False)

    def problems(self, events: Iterable[Mapping[str, Any]], *, hooked: bool, imported: bool) -> list[str]:
        """How the session's rows differ from what happened, after the roads that were travelled. Empty: not at all.

        A row belongs to a logical event when it has its type, and its identifier in `data` or `event_key`.
        """
        rows = list(events)
        expected = [happened for happened in self.truth if imported or happened.hooked]
        said = []
        captures: Counter[tuple[str, str]] = Counter()
        for (event_type, mark), wanted in Counter((h.event_type, h.mark) for h in expected).items():
            found = [row for row in rows if row["event_type"] == event_type and mark in _identity(row)]
            if len(found) != wanted:
                said.append(f"{event_type} of {mark} has {_rows(len(found))}, not {wanted}")
                continue
            hook = next(h.hooked for h in expected if (h.event_type, h.mark) == (event_type, mark)) and hooked
            road = "both" if hook and imported else "hook" if hook else "rollout"
            captures.update((str(row.get("capture", "absent")), road) for row in found)
        for event_type, wanted in Counter(happened.event_type for happened in expected).items():
            total = sum(row["event_type"] == event_type for row in rows)
            if total > wanted:
                said.append(f"there are {total} {event_type} rows for {wanted} events")
        for (capture, road), count in captures.items():
            if capture != road:
                said.append(f"the `capture` of {_rows(count)} is {capture}, not {road}")
        starts = sum(row["event_type"] == "SessionStart" for row in rows)
        if starts > 1 or (hooked and starts == 0):
            said.append(f"SessionStart has {_rows(starts)}, not 1")
        ends = sum(row["event_type"] == "SessionEnd" for row in rows)
        if ends != sum(h["hook_event_name"] == "SessionEnd" for h in self.hooks if hooked):
            said.append(f"SessionEnd has {_rows(ends)}")
        return said

    def native_problems(self, events: Iterable[Mapping[str, Any]]) -> list[str]:
        """How the rows differ from what upstream's ingest makes of the rollout (v2.0.0 to v2.0.3); empty: not at all.

        It has words of its own: one row for a tool call, none for its end; one for the start and the end of each turn.
        Prompts have none where the rollout has them as items. Hooks make no row: with or without them it is the same.
        """
        expected = Counter(("codex_tool_call", each.mark) for each in self.truth if each.event_type == "PreToolUse")
        turns = [line["payload"]["type"] for line in self.rollout if line["type"] == "event_msg"]
        expected.update((f"codex_{kind}", "") for kind in turns if kind in {"task_started", "task_complete"})
        found = Counter((row["event_type"], json.loads(row["data"] or "{}").get("call_id") or "") for row in events)
        return [
            f"{kind}{f' of {mark}' if mark else ''} has {_rows(found[kind, mark])}, not {expected[kind, mark]}"
            for kind, mark in sorted(found | expected)
            if found[kind, mark] != expected[kind, mark]
        ]

    def _identifier(self, what: str) -> str:
        digits = hashlib.sha256(f"{self.name} {what}".encode()).hexdigest()
        return f"{digits[:8]}-{digits[8:12]}-7{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}"

    def _next_id(self, kind: str) -> str:
        identifier = self._identifier(f"{kind} {len(self.rollout)}")
        return identifier if kind == "item" else f"{kind}_{identifier.replace('-', '')[:24]}"

    def _time(self) -> str:
        milliseconds = int(self._now * 1000) % 1000
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self._now)) + f".{milliseconds:03d}Z"

    def _happened(self, event_type: str, mark: str, *, hooked: bool = True) -> None:
        self.truth.append(Happened(event_type, mark, hooked))

    def _hook(self, event: str, *, turn: bool = True, **fields: Any) -> None:
        payload: Payload = {"session_id": self.id, "transcript_path": self.rollout_path, "cwd": self.cwd}
        payload["hook_event_name"] = event
        if turn:
            payload["turn_id"] = self._turn
        if event != "SessionEnd":
            payload.update(model=MODEL, permission_mode="bypassPermissions")
        self.hooks.append({**payload, **fields})

    def _pre(self, call: str, tool: str, arguments: Mapping[str, Any]) -> None:
        self._hook("PreToolUse", tool_name=tool, tool_input=dict(arguments), tool_use_id=call)
        self._happened("PreToolUse", call)

    def _post(self, call: str, tool: str, arguments: Mapping[str, Any], response: Any) -> None:
        fields = {"tool_name": tool, "tool_input": dict(arguments), "tool_response": response}
        self._hook("PostToolUse", **fields, tool_use_id=call)
        self._happened("PostToolUse", call)

    def _begin_function(self, name: str, arguments: Mapping[str, Any], tool: str, seen: Mapping[str, Any]) -> str:
        call = self._next_id("call")
        item = {"type": "function_call", "id": self._next_id("fc"), "name": name}
        self._response({**item, "arguments": json.dumps(arguments), "call_id": call})
        self._pre(call, tool, seen)
        return call

    def _line(self, kind: str, payload: Mapping[str, Any]) -> None:
        self._now += 0.004
        line = {"timestamp": self._time(), "ordinal": len(self.rollout), "type": kind, "payload": dict(payload)}
        self.rollout.append(line)

    def _event(self, kind: str, **fields: Any) -> None:
        self._line("event_msg", {"type": kind, "turn_id": self._turn, **fields})

    def _item(self, kind: str, identifier: str, **fields: Any) -> None:
        at = int(self._now * 1000)
        item = {"type": kind, "id": identifier, **fields}
        self._event("item_completed", thread_id=self.id, item=item, started_at_ms=at, completed_at_ms=at)

    def _response(self, payload: Mapping[str, Any]) -> None:
        passthrough = {"turn_id": self._turn}
        self._line("response_item", {**payload, "internal_chat_message_metadata_passthrough": passthrough})

    def _message(self, role: str, kind: str, text: str) -> None:
        content = [{"type": kind, "text": text}]
        self._response({"type": "message", "id": self._next_id("msg"), "role": role, "content": content})

    def _output(self, kind: str, call: str, output: str) -> None:
        self._response({"type": kind, "id": self._next_id("fco"), "call_id": call, "output": output})


def sample(name: str, *, codex_home: str, cwd: str = "/home/user/project") -> CodexSession:
    """Two turns: quick twins of one command, a failing one, a patch, one through the shell, an MCP call, steering.

    One hook is lost on the way, and one never existed.
    """
    session = CodexSession(name, codex_home=codex_home, cwd=cwd)
    session.start()
    session.turn("make the tests pass")
    session.shell("echo hi", "hi\n")
    session.shell("echo hi", "hi\n")
    session.prompt("and hurry up")
    lost = session.shell("false", "", exit_code=1)
    session.patch("*** Begin Patch\n*** Add File: one.txt\n+hello\n*** End Patch\n")
    session.shell_patch("*** Begin Patch\n*** Add File: two.txt\n+hello\n*** End Patch\n")
    session.remember({"key": "value"})
    session.stop("They pass.")
    session.turn("thanks, clean up")
    session.shell("rm one.txt two.txt", "")
    session.stop("Done.")
    session.end()
    session.lose_hook("PostToolUse", lost)
    return session


def _identity(row: Mapping[str, Any]) -> str:
    return f"{row.get('data') or ''} {row.get('event_key') or ''}"


def _rows(count: int) -> str:
    return {0: "no row", 1: "1 row"}.get(count, f"{count} rows")
