"""Scenarios of a Codex and a sidecar on a bad day, each from one seed: what happens, and how it arrives.

Hooks are lost, late, out of order, and delivered twice; rollouts are written in pieces that end within a line, never
to their end, or not at all, are damaged, cut short, replaced, archived and deleted; the sidecar is killed and started
again; the user opts in when half of it is over.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from patcher.testing import damage
from patcher.testing.codex import VERSIONS, Background, Codex, Hook, Thread
from patcher.testing.truth import Event

_BEGINNING = 1_790_000_000.0
_PROMPTS = ("make the tests pass", "go on", "and hurry up", "explain ü and 🙂", "stop that\nand clean up")
_COMMANDS = ("echo hi", "ls -la", "npm test", "grep -rn 'x' .", "printf 'Process exited with code 3'")


@dataclass(frozen=True)
class Delivery:
    """A hook payload reaches the sidecar, at a time of the sidecar's clock; or would, if it were up."""

    hook: Hook
    at: int

    def __str__(self) -> str:
        payload = self.hook.payload
        return f"hook    {payload['hook_event_name']} {payload.get('tool_use_id') or payload.get('turn_id') or ''}"


@dataclass(frozen=True)
class Write:
    """A rollout file grows to `size` bytes of what it will be; the last line may be half."""

    thread: Thread
    size: int
    at: int

    def __str__(self) -> str:
        return f"write   …{self.thread.id[-12:]} to {self.size} bytes"


@dataclass(frozen=True)
class Move:
    """A rollout file is archived, or deleted."""

    thread: Thread
    archive: bool
    at: int

    def __str__(self) -> str:
        return f"{'archive' if self.archive else 'delete '} …{self.thread.id[-12:]}"


@dataclass(frozen=True)
class Cut:
    """A rollout file becomes shorter: `size` bytes of what it will be. It is written on later."""

    thread: Thread
    size: int
    at: int

    def __str__(self) -> str:
        return f"cut     …{self.thread.id[-12:]} to {self.size} bytes"


@dataclass(frozen=True)
class Replace:
    """Another file takes the place of a rollout file: the lines of Codex, behind one that is none."""

    thread: Thread
    head: bytes
    at: int

    def __str__(self) -> str:
        return f"replace …{self.thread.id[-12:]}, behind {self.head!r}"


Step = Delivery | Write | Move | Cut | Replace


@dataclass
class Tick:
    """Steps in their order. After them the importer looks at everything once, or the sidecar is killed.

    down: it is not there for these steps, and is started after them.
    """

    steps: list[Step] = field(default_factory=list)
    killed: bool = False
    down: bool = False


@dataclass
class Scenario:
    """All of one seed: the truth, the ticks in which it arrives, and what is then expected."""

    seed: int
    codex: Codex
    ticks: list[Tick]
    facts: str
    skew: int

    @classmethod
    def from_seed(cls, seed: int, *, codex_home: str = "") -> "Scenario":
        """The scenario of a seed: always the same, but for where its rollout files are."""
        chance = random.Random(seed)  # noqa: S311 - reproducible, not secret
        version = chance.choice(VERSIONS)
        codex = Codex(codex_home, version=version, seed=f"{seed} ids", now=_BEGINNING + seed * 60)
        _Story(codex, chance).tell()
        roads = chance.choices(("both roads", "hooks alone", "rollout alone"), (7, 1, 2))[0]
        kills = chance.choices((0, 1, 2), (5, 3, 2))[0]
        journey = _Journey(codex, chance, random.Random(f"{seed} damage"), roads)  # noqa: S311 - as above
        ticks = journey.ticks(kills)
        facts = f"Codex {version}; {roads}; {', '.join(dict.fromkeys(journey.facts)) or 'no trouble'}"
        return cls(seed, codex, ticks, facts, journey.skew)

    @property
    def events(self) -> list[Event]:
        """Every logical event."""
        return self.codex.events

    @property
    def kills(self) -> int:
        """How often the sidecar is killed."""
        return sum(tick.killed for tick in self.ticks)

    @property
    def sessions(self) -> list[str]:
        """The sessions it has."""
        return list(dict.fromkeys(thread.root for thread in self.codex.threads))

    def deliveries(self) -> Iterator[Delivery]:
        """The hooks that find the sidecar up, in the order in which they do."""
        for tick in self.ticks:
            yield from (step for step in tick.steps if isinstance(step, Delivery) and not tick.down)

    def delivered(self) -> Counter[int]:
        """How often the hook of each event arrives, by the event's index."""
        return Counter(delivery.hook.event for delivery in self.deliveries())

    def told(self) -> set[int]:
        """The events whose rollout lines get written."""
        sizes: dict[str, int] = {}
        for tick in self.ticks:
            for step in tick.steps:
                if isinstance(step, Write):
                    sizes[step.thread.id] = max(step.size, sizes.get(step.thread.id, 0))
        told: set[int] = set()
        for thread in self.codex.threads:
            end = 0
            for line in thread.lines:
                end += len(line.data)
                if end <= sizes.get(thread.id, 0):
                    told.update(line.tells)
        return told

    def timeline(self) -> str:
        """What happens when, for people."""
        said = [f"seed {self.seed}: {self.facts}", f"{len(self.events)} events:"]
        said += [f"  {event.index:4} {event}" for event in self.events]
        for number, tick in enumerate(self.ticks, 1):
            said.append(f"tick {number}{', the sidecar is down' if tick.down else ''}")
            said += [f"  {step.at / 1000 - _BEGINNING:10.3f} {step}" for step in tick.steps]
            said.append("  kill -9" if tick.killed else "  start" if tick.down else "  the importer looks")
        return "\n".join(said)


