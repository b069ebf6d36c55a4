"""A session of the simulated Codex for contracts, and the problems with the rows that a sidecar has of it."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from patcher.codex.judgement import count_of_rows, judge
from patcher.codex.records import Payload
from patcher.codex.simulated import Codex

Line = dict[str, Any]


class SampleSession:
    """Two turns: the same command twice, a failing one, a patch, one through the shell, an MCP call, steering.

    One hook is lost. hooks: the payloads in order; rollout: the parsed lines.
    """

    def __init__(self, name: str, *, codex_home: str, cwd: str = "/home/user/project") -> None:
        """name: the seed of identifiers and durations. It begins now: sidecars treat an old session as ended."""
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
        """The number of lines of the rollout up to the end of the first turn."""
        return 1 + next(at for at, line in enumerate(self.rollout) if line["payload"].get("type") == "task_complete")

    def used(self, lines: int | None = None) -> tuple[int, int]:
        """The fresh input tokens and the output tokens in the first `lines` lines, or in all."""
        costs = [line.tokens for line in self._thread.lines[:lines] if line.tokens]
        return sum(cost.fresh for cost in costs), sum(cost.output for cost in costs)

    def problems(self, rows: Iterable[Mapping[str, Any]], *, hooked: bool, imported: bool) -> list[str]:
        """The differences of the rows from the events. hooked: hooks were sent; imported: the rollout was written."""
        imported_events = {index for line in self._thread.lines for index in line.events} if imported else set()
        delivered = Counter(hook.event for hook in self._hooks) if hooked else Counter[int]()
        return judge(self._codex.events, rows, delivered=delivered, in_file=imported_events).problems

    def native_problems(self, rows: Iterable[Mapping[str, Any]]) -> list[str]:
        """The differences of the rows from those that upstream's own ingest makes of the rollout (v2.0.0 to v2.0.3).

        It makes one row for a tool call, none for its end, and one each for the start and the end of a turn. Prompts
        have none where the rollout has them as items. Hooks make no row.
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
