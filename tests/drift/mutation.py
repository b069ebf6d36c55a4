"""What a mutation of upstream is. Leaf module but for `changes`."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.drift.changes import Span, Track


@dataclass(frozen=True)
class Mutation:
    """One change of one upstream file, made around one spot, and what must come of it.

    texts: the files that are not as upstream ships them; None for one that is gone.
    harmless: it must go in. may_apply: a breaking one where going in at the tracked place is right as well.
    whole_file: it touches everything in the file, so only the aimed spot's own stop counts against it.
    """

    spot: str
    kind: str
    detail: str
    texts: Mapping[str, str | None]
    track: Track
    harmless: bool
    may_apply: bool = False
    whole_file: bool = False

    @property
    def name(self) -> str:
        """What `--only` is matched against."""
        return f"{self.spot}/{self.kind}/{self.detail}" if self.detail else f"{self.spot}/{self.kind}"


def nowhere(_: Span) -> Span | None:
    """The track of a mutation that leaves no right place."""
    return None