class _Story:
    """What happens in a scenario: some sessions, each with some turns, each with some calls."""

    def __init__(self, codex: Codex, chance: random.Random) -> None:
        self.codex = codex
        self.chance = chance
        self.names = 0

    def tell(self) -> None:
        session = self.codex.session()
        self.turns(session, self.chance.randint(1, 4))
        if self.happens(0.25):
            fork = session.fork()
            self.codex.passes(self.chance.choice((1, 40, 4000)))
            self.turns(fork, self.chance.randint(1, 2))
            if self.happens(0.3):
                self.codex.passes(self.chance.choice((1, 40, 9000)))
                self.turns(fork.fork(), 1)
            if self.happens(0.5):
                self.turns(session, 1)

    def happens(self, probability: float) -> bool:
        return self.chance.random() < probability

    def turns(self, thread: Thread, count: int) -> None:
        running: list[Background] = []
        for _ in range(count):
            thread.turn(self.chance.choice(_PROMPTS))
            for _ in range(self.chance.randint(0, 6)):
                self.something(thread, running)
            self.end_turn(thread)
            if running and self.happens(0.3):
                thread.ends_unseen(running.pop())
            if self.happens(0.1):
                thread.compact()
            if self.happens(0.25):
                thread.end()
                self.codex.passes(self.chance.choice((10, 5_000, 7_200_000)))

    def end_turn(self, thread: Thread) -> None:
        if self.happens(0.15):
            if self.happens(0.7):
                thread.begin_shell("sleep 60")
            thread.interrupt()
        else:
            thread.stop(self.chance.choice(("Done.", "They pass.", "")))

    def something(self, thread: Thread, running: list[Background]) -> None:
        old = self.codex.version.minor < 133
        deeds: list[tuple[float, Callable[[], object]]] = [
            (5, lambda: self.shell(thread)),
            (2, lambda: thread.burst(self.chance.choice(_COMMANDS), self.chance.randint(2, 4))),
            (2, lambda: thread.patch(self.name(), works=self.happens(0.7))),
            (1, lambda: thread.shell_patch(self.name())),
            (2, lambda: thread.remember({"key": self.name()}, works=self.happens(0.7))),
            (1, lambda: thread.look("/home/user/project/x.png")),
            (1, lambda: thread.plan("next")),
            (1, lambda: thread.search("how to")),
            (1, lambda: thread.ask_permission("rm -rf x")),
            (1.5, lambda: thread.steer(self.chance.choice(_PROMPTS))),
            (1, thread.close_script),
            (2.5, lambda: running.append(thread.background("sleep 2; echo late"))),
            (5 if running else 0, lambda: self.type_into(thread, running)),
            (0 if old or thread.parent else 1.5, lambda: self.spawn(thread)),
        ]
        self.chance.choices([deed for _, deed in deeds], [weight for weight, _ in deeds])[0]()

    def name(self) -> str:
        self.names += 1
        return f"file{self.names}"

    def shell(self, thread: Thread) -> None:
        tool = self.chance.choice(("exec_command", "exec_command", "shell_command"))
        code = self.chance.choice((0, 0, 0, 1, 127))
        output = "hi\n" if self.happens(0.98) else "höher 🙂\n" * self.chance.randint(10_000, 30_000)
        thread.shell(self.chance.choice(_COMMANDS), output, exit_code=code, tool=tool)

    def type_into(self, thread: Thread, running: list[Background]) -> None:
        command = self.chance.choice(running)
        ends = self.happens(0.6)
        thread.type_into(command, "y\n", "late\n", exit_code=self.chance.choice((0, 1)) if ends else None)
        if ends:
            running.remove(command)

    def spawn(self, thread: Thread) -> None:
        child = thread.spawn("look into it", with_context=self.happens(0.4))
        inner: list[Background] = []
        for _ in range(self.chance.randint(0, 3)):
            self.something(child, inner)
            if self.happens(0.3):
                self.something(thread, [])
        self.end_turn(child)


