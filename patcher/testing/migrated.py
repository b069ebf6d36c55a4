"""The result of `codex migrate-rollouts --apply` for a rollout file, as observed with 0.169.

The path stays the same. Lines are numbered, messages become items, and the copied first line of another thread is left
out; copied history stays. Turns without ids get one from the number of a line, so that copies in a fork have other ids
than the originals.
"""

import json
from dataclasses import dataclass, field, replace

from patcher.codex.records import Line, Payload
from patcher.codex.simulated import Thread

_MESSAGES = {"user_message": "UserMessage", "agent_message": "AgentMessage"}
_ENDS = {"patch_apply_end", "mcp_tool_call_end"}
_OF_A_PATCH = ("changes", "status", "stdout", "stderr")
_OF_MCP = ("server", "tool", "arguments", "result")


def migrated(thread: Thread) -> list[Line]:
    """The lines of a thread after the migration, with the same events."""
    return _Writer(thread).written().lines


def migrate_all(threads: list[Thread]) -> None:
    """Migrate every thread. Events of turns that had no ids get the new ones."""
    for thread in threads:
        writer = _Writer(thread).written()
        if not thread.codex.version.turn_ids:
            writer.end_turn()
            for index, turn in writer.turns.items():
                event = thread.codex.events[index]
                thread.codex.events[index] = replace(event, turn=turn, mark=turn if event.mark == "" else event.mark)
        thread.lines = writer.lines


@dataclass
class _Writer:
    thread: Thread
    lines: list[Line] = field(default_factory=list)
    turns: dict[int, str] = field(default_factory=dict)  # by the index of an event
    turn: str = ""
    stop: int | None = None
    items: int = 0
    time: str = ""

    def written(self) -> "_Writer":
        for line in self.thread.lines:
            self.write(line)
        return self

    def write(self, line: Line) -> None:
        entry = json.loads(line.text)
        payload = entry["payload"]
        self.time = entry["timestamp"]
        kind = payload.get("type")
        if entry["type"] == "session_meta":
            if payload["id"] != self.thread.id:
                return
            payload = {**payload, "session_id": payload.get("session_id", payload["id"]), "history_mode": "paginated"}
        if not self.thread.codex.version.turn_ids:
            self.number(kind, line)
        elif entry["type"] in {"turn_context", "event_msg"} and payload.get("turn_id"):
            self.turn = payload["turn_id"]
        if kind in _MESSAGES or kind in _ENDS:
            payload = self.item(kind, payload)
        self.put(line, entry["type"], payload)
        if kind == "turn_aborted":
            self.turn = "" if not self.thread.codex.version.turn_ids else self.turn

    def put(self, line: Line, kind: str, payload: Payload) -> None:
        text = {"timestamp": self.time, "ordinal": len(self.lines), "type": kind, "payload": payload}
        self.lines.append(replace(line, text=json.dumps(text, separators=(",", ":"), ensure_ascii=False)))

    def number(self, kind: str | None, line: Line) -> None:
        """Begin a turn at a prompt, and end the one before it."""
        if kind == "user_message":
            self.end_turn()
            self.turn = f"rollout-{len(self.lines)}"
            at = Line("", line.at, opens=True)
            self.put(at, "event_msg", {"type": "task_started", "turn_id": self.turn})
            self.stop = next((self.thread.stops.get(index) for index in line.events), None)
        if self.turn:
            self.turns.update(dict.fromkeys(line.events, self.turn))

    def end_turn(self) -> None:
        if self.turn:
            events = () if self.stop is None else (self.stop,)
            self.turns.update(dict.fromkeys(events, self.turn))
            at = Line("", self.lines[-1].at, events, opens=False)
            self.put(at, "event_msg", {"type": "task_complete", "turn_id": self.turn, "last_agent_message": None})
        self.turn, self.stop = "", None

    def item(self, kind: str, payload: Payload) -> Payload:
        more = {"thread_id": self.thread.id, "turn_id": self.turn, "item": self._item(kind, payload)}
        return {"type": "item_completed", **more, "completed_at_ms": self.lines[-1].at}

    def _item(self, kind: str, payload: Payload) -> Payload:
        if kind == "patch_apply_end":
            return {"type": "FileChange", "id": payload["call_id"], **_some(payload, _OF_A_PATCH)}
        if kind == "mcp_tool_call_end":
            fields = {**payload, **payload["invocation"]}
            return {"type": "McpToolCall", "id": payload["call_id"], **_some(fields, _OF_MCP)}
        self.items += 1
        content = [{"type": "text", "text": payload["message"], "text_elements": []}]
        return {"type": _MESSAGES[kind], "id": f"item-{self.items}", "content": content}


def _some(payload: Payload, names: tuple[str, ...]) -> Payload:
    return {name: payload[name] for name in names if name in payload}
