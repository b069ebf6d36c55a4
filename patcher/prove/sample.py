"""One session of the simulated Codex, as contracts use it, and what is wrong with the rows that a sidecar has of it."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from patcher.codex.judgement import count_of_rows, judge
from patcher.codex.records import Payload
from patcher.codex.simulated import Codex

Line = dict[str, Any]


class SampleSession:
    """Two turns: twins of one command, a failing one, a patch, one through the shell, an MCP call, steering.

    One hook is lost, and one never existed. hooks: the payloads in their order; rollout: the lines, parsed.
    """

    def __init__(self, name: str, *, codex_home: str, cwd: str = "/home/user/project") -> None:
        """name: what identifiers and durations follow from, beside the time. It begins now: an old one is over."""
        self._codex = Codex(codex_home, seed=name)
        self._thread = thread = self._codex.session(cwd)
        thread.turn("make the tests pass")
        thread.shell("echo hi", "hi\n")
        thread.shell("echo hi", "hi\n")
        thread.steer("and hurry up")
        lost = thread.shell("false", exit_code=1)
        thread.patch("one")
        thread.shell_patch("two")
        thread.remember({"key": "value"})
        thread.stop("They pass.")
        thread.turn("thanks, clean up")
        thread.count_again()
        thread.shell("rm one.txt two.txt")
        thread.stop("Done.")
        thread.end()
        self._hooks = [hook for hook in self._codex.hooks if not _is_post_of(lost, hook.payload)]
        self.id, self.cwd, self.model = thread.id, cwd, thread.model
        self.hooks = [hook.payload for hook in self._hooks]
        self.rollout: list[Line] = [json.loads(line.text) for line in thread.lines]
        self.rollout_path = thread.path
        self.events = len(self._codex.events)

    @property
    def first_turn(self) -> int:
        """How many lines of the rollout the first turn has, with those before it."""
        return 1 + next(at for at, line in enumerate(self.rollout) if line["payload"].get("type") == "task_complete")

    def used(self, lines: int | None = None) -> tuple[int, int]:
        """The fresh input tokens and the output tokens of the first so many lines, or of all."""
        costs = [line.tokens for line in self._thread.lines[:lines] if line.tokens]
        return sum(cost.fresh for cost in costs), sum(cost.output for cost in costs)

    def problems(self, rows: Iterable[Mapping[str, Any]], *, hooked: bool, imported: bool) -> list[str]:
        """How the rows differ from what happened, after hooks, rollout, or both. Empty: not at all."""
        told = {index for line in self._thread.lines for index in line.tells} if imported else set()
        delivered = Counter(hook.event for hook in self._hooks) if hooked else Counter[int]()
        return judge(self._codex.events, rows, delivered=delivered, told=told).problems

    def native_problems(self, rows: Iterable[Mapping[str, Any]]) -> list[str]:
        """How the rows differ from what upstream's ingest makes of the rollout (v2.0.0 to v2.0.3); empty: not at all.

        It has words of its own: one row for a tool call, none for its end; one for the start and the end of each turn.
        Prompts have none where the rollout has them as items. Hooks make no row: with or without them it is the same.
        """
        calls = (event.mark for event in self._codex.events if event.event_type == "PreToolUse")
        expected = Counter(("codex_tool_call", call) for call in calls)
        messages = [line["payload"]["type"] for line in self.rollout if line["type"] == "event_msg"]
        expected.update((f"codex_{kind}", "") for kind in messages if kind in {"task_started", "task_complete"})
        found = Counter((row["event_type"], json.loads(row["data"] or "{}").get("call_id") or "") for row in rows)
        return [
            f"{kind}{f' of {mark}' if mark else ''} has {count_of_rows(found[kind, mark])}, not {expected[kind, mark]}"
            for kind, mark in sorted(found | expected)
            if found[kind, mark] != expected[kind, mark]
        ]


def _is_post_of(call: str, payload: Payload) -> bool:
    return (payload["hook_event_name"], payload.get("tool_use_id")) == ("PostToolUse", call)
