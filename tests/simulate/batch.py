"""Some scenarios at once, on one real sidecar: they share its restarts, and nothing else."""

import http.client
import json
import os
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from patcher.prove import Node, Sidecar
from patcher.testing.codex import Thread
from patcher.testing.simulator import Cut, Delivery, Move, Replace, Scenario, Tick, Write
from patcher.testing.truth import Judgement, judge

POLL_MS = 20
WORKERS = 4
SECONDS_A_STEP = 0.001
PATIENCE = 20.0
SENTINEL = "00000000-0000-7000-8000-{:012x}"


@dataclass
class Ran:
    """One scenario, after it."""

    scenario: Scenario
    verdict: Judgement
    rows: list[dict[str, object]]


def sidecar_for(tree: str, node: Node) -> Sidecar:
    return Sidecar(tree, node, env={"CODEX_POLL_MS": str(POLL_MS)})


class Rollout:
    """One rollout file on the disk: where it is by now, and how far it is written."""

    def __init__(self, thread: Thread) -> None:
        self.path = thread.path
        self.lines = thread.lines
        self.text = b"".join(line.data for line in thread.lines)
        self.head = b""
        self.size = 0
        self.cleaned = 0  # up to here without the lines that are not of Codex

    def take(self, step: Write | Cut | Replace | Move) -> None:
        if isinstance(step, Write):
            self.write(step.size)
        elif not os.path.exists(self.path):
            return
        elif isinstance(step, Cut):
            self.cut(min(self.size, step.size))
        elif isinstance(step, Replace):
            self.replace(step.head)
        elif step.archive:
            self.archive()
        else:
            os.unlink(self.path)

    def write(self, size: int) -> None:
        if size <= self.size:
            return
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        with open(self.path, "ab") as file:
            file.write(self.text[self.size : size])
        self.size = size

    def cut(self, size: int) -> None:
        """In place, as `truncate` does."""
        self.size, self.cleaned = size, min(size, self.cleaned)
        with open(self.path, "r+b") as file:
            file.write(self.content())
            file.truncate()

    def replace(self, head: bytes) -> None:
        """As an editor does: a new file under the old name."""
        self.head, self.cleaned = head, self.size
        with open(f"{self.path}.draft", "wb") as file:
            file.write(self.content())
        os.replace(f"{self.path}.draft", self.path)

    def content(self) -> bytes:
        kept = [self.head]
        end = 0
        for line in self.lines:
            begin, end = end, end + len(line.data)
            if not (line.spurious and end <= self.cleaned):
                kept.append(line.data[: max(0, self.size - begin)])
        return b"".join(kept)

    def archive(self) -> None:
        home = self.path.split("/sessions/", 1)[0].split("/archived_sessions/", 1)[0]
        target = os.path.join(home, "archived_sessions", os.path.basename(self.path))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.rename(self.path, target)
        self.path = target


