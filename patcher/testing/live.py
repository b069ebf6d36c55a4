"""A simulated Codex that sends its hooks and rollouts to running sidecars, with failures if a test wants them."""

import json
import os
from collections import Counter, defaultdict
from collections.abc import Container
from dataclasses import dataclass, field
from functools import cached_property

from patcher.codex.judgement import Judgement, judge
from patcher.codex.records import Hook, Payload
from patcher.codex.simulated import Codex, Thread
from patcher.patches.harnesses import HARNESSES, places_of
from patcher.prove import Sidecar
from patcher.prove.contract import TestBed


@dataclass
class _Arrived:
    """What one sidecar has received so far. hooks, lines: how many were sent."""

    hooks: int = 0
    lines: Counter[str] = field(default_factory=Counter)
    delivered: Counter[int] = field(default_factory=Counter)
    in_file: set[int] = field(default_factory=set)


class LiveCodex(Codex):
    """A `Codex` that records what it has sent to which sidecar.

    `session()` and the methods of a thread make events; `fire_hooks` and `write_rollouts` send them.
    """

    def fire_hooks(
        self, sidecar: Sidecar, *, lose: Container[str] = (), times: int = 1, through_handler: bool = False
    ) -> None:
        """Send the hooks that were not sent yet, in order.

        lose: names of hooks not to send, such as `PostToolUse`. times: deliveries of each hook.
        through_handler: run the handler in the sidecar's tree, as Codex does; slower.
        """
        arrived = self._arrived[sidecar.home]
        for hook in self.hooks[arrived.hooks :]:
            if hook.payload["hook_event_name"] not in lose:
                for _ in range(times):
                    self._fire(hook, sidecar, through_handler=through_handler)
                arrived.delivered[hook.event] += times
        arrived.hooks = len(self.hooks)

    def write_rollouts(self, sidecar: Sidecar) -> None:
        """Append the lines that were not written yet to the rollout files. The sidecar reads them at its next poll."""
        arrived = self._arrived[sidecar.home]
        for thread in self.threads:
            lines = thread.lines[arrived.lines[thread.id] :]
            path = self._path(thread, sidecar)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "a", encoding="utf-8") as file:
                file.writelines(f"{line.text}\n" for line in lines)
            arrived.lines[thread.id] += len(lines)
            arrived.in_file.update(index for line in lines for index in line.events)

    def judge(self, sidecar: Sidecar) -> Judgement:
        """Compare the sidecar's rows with what it has received."""
        arrived = self._arrived[sidecar.home]
        sessions = list({event.session for event in self.events})
        marks = ", ".join("?" * len(sessions))
        rows = sidecar.rows(f"SELECT * FROM events WHERE session_id IN ({marks}) ORDER BY id", *sessions)  # noqa: S608
        return judge(self.events, rows, delivered=arrived.delivered, in_file=arrived.in_file)

    @cached_property
    def _arrived(self) -> defaultdict[str, _Arrived]:
        """By the home of the sidecar."""
        return defaultdict(_Arrived)

    def _path(self, thread: Thread, sidecar: Sidecar) -> str:
        return os.path.join(sidecar.codex_home, os.path.relpath(thread.path, self.codex_home))

    def _fire(self, hook: Hook, sidecar: Sidecar, *, through_handler: bool) -> None:
        payload: Payload = json.loads(json.dumps(hook.payload).replace(self.codex_home, sidecar.codex_home))
        if through_handler:
            handler = _handler_in(sidecar.tree)
            bed = TestBed(sidecar.tree, sidecar.tree, handler, sidecar.node, sidecar.home)
            bed.run_handlers([payload], sidecar)
        else:
            sidecar.post_hook(payload["hook_event_name"], {**payload, "__provider": "codex"})


def _handler_in(tree: str) -> str:
    """Our Codex handler in a generated tree. Where upstream has one of that name, ours is the deeper one."""
    [codex] = [harness for harness in HARNESSES if harness.provider == "codex"]
    paths = [os.path.join(tree, *path.split("/")) for path, _ in reversed(places_of(codex))]
    return next(path for path in paths if os.path.exists(path))
