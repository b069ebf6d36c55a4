"""What a mutation of upstream, or of the series, is. Leaf module but for `changes`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

from patcher.model import Site as Edit
from tests.lab.drift.changes import Span, Track


@dataclass(frozen=True)
class Mutation:
    """One change of one upstream file, made around one spot, and what must come of it.

    path: the file that is not as upstream ships it. make: its text, None for gone; a thousand of them at once are too many.
    harmless: it must go in. may_apply: a breaking one where going in at the tracked place is right as well.
    whole_file: it touches everything in the file, so only the aimed spot's own stop counts against it.
    besides: other files that come with it, by path. edit: what the series has in the place of the spot's edit.
    alone: the spot's patch must stop without the others; False for what only the whole series can see.
    reason: what a stop must say, as a verdict, an error code or a gate; empty where any stop is right.
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
    besides: Mapping[str, str] = field(default_factory=dict)
    edit: Edit | None = None
    alone: bool = True
    reason: str = ""

    @property
    def text(self) -> str | None:
        """The file as the mutation makes it."""
        return self.make()

    @property
    def is_of_one_file(self) -> bool:
        """Whether it is one changed file of upstream's that stops a patch of itself: no other file, and not the series."""
        return not self.besides and self.edit is None and self.alone

    @cached_property
    def key(self) -> bytes:
        """The same for two mutations that make the same."""
        more = [*sorted(self.besides.items()), self.edit]
        return sha256(f"{self.path}\0{self.text}\0{more}".encode()).digest()

    @property
    def name(self) -> str:
        """What `--only` is matched against."""
        return f"{self.spot}/{self.kind}/{self.detail}" if self.detail else f"{self.spot}/{self.kind}"


def nowhere(_: Span) -> Span | None:
    """The track of a mutation that leaves no right place."""
    return None


def unmoved(span: Span) -> Span | None:
    """The track of a mutation that moves nothing."""
    return span