class Batch:
    """The journey of scenarios that have the same number of kills."""

    def __init__(self, sidecar: Sidecar, seeds: Iterable[int]) -> None:
        self.sidecar = sidecar
        self.scenarios = [Scenario.from_seed(seed, codex_home=sidecar.codex_home) for seed in seeds]
        assert len({scenario.kills for scenario in self.scenarios}) == 1
        self.files: dict[str, Rollout] = {}
        self.looks = 0
        self.chance = random.Random(self.scenarios[0].seed)
        self.missed: defaultdict[int, Counter[int]] = defaultdict(Counter)
        self.doubtful: defaultdict[int, Counter[int]] = defaultdict(Counter)

    def run(self) -> list[Ran]:
        for phase in zip(*(list(_phases(scenario.ticks)) for scenario in self.scenarios), strict=True):
            for round_ in range(max(len(ticks) for ticks in phase)):
                now = [
                    (scenario, ticks[round_])
                    for scenario, ticks in zip(self.scenarios, phase, strict=True)
                    if round_ < len(ticks)
                ]
                self.travel(now)
                if not any(tick.killed for _, tick in now):
                    self.look()
        self.look()
        first = self.judge()
        if any(ran.verdict.problems for ran in first):
            self.look()  # a second opinion, should the machine have been too slow for the first one
            return self.judge()
        return first

    def travel(self, ticks: Sequence[tuple[Scenario, Tick]]) -> None:
        """One tick of each scenario; those of different scenarios at once. Half of the kills come in the midst."""
        down = any(tick.down for _, tick in ticks)
        killer = None
        if any(tick.killed for _, tick in ticks) and self.chance.random() < 0.5:
            steps = sum(len(tick.steps) for _, tick in ticks)
            killer = threading.Timer(self.chance.random() * steps * SECONDS_A_STEP, self.sidecar.kill)
            killer.start()
        with ThreadPoolExecutor(WORKERS) as workers:
            list(workers.map(lambda start: self.work(ticks[start::WORKERS]), range(WORKERS)))
        if killer:
            killer.join()
        if any(tick.killed for _, tick in ticks):
            self.sidecar.kill()
        if down:
            self.sidecar.start()

    def work(self, ticks: Sequence[tuple[Scenario, Tick]]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.sidecar.port, timeout=60)
        try:
            for scenario, tick in ticks:
                for step in tick.steps:
                    if isinstance(step, Delivery):
                        if not tick.down:
                            self.deliver(step, scenario, connection, may_fail=tick.killed)
                    else:
                        self.files.setdefault(step.thread.path, Rollout(step.thread)).take(step)
        finally:
            connection.close()

    def deliver(
        self, step: Delivery, scenario: Scenario, connection: http.client.HTTPConnection, *, may_fail: bool
    ) -> None:
        try:
            deliver(step, connection)
        except (OSError, http.client.HTTPException) as error:
            if not may_fail:
                raise
            connection.close()
            self.missed[scenario.seed][step.hook.event] += 1
            if not isinstance(error, ConnectionRefusedError):
                self.doubtful[scenario.seed][step.hook.event] += 1  # on its way when the sidecar was killed

    def look(self) -> None:
        """Wait until the importer has looked at all files from the first to the last: a sentinel twice read."""
        for _ in range(2):
            self.looks += 1
            thread = SENTINEL.format(int(time.time() * 1000) % 2**40 * 64 + self.looks % 64)
            path = os.path.join(self.sidecar.codex_home, "sessions", "2020", "01", "01", f"rollout-{thread}.jsonl")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            meta = {"id": thread, "session_id": thread, "cwd": "/", "timestamp": "2020-01-01T00:00:00.000Z"}
            line = {"timestamp": "2020-01-01T00:00:00.000Z", "type": "session_meta", "payload": meta}
            with open(f"{path}.draft", "w", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            os.rename(f"{path}.draft", path)
            self.sidecar.wait_for(lambda: self.seen(thread), PATIENCE, "the sentinel's row")
            os.unlink(path)

    def seen(self, session: str) -> bool:
        return bool(self.sidecar.rows("SELECT 1 FROM events WHERE session_id = ?", session))

    def judge(self) -> list[Ran]:
        return [self.judged(scenario) for scenario in self.scenarios]

    def judged(self, scenario: Scenario) -> Ran:
        sessions = scenario.sessions
        marks = ", ".join("?" * len(sessions))
        rows = self.sidecar.rows(f"SELECT * FROM events WHERE session_id IN ({marks}) ORDER BY id", *sessions)
        delivered = scenario.delivered() - self.missed[scenario.seed]
        verdict = judge(
            scenario.events, rows, delivered=delivered, told=scenario.told(), doubtful=self.doubtful[scenario.seed]
        )
        return Ran(scenario, verdict, rows)


def deliver(step: Delivery, connection: http.client.HTTPConnection) -> None:
    """As the hook handler does. The sidecar is up, so that it answers; anything else is a failure of the run."""
    payload = step.hook.payload
    body = json.dumps({"hook_type": payload["hook_event_name"], "data": {**payload, "__provider": "codex"}})
    connection.request("POST", "/api/hooks/event", body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    said = response.read()
    if response.status != 200:
        raise RuntimeError(f"the sidecar answered {response.status}: {said[:300]!r}")


def _phases(ticks: Sequence[Tick]) -> Iterable[list[Tick]]:
    """Ticks between two kills, the killed one alone, the one when it is down alone."""
    phase: list[Tick] = []
    for tick in ticks:
        if tick.killed or tick.down:
            yield phase
            yield [tick]
            phase = []
        else:
            phase.append(tick)
    yield phase
