"""The steps of a scenario: hooks that arrive at a sidecar, and changes of rollout files."""

from dataclasses import dataclass, field

from patcher.codex.records import Hook
from patcher.codex.simulated import Thread


@dataclass(frozen=True)
class Delivery:
    """A hook payload arrives at the sidecar; it is lost if the sidecar is down. at: by the clock of the sidecar."""

    hook: Hook
    at: int

    def __str__(self) -> str:
        payload = self.hook.payload
        return f"hook {payload['hook_event_name']} {payload.get('tool_use_id') or payload.get('turn_id') or ''}"


@dataclass(frozen=True)
class FileStep:
    """A change of the rollout file of a thread."""

    thread: Thread
    at: int

    def __str__(self) -> str:
        more = "".join(f" {value!r}" for name, value in vars(self).items() if name not in {"thread", "at"})
        return f"{type(self).__name__.lower()} …{self.thread.id[-12:]}{more}"


@dataclass(frozen=True)
class Write(FileStep):
    """The file grows to the first `size` bytes of its content; the last line may be incomplete."""

    size: int


@dataclass(frozen=True)
class Move(FileStep):
    """The file is archived, or deleted."""

    archive: bool


@dataclass(frozen=True)
class Cut(FileStep):
    """The file is cut to the first `size` bytes of its content; a later step completes it."""

    size: int


@dataclass(frozen=True)
class Replace(FileStep):
    """The file is replaced by one with the same lines after a `head` that is not a line of Codex."""

    head: bytes


@dataclass(frozen=True)
class Compress(FileStep):
    """The file is compressed, as Codex does with old ones; the next write makes it plain again."""


@dataclass(frozen=True)
class Migrate(FileStep):
    """`codex migrate-rollouts --apply` rewrites the complete file."""


Step = Delivery | Write | Move | Cut | Replace | Compress | Migrate


@dataclass
class Tick:
    """Steps in order. After them the importer reads all files once, or the sidecar is killed.

    down: the sidecar does not run during the steps, and is started after them. fault: of the database's disk meanwhile:
    `full`, `broken`, or empty for none.
    """

    steps: list[Step] = field(default_factory=list)
    killed: bool = False
    down: bool = False
    fault: str = ""
