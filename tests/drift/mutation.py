"""What a mutation of upstream is. Leaf module but for `changes`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from tests.drift.changes import Span, Track


@dataclass(frozen=True)
class Mutation:
    """One change of one upstream file, made around one spot, and what must come of it.

    path: the file that is not as upstream ships it. make: its text, None for gone; a thousand of them at once are too many.
    harmless: it must go in. may_apply: a breaking one where going in at the tracked place is right as well.
    whole_file: it touches everything in the file, so only the aimed spot's own stop counts against it.
    """

    spot: str
    kind: str
    detail: str
    path: str
    make: Callable[[], str | None]
    track: Track
    harmless: bool
    may_apply: bool = False
    whole_file: bool = False

    @property
    def text(self) -> str | None:
        """The file as the mutation makes it."""
        return self.make()

    @cached_property
    def key(self) -> bytes:
        """The same for two mutations that make the same."""
        return sha256(f"{self.path}\0{self.text}".encode()).digest()

    @property
    def name(self) -> str:
        """What `--only` is matched against."""
        return f"{self.spot}/{self.kind}/{self.detail}" if self.detail else f"{self.spot}/{self.kind}"


def nowhere(_: Span) -> Span | None:
    """The track of a mutation that leaves no right place."""
    return None
