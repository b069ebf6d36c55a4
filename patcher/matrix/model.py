"""What a matrix finds out, as data. All of it can be pickled: a worker's result crosses a process boundary."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from patcher.model import Finding, Line
from patcher.upstream.history import Commit


@dataclass(frozen=True)
class Judged:
    """One ref. commit: its full id. findings: one for each patch of the series.

    reasons: every stop of every place, every gate that refused, or why the tree cannot be read; none is support.
    notes: what a person should know of how the tree was read.
    """

    ref: str
    version: str
    commit: str
    findings: tuple[Finding, ...]
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    line: Line = Line.V1

    @property
    def supported(self) -> bool:
        """Whether no anchor stops and every gate passes."""
        return not self.reasons

    def stops(self, patch: str) -> bool:
        """Whether this patch stops here."""
        return any(finding.verdict.stops for finding in self.findings if finding.patch == patch)

    @property
    def gates_refuse(self) -> bool:
        """Whether every anchor fits and yet a gate refuses."""
        return bool(self.reasons) and not any(finding.verdict.stops for finding in self.findings)


@dataclass(frozen=True)
class Span:
    """A run of refs next to each other, both ends in it."""

    since: Judged
    until: Judged


@dataclass(frozen=True)
class Stop:
    """One patch (or, for an empty `patch`, the gates) over a run of refs that it stops on.

    good: the ref before the run, if any, else the one after it. guilty: the commit that began it; None where the
    patch has stopped since its files are there: then `fits_since` is the commit that ended it, if one did.
    windows: for the report, as `patcher.report.page` reads them.
    """

    patch: str
    span: Span
    good: str = ""
    guilty: Commit | None = None
    fits_since: Commit | None = None
    windows: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Matrix:
    """refs: in the order asked for. supported: the computed ranges. notes: what a person should know besides."""

    repository: str
    refs: tuple[Judged, ...]
    commits: Mapping[str, Commit] = field(default_factory=lambda: MappingProxyType({}))
    supported: tuple[Span, ...] = ()
    stops: tuple[Stop, ...] = ()
    notes: tuple[str, ...] = ()

    def stop_at(self, patch: str, ref: str) -> Stop | None:
        """The run that this ref of this patch belongs to."""
        order = [judged.ref for judged in self.refs]
        place = order.index(ref)
        return next(
            (
                stop
                for stop in self.stops
                if stop.patch == patch and order.index(stop.span.since.ref) <= place <= order.index(stop.span.until.ref)
            ),
            None,
        )
