"""The two outputs of a thread of the simulated Codex: hook payloads, and the lines of its rollout file."""

import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from patcher.codex.records import Event, Hook, Line, Payload, Tokens, iso
from patcher.codex.version import DIRECT, Version


class CodexHome:
    """One Codex home: its version, its clock (milliseconds since the epoch), and its events.

    seed: of identifiers and durations. now: start of the clock, in seconds since the epoch.
    numbered_calls: the ids of calls are numbers that restart in each turn.
    """

    def __init__(
        self,
        codex_home: str,
        *,
        version: Version = DIRECT,
        seed: int | str = 0,
        now: float | None = None,
        numbered_calls: bool = False,
    ) -> None:
        self.codex_home = codex_home
        self.version = version
        self.numbered_calls = numbered_calls
        self.random = random.Random(seed)  # noqa: S311 - reproducible, not secret
        self.now = int((time.time() if now is None else now) * 1000)
        self.events: list[Event] = []
        self.hooks: list[Hook] = []
        self.threads: list[Any] = []

    def passes(self, milliseconds: int) -> None:
        """Advance the clock."""
        self.now += milliseconds

    def uuid(self) -> str:
        """A UUID of version 7, which begins with the time."""
        chance = self.random.getrandbits(74)
        digits = f"{self.now:012x}7{chance >> 62:03x}{8 + (chance >> 60) % 4:x}{chance % (1 << 60):015x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


@dataclass
class Turn:
    """The current turn of a thread. outer, script: in code mode, the id of the running script, and its events."""

    id: str = ""
    outer: str = ""
    script: tuple[int, ...] = ()
    calls: int = 0