class _Journey:
    """How all of it arrives."""

    def __init__(self, codex: Codex, chance: random.Random, bad_luck: random.Random, roads: str) -> None:
        self.codex = codex
        self.chance = chance
        self.bad_luck = bad_luck
        self.hooked = roads != "rollout alone"
        self.imported = roads != "hooks alone"
        self.facts: list[str] = []
        self.skew = 0

    def fact(self, probability: float, said: str) -> bool:
        if self.chance.random() >= probability:
            return False
        self.facts.append(said)
        return True

    def ticks(self, kills: int) -> list[Tick]:
        steps: list[Step] = sorted([*self.deliveries(), *self.rollouts()], key=lambda step: step.at)
        count = self.chance.randint(2, 5) + 2 * kills
        cuts = sorted(self.chance.randint(0, len(steps)) for _ in range(count - 1))
        edges = [0, *cuts, len(steps)]
        ticks = [Tick(steps[start:end]) for start, end in pairwise(edges)]
        # A kill ends a tick; in the next one the sidecar is down, and at its end it is started again.
        for number in range(kills):
            at = 2 * number + self.chance.randint(0, 1) if number == 0 else 2 * number + 1
            ticks[at].killed, ticks[at + 1].down = True, True
        if kills:
            self.facts.append(f"{kills} kill -9")
        return [*ticks, Tick(list(self.moves(steps[-1].at if steps else self.codex.now)))]

    def deliveries(self) -> Iterator[Delivery]:
        if not self.hooked:
            return
        hooks = self.codex.hooks
        lost = self.chance.choice((0.1, 0.5)) if self.fact(0.5, "lost hooks") else 0.0
        late = self.chance.choice((0.1, 0.5)) if self.fact(0.5, "late hooks") else 0.0
        twice = self.chance.choice((0.1, 1.0)) if self.fact(0.4, "hooks delivered twice") else 0.0
        self.skew = self.chance.choice((-7_200_000, -1500, 800, 86_400_000)) if self.fact(0.3, "clock skew") else 0
        opt_in = self.chance.choice(hooks).at if hooks and self.fact(0.2, "opt-in in the middle") else 0
        for hook in hooks:
            if hook.at < opt_in or self.chance.random() < lost:
                continue
            for _ in range(1 + (self.chance.random() < twice)):
                delay = self.chance.randint(0, 450)
                if self.chance.random() < late:
                    delay += self.chance.choice((1000, 20_000, 600_000))
                yield Delivery(hook, hook.at + delay)

    def rollouts(self) -> Iterator[Step]:
        if not self.imported:
            return
        behind = self.chance.choice((0, 0, 3000, 3_600_000))
        for thread in self.codex.threads:
            self.damage(thread)
            writes = list(self.writes(thread, behind))
            yield from writes
            yield from self.trouble(thread, writes)

    def writes(self, thread: Thread, behind: int) -> Iterator[Write]:
        ends = []
        size = 0
        for line in thread.lines:
            size += len(line.data)
            ends.append((line.at, size))
        for _ in range(self.chance.randint(0, 5)):
            at, most = self.chance.choice(ends)
            # Within a line as often as at its end.
            cut = self.chance.randint(max(0, most - 300), most) if self.chance.random() < 0.5 else most
            yield Write(thread, cut, at + behind)
        if self.fact(0.07, "a rollout that breaks off"):
            size = self.chance.randint(0, size)
        yield Write(thread, size, ends[-1][0] + behind)

    def damage(self, thread: Thread) -> None:
        for spoils, probability, said in (
            (damage.spoil, 0.3, "spoiled lines"),
            (damage.lose, 0.1, "lost lines"),
            (damage.swell, 0.02, "lines of megabytes"),
        ):
            if self.bad_luck.random() < probability:
                self.facts.append(said)
                spoils(thread, self.bad_luck)

    def trouble(self, thread: Thread, writes: list[Write]) -> Iterator[Step]:
        """Before the last write, which makes up for what was cut."""
        *before, last = writes
        for earlier in before:
            if earlier.at < last.at and self.bad_luck.random() < 0.15 and earlier.size < last.size:
                self.facts.append("a rollout cut short")
                yield Cut(
                    thread, self.bad_luck.randint(0, earlier.size), self.bad_luck.randint(earlier.at, last.at - 1)
                )
        if self.bad_luck.random() < 0.15:
            self.facts.append("a replaced rollout")
            yield Replace(thread, damage.head(self.bad_luck), self.bad_luck.randint(writes[0].at, last.at))
        if self.bad_luck.random() < 0.05:
            self.facts.append("a rollout archived while it is written")
            yield Move(thread, archive=True, at=self.bad_luck.randint(writes[0].at, last.at))

    def moves(self, at: int) -> Iterator[Move]:
        for thread in self.codex.threads:
            if self.imported and self.chance.random() < 0.08:
                archive = self.chance.random() < 0.7
                self.facts.append("an archived rollout" if archive else "a deleted rollout")
                yield Move(thread, archive, at)
