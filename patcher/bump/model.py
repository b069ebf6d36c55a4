"""The options and the result of a bump, as data."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from patcher.javascript import language_of
from patcher.matrix.window import Window
from patcher.model import Anchor, Build, Finding, Match, Patch, Site, SiteResult, Upstream


@dataclass(frozen=True)
class BumpOptions:
    """A bump as it was asked for. accept: rank by site; only: ids of patches to look at, all of them for none.

    write: only what was accepted counts; else the first choices show what there is to accept.
    candidates: look for new anchors too. everything: all of what is new, not only what matters most.
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
    """A commit that a report names. date: ISO 8601. brought_by: the merge that brought it to the main line, if any."""

    commit: str
    date: str
    subject: str
    author: str = ""
    brought_by: "Culprit | None" = None


class Change(StrEnum):
    """What upstream did to a site that stops. The words are part of the interface."""

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
    """What a candidate changes in the declaration, from the least to the most."""

    PIN = "pin"
    SCOPE = "scope"
    FILE = "file"
    STATEMENT = "statement"


@dataclass(frozen=True)
class Tried:
    """The result of trying a candidate. None: not tried, because an earlier step failed or nobody asked.

    unique: its pattern matches once. parses: the result has no new syntax error. gates, contracts: all of them passed.
    """

    unique: bool = False
    parses: bool | None = None
    gates: bool | None = None
    contracts: bool | None = None
    problems: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether it passed all that was tried."""
        return self.unique and bool(self.gates) and self.contracts is not False


@dataclass(frozen=True)
class Candidate:
    """A new anchor for a site. anchor: once it was tried and is unique, with a pin of the code that is there now.

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
    """A site as somebody reviewed it at a ref. result: with one match in its text, the file as its layer saw it."""

    ref: str
    result: SiteResult

    @property
    def anchor(self) -> Anchor:
        """The anchor that found it."""
        return self.result.located.anchor

    @property
    def match(self) -> Match:
        """Where that is in `text`."""
        return self.result.located.matches[0]

    @property
    def text(self) -> str:
        """The text of the file that it was found in."""
        return self.result.text

    @property
    def file(self) -> str:
        """The path of that file."""
        return self.result.site.file_of(self.anchor)

    @property
    def language(self) -> str:
        """What it is written in, see `javascript.language_of`."""
        return language_of(self.file)


@dataclass(frozen=True)
class ScopeDiff:
    """What else is new in a scope. lines: of a diff, the hunks that matter most; left_out: how many others changed."""

    since: str
    lines: tuple[str, ...] = ()
    left_out: int = 0
    scope: str = ""


@dataclass(frozen=True)
class Twin:
    """A new copy of code that a patch replaces, which no site replaces. line: from 1. shown: its first line."""

    line: int
    scope: str
    shown: str


@dataclass(frozen=True)
class SiteReport:
    """One site at the new ref.

    waits_for: the id of the site that must be accepted first. nearest: where nothing matches, what the chosen
    candidate matches, or else the first one.
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
    """A gate that refuses, or a file of upstream's at the path of one of ours; and since which commit.

    code: `gate-…` or `file-taken`.
    """

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
    """Why a contract is red on the tree with what was accepted, or with the first choices.

    said: a sentence, with what a candidate can do about it. culprit: the commit from which on it is red; skipped: ids
    of commits that may be it as well, because nothing could be built there. changes: what the culprit did to the files
    of the series.
    """

    contract: str
    said: str
    culprit: Culprit | None = None
    skipped: tuple[str, ...] = ()
    changes: tuple[ScopeChange, ...] = ()


@dataclass(frozen=True)
class Bump:
    """The result of a bump.

    since: the ref whose pins are met, if any. build: of the series as it is, on `until`. proposed: with what was
    accepted, or else with the first choices; `series` is what it was made of. chosen: the rank of the candidate that
    went into it, by site; `accepted` by a person, or the first ones. fine: the sites that a person accepted a
    candidate for, and that need none. declared: the series as it is. unrecorded: whether a fitting site was reviewed
    for older versions only. red: the contracts that are red on the proposed tree, once they were run. gaps:
    version tags after a ref and before the new one at which a site does not meet the pin of these tokens.
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
