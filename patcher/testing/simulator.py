"""Scenarios of a Codex and a sidecar on a bad day, each from one seed: what happens, and how it arrives.

Hooks are lost, late, out of order, and delivered twice; rollouts are written in pieces that end within a line, never
to their end, or not at all, are damaged, cut short, replaced, compressed, migrated, archived and deleted; the sidecar
is killed and started again, its disk is full or fails; the user opts in when half of it is over, or deletes it all.
Each scenario is of one kind (`KINDS`), which it is sure to show; what else happens is by chance.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from patcher.testing import damage
from patcher.testing.codex import (
    BARE,
    CODE,
    DIRECT,
    NO_TURNS,
    OLD,
    VERSIONS,
    Background,
    Codex,
    Copying,
    Hook,
    Line,
    Thread,
    Version,
    iso,
)  # fmt: skip
from patcher.testing.migrated import migrate_all
from patcher.testing.truth import Event, Session

_BEGINNING = 1_790_000_000.0
_PROMPTS = ("make the tests pass", "go on", "and hurry up", "explain ü and 🙂", "stop that\nand clean up")
_LEGACY = (OLD, Version(146), Version(146, code=True))
_OLDEST = (NO_TURNS, Version(40))

# What a scenario is sure to show, and the versions that can.
KINDS: dict[str, tuple[Version, ...]] = {
    "everyday": VERSIONS,
    "forks": (*_LEGACY, *_LEGACY, Version(151), DIRECT, CODE),
    "forks without turn ids": _OLDEST,
    "sub-agents": VERSIONS,
    "children first": VERSIONS,
    "migrated": (*_LEGACY, NO_TURNS),
    "migrated while followed": _LEGACY,
    "continued": (*VERSIONS, NO_TURNS),
    "compressed": (*VERSIONS, NO_TURNS),
    "call ids by turn": (*VERSIONS, NO_TURNS),
    "hooks off": (Version(146, code=True), Version(154, code=True), CODE, *VERSIONS),
    "heads and tails": (*VERSIONS, NO_TURNS),
    "bare lines": (BARE,),
    "disk faults": VERSIONS,
    "purged": VERSIONS,
    "deleted": VERSIONS,
}
APART = ("disk faults", "purged", "deleted")
"""The kinds in which something happens to all that a sidecar has: it has no others beside them."""

_FOLDERS = ("/home/user/project", "/home/user/shop", "/srv/büro")
_MODELS = ("gpt-5.5", "gpt-6-luna", "gpt-5.6")
_LATER = 1_000_000_000  # milliseconds
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


@dataclass(frozen=True)
class Compress:
    """A rollout file is compressed, as Codex does with old ones. When it is written on, it is plain again."""

    thread: Thread
    at: int

    def __str__(self) -> str:
        return f"zstd    …{self.thread.id[-12:]}"


@dataclass(frozen=True)
class Migrate:
    """`codex migrate-rollouts --apply` writes a rollout file anew, when it is complete."""

    thread: Thread
    at: int

    def __str__(self) -> str:
        return f"migrate …{self.thread.id[-12:]}"


Step = Delivery | Write | Move | Cut | Replace | Compress | Migrate


@dataclass
class Tick:
    """Steps in their order. After them the importer looks at everything once, or the sidecar is killed.

    down: it is not there for these steps, and is started after them. fault: what the database's disk has meanwhile,
    `full` or `broken`; nothing, if it is well.
    """

    steps: list[Step] = field(default_factory=list)
    killed: bool = False
    down: bool = False
    fault: str = ""


@dataclass
class Scenario:
    """All of one seed: the truth, the ticks in which it arrives, and what is then expected."""

    seed: int
    kind: str
    codex: Codex
    ticks: list[Tick]
    facts: str
    skew: int

    @classmethod
    def from_seed(cls, seed: int, *, codex_home: str = "", kind: str = "", now: float = _BEGINNING) -> "Scenario":
        """The scenario of a seed: always the same, but for where and when. kind: else it is by chance.

        now: when it begins, in seconds since the epoch; else each seed has a minute of one day.
        """
        chance = random.Random(seed)  # noqa: S311 - reproducible, not secret
        drawn = chance.choices(list(KINDS), [6, *[1] * (len(KINDS) - 1)])[0]
        kind = kind or drawn
        version = chance.choice(KINDS[kind])
        numbered = kind == "call ids by turn" or (version.turn_ids and chance.random() < 0.1)
        codex = Codex(
            codex_home,
            version=version,
            seed=f"{seed} ids",
            now=now + (seed * 60 if now == _BEGINNING else 0),
            numbered_calls=numbered,
        )
        story = _Story(codex, chance, kind)
        story.tell()
        if kind == "migrated":
            migrate_all(codex.threads)
        children = any(thread.parent for thread in codex.threads)
        hooked = version.has("SubagentStart" if children else "Stop") and kind not in {
            "hooks off",
            "migrated",
            "deleted",
        }
        by_chance = chance.choices(("both roads", "hooks alone", "rollout alone"), (7, 1, 2))[0]
        roads = (
            by_chance if hooked and kind in {"everyday", "sub-agents"} else "both roads" if hooked else "rollout alone"
        )
        kills = chance.choices((0, 1, 2), (5, 3, 2))[0] if kind not in {"disk faults", "purged"} else 0
        bad_luck = random.Random(f"{seed} damage")  # noqa: S311 - as above
        journey = _Journey(codex, chance, bad_luck, roads, kind)
        ticks = journey.ticks(kills)
        facts = ", ".join(dict.fromkeys([*story.facts, *journey.facts])) or "no trouble"
        return cls(seed, kind, codex, ticks, f"{kind}; Codex {version}; {roads}; {facts}", journey.skew)

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
        return {index for lines in self._written().values() for line in lines for index in line.tells}

    def _written(self) -> dict[str, list[Line]]:
        """The lines of each file that get written to their ends, by path. The last one needs no line feed."""
        sizes: dict[str, int] = {}
        for tick in self.ticks:
            for step in tick.steps:
                if isinstance(step, Write):
                    sizes[step.thread.path] = max(step.size, sizes.get(step.thread.path, 0))
        written: dict[str, list[Line]] = {}
        for thread in self.codex.threads:
            end = 0
            lines = written[thread.path] = []
            for line in thread.lines:
                end += len(line.data)
                if end - 1 <= sizes.get(thread.path, 0):
                    lines.append(line)
        return written

    def session_ids(self) -> list[str]:
        """The ids under which there may be sessions: each thread's own."""
        return list(dict.fromkeys(thread.id for thread in self.codex.threads))

    def wanted(self, delivered: Mapping[int, int], doubtful: Mapping[int, int]) -> tuple[list[Session], set[str]]:
        """What the database must say of each session, and the ids of those that may be there or not.

        delivered, doubtful: as in `truth.judge`.
        """
        written = self._written()
        moves = (step for tick in self.ticks for step in tick.steps if isinstance(step, Move) and not step.archive)
        gone = set() if self.kind == "deleted" else {step.thread.root for step in moves}
        sure = {self.events[index] for index, times in delivered.items() if times}
        perhaps = {self.events[index] for index, times in doubtful.items() if times}
        sessions, uncertain = [], set()
        for root in self.sessions:
            threads = [thread for thread in self.codex.threads if thread.root == root]
            hooks = [event for event in sure if event.session == root]
            guesses = [event for event in perhaps if event.session == root]
            if any(written[thread.path] for thread in threads) or hooks:
                session = _session(root, threads, written, hooks, guesses)
                # Without a file, a session ends some seconds later: the scenarios that are about it wait for that.
                sessions.append(replace(session, over=session.over and root not in gone))
            elif guesses:
                uncertain.add(root)
        return sessions, uncertain

    def timeline(self) -> str:
        """What happens when, for people."""
        said = [f"seed {self.seed}: {self.facts}", f"{len(self.events)} events:"]
        said += [f"  {event.index:4} {event}" for event in self.events]
        for number, tick in enumerate(self.ticks, 1):
            said.append(f"tick {number}{', the sidecar is down' if tick.down else ''}")
            said += [f"  {step.at / 1000 - _BEGINNING:10.3f} {step}" for step in tick.steps]
            said.append("  kill -9" if tick.killed else "  start" if tick.down else "  the importer looks")
        return "\n".join(said)


