"""What a bump finds out, as data. Leaf module but for the vocabulary of the patcher."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from patcher.model import Anchor, Build, Finding, Located, Patch, Site, Upstream


@dataclass(frozen=True)
class Moment:
    """Upstream at one ref. commit: the full id of its commit."""

    ref: str
    commit: str
    upstream: Upstream


@dataclass(frozen=True)
class Window:
    """The reviewed statements as they stand at a ref. line: where they begin in upstream's file, from 1.

    around: what is said before the braces of each block around them, outside in. statement: first and last line of the
    one that the anchor matches in, from 0 in `text`. matched: what its pattern matches, as half-open offsets in `text`.
    indent: the white space before the first line.
    """

    ref: str
    text: str
    line: int = 0
    around: tuple[str, ...] = ()
    statement: tuple[int, int] = (0, 0)
    matched: tuple[int, int] = (0, 0)
    indent: str = ""


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
    """What became of a candidate that was tried. None: not tried, because an earlier step failed or nobody asked.

    unique: its pattern matches once. parses: the result has no new syntax error. gates, contracts: all of them passed.
    """

    unique: bool = False
    parses: bool | None = None
    gates: bool | None = None
    contracts: bool | None = None
    problems: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether nothing that was tried speaks against it."""
        return self.unique and bool(self.gates) and self.contracts is not False


@dataclass(frozen=True)
class Candidate:
    """A new anchor for a site. anchor: with the pin of what stands there now, once it was tried and is unique.

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
    """A site as somebody reviewed it. located: the one match in `text`, the file as its layer saw it.

    language: what the file is written in, see `javascript.language_of`.
    """

    ref: str
    version: str
    site: Site
    located: Located
    text: str
    language: str

    @property
    def file(self) -> str:
        """The file that `text` is of."""
        return self.site.file_of(self.located.anchor)


@dataclass(frozen=True)
class ScopeDiff:
    """What else is new in a scope. lines: of a diff, the hunks that matter most; left_out: changed lines besides."""

    since: str
    lines: tuple[str, ...] = ()
    left_out: int = 0
    scope: str = ""


@dataclass(frozen=True)
class Twin:
    """Code that a patch replaces, where nothing replaces it. line: from 1. shown: its first line."""

    line: int
    scope: str
    shown: str


@dataclass(frozen=True)
class SiteReport:
    """What a bump says of one site at the new ref.

    waits_for: the id of the site that must be accepted first. nearest: for a page, what the chosen candidate takes,
    or else the first, where nothing matches.
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


@dataclass(frozen=True)
class Refusal:
    """What refuses besides the anchors: a gate, or a file of upstream's where ours goes; and since which commit.

    code: `gate-…` or `file-taken`.
    """

    code: str
    where: str
    message: str
    culprit: Culprit | None = None


@dataclass(frozen=True)
class Brought:
    """A scope that a commit made or changed. sites: those of the series in it, by id."""

    file: str
    scope: str
    new: bool
    sites: tuple[str, ...] = ()


@dataclass(frozen=True)
class Red:
    """Why a contract is red on the tree with what was accepted, or with the first choices.

    said: a sentence, with what a candidate can do about it. culprit: the commit from which on it is red; untold: ids of
    commits that may be it as well, because nothing could be built there. brought: what the culprit did to the files of
    the series.
    """

    contract: str
    said: str
    culprit: Culprit | None = None
    untold: tuple[str, ...] = ()
    brought: tuple[Brought, ...] = ()


@dataclass(frozen=True)
class Bump:
    """Everything that a bump found out.

    since: the ref whose pins are met, if any. build: of the series as it is, on `until`. proposed: with what was
    accepted, or else with the first choices; `series` is what it was made of. chosen: the rank of the candidate that
    went into it, by site; `accepted` by a person, or the first ones. fine: the sites that a person accepted a
    candidate for, and that need none. declared: the series as it is. unrecorded: whether a site that goes through was
    read for older versions only. red: the contracts that the proposed tree does not fulfil, once they were run. gaps:
    version tags after a ref and before the new one at which a site does not meet the pin of these tokens.
    matrix: for a page, of the refs from `since` to `until`, as `patcher.report.matrix_document` returns it.
    """

    since: Moment | None
    until: Moment
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
    red: tuple[Red, ...] = ()
    gaps: Callable[[str, str, str], Sequence[str]] = lambda site, last, tokens: ()
    matrix: Mapping[str, Any] | None = None
