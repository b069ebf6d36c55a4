"""The results of a matrix, as data. All of it can be pickled: a worker's result crosses a process boundary."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from patcher.model import Finding, Line
from patcher.upstream.history import Commit


@dataclass(frozen=True)
class RefResult:
    """One ref. commit: its full id. findings: one for each patch of the series.

    reasons: every site that stops, every gate that refused, or why the tree cannot be read; supported without any.
    notes: what a person should know about how the tree was read.
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
class RefRange:
    """Neighbouring refs, both ends included."""

    since: RefResult
    until: RefResult


@dataclass(frozen=True)
class Stop:
    """One patch (or, for an empty `patch`, the gates) over a range of refs that it stops on.

    good: the ref before the range, if any, else the one after it. culprit: the commit that began it; None where the
    patch has stopped since its files were added: then `fits_since` is the commit that ended it, if one did.
    windows: for the report, as `patcher.report.page` reads them.
    """

    patch: str
    span: RefRange
    good: str = ""
    culprit: Commit | None = None
    fits_since: Commit | None = None
    windows: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Matrix:
    """refs: in the order asked for. supported: the computed ranges. notes: what a person should know besides."""

    repository: str
    refs: tuple[RefResult, ...]
    commits: Mapping[str, Commit] = field(default_factory=lambda: MappingProxyType({}))
    supported: tuple[RefRange, ...] = ()
    stops: tuple[Stop, ...] = ()
    notes: tuple[str, ...] = ()

    def stop_at(self, patch: str, ref: str) -> Stop | None:
        """The stop of this patch whose range this ref is in."""
        order = {result.ref: number for number, result in enumerate(self.refs)}
        for stop in self.stops:
            if stop.patch == patch and order[stop.span.since.ref] <= order[ref] <= order[stop.span.until.ref]:
                return stop
        return None
