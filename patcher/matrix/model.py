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
    def stopping(self) -> tuple[str, ...]:
        """The patches that stop here, and an empty name where a gate refuses what no patch stops."""
        gates = ("",) if self.gates_refuse else ()
        return (*(each.patch for each in self.findings if each.verdict.stops), *gates)

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

    @property
    def finding(self) -> Finding | None:
        """What was found where it begins; None for the gates."""
        return next((each for each in self.span.since.findings if each.patch == self.patch), None)

    @property
    def verdict(self) -> str:
        """The word for it."""
        return self.finding.verdict if self.finding else "refused"

    @property
    def message(self) -> str:
        """Why it stops."""
        return self.finding.message if self.finding else "; ".join(self.span.since.reasons)


@dataclass(frozen=True)
class Matrix:
    """refs: in the order asked for. supported: the computed ranges. notes: what a person should know besides."""

    repository: str
    refs: tuple[Judged, ...]
    commits: Mapping[str, Commit] = field(default_factory=lambda: MappingProxyType({}))
    supported: tuple[Span, ...] = ()
    stops: tuple[Stop, ...] = ()
    notes: tuple[str, ...] = ()

    def within(self, span: Span) -> tuple[Judged, ...]:
        """The refs of a run."""
        return self.refs[self.refs.index(span.since) : self.refs.index(span.until) + 1]

    def stop_at(self, patch: str, ref: str) -> Stop | None:
        """The run that this ref of this patch belongs to."""
        runs = (stop for stop in self.stops if stop.patch == patch)
        return next((stop for stop in runs if ref in [judged.ref for judged in self.within(stop.span)]), None)