def _session(
    root: str,
    threads: Sequence[Thread],
    written: Mapping[str, Sequence[Line]],
    hooks: Sequence[Event],
    guesses: Sequence[Event],
) -> Session:
    own = [thread for thread in threads if thread.id == root]
    lines = [line for thread in own for line in written[thread.path]]
    models = [line.model for line in lines if line.model]
    said = {event.model for event in (*hooks, *guesses) if event.thread == root and event.model}
    told = {thread.id for thread in threads if thread.parent and written[thread.path]}
    heard = {event.thread for event in (*hooks, *guesses)} - {root}
    still_open = any(_is_open(written[thread.path]) for thread in threads)
    alone = not written_any(threads, written) and heard == set()
    return Session(
        id=root,
        tokens=_tokens(threads, written),
        started_at=iso(own[0].born) if lines else None,
        cwd=own[0].cwd if (lines and not own[0].codex.version.bare) or alone else None,
        name=own[0].cwd.rpartition("/")[2] if (lines and not own[0].codex.version.bare) or alone else None,
        models={models[-1], *said} if models else (),
        agents=(len(told), len(told | heard)),
        over=bool(lines) and not hooks and not guesses and not still_open,
    )


def written_any(threads: Sequence[Thread], written: Mapping[str, Sequence[Line]]) -> bool:
    """Whether a file of these threads has a line."""
    return any(written[thread.path] for thread in threads)


