"""What happens to a sidecar in a scenario, step by step: hooks that arrive, and rollout files that change."""

from dataclasses import dataclass, field

from patcher.codex.records import Hook
from patcher.codex.simulated import Thread


@dataclass(frozen=True)
class Delivery:
    """A hook payload reaches the sidecar, at a time of the sidecar's clock; or would, if it were up."""

    hook: Hook
    at: int

    def __str__(self) -> str:
        payload = self.hook.payload
        return f"hook {payload['hook_event_name']} {payload.get('tool_use_id') or payload.get('turn_id') or ''}"


@dataclass(frozen=True)
class FileStep:
    """Something happens to the rollout file of a thread."""

    thread: Thread
    at: int

    def __str__(self) -> str:
        more = "".join(f" {value!r}" for name, value in vars(self).items() if name not in {"thread", "at"})
        return f"{type(self).__name__.lower()} …{self.thread.id[-12:]}{more}"


@dataclass(frozen=True)
class Write(FileStep):
    """It grows to `size` bytes of what it will be; the last line may be half."""

    size: int


@dataclass(frozen=True)
class Move(FileStep):
    """It is archived, or deleted."""

    archive: bool


@dataclass(frozen=True)
class Cut(FileStep):
    """It becomes shorter: `size` bytes of what it will be. It is written on later."""

    size: int


@dataclass(frozen=True)
class Replace(FileStep):
    """Another file takes its place: the lines of Codex, after a `head` that is not a line of Codex."""

    head: bytes


@dataclass(frozen=True)
class Compress(FileStep):
    """It is compressed, as Codex does with old ones. When it is written on, it is plain again."""


@dataclass(frozen=True)
class Migrate(FileStep):
    """`codex migrate-rollouts --apply` writes it anew, when it is complete."""


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
