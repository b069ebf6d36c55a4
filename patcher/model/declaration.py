"""What people write: sites, anchors, patches, series."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from patcher.model.scope import FILE, ListKind, Scope
from patcher.model.upstream import Line, Sign, Upstream, version_of


@dataclass(frozen=True)
class Pin:
    """One reviewed state of a window. `text` and `line` only tell `exact`, `reformatted` and `moved` apart.

    reviewed: the versions or refs that somebody read it for, and a note after a colon.
    tokens: SHA-256 over the tokens of the window and of the headers of the blocks around it.
    text: SHA-256 over the window's bytes as reviewed. line: where the matched statement began, from 1.
    """

    tokens: str
    text: str
    line: int
    reviewed: str = ""


@dataclass(frozen=True)
class Anchor:
    """Where a payload goes: a scope by name, a pattern that matches in it exactly once, and the pins of its site.

    pattern: ast-grep pattern, written without `;` (ast-grep does not match a `;` against code without one).
    containing: a word that the match must contain, where the pattern alone would have to quote upstream.
    target: the pattern of the node inside the match that the payload replaces or stands beside; empty for the match
    itself. With it code in a function without a name is found by the statement that the function is given to.
    before, after: how many neighbouring statements belong to the window.
    file: where upstream has the code in another file than the site says; empty for the site's own.

    Instead of a pattern, an item of a list: `list` says what its items are, `item` how this one begins, blanks left out
    (`const port`, `className=`). Where several begin so, the pins decide. Without a list and an item it is the scope
    itself: to edit its header.
    count: how many neighbouring items.
    pieces: the payload goes in as it is, instead of these pieces, counted from the item (see `javascript.lists`); with
    `header`, of the pieces of the item's header, and the header alone is pinned. What `adopt` writes.
    """

    scope: Scope
    pattern: str = ""
    pins: tuple[Pin, ...] = ()
    target: str = ""
    containing: str = ""
    before: int = 0
    after: int = 0
    file: str = ""
    list: ListKind | None = None
    item: str = ""
    count: int = 1
    pieces: tuple[int, int] | None = None
    header: bool = False

    @property
    def shown(self) -> str:
        """The pattern or the item as a message shows it, on one line."""
        if not self.pattern:
            return self._shown_item
        pattern = f"`{' '.join(self.pattern.split())}`"
        containing = f" with `{self.containing}` in it" if self.containing else ""
        target = f"the target `{' '.join(self.target.split())}` in " if self.target else ""
        return f"{target}{pattern}{containing}"

    @property
    def _shown_item(self) -> str:
        if self.scope == FILE:
            return "the whole file"
        of = "the header of " if self.header else ""
        if self.list is None:
            return f"{of}the scope itself"
        return f"{of}the item `{self.item}` of the {self.list}"


class Position(StrEnum):
    """Where the payload goes, relative to the statement that the pattern matches in."""

    BEFORE = "before"
    AFTER = "after"
    REPLACE = "replace"
    DELETE = "delete"


@dataclass(frozen=True)
class Site:
    """One place of a patch, where one payload goes. Known by its name, which stays when others come or go.

    name: lower case, unique in its patch. anchors: one for each shape that upstream has had; the code
    decides which fits.
    line: the line of upstream that needs it; None for every line.
    since: the upstream version that brought the code. From there on the site is required; in an older version it goes
    in where its scope and pattern are there, and is not needed where they are not.
    patch: the id of its patch, which fills it in. templates: the folder of its template; empty for our own.
    """

    name: str
    file: str
    position: Position
    template: str
    anchors: tuple[Anchor, ...]
    line: Line | None = None
    since: str = ""
    patch: str = ""
    templates: str = field(default="", compare=False)

    @property
    def id(self) -> str:
        """`patch.name`, as markers, reports and `--accept` have it."""
        return f"{self.patch}.{self.name}"

    @property
    def pins(self) -> tuple[Pin, ...]:
        """What was reviewed here, each once."""
        return tuple(dict.fromkeys(pin for anchor in self.anchors for pin in anchor.pins))

    def with_pins(self, pins: tuple[Pin, ...]) -> "Site":
        """The site with these pins, whichever of its anchors finds the code."""
        return replace(self, anchors=tuple(replace(anchor, pins=pins) for anchor in self.anchors))

    def file_of(self, anchor: Anchor) -> str:
        """The file that an anchor of this site looks in."""
        return anchor.file or self.file

    def is_required_in(self, version: str) -> bool:
        """Whether an upstream of this version must have the code. False for a text that is not a version."""
        if not self.since:
            return True
        number, first = version_of(version), version_of(self.since)
        return number is not None and first is not None and number.finalize_version() >= first


@dataclass(frozen=True)
class Overlay:
    """A file of ours that the generated tree gets, on this line of upstream, or on every line for None.

    portable: it must stay within ES2017, because it runs on any Node that a user has. templates: the folder of its
    template, which its patch fills in; empty for our own.
    """

    path: str
    template: str
    params: Mapping[str, Hashable] = field(default_factory=lambda: MappingProxyType({}))
    portable: bool = False
    executable: bool = False
    line: Line | None = None
    templates: str = field(default="", compare=False)


@dataclass(frozen=True)
class Origin:
    """Where a patch comes from, once its series is loaded. It is no part of what the patch says.

    series: its name. source: the file that declares it. templates: the folder of its templates. pins: the record of
    what was reviewed; builtin_pins: the same of the builtin sidecar. All are paths. options: what chooses the series on
    a command line, for messages: `--series DIR`; empty where nothing needs to be typed.
    """

    series: str = ""
    source: str = ""
    templates: str = ""
    pins: str = ""
    builtin_pins: str = ""
    options: str = ""


@dataclass(frozen=True)
class Patch:
    """An anchor, a payload and a contract. The module's docstring says what, why, and what to search for.

    superseded: the line of upstream that does it itself, and `superseded_by` names what does it there. The proof is
    that its contracts are green on the pristine tree. A patch that has nothing for a line is left out there as well.
    superseded_where: where it came within a line, the code that does it, all of it. It is in the files of the sites:
    with only some of it the anchors decide, and stop.
    """

    id: str
    summary: str
    sites: tuple[Site, ...] = ()
    overlays: tuple[Overlay, ...] = ()
    requires: tuple[str, ...] = ()
    contracts: tuple[str, ...] = ()
    superseded: Line | None = None
    superseded_by: str = ""
    superseded_where: tuple[Sign, ...] = ()
    origin: Origin = field(default=Origin(), compare=False)

    def __post_init__(self) -> None:
        """Tell each site whose it is, and sites and overlays where their templates are."""
        folder = self.origin.templates
        if isinstance(self.sites, tuple):  # else whoever loads the series says what is wrong
            sites = (_told(each, self.id, folder) if isinstance(each, Site) else each for each in self.sites)
            object.__setattr__(self, "sites", tuple(sites))
        if folder:
            overlays = tuple(replace(each, templates=each.templates or folder) for each in self.overlays)
            object.__setattr__(self, "overlays", overlays)

    def is_superseded_in(self, upstream: Upstream) -> bool:
        """Whether this upstream does it itself."""
        signs = self.superseded_where
        return self.superseded is upstream.line or (bool(signs) and all(each.is_in(upstream.tree) for each in signs))

    def sites_for(self, line: Line) -> tuple[Site, ...]:
        """The sites on this line of upstream."""
        return tuple(site for site in self.sites if site.line in {None, line})

    def overlays_for(self, line: Line) -> tuple[Overlay, ...]:
        """The files of ours for this line of upstream."""
        return tuple(overlay for overlay in self.overlays if overlay.line in {None, line})

    @property
    def file(self) -> str:
        """The file that a report names for the patch; empty where it has none."""
        return next((each.file for each in self.sites), "") or next((each.path for each in self.overlays), "")


def _told(site: Site, patch: str, templates: str) -> Site:
    return replace(site, patch=patch, templates=site.templates or templates)


@dataclass(frozen=True)
class Observation:
    """What was seen. `said` is a sentence on behaviour, on either tree; `observed` is false when nothing could be."""

    green: bool
    said: str
    observed: bool = True


@dataclass(frozen=True)
class Contract:
    """A fact about a running sidecar that the named patches bring about, on this line of upstream (None: every line).

    observe: gets a `patcher.prove.TestBed`, and says what it saw on it.
    Where upstream supersedes all of the patches it must hold on the pristine tree as well: that is the proof of it.
    """

    id: str
    summary: str
    patches: tuple[str, ...]
    observe: Callable[[Any], Observation]
    line: Line | None = None


@dataclass(frozen=True)
class Series:
    """An ordered list of patches, and the contracts that prove them. A series is a directory, ours (`codex`) as well.

    name: small letters, digits, `-` and `_`. client_patches and client_contracts: what `--client` adds, in the sources
    of the dashboard's client and in a browser. The rest is filled in by whoever loads it: home, its directory;
    templates and pins, the paths of that folder and of that record in it; builtin_pins, where those of the builtin
    sidecar are in a record of their own; sha256, the digest of all that its payloads are made of. That is empty for a
    series that no directory holds as it is, also for one that `dataclasses.replace` made of a loaded one: a tree that
    it builds is never up to date.
    """

    name: str
    version: str = ""
    patches: tuple[Patch, ...] = ()
    contracts: Sequence[Contract] = ()
    client_patches: tuple[Patch, ...] = ()
    client_contracts: Sequence[Contract] = ()
    home: str = ""
    templates: str = ""
    pins: str = ""
    builtin_pins: str = ""
    sha256: str = field(default="", init=False)  # so that `replace` does not copy it

    def loaded(self, sha256: str) -> "Series":
        """The same, with the digest of the files that say exactly this. Only who has read them knows it."""
        same = replace(self)
        object.__setattr__(same, "sha256", sha256)
        return same

    @property
    def label(self) -> str:
        """Name and version, as messages show them."""
        return f"{self.name} {self.version}".strip()

    def patches_for(self, *, client: bool) -> tuple[Patch, ...]:
        """Its patches, with those of the client or without."""
        return (*self.patches, *self.client_patches) if client else self.patches


def patches_of(series: Iterable[Series], *, client: bool = False) -> tuple[Patch, ...]:
    """The patches of several series, in order; with those of the client or without."""
    return tuple(patch for each in series for patch in each.patches_for(client=client))
