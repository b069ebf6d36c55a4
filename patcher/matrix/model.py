"""The data types of a matrix. All can be pickled, to be sent from a worker process."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from patcher.matrix.window import Window
from patcher.model import Finding, Line, Site
from patcher.upstream.history import Commit


@dataclass(frozen=True)
class RefResult:
    """One ref. commit: its full id. findings: one for each patch of the series.

    reasons: every site that stops, every gate that refused, or why the tree cannot be read; empty where supported.
    notes: a sentence each, on how the tree was read.
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
        """The patches that stop here; an empty name where no patch stops but a gate refuses."""
        gates = ("",) if self.gates_refuse else ()
        return (*(each.patch for each in self.findings if each.verdict.stops), *gates)

    @property
    def gates_refuse(self) -> bool:
        """Whether every anchor fits but a gate refuses."""
        return bool(self.reasons) and not any(finding.verdict.stops for finding in self.findings)


@dataclass(frozen=True)
class RefRange:
    """Consecutive refs, both ends included."""

    since: RefResult
    until: RefResult


@dataclass(frozen=True)
class StopWindow:
    """A site that stops at a ref, and the same site at the good ref. number: of the site in its patch, from 0."""

    number: int
    site: Site
    finding: Finding
    payload: str
    reviewed: Window | None
    found: Window | None


@dataclass(frozen=True)
class Stop:
    """One patch (or, for an empty `patch`, the gates) over a range of refs on which it stops.

    good: the ref before the range, if any, else the one after it. culprit: the commit that began the range; None where
    the patch has stopped since its files were added: then `fits_since` is the commit that ended the range, if any.
    windows: one for each site of the patch that stops at the first ref.
    """

    patch: str
    span: RefRange
    good: str = ""
    culprit: Commit | None = None
    fits_since: Commit | None = None
    windows: tuple[StopWindow, ...] = ()

    @property
    def finding(self) -> Finding | None:
        """The finding at the first ref; None for the gates."""
        return next((each for each in self.span.since.findings if each.patch == self.patch), None)

    @property
    def verdict(self) -> str:
        """The verdict at the first ref; `refused` for the gates."""
        return self.finding.verdict if self.finding else "refused"

    @property
    def message(self) -> str:
        """Why it stops."""
        return self.finding.message if self.finding else "; ".join(self.span.since.reasons)


@dataclass(frozen=True)
class Matrix:
    """refs: in the requested order. supported: ranges of supported refs. notes: a sentence each, for people."""

    repository: str
    refs: tuple[RefResult, ...]
    commits: Mapping[str, Commit] = field(default_factory=lambda: MappingProxyType({}))
    supported: tuple[RefRange, ...] = ()
    stops: tuple[Stop, ...] = ()
    notes: tuple[str, ...] = ()

    def within(self, span: RefRange) -> tuple[RefResult, ...]:
        """The refs of a range."""
        return self.refs[self.refs.index(span.since) : self.refs.index(span.until) + 1]

    def stop_at(self, patch: str, ref: str) -> Stop | None:
        """The stop of this patch whose range includes this ref, or None."""
        stops = (stop for stop in self.stops if stop.patch == patch)
        return next((stop for stop in stops if ref in [each.ref for each in self.within(stop.span)]), None)
