"""The events of a scenario, at random: sessions with turns with calls."""

import random
from typing import TYPE_CHECKING

from patcher.codex.records import Copying
from patcher.codex.simulated import Codex, Thread
from patcher.codex.tools import Background

if TYPE_CHECKING:
    from collections.abc import Callable

_PROMPTS = ("make the tests pass", "go on", "and hurry up", "explain ü and 🙂", "stop that\nand clean up")
_FOLDERS = ("/home/user/project", "/home/user/shop", "/srv/büro")
_MODELS = ("gpt-5.5", "gpt-6-luna", "gpt-5.6")
_COMMANDS = ("echo hi", "ls -la", "npm test", "grep -rn 'x' .", "printf 'Process exited with code 3'")


class Story:
    """Makes the events of a scenario: sessions with turns with calls."""

    def __init__(self, codex: Codex, chance: random.Random, kind: str) -> None:
        self.codex = codex
        self.chance = chance
        self.kind = kind
        self.facts: list[str] = []
        self.names = 0

    def write(self) -> None:
        """Make the events, in `codex`."""
        edges = self.kind == "heads and tails"
        head = "Be kind. " * self.chance.choice((30, 9_000, 9_000, 200_000)) if edges or self._happens(0.05) else ""
        session = self.codex.session(self.chance.choice(_FOLDERS), instructions=head)
        self._turns(session, self.chance.randint(1, 4), first=True)
        if self.kind in {"sub-agents", "children first"}:
            self._team(session)
        if self.kind == "continued" or (self.kind == "everyday" and self._happens(0.03)):
            session = self._go_on(session)
        forks = self.kind in {"forks", "forks without turn ids", "children first", "migrated"}
        if self.codex.version.bare or self.codex.numbered_calls > self.codex.version.turn_ids:
            return  # a copied call could not be distinguished from another one with the same number
        if forks or self._happens(0.2):
            self._fork(session)

    def _go_on(self, session: Thread) -> Thread:
        for _ in range(self.chance.randint(1, 2)):
            session.end()
            self.codex.passes(self.chance.choice((2_000, 3_600_000)))
            session = session.go_on(counted_anew=self._happens(0.4))
            self._turns(session, self.chance.randint(1, 2))
        return session

    def _fork(self, session: Thread) -> None:
        fork = session.fork(self._copying(), cwd=self.chance.choice(_FOLDERS))
        self.codex.passes(self.chance.choice((1, 40, 4000)))
        self._turns(fork, self.chance.randint(1, 2))
        if self._happens(0.3):
            self.codex.passes(self.chance.choice((1, 40, 9000)))
            self._turns(fork.fork(self._copying()), 1)
        if self._happens(0.5):
            self._turns(session, 1)

    def _copying(self) -> Copying:
        """How history is copied: as by 0.146, or in ways observed with other versions, for the kinds about that."""
        odd = self.kind in {"forks", "sub-agents", "children first"}
        if odd or self.kind == "forks without turn ids":
            spread = self.chance.choice((0, 3, 40, 2000, 9000) if odd else (0, 3, 40, 2000))
            copying = Copying(not odd or self._happens(0.6), spread, original_times=self._happens(0.2))
        else:
            copying = Copying(spread=self.chance.choice((0, 0, 3)))
        if not self.codex.version.paginated:
            self.facts += ["history copied slowly"] if copying.spread > 1000 else []
            self.facts += ["history with its own times"] if copying.original_times else []
            self.facts += [] if copying.meta else ["history without its head"]
        return copying

    def _team(self, session: Thread) -> None:
        """Make sub-agents of every kind: by a tool, two levels deep, and those of Codex itself."""
        session.turn(self.chance.choice(_PROMPTS))
        child = session.spawn("dig", copying=self._copying() if self._happens(0.6) else None, cwd="/home/user/worktree")
        self._something(child, [])
        if self._happens(0.6):
            grandchild = child.spawn("dig deeper", copying=self._copying() if self._happens(0.4) else None)
            self._something(grandchild, [])
            self._end_turn(grandchild)
        self._end_turn(child)
        if self.codex.version.minor >= 133:
            for kind in ("guardian", "guardian_review", "review"):
                if self._happens(0.4):
                    judge = session.reviewed(kind, "is it safe?")
                    judge.stop("Yes.")
        self._end_turn(session)

    def _happens(self, probability: float) -> bool:
        return self.chance.random() < probability

    def _turns(self, thread: Thread, count: int, *, first: bool = False) -> None:
        running: list[Background] = []
        for _ in range(count):
            early = first and (self._happens(0.5) if self.kind == "heads and tails" else self._happens(0.03))
            model = self.chance.choice(_MODELS) if self._happens(0.1) else ""
            thread.turn(self.chance.choice(_PROMPTS), model=model, tokens_first=early)
            first = False
            for _ in range(self.chance.randint(0, 6)):
                self._something(thread, running)
            self._end_turn(thread)
            if self.codex.numbered_calls:
                running.clear()  # which turn's call it is that ends, no line could say
            if running and self._happens(0.3):
                thread.ends_unseen(running.pop())
            unknown = self.kind == "migrated" and not self.codex.version.turn_ids  # whose turn a compaction is in then
            if self._happens(0.1) and not unknown:
                thread.compact()
            if self._happens(0.25):
                thread.end()
                self.codex.passes(self.chance.choice((10, 5_000, 7_200_000)))

    def _end_turn(self, thread: Thread) -> None:
        if self._happens(0.15):
            if self._happens(0.7):
                thread.begin_shell("sleep 60")
            thread.interrupt()
        else:
            thread.stop(self.chance.choice(("Done.", "They pass.", "")))

    def _something(self, thread: Thread, running: list[Background]) -> None:
        version = self.codex.version
        alone = version.minor < 133 or thread.parent  # no sub-agents, or none of its own
        oldest = not version.turn_ids
        deeds: list[tuple[float, Callable[[], object]]] = [
            (5, lambda: self._shell(thread)),
            (2, lambda: thread.burst(self.chance.choice(_COMMANDS), self.chance.randint(2, 4))),
            (2, lambda: thread.patch(self._name(), works=self._happens(0.7))),
            (0 if oldest else 1, lambda: thread.shell_patch(self._name())),
            (2, lambda: thread.remember({"key": self._name()}, works=self._happens(0.7))),
            (1, lambda: thread.look("/home/user/project/x.png")),
            (1, lambda: thread.plan("next")),
            (0 if oldest else 1, lambda: thread.search("how to")),
            (0 if oldest else 1, lambda: thread.ask_permission("rm -rf x")),
            (0 if oldest else 1.5, lambda: thread.steer(self.chance.choice(_PROMPTS))),
            (1, thread.close_script),
            (1, thread.respond),
            (0 if oldest else 2.5, lambda: running.append(thread.background("sleep 2; echo late"))),
            (5 if running else 0, lambda: self._type_into(thread, running)),
            (0 if alone else 1.5, lambda: self._spawn(thread)),
        ]
        self.chance.choices([deed for _, deed in deeds], [weight for weight, _ in deeds])[0]()

    def _name(self) -> str:
        self.names += 1
        return f"file{self.names}"

    def _shell(self, thread: Thread) -> None:
        tool = self.chance.choice(("exec_command", "exec_command", "shell_command"))
        code = self.chance.choice((0, 0, 0, 1, 127))
        output = "hi\n" if self._happens(0.98) else "höher 🙂\n" * self.chance.randint(10_000, 30_000)
        thread.shell(self.chance.choice(_COMMANDS), output, exit_code=code, tool=tool)

    def _type_into(self, thread: Thread, running: list[Background]) -> None:
        command = self.chance.choice(running)
        ends = self._happens(0.6)
        thread.type_into(command, "y\n", "late\n", exit_code=self.chance.choice((0, 1)) if ends else None)
        if ends:
            running.remove(command)

    def _spawn(self, thread: Thread) -> None:
        child = thread.spawn("look into it", copying=self._copying() if self._happens(0.4) else None)
        inner: list[Background] = []
        for _ in range(self.chance.randint(0, 3)):
            self._something(child, inner)
            if self._happens(0.3):
                self._something(thread, [])
        self._end_turn(child)
