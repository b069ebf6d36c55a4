"""The data types of a bump: its options and its result."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from patcher.javascript import language_of
from patcher.matrix.window import Window
from patcher.model import Anchor, Build, Finding, Match, Patch, Site, SiteResult, Upstream


@dataclass(frozen=True)
class BumpOptions:
    """The options of a bump. accept: rank by site; only: ids of the patches to look at, empty for all.

    write: use accepted candidates only; else, where none is accepted, the first choices are tried.
    candidates: search for new anchors too. everything: show every change, not only the most relevant ones.
    """

    until: str
    since: str = ""
    only: Collection[str] = ()
    accept: Mapping[str, int] | None = None
    write: bool = False
    candidates: bool = True
    everything: bool = False


@dataclass(frozen=True)
class Revision:
    """Upstream at one ref. commit: the full id of its commit."""

    ref: str
    commit: str
    upstream: Upstream


@dataclass(frozen=True)
class Culprit:
    """A commit that a report names. date: ISO 8601. brought_by: the merge of it into the main line, if any."""

    commit: str
    date: str
    subject: str
    author: str = ""
    brought_by: "Culprit | None" = None


class Change(StrEnum):
    """What upstream did to a site that stops. The values are part of the interface."""

    EDITED = "edited"
    SURROUNDED = "surrounded"
    DUPLICATED = "duplicated"
    RENAMED = "renamed"
    MOVED = "moved"
    SPLIT = "split"
    DELETED = "deleted"
    NOT_YET = "not yet"
    WAITS = "waits"


class Kind(StrEnum):
    """What a candidate changes in the declaration, from least to most."""

    PIN = "pin"
    SCOPE = "scope"
    FILE = "file"
    STATEMENT = "statement"


@dataclass(frozen=True)
class Tried:
    """The result of trying a candidate. None: not tried, because an earlier step failed or it was not requested.

    unique: its pattern matches once. parses: the result has no new syntax error. gates, contracts: all of them passed.
    """

    unique: bool = False
    parses: bool | None = None
    gates: bool | None = None
    contracts: bool | None = None
    problems: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether it passed every step that was tried."""
        return self.unique and bool(self.gates) and self.contracts is not False


@dataclass(frozen=True)
class Candidate:
    """A new anchor for a site. anchor: after a successful trial, with a pin of the current code.

    likeness: 0 to 1, of the statement to the reviewed one. why: reasons for its rank, best first.
    """

    kind: Kind
    file: str
    anchor: Anchor
    likeness: float
    why: tuple[str, ...] = ()
    tried: Tried = field(default_factory=Tried)
    rank: int = 0


@dataclass(frozen=True)
class Reviewed:
    """A site as reviewed at a ref. result: has exactly one match; its text is the file before the site's layer."""

    ref: str
    result: SiteResult

    @property
    def anchor(self) -> Anchor:
        """The anchor that found it."""
        return self.result.located.anchor

    @property
    def match(self) -> Match:
        """The match of it in `text`."""
        return self.result.located.matches[0]

    @property
    def text(self) -> str:
        """The text of its file."""
        return self.result.text

    @property
    def file(self) -> str:
        """The path of its file."""
        return self.result.site.file_of(self.anchor)

    @property
    def language(self) -> str:
        """The language of its file, see `javascript.language_of`."""
        return language_of(self.file)


@dataclass(frozen=True)
class ScopeDiff:
    """The other changes in a scope. lines: the most relevant hunks of a diff; left_out: the number of other lines."""

    since: str
    lines: tuple[str, ...] = ()
    left_out: int = 0
    scope: str = ""


@dataclass(frozen=True)
class Twin:
    """A new copy of code that a patch replaces, without a site. line: from 1. shown: its first line."""

    line: int
    scope: str
    shown: str


@dataclass(frozen=True)
class SiteReport:
    """One site at the new ref.

    waits_for: the id of the site that must be accepted first. nearest: where nothing matches, the window of the chosen
    candidate, or of the first one. change_said: a sentence on `change`.
    """

    site: Site
    finding: Finding
    payload: str = ""
    reviewed: Window | None = None
    found: Window | None = None
    nearest: Window | None = None
    change: Change | None = None
    change_said: str = ""
    culprit: Culprit | None = None
    candidates: tuple[Candidate, ...] = ()
    scope_diff: ScopeDiff | None = None
    twins: tuple[Twin, ...] = ()
    waits_for: str = ""

    @property
    def id(self) -> str:
        """The id of the site, as `--accept` takes it."""
        return self.site.id

    @property
    def patch(self) -> str:
        """The id of the patch."""
        return self.site.patch

    @property
    def stops(self) -> bool:
        """Whether the build stops on it."""
        return self.finding.verdict.stops

    def candidate(self, rank: int | None) -> Candidate | None:
        """The candidate of this rank, if there is one."""
        return next((each for each in self.candidates if each.rank == rank), None)


@dataclass(frozen=True)
class Refusal:
    """A gate that refuses, or a file of upstream's at the path of one of ours. code: `gate-…` or `file-taken`."""

    code: str
    where: str
    message: str
    culprit: Culprit | None = None


@dataclass(frozen=True)
class ScopeChange:
    """A scope that a commit added or changed. sites: those of the series in it, by id."""

    file: str
    scope: str
    new: bool
    sites: tuple[str, ...] = ()


@dataclass(frozen=True)
class ContractRegression:
    """Why a contract is red on the tree with the accepted candidates or the first choices.

    said: the reason as a sentence. culprit: the first commit at which it is red; skipped: ids of other possible
    culprits, at which nothing could be built. changes: those of the culprit in the files of the series.
    """

    contract: str
    said: str
    culprit: Culprit | None = None
    skipped: tuple[str, ...] = ()
    changes: tuple[ScopeChange, ...] = ()


@dataclass(frozen=True)
class Bump:
    """The result of a bump.

    since: the base revision, whose pins are met, if any. declared: the series as declared; build: of it, on `until`.
    series: with the accepted candidates or the first choices; proposed: the build of it. chosen: the rank of the
    candidate in it, by site; accepted: whether the user chose them. fine: the sites that the user accepted a candidate
    for but that need none. unrecorded: whether a fitting site is recorded as reviewed only for older versions. red: the
    contracts that are red on the proposed tree, if they were run. gaps: `(site, ref, tokens)` to the version tags after
    `ref` and before the new one at which the site does not meet the pin with these tokens.
    """

    since: Revision | None
    until: Revision
    build: Build
    proposed: Build
    sites: tuple[SiteReport, ...]
    refusals: tuple[Refusal, ...] = ()
    series: tuple[Patch, ...] = ()
    chosen: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    accepted: bool = False
    fine: tuple[str, ...] = ()
    declared: tuple[Patch, ...] = ()
    unrecorded: bool = False
    red: tuple[ContractRegression, ...] = ()
    gaps: Callable[[str, str, str], Sequence[str]] = lambda site, last, tokens: ()