def _is_open(lines: Sequence[Line]) -> bool:
    said = [line.opens for line in lines if line.opens is not None]
    return bool(said) and bool(said[-1])


def _tokens(threads: Sequence[Thread], written: Mapping[str, Sequence[Line]]) -> dict[str, tuple[int, int, int, int]]:
    """What the responses cost that the files tell of, by model."""
    total: dict[str, tuple[int, int, int, int]] = {}
    for thread in threads:
        lines = written[thread.path]
        known = any(line.model for line in lines)
        for cost in (line.tokens for line in lines if line.tokens):
            model = cost.model if known else "unknown"
            before = total.get(model, (0, 0, 0, 0))
            more = (cost.fresh, cost.cached, cost.output, cost.written)
            total[model] = (before[0] + more[0], before[1] + more[1], before[2] + more[2], before[3] + more[3])
    return total


class _Story:
    """What happens in a scenario: some sessions, each with some turns, each with some calls."""

    def __init__(self, codex: Codex, chance: random.Random, kind: str) -> None:
        self.codex = codex
        self.chance = chance
        self.kind = kind
        self.facts: list[str] = []
        self.names = 0

    def tell(self) -> None:
        edges = self.kind == "heads and tails"
        head = "Be kind. " * self.chance.choice((30, 9_000, 9_000, 200_000)) if edges or self.happens(0.05) else ""
        session = self.codex.session(self.chance.choice(_FOLDERS), instructions=head)
        self.turns(session, self.chance.randint(1, 4), first=True)
        if self.kind in {"sub-agents", "children first"}:
            self.team(session)
        if self.kind == "continued" or (self.kind == "everyday" and self.happens(0.03)):
            session = self.go_on(session)
        forks = self.kind in {"forks", "forks without turn ids", "children first", "migrated"}
        if self.codex.version.bare or self.codex.numbered_calls > self.codex.version.turn_ids:
            return  # nothing there tells a copied call from another one with its number
        if forks or self.happens(0.2):
            self.fork(session)

    def go_on(self, session: Thread) -> Thread:
        for _ in range(self.chance.randint(1, 2)):
            session.end()
            self.codex.passes(self.chance.choice((2_000, 3_600_000)))
            session = session.go_on(counted_anew=self.happens(0.4))
            self.turns(session, self.chance.randint(1, 2))
        return session

    def fork(self, session: Thread) -> None:
        fork = session.fork(self.copying(), cwd=self.chance.choice(_FOLDERS))
        self.codex.passes(self.chance.choice((1, 40, 4000)))
        self.turns(fork, self.chance.randint(1, 2))
        if self.happens(0.3):
            self.codex.passes(self.chance.choice((1, 40, 9000)))
            self.turns(fork.fork(self.copying()), 1)
        if self.happens(0.5):
            self.turns(session, 1)

    def copying(self) -> Copying:
        """How history is copied: as 0.146 does, or as others were seen to, where the scenario is about that."""
        odd = self.kind in {"forks", "sub-agents", "children first"}
        if odd or self.kind == "forks without turn ids":
            spread = self.chance.choice((0, 3, 40, 2000, 9000) if odd else (0, 3, 40, 2000))
            copying = Copying(not odd or self.happens(0.6), spread, original_times=self.happens(0.2))
        else:
            copying = Copying(spread=self.chance.choice((0, 0, 3)))
        if not self.codex.version.paginated:
            self.facts += ["history copied slowly"] if copying.spread > 1000 else []
            self.facts += ["history with its own times"] if copying.original_times else []
            self.facts += [] if copying.meta else ["history without its head"]
        return copying

    def team(self, session: Thread) -> None:
        """Sub-agents of every kind: by a tool, and two deep; Codex' own."""
        session.turn(self.chance.choice(_PROMPTS))
        child = session.spawn("dig", copying=self.copying() if self.happens(0.6) else None, cwd="/home/user/worktree")
        self.something(child, [])
        if self.happens(0.6):
            grandchild = child.spawn("dig deeper", copying=self.copying() if self.happens(0.4) else None)
            self.something(grandchild, [])
            self.end_turn(grandchild)
        self.end_turn(child)
        if self.codex.version.minor >= 133:
            for kind in ("guardian", "guardian_review", "review"):
                if self.happens(0.4):
                    judge = session.reviewed(kind, "is it safe?")
                    judge.stop("Yes.")
        self.end_turn(session)

    def happens(self, probability: float) -> bool:
        return self.chance.random() < probability

    def turns(self, thread: Thread, count: int, *, first: bool = False) -> None:
        running: list[Background] = []
        for _ in range(count):
            early = first and (self.happens(0.5) if self.kind == "heads and tails" else self.happens(0.03))
            model = self.chance.choice(_MODELS) if self.happens(0.1) else ""
            thread.turn(self.chance.choice(_PROMPTS), model=model, tokens_first=early)
            first = False
            for _ in range(self.chance.randint(0, 6)):
                self.something(thread, running)
            self.end_turn(thread)
            if self.codex.numbered_calls:
                running.clear()  # which turn's call it is that ends, no line could say
            if running and self.happens(0.3):
                thread.ends_unseen(running.pop())
            unknown = self.kind == "migrated" and not self.codex.version.turn_ids  # whose turn a compaction is in then
            if self.happens(0.1) and not unknown:
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
        version = self.codex.version
        alone = version.minor < 133 or thread.parent  # no sub-agents, or none of its own
        oldest = not version.turn_ids
        deeds: list[tuple[float, Callable[[], object]]] = [
            (5, lambda: self.shell(thread)),
            (2, lambda: thread.burst(self.chance.choice(_COMMANDS), self.chance.randint(2, 4))),
            (2, lambda: thread.patch(self.name(), works=self.happens(0.7))),
            (0 if oldest else 1, lambda: thread.shell_patch(self.name())),
            (2, lambda: thread.remember({"key": self.name()}, works=self.happens(0.7))),
            (1, lambda: thread.look("/home/user/project/x.png")),
            (1, lambda: thread.plan("next")),
            (0 if oldest else 1, lambda: thread.search("how to")),
            (0 if oldest else 1, lambda: thread.ask_permission("rm -rf x")),
            (0 if oldest else 1.5, lambda: thread.steer(self.chance.choice(_PROMPTS))),
            (1, thread.close_script),
            (1, thread.respond),
            (0 if oldest else 2.5, lambda: running.append(thread.background("sleep 2; echo late"))),
            (5 if running else 0, lambda: self.type_into(thread, running)),
            (0 if alone else 1.5, lambda: self.spawn(thread)),
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
        child = thread.spawn("look into it", copying=self.copying() if self.happens(0.4) else None)
        inner: list[Background] = []
        for _ in range(self.chance.randint(0, 3)):
            self.something(child, inner)
            if self.happens(0.3):
                self.something(thread, [])
        self.end_turn(child)


def _first_own(thread: Thread) -> int:
    """Where the first line ends, behind the head and the copied lines, that tells something of the thread's own."""
    own = [at for at, line in enumerate(thread.lines) if line.tells]
    return sum(len(line.data) for line in thread.lines[: own[1] + 1]) if len(own) > 1 else 0


class _Journey:
    """How all of it arrives."""

    def __init__(self, codex: Codex, chance: random.Random, bad_luck: random.Random, roads: str, kind: str) -> None:
        self.codex = codex
        self.chance = chance
        self.bad_luck = bad_luck
        self.kind = kind
        self.unended: set[str] = set()  # files whose last line is told when they are seen to be over
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
        if self.kind == "disk faults":
            for tick in ticks:
                tick.fault = self.chance.choice(("", "full", "broken"))
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
        first = self.kind == "children first" or self.fact(0.05, "children first")
        for thread in self.codex.threads:
            if self.kind not in {"migrated", "migrated while followed"}:
                self.damage(thread)
            own = 0 if thread.parent or thread.forked_from or thread.continues else _LATER
            writes = list(self.writes(thread, behind + (own if first else 0)))
            yield from writes
            yield from self.trouble(thread, writes)
            if self.kind == "compressed":
                at = self.chance.choice(writes).at
                yield Compress(thread, at + 1)
                if self.chance.random() < 0.5:
                    yield Compress(thread, writes[-1].at + 1)
            if self.kind == "migrated while followed":
                yield Migrate(thread, writes[-1].at + 1)

    def writes(self, thread: Thread, behind: int) -> Iterator[Write]:
        ends = []
        size = most_written = 0
        for line in thread.lines:
            size += len(line.data)
            ends.append((line.at, size))
        for _ in range(self.chance.randint(0, 5)):
            at, most = self.chance.choice(ends)
            # Within a line as often as at its end.
            cut = self.chance.randint(max(0, most - 300), most) if self.chance.random() < 0.5 else most
            most_written = max(most_written, cut)
            yield Write(thread, cut, at + behind)
        # Where a file lacks lines that another thread has copied, these are told there: nobody else tells them.
        copied = any(thread in (other.forked_from, other.parent) for other in self.codex.threads)
        whole = copied or self.kind in {"migrated while followed", "compressed", "deleted"}
        if self.fact(0.07, "a rollout that breaks off") and not whole:
            # What was cut is written again, and where turns have no ids, no copied turn breaks off before its answer.
            least = most_written if self.codex.version.turn_ids else max(most_written, _first_own(thread))
            size = max(self.chance.randint(ends[0][1], size), least)
            self.unended.add(thread.path)
        elif self.kind == "deleted":
            pass
        elif self.kind == "heads and tails" or self.fact(0.05, "a last line without a line feed"):
            size -= 1
            self.unended.add(thread.path)
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
            if self.imported and (self.kind == "deleted" or self.chance.random() < 0.08):
                archive = self.kind != "deleted" and (self.chance.random() < 0.7 or thread.path in self.unended)
                archive |= self.kind == "disk faults"  # what failed is read again some seconds later
                self.facts.append("an archived rollout" if archive else "a deleted rollout")
                yield Move(thread, archive, at)
