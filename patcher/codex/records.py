"""What the simulated Codex leaves: events that happened, hooks and rollout lines that tell of them. Leaf module."""

import time
from dataclasses import dataclass
from typing import Any

Payload = dict[str, Any]
Identity = tuple[str, ...]


@dataclass(frozen=True)
class Tokens:
    """What one response cost. fresh: input that was neither cached nor written to the cache."""

    model: str
    fresh: int
    cached: int
    output: int
    written: int = 0


@dataclass(frozen=True)
class Event:
    """One logical event. `keyed`: it carries an identifier; else each delivery is a row, by design.

    thread: the session's own id, or the sub-agent's. mark: the call's id, the turn's id, or the start's source.
    turn: the turn in which it happened; "" where turns have no identifier. model: as its hook says. hook_tool,
    line_tool: what hooks and rollout call the tool. script: it is a script of code mode, which is a row only where
    nothing tells of the calls in it.
    """

    index: int
    event_type: str
    session: str
    thread: str
    mark: str
    prompt: str = ""
    keyed: bool = True
    hook_tool: str = ""
    line_tool: str = ""
    turn: str = ""
    model: str = ""
    script: bool = False

    @property
    def identity(self) -> Identity:
        """What tells it from all others; equal prompts of one turn have the same."""
        return (self.session, self.event_type, self.thread, self.mark, self.prompt)

    def __str__(self) -> str:
        what = f" {self.hook_tool}" if self.hook_tool else f" {self.prompt!r}" if self.prompt else ""
        return f"{self.event_type}{what} of {self.mark or self.thread}"


@dataclass(frozen=True)
class Hook:
    """One hook payload as Codex sends it, when it does (milliseconds), and the index of the event that it tells."""

    payload: Payload
    at: int
    event: int


@dataclass(frozen=True)
class Line:
    """One rollout line, when it is written, and what it is the first to tell: events, tokens, the model of a turn.

    spurious: no Codex has written it. opens: whether a turn is open after it; None where it says nothing of that.
    """

    text: str
    at: int
    tells: tuple[int, ...] = ()
    spurious: bool = False
    tokens: Tokens | None = None
    model: str = ""
    opens: bool | None = None

    @property
    def data(self) -> bytes:
        """Its bytes, the line feed with them."""
        return f"{self.text}\n".encode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Copying:
    """How a fork or a sub-agent writes another thread's history into its own file.

    meta: with that thread's first line ahead. spread: milliseconds that the copying takes; the copies' times are
    spread over them. original_times: the times are as they were.
    """

    meta: bool = True
    spread: int = 0
    original_times: bool = False


def iso(milliseconds: int) -> str:
    """A time since the epoch as Codex writes it."""
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(milliseconds / 1000))
    return f"{seconds}.{milliseconds % 1000:03d}Z"
