"""Some scenarios at once, on one real sidecar: they share its restarts, and nothing else."""

import http.client
import json
import os
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass

from patcher.codex.judgement import Judgement, judge
from patcher.codex.session_facts import Stored, judge_sessions
from patcher.codex.simulated import Thread
from patcher.prove import Node, NotSeen, Sidecar
from patcher.testing.migrated import migrated
from patcher.testing.simulator import Scenario
from patcher.testing.steps import Compress, Cut, Delivery, Migrate, Move, Replace, Tick, Write
from tests.lab.simulate.disk import Disk
from tests.lab.simulate.zstd import Compressor

POLL_MS = 20
WORKERS = 4
SECONDS_A_STEP = 0.001
PATIENCE = 20.0
RECENT = 60.0  # seconds
FAULT = 0.15  # seconds that a disk has its fault, at least: some looks of the importer
SLOW = 20.0  # seconds in which a verdict that is bad is asked for again
STILL = 4.0  # after so many a bad one that stays the same is final
STILL_GONE = 9.0  # the same where a file was deleted: the importer waits 8 by itself until it is gone for good
GONE = 20.0  # the same where sessions end because their files have been gone for long enough
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

    def __init__(self, thread: Thread, compressor: Compressor) -> None:
        self.thread = thread
        self.compressor = compressor
        self.path = thread.path
        self.lines = thread.lines
        self.text = b"".join(line.data for line in thread.lines)
        self.head = b""
        self.size = 0
        self.cleaned = 0  # up to here without the lines that are not of Codex
        self.whole = b""  # instead of all of that, once it has been migrated

    def take(self, step: Write | Cut | Replace | Move | Compress | Migrate) -> None:
        if isinstance(step, Write):
            self.write(step.size)
        elif not os.path.exists(self.path):
            return
        elif isinstance(step, Cut):
            self.cut(min(self.size, step.size))
        elif isinstance(step, Compress):
            self.compress()
        elif isinstance(step, Migrate):
            self.migrate()
        elif isinstance(step, Replace):
            self.replace(step.head)
        elif step.archive:
            self.archive()
        else:
            os.unlink(self.path)

    def write(self, size: int) -> None:
        if size <= self.size:
            return
        self.expand()
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        with open(self.path, "ab") as file:
            file.write(self.text[self.size : size])
        self.size = size

    def compress(self) -> None:
        """Beside the plain file, which goes then."""
        if not self.path.endswith(".zst"):
            os.rename(self.compressor.compress(self.path), f"{self.path}.zst")
            os.unlink(self.path)
            self.path += ".zst"

    def expand(self) -> None:
        """Codex writes on in a plain file, which has all."""
        if self.path.endswith(".zst"):
            compressed, self.path = self.path, self.path.removesuffix(".zst")
            with open(f"{self.path}.draft", "wb") as file:
                file.write(self.content())
            os.rename(f"{self.path}.draft", self.path)
            os.unlink(compressed)

    def migrate(self) -> None:
        """A new file under the old name."""
        self.whole = b"".join(line.data for line in migrated(self.thread))
        with open(f"{self.path}.draft", "wb") as file:
            file.write(self.whole)
        os.replace(f"{self.path}.draft", self.path)

    def touch(self) -> None:
        """Something has written its time, and nothing else: a backup, a sync."""
        if os.path.exists(self.path):
            os.utime(self.path)

    def age(self) -> None:
        """Its last line was written when it says so: the file is over."""
        if os.path.exists(self.path):
            ended = self.lines[-1].at / 1000
            os.utime(self.path, (ended, ended))

    def cut(self, size: int) -> None:
        """In place, as `truncate` does."""
        self.expand()
        self.size, self.cleaned = size, min(size, self.cleaned)
        with open(self.path, "r+b") as file:
            file.write(self.content())
            file.truncate()

    def replace(self, head: bytes) -> None:
        """As an editor does: a new file under the old name."""
        self.expand()
        self.head, self.cleaned = head, self.size
        with open(f"{self.path}.draft", "wb") as file:
            file.write(self.content())
        os.replace(f"{self.path}.draft", self.path)

    def content(self) -> bytes:
        if self.whole:
            return self.whole
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
    """The journey of scenarios that have the same number of kills, and are all of one kind of `APART`, or none.

    kind: that they are made to be of, if it is not by chance. apart: the kind of `APART`, or "".
    """

    def __init__(
        self, sidecar: Sidecar, seeds: Iterable[int], compressor: Compressor, *, kind: str = "", apart: str = ""
    ) -> None:
        self.sidecar = sidecar
        self.compressor = compressor
        # A session whose lines are old is over anyway: one whose file is gone must have been active just now.
        now = {"now": time.time() - RECENT} if apart == "deleted" else {}
        home = sidecar.codex_home
        self.scenarios = [Scenario.from_seed(seed, codex_home=home, kind=kind, **now) for seed in seeds]
        assert len({scenario.kills for scenario in self.scenarios}) == 1
        self.disk: Disk | None = None
        self.files: dict[str, Rollout] = {}
        self.looks = 0
        self.chance = random.Random(self.scenarios[0].seed)
        self.missed: defaultdict[int, Counter[int]] = defaultdict(Counter)
        self.doubtful: defaultdict[int, Counter[int]] = defaultdict(Counter)

    def run(self) -> list[Ran]:
        with Disk(self.sidecar) if self.has_faults else nullcontext() as self.disk:
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
            for file in self.files.values():
                file.age()
            ran = self.opinion(self.judge)
            if self.scenarios[0].kind == "purged":
                ran = self.purge(ran)
            return ran

    @property
    def has_faults(self) -> bool:
        return any(tick.fault for scenario in self.scenarios for tick in scenario.ticks)

    @property
    def has_deletions(self) -> bool:
        steps = (step for scenario in self.scenarios for tick in scenario.ticks for step in tick.steps)
        return any(isinstance(step, Move) and not step.archive for step in steps)

    def opinion(self, judge: Callable[[], list[Ran]]) -> list[Ran]:
        """A verdict; asked for again while it is bad, should the machine have been too slow, or a file not have its turn."""
        began = changed = time.monotonic()
        deleted = self.scenarios[0].kind == "deleted"
        deadline = began + (GONE if deleted else SLOW)
        still = STILL_GONE if self.has_deletions else STILL
        still = SLOW if deleted or self.has_faults else still  # what failed is read again after longer waits
        before: list[list[str]] = []
        while True:
            self.look()
            ran = judge()
            problems, now = [one.verdict.problems for one in ran], time.monotonic()
            if not any(problems) or now > deadline:
                return ran
            if problems != before:
                before, changed = problems, now
            elif now - changed > still:
                return ran
            time.sleep(0.2 if now - began < 1 else 1)

    def purge(self, ran: list[Ran]) -> list[Ran]:
        """The user deletes what is old, or everything: it does not come back, whatever the importer sees again."""
        everything = self.chance.random() < 0.5
        path, body = ("clear-data", {}) if everything else ("cleanup", {"purge_days": 1})
        reply = self.sidecar.request("POST", f"/api/settings/{path}", body)
        if reply.status != 200:
            raise RuntimeError(f"the sidecar answered {reply.status} to /api/settings/{path}")
        ids = {id_ for scenario in self.scenarios for id_ in scenario.session_ids()}
        kept = {str(row["id"]) for row in self.sidecar.rows("SELECT id FROM sessions")} & ids
        if self.chance.random() < 0.5:
            self.sidecar.restart()
        for file in self.files.values():
            file.touch()
        self.look()
        time.sleep(0.3)
        self.look()
        for one in ran:
            for id_ in one.scenario.session_ids():
                for table, column in (("sessions", "id"), ("events", "session_id"), ("token_usage", "session_id")):
                    [found] = self.sidecar.rows(f"SELECT COUNT(*) AS n FROM {table} WHERE {column} = ?", id_)
                    if found["n"] and id_ not in kept:
                        one.verdict.facts.append(f"session {id_} was deleted, and has {found['n']} of {table} again")
        return ran

    def travel(self, ticks: Sequence[tuple[Scenario, Tick]]) -> None:
        """One tick of each scenario; those of different scenarios at once. Half of the kills come in the midst."""
        down = any(tick.down for _, tick in ticks)
        killer = None
        fault = next((tick.fault for _, tick in ticks if tick.fault), "")
        if fault and self.disk:
            self.disk.has(fault)
        if any(tick.killed for _, tick in ticks) and self.chance.random() < 0.5:
            steps = sum(len(tick.steps) for _, tick in ticks)
            killer = threading.Timer(self.chance.random() * steps * SECONDS_A_STEP, self.sidecar.kill)
            killer.start()
        with ThreadPoolExecutor(WORKERS) as workers:
            list(workers.map(lambda start: self.work(ticks[start::WORKERS], faulty=bool(fault)), range(WORKERS)))
        if fault and self.disk:
            time.sleep(FAULT)
            self.disk.is_well()
            if not self.sidecar.running:
                self.sidecar.start()
        if killer:
            killer.join()
        if any(tick.killed for _, tick in ticks):
            self.sidecar.kill()
        if down:
            self.sidecar.start()

    def work(self, ticks: Sequence[tuple[Scenario, Tick]], *, faulty: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.sidecar.port, timeout=60)
        try:
            for scenario, tick in ticks:
                for step in tick.steps:
                    if isinstance(step, Delivery):
                        if not tick.down:
                            self.deliver(step, scenario, connection, may_fail=tick.killed or faulty)
                    else:
                        rollout = self.files.setdefault(step.thread.path, Rollout(step.thread, self.compressor))
                        rollout.take(step)
        finally:
            connection.close()

    def deliver(
        self, step: Delivery, scenario: Scenario, connection: http.client.HTTPConnection, *, may_fail: bool
    ) -> None:
        try:
            deliver(step, connection)
        except (OSError, http.client.HTTPException, NotTaken) as error:
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
            name = f"rollout-2020-01-01T00-00-00-{thread}.jsonl"
            path = os.path.join(self.sidecar.codex_home, "sessions", "2020", "01", "01", name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            meta = {"id": thread, "session_id": thread, "cwd": "/", "timestamp": "2020-01-01T00:00:00.000Z"}
            line = {"timestamp": "2020-01-01T00:00:00.000Z", "type": "session_meta", "payload": meta}
            with open(f"{path}.draft", "w", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            os.rename(f"{path}.draft", path)
            try:
                self.sidecar.wait_for(lambda: self.seen(thread), PATIENCE, "the sentinel's row")
            except NotSeen as error:
                seeds = ", ".join(str(scenario.seed) for scenario in self.scenarios)
                raise NotSeen(f"{error}; seeds {seeds}; the log ends:\n{self.sidecar.log()[-2000:]}") from error
            os.unlink(path)

    def seen(self, session: str) -> bool:
        return bool(self.sidecar.rows("SELECT 1 FROM events WHERE session_id = ?", session))

    def judge(self) -> list[Ran]:
        return [self.judged(scenario) for scenario in self.scenarios]

    def judged(self, scenario: Scenario) -> Ran:
        rows = self.of(scenario, "events", "session_id")
        delivered = scenario.delivered() - self.missed[scenario.seed]
        doubtful = self.doubtful[scenario.seed]
        verdict = judge(
            scenario.events, rows, delivered=delivered, in_file=scenario.events_in_files(), doubtful=doubtful
        )
        wanted, uncertain = scenario.wanted(delivered, doubtful)
        sessions = [row for row in self.of(scenario, "sessions", "id") if row["id"] not in uncertain]
        agents, usage = (self.of(scenario, table, "session_id") for table in ("agents", "token_usage"))
        judge_sessions(verdict, wanted, Stored(sessions, agents, usage))
        return Ran(scenario, verdict, rows)

    def of(self, scenario: Scenario, table: str, column: str) -> list[dict[str, object]]:
        """The rows of a table that are of any thread of a scenario."""
        ids = scenario.session_ids()
        marks = ", ".join("?" * len(ids))
        return self.sidecar.rows(f"SELECT * FROM {table} WHERE {column} IN ({marks})", *ids)


class NotTaken(RuntimeError):
    """The sidecar has answered a hook with an error."""


def deliver(step: Delivery, connection: http.client.HTTPConnection) -> None:
    """As the hook handler does. Raises `NotTaken`, or that of the connection."""
    payload = step.hook.payload
    body = json.dumps({"hook_type": payload["hook_event_name"], "data": {**payload, "__provider": "codex"}})
    connection.request("POST", "/api/hooks/event", body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    said = response.read()
    if response.status != 200:
        raise NotTaken(f"the sidecar answered {response.status}: {said[:300]!r}")


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