class Recorder:
    """The identity, the lines and the hooks of one thread. Subclasses have the methods for what happens in it."""

    def __init__(
        self, codex: CodexHome, cwd: str, *, parent: Self | None, continues: Self | None, kind: str = "thread_spawn"
    ) -> None:
        self.codex = codex
        self.cwd = cwd
        self.parent = parent
        self.kind = kind if parent else ""
        self.id: str = continues.id if continues else codex.uuid()
        self.root: str = parent.root if parent else self.id
        self.born: int = continues.born if continues else codex.now
        self.model = ("gpt-6-sol" if codex.version.code else "gpt-5.5") if kind == "thread_spawn" else "auto-review"
        self.lines: list[Line] = []
        self.path = self._rollout_path()
        self.total: dict[str, int] = {}
        """The running total of tokens so far, including those of the history that it continues."""
        self._version = codex.version
        self._turn = Turn()
        self._info: Payload = {}
        self.ordinal = 0

    @property
    def turn_id(self) -> str:
        """The id of the current or last turn; empty where turns have none."""
        return self._turn.id

    def _rollout_path(self) -> str:
        began = time.gmtime(self.codex.now / 1000)
        path = f"{time.strftime('%Y/%m/%d', began)}/rollout-{time.strftime('%Y-%m-%dT%H-%M-%S', began)}-{self.id}.jsonl"
        if self.codex.version.bare and self.codex.random.random() < 0.3:  # the first ones were all in one folder
            path = f"rollout-{time.strftime('%Y-%m-%d', began)}-{self.id}.jsonl"
        return f"{self.codex.codex_home}/sessions/{path}"

    def _happened(self, event_type: str, mark: str, **more: Any) -> int:
        """Record a logical event; returns its index."""
        event = Event(len(self.codex.events), event_type, self.root, self.id, mark, turn=self.turn_id, **more)
        self.codex.events.append(event)
        return event.index

    def _hook(self, event: str, index: int, fields: Mapping[str, Any] | None = None, *, turn: bool = True) -> None:
        if not self._version.has(event) or self.kind not in {"", "thread_spawn"}:
            return
        payload: Payload = {"session_id": self.root, "transcript_path": self.path, "cwd": self.cwd}
        if event == "SubagentStop" and self.parent:
            payload["transcript_path"] = self.parent.path
        payload["hook_event_name"] = event
        if turn:
            payload["turn_id"] = self._turn.id
        if event != "SessionEnd":
            payload["model"] = self.model
            if not event.endswith("Compact"):
                payload["permission_mode"] = "bypassPermissions"
        if self.parent:
            payload.update(agent_id=self.id, agent_type="worker")
        self.codex.hooks.append(Hook({**payload, **(fields or {})}, self.codex.now, index))
        self.codex.events[index] = replace(self.codex.events[index], model=str(payload.get("model", "")))

    def _line(self, kind: str, payload: Mapping[str, Any], events: tuple[int, ...] = (), **known: Any) -> None:
        """Write a line. known: the fields `tokens`, `model` and `opens` of `Line`."""
        if self._version.bare:
            if kind == "session_meta":
                line: Payload = {"id": self.id, "timestamp": payload["timestamp"], "instructions": None, "git": {}}
            elif kind == "response_item":
                line = dict(payload)
            else:
                return
        else:
            ordinal = {"ordinal": self.ordinal} if self._version.paginated else {}
            self.ordinal += len(ordinal)
            line = {"timestamp": iso(self.codex.now), **ordinal, "type": kind, "payload": dict(payload)}
        text = json.dumps(line, separators=(",", ":"), ensure_ascii=False)
        self.lines.append(Line(text, self.codex.now, events, **known))

    def _message(self, type_: str, events: tuple[int, ...] = (), *, opens: bool | None = None, **fields: Any) -> None:
        self._line("event_msg", {"type": type_, **fields}, events, opens=opens)

    def _item(self, kind: str, identifier: str, events: tuple[int, ...] = (), **fields: Any) -> None:
        of = {"thread_id": self.id, "turn_id": self._turn.id, "item": {"type": kind, "id": identifier, **fields}}
        times = {"started_at_ms": self.codex.now - 20, "completed_at_ms": self.codex.now}
        self._line("event_msg", {"type": "item_completed", **of, **times}, events)

    def _response(self, payload: Mapping[str, Any], events: tuple[int, ...] = ()) -> None:
        more: Payload = {}
        if self._version.minor >= 146:
            more["internal_chat_message_metadata_passthrough"] = {"turn_id": self._turn.id}
            more["id"] = payload.get("id") or self._id("item")
        else:
            payload = {name: value for name, value in payload.items() if name != "id"}
        self._line("response_item", {**payload, **more}, events)

    def _chat_message(self, role: str, kind: str, text: str, events: tuple[int, ...] = ()) -> None:
        self._response({"type": "message", "role": role, "content": [{"type": kind, "text": text}]}, events)

    def _output(self, kind: str, call: str, output: Any, events: tuple[int, ...] = ()) -> None:
        self._response({"type": kind, "call_id": call, "output": output}, events)

    def respond(self) -> None:
        """Write the lines with the tokens of a response of the model; only one of them has `tokens`."""
        if self._version.bare:
            return
        chance = self.codex.random
        fresh = chance.randint(1, 5000)
        cached = chance.choice((0, chance.randint(1, 9000)))
        output = chance.randint(1, 900)
        written = chance.randint(1, 500) if self._version.minor >= 146 and chance.random() < 0.2 else 0
        cost = Tokens(self.model, fresh, cached, output, written)
        last = {
            "input_tokens": fresh + cached + written,
            "cached_input_tokens": cached,
            "output_tokens": output,
            "reasoning_output_tokens": output // 3,
            "total_tokens": fresh + cached + written + output,
        }
        if self._version.minor >= 146:
            last["cache_write_input_tokens"] = written
        self.total = {name: self.total.get(name, 0) + count for name, count in last.items()}
        if self._version.records:
            record = {"thread_id": self.id, "turn_id": self._turn.id, "response_id": self._id("resp"), "usage": last}
            self._line("token_usage_record", record, tokens=cost)
        self._info = {"total_token_usage": self.total, "last_token_usage": last}
        count = {"type": "token_count", "info": self._info}
        self._line("event_msg", count, tokens=None if self._version.records else cost)
        if chance.random() < 0.3:
            self.count_again()
        if chance.random() < 0.1:
            self._message("token_count", info=None)

    def count_again(self) -> None:
        """Write the last token count again, unchanged, as older versions do at each turn."""
        self._message("token_count", info=self._info)

    def _call_id(self) -> str:
        if not self.codex.numbered_calls:
            return self._id("call")
        self._turn.calls += 1
        return f"call_{self._turn.calls - 1}"

    def _id(self, kind: str) -> str:
        return f"{kind}_{self.codex.random.getrandbits(96):024x}"

    def _takes_time(self) -> None:
        self.codex.passes(self.codex.random.randint(1, 400))

    def _wait(self, milliseconds: int | None = None) -> None:
        """Advance the clock by so many milliseconds; by default a random number up to 400."""
        self.codex.passes(self.codex.random.randint(0, 400) if milliseconds is None else milliseconds)
