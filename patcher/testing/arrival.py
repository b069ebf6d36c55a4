"""How the events of a scenario arrive at a sidecar, at random: late, lost, twice, in pieces, damaged, moved."""

import random
from collections.abc import Iterator
from itertools import pairwise

from patcher.codex.simulated import Codex, Thread
from patcher.testing import damage
from patcher.testing.steps import Compress, Cut, Delivery, Migrate, Move, Replace, Step, Tick, Write

_LATER = 1_000_000_000  # milliseconds


class Arrival:
    """The steps in which the events of a scenario arrive."""

    def __init__(self, codex: Codex, chance: random.Random, bad_luck: random.Random, sources: str, kind: str) -> None:
        self.codex = codex
        self.chance = chance
        self.bad_luck = bad_luck
        self.kind = kind
        self.unended: set[str] = set()  # files whose last line is imported only once they count as complete
        self.hooked = sources != "rollout alone"
        self.imported = sources != "hooks alone"
        self.facts: list[str] = []
        self.skew = 0

    def _fact(self, probability: float, fact: str) -> bool:
        if self.chance.random() >= probability:
            return False
        self.facts.append(fact)
        return True

    def ticks(self, kills: int) -> list[Tick]:
        """All steps in order, with `kills` kills of the sidecar between them."""
        steps: list[Step] = sorted([*self._deliveries(), *self._rollouts()], key=lambda step: step.at)
        count = self.chance.randint(2, 5) + 2 * kills
        cuts = sorted(self.chance.randint(0, len(steps)) for _ in range(count - 1))
        edges = [0, *cuts, len(steps)]
        ticks = [Tick(steps[start:end]) for start, end in pairwise(edges)]
        # A kill ends a tick; in the next one the sidecar is down, and at its end it is restarted.
        for number in range(kills):
            at = 2 * number + self.chance.randint(0, 1) if number == 0 else 2 * number + 1
            ticks[at].killed, ticks[at + 1].down = True, True
        if kills:
            self.facts.append(f"{kills} kill -9")
        if self.kind == "disk faults":
            for tick in ticks:
                tick.fault = self.chance.choice(("", "full", "broken"))
        return [*ticks, Tick(list(self._moves(steps[-1].at if steps else self.codex.now)))]

    def _deliveries(self) -> Iterator[Delivery]:
        if not self.hooked:
            return
        hooks = self.codex.hooks
        lost = self.chance.choice((0.1, 0.5)) if self._fact(0.5, "lost hooks") else 0.0
        late = self.chance.choice((0.1, 0.5)) if self._fact(0.5, "late hooks") else 0.0
        twice = self.chance.choice((0.1, 1.0)) if self._fact(0.4, "hooks delivered twice") else 0.0
        self.skew = self.chance.choice((-7_200_000, -1500, 800, 86_400_000)) if self._fact(0.3, "clock skew") else 0
        opt_in = self.chance.choice(hooks).at if hooks and self._fact(0.2, "opt-in in the middle") else 0
        for hook in hooks:
            if hook.at < opt_in or self.chance.random() < lost:
                continue
            for _ in range(1 + (self.chance.random() < twice)):
                delay = self.chance.randint(0, 450)
                if self.chance.random() < late:
                    delay += self.chance.choice((1000, 20_000, 600_000))
                yield Delivery(hook, hook.at + delay)

    def _rollouts(self) -> Iterator[Step]:
        if not self.imported:
            return
        delay = self.chance.choice((0, 0, 3000, 3_600_000))
        first = self.kind == "children first" or self._fact(0.05, "children first")
        for thread in self.codex.threads:
            if self.kind not in {"migrated", "migrated while followed"}:
                self._damage(thread)
            own = 0 if thread.parent or thread.forked_from or thread.continues else _LATER
            writes = list(self._writes(thread, delay + (own if first else 0)))
            yield from writes
            yield from self._trouble(thread, writes)
            if self.kind == "compressed":
                at = self.chance.choice(writes).at
                yield Compress(thread, at + 1)
                if self.chance.random() < 0.5:
                    yield Compress(thread, writes[-1].at + 1)
            if self.kind == "migrated while followed":
                yield Migrate(thread, writes[-1].at + 1)

    def _writes(self, thread: Thread, delay: int) -> Iterator[Write]:
        ends = []
        size = most_written = 0
        for line in thread.lines:
            size += len(line.data)
            ends.append((line.at, size))
        for _ in range(self.chance.randint(0, 5)):
            at, most = self.chance.choice(ends)
            # As often within a line as at its end.
            cut = self.chance.randint(max(0, most - 300), most) if self.chance.random() < 0.5 else most
            most_written = max(most_written, cut)
            yield Write(thread, at + delay, cut)
        # Lines that another thread has copied must not be missing here: the copy would then be imported as new.
        copied = any(thread in (other.forked_from, other.parent) for other in self.codex.threads)
        whole = copied or self.kind in {"migrated while followed", "compressed", "deleted"}
        if self._fact(0.07, "a rollout that breaks off") and not whole:
            # Not shorter than what was cut before; and without turn ids, not within the copied turns.
            least = most_written if self.codex.version.turn_ids else max(most_written, _first_own(thread))
            size = max(self.chance.randint(ends[0][1], size), least)
            self.unended.add(thread.path)
        elif self.kind == "deleted":
            pass
        elif self.kind == "heads and tails" or self._fact(0.05, "a last line without a line feed"):
            size -= 1
            self.unended.add(thread.path)
        yield Write(thread, ends[-1][0] + delay, size)

    def _damage(self, thread: Thread) -> None:
        for damages, probability, fact in (
            (damage.spoil, 0.3, "spoiled lines"),
            (damage.lose, 0.1, "lost lines"),
            (damage.swell, 0.02, "lines of megabytes"),
        ):
            if self.bad_luck.random() < probability:
                self.facts.append(fact)
                damages(thread, self.bad_luck)

    def _trouble(self, thread: Thread, writes: list[Write]) -> Iterator[Step]:
        """Cuts and replacements of the file before the last write, which completes it again."""
        *before, last = writes
        for earlier in before:
            if earlier.at < last.at and self.bad_luck.random() < 0.15 and earlier.size < last.size:
                self.facts.append("a rollout cut short")
                size = self.bad_luck.randint(0, earlier.size)
                yield Cut(thread, self.bad_luck.randint(earlier.at, last.at - 1), size)
        if self.bad_luck.random() < 0.15:
            self.facts.append("a replaced rollout")
            head = damage.head(self.bad_luck)
            yield Replace(thread, self.bad_luck.randint(writes[0].at, last.at), head)
        if self.bad_luck.random() < 0.05:
            self.facts.append("a rollout archived while it is written")
            yield Move(thread, self.bad_luck.randint(writes[0].at, last.at), archive=True)

    def _moves(self, at: int) -> Iterator[Move]:
        for thread in self.codex.threads:
            if self.imported and (self.kind == "deleted" or self.chance.random() < 0.08):
                archive = self.kind != "deleted" and (self.chance.random() < 0.7 or thread.path in self.unended)
                archive |= self.kind == "disk faults"  # the importer reads it again some seconds after a fault
                self.facts.append("an archived rollout" if archive else "a deleted rollout")
                yield Move(thread, at, archive)


def _first_own(thread: Thread) -> int:
    """The size of the file up to the first line with an event of the thread itself, after the head and the copies."""
    own = [at for at, line in enumerate(thread.lines) if line.events]
    return sum(len(line.data) for line in thread.lines[: own[1] + 1]) if len(own) > 1 else 0
