"""The records of the simulated Codex: events, and the hooks and rollout lines of them. Leaf module."""

import time
from dataclasses import dataclass
from typing import Any

Payload = dict[str, Any]
Identity = tuple[str, ...]


@dataclass(frozen=True)
class Tokens:
    """The tokens of one response. fresh: input that was neither cached nor written to the cache."""

    model: str
    fresh: int
    cached: int
    output: int
    written: int = 0


@dataclass(frozen=True)
class Event:
    """One logical event. keyed: it has an identifier; without one each delivery makes a row, by design.

    thread: the id of the session or of the sub-agent. mark: the id of the call or the turn, or the source of the start.
    turn: the id of its turn; "" where turns have none. model: in its hook. hook_tool, line_tool: name of the tool in
    hooks and in the rollout. script: a script of code mode, which needs a row only where no call in it arrived.
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
        """Session, type, thread, mark, prompt: unique, except for equal prompts of one turn."""
        return (self.session, self.event_type, self.thread, self.mark, self.prompt)

    def __str__(self) -> str:
        what = f" {self.hook_tool}" if self.hook_tool else f" {self.prompt!r}" if self.prompt else ""
        return f"{self.event_type}{what} of {self.mark or self.thread}"


@dataclass(frozen=True)
class Hook:
    """One hook payload of Codex. at: when it is sent, in milliseconds. event: the index of its event."""

    payload: Payload
    at: int
    event: int


@dataclass(frozen=True)
class Line:
    """One rollout line. at: when it is written, in milliseconds. events, tokens, model: those that no earlier line has.

    events: indices. model: of the turn. spurious: not written by Codex. opens: whether a turn is open after it; None
    where the line does not change that.
    """

    text: str
    at: int
    events: tuple[int, ...] = ()
    spurious: bool = False
    tokens: Tokens | None = None
    model: str = ""
    opens: bool | None = None

    @property
    def data(self) -> bytes:
        """Its bytes, including the line feed."""
        return f"{self.text}\n".encode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Copying:
    """How a fork or a sub-agent copies another thread's history into its own file.

    meta: with the first line of that thread. spread: duration of the copying in milliseconds, over which the times of
    the copies are spread. original_times: the copies keep the original times.
    """

    meta: bool = True
    spread: int = 0
    original_times: bool = False


def iso(milliseconds: int) -> str:
    """A time since the epoch as Codex writes it."""
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(milliseconds / 1000))
    return f"{seconds}.{milliseconds % 1000:03d}Z"
