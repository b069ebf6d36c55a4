"""Scenarios of a Codex and a sidecar with failures, each from one seed: the events, and how they arrive.

Hooks are lost, late, out of order, and delivered twice; rollouts are written in pieces that end within a line, never
to their end, or not at all, are damaged, cut short, replaced, compressed, migrated, archived and deleted; the sidecar
is killed and restarted, its disk is full or fails; the user opts in late, or deletes everything.
Each scenario certainly has the failure of its kind (`KINDS`), and others at random.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from patcher.codex.records import Event, Line, iso
from patcher.codex.session_facts import Session
from patcher.codex.simulated import Codex, Thread
from patcher.codex.version import BARE, CODE, DIRECT, NO_TURNS, OLD, VERSIONS, Version
from patcher.testing.arrival import Arrival
from patcher.testing.migrated import migrate_all
from patcher.testing.steps import Delivery, Move, Tick, Write
from patcher.testing.story import Story

_BEGINNING = 1_790_000_000.0
_LEGACY = (OLD, Version(146), Version(146, code=True))
_OLDEST = (NO_TURNS, Version(40))

# The kinds of scenarios, and the versions of Codex that each can have.
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
"""The kinds that affect all data of a sidecar: they need a sidecar of their own."""


@dataclass
class Scenario:
    """The scenario of one seed: the events, the ticks in which they arrive, and the expected result."""

    seed: int
    kind: str
    codex: Codex
    ticks: list[Tick]
    facts: str
    skew: int

    @classmethod
    def from_seed(cls, seed: int, *, codex_home: str = "", kind: str = "", now: float = _BEGINNING) -> "Scenario":
        """The scenario of a seed, always the same except for paths and times. kind: by default random.

        now: its start, in seconds since the epoch; by default a minute of one day that depends on the seed.
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
        story = Story(codex, chance, kind)
        story.write()
        if kind == "migrated":
            migrate_all(codex.threads)
        first_hook = "SubagentStart" if any(thread.parent for thread in codex.threads) else "Stop"
        hooked = version.has(first_hook) and kind not in {"hooks off", "migrated", "deleted"}
        drawn = chance.choices(("both sources", "hooks alone", "rollout alone"), (7, 1, 2))[0]
        sources = drawn if kind in {"everyday", "sub-agents"} else "both sources"
        sources = sources if hooked else "rollout alone"
        kills = chance.choices((0, 1, 2), (5, 3, 2))[0] if kind not in {"disk faults", "purged"} else 0
        bad_luck = random.Random(f"{seed} damage")  # noqa: S311 - as above
        arrival = Arrival(codex, chance, bad_luck, sources, kind)
        ticks = arrival.ticks(kills)
        facts = ", ".join(dict.fromkeys([*story.facts, *arrival.facts])) or "no trouble"
        return cls(seed, kind, codex, ticks, f"{kind}; Codex {version}; {sources}; {facts}", arrival.skew)

    @property
    def events(self) -> list[Event]:
        """Every logical event."""
        return self.codex.events

    @property
    def kills(self) -> int:
        """The number of kills of the sidecar."""
        return sum(tick.killed for tick in self.ticks)

    @property
    def sessions(self) -> list[str]:
        """The ids of its sessions."""
        return list(dict.fromkeys(thread.root for thread in self.codex.threads))

    def deliveries(self) -> Iterator[Delivery]:
        """The hooks that arrive while the sidecar runs, in order of arrival."""
        for tick in self.ticks:
            yield from (step for step in tick.steps if isinstance(step, Delivery) and not tick.down)

    def delivered(self) -> Counter[int]:
        """By the index of an event, how often its hook arrives."""
        return Counter(delivery.hook.event for delivery in self.deliveries())

    def events_in_files(self) -> set[int]:
        """The indices of the events whose rollout lines are written."""
        return {index for lines in self._written().values() for line in lines for index in line.events}

    def _written(self) -> dict[str, list[Line]]:
        """By path, the lines that are written completely. The last one may lack its line feed."""
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
        """The possible ids of sessions: those of all threads."""
        return list(dict.fromkeys(thread.id for thread in self.codex.threads))

    def wanted(self, delivered: Mapping[int, int], doubtful: Mapping[int, int]) -> tuple[list[Session], set[str]]:
        """The expected sessions, and the ids of those that are optional.

        delivered, doubtful: as in `codex.judgement.judge`.
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
                # Without a file, a session ends some seconds later; only the scenarios of that kind wait for it.
                sessions.append(replace(session, over=session.over and root not in gone))
            elif guesses:
                uncertain.add(root)
        return sessions, uncertain

    def timeline(self) -> str:
        """All events and steps with their times, as text for people."""
        lines = [f"seed {self.seed}: {self.facts}", f"{len(self.events)} events:"]
        lines += [f"  {event.index:4} {event}" for event in self.events]
        for number, tick in enumerate(self.ticks, 1):
            lines.append(f"tick {number}{', the sidecar is down' if tick.down else ''}")
            lines += [f"  {step.at / 1000 - _BEGINNING:10.3f} {step}" for step in tick.steps]
            lines.append("  kill -9" if tick.killed else "  start" if tick.down else "  the importer looks")
        return "\n".join(lines)


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
    hook_models = {event.model for event in (*hooks, *guesses) if event.thread == root and event.model}
    with_file = {thread.id for thread in threads if thread.parent and written[thread.path]}
    by_hook = {event.thread for event in (*hooks, *guesses)} - {root}
    still_open = any(_is_open(written[thread.path]) for thread in threads)
    alone = not by_hook and not any(written[thread.path] for thread in threads)
    return Session(
        id=root,
        tokens=_tokens(threads, written),
        started_at=iso(own[0].born) if lines else None,
        cwd=own[0].cwd if (lines and not own[0].codex.version.bare) or alone else None,
        name=own[0].cwd.rpartition("/")[2] if (lines and not own[0].codex.version.bare) or alone else None,
        models={models[-1], *hook_models} if models else (),
        agents=(len(with_file), len(with_file | by_hook)),
        over=bool(lines) and not hooks and not guesses and not still_open,
    )


def _is_open(lines: Sequence[Line]) -> bool:
    states = [line.opens for line in lines if line.opens is not None]
    return bool(states) and bool(states[-1])


def _tokens(threads: Sequence[Thread], written: Mapping[str, Sequence[Line]]) -> dict[str, tuple[int, int, int, int]]:
    """The tokens of the responses in the files, by model."""
    total: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for thread in threads:
        lines = written[thread.path]
        known = any(line.model for line in lines)
        for cost in (line.tokens for line in lines if line.tokens):
            model = cost.model if known else "unknown"
            total[model] += Counter(fresh=cost.fresh, cached=cost.cached, output=cost.output, written=cost.written)
    return {model: (each["fresh"], each["cached"], each["output"], each["written"]) for model, each in total.items()}
