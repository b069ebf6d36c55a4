"""The vocabulary of the patcher as data: trees, anchors, patches, verdicts, and what a build found.

Leaf module: imports nothing of the package. `patcher/README.md` explains the words.
"""

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from semver import Version


def digest(data: bytes) -> str:
    """SHA-256 of `data`, 64 lower-case hex digits."""
    return sha256(data).hexdigest()


@dataclass(frozen=True)
class File:
    """The bytes of one file, and whether its owner may execute it. No other mode bit travels."""

    data: bytes
    executable: bool = False

    @cached_property
    def sha256(self) -> str:
        """Digest of the content."""
        return digest(self.data)


Tree = Mapping[str, File]
"""Files by relative POSIX path."""


def tree_digest(tree: Tree) -> str:
    """SHA-256 over path, executable bit and content digest of each file, in path order."""
    lines = (f"{path}\0{int(tree[path].executable)}\0{tree[path].sha256}\n" for path in sorted(tree))
    return digest("".join(lines).encode())


@dataclass(frozen=True)
class Upstream:
    """A materialized upstream: its identity and its tree.

    version: as `package.json` says it; empty where it says none. Messages and `Site.since` use it, nothing else.
    ref: `builtin`, `directory`, `archive`, or the git ref. source: what an unchanged spec is known by: for git the
    object id of the tree, for a directory the digest of what travels, for an archive the digest of the archive.
    part_of: where `tree` is only a part of an upstream, the line of the whole. spec: what the user typed, for messages
    only. notes: what a person should know of how it was read, a sentence each.
    """

    name: str
    version: str
    ref: str
    tree: Tree
    source: str = ""
    spec: str = ""
    notes: tuple[str, ...] = ()
    part_of: "Line | None" = None

    @cached_property
    def line(self) -> "Line":
        """The line of upstream, by its code."""
        return self.part_of or upstream_line(self.tree)

    @cached_property
    def tree_sha256(self) -> str:
        """Digest of the tree: paths, executable bits and contents."""
        return tree_digest(self.tree)

    @property
    def label(self) -> str:
        """Name, version and ref, as messages show them."""
        return f"{self.name} {self.version or 'without a version'} ({self.ref})"


class Line(StrEnum):
    """A line of upstream: what its code can do, whatever its version number says. `upstream_line` recognises it.

    V1: upstream knows no Codex, the series brings all of it. V2: upstream monitors Codex natively (`sessions.provider`,
    `POST /api/hooks/codex`).
    """

    V1 = "v1"
    V2 = "v2"


@dataclass(frozen=True)
class Sign:
    """Code that tells what an upstream can do: a regular expression in the text of a file, or only the file."""

    file: str
    pattern: str = ""

    def is_in(self, tree: Tree) -> bool:
        """Whether the tree has it."""
        return self.file in tree and bool(re.search(self.pattern.encode(), tree[self.file].data))


# What makes an upstream one of the v2 line: its module, its route, its column. A release has all three or none.
_V2_SIGNS = (
    Sign("server/lib/codex-ingest.js"),
    Sign("server/routes/hooks.js", r"""\.\s*post\s*\(\s*["'`]/codex["'`]"""),
    Sign("server/db.js", r"\bidx_sessions_provider\b"),
)
_MOST_OF_THEM = 2


def upstream_line(tree: Tree) -> Line:
    """The line of an upstream, by its code: v2 when it has most of what v2 brought."""
    return Line.V2 if sum(sign.is_in(tree) for sign in _V2_SIGNS) >= _MOST_OF_THEM else Line.V1


def version_of(text: str) -> "Version | None":
    """A version as npm reads and sorts it: `v2.0.3`, `=2.0.3`, `2.0`, `2.0.0-rc.2`. None for what is not a version."""
    from semver import Version  # only few builds need it

    found = _LOOSE_VERSION.fullmatch(text)
    try:
        return Version.parse(found[1], optional_minor_and_patch=True) if found else None
    except ValueError:
        return None


def version_key(text: str) -> tuple["Version", ...]:
    """What versions and version tags are sorted by; empty, and before all others, for a text that is not a version."""
    version = version_of(text)
    return (version,) if version else ()


_LOOSE_VERSION = re.compile(r"\s*[v=]*\s*(\d\S*)\s*")


@dataclass(frozen=True)
class Scope:
    """A named part of a file: `function NAME`, `route VERB /path`, or the `module` top level.

    within: a scope around it, where the name alone is there more than once.
    """

    kind: str
    name: str = ""
    within: "Scope | None" = None

    def __str__(self) -> str:
        own = f"{self.kind} {self.name}".strip()
        return f"{self.within} > {own}" if self.within else own


MODULE = Scope("module")
FILE = Scope("file")
"""All of a file, whatever is in it: what an `override` replaces."""


def function(name: str) -> Scope:
    """A function declaration, a method, or a function bound to a `const`, also inside a call: `wrap(() => {})`."""
    return Scope("function", name)


def route(verb: str, path: str) -> Scope:
    """An Express route of a router or app: `route("POST", "/event")`."""
    return Scope("route", f"{verb} {path}")


def callback(called: str, within: Scope | None = None) -> Scope:
    """A function that is an argument of this call, without a name of its own: `callback("app.listen")`.

    called: what is called, as it is written; of a chain its last name: `then`.
    """
    return Scope("callback", called, within)


def member(name: str, within: Scope | None = None) -> Scope:
    """A property, field or JSX attribute whose value is a function, an object or an array; or what is assigned to."""
    return Scope("member", name, within)


def variable(name: str, within: Scope | None = None) -> Scope:
    """A variable whose value is an object or an array."""
    return Scope("variable", name, within)


def class_(name: str) -> Scope:
    """A class."""
    return Scope("class", name)


def type_(name: str) -> Scope:
    """An interface, an enumeration or a type with a name."""
    return Scope("type", name)


def pointer(path: str) -> Scope:
    """A value of a JSON file, by its pointer (RFC 6901): `pointer("/scripts")`."""
    return Scope("pointer", path)


def rule(selector: str, within: Scope | None = None) -> Scope:
    """A rule of a CSS file, by what stands before its `{`: `rule(".sidebar a")`, `rule("@media print")`."""
    return Scope("rule", selector, within)


def element(tag: str, within: Scope | None = None) -> Scope:
    """An element of an HTML file, by its tag or its tag and id: `element("div#root")`."""
    return Scope("element", tag, within)


class ListKind(StrEnum):
    """What the items of a list are. The words are the ones of declarations and messages."""

    STATEMENTS = "statements"
    PROPERTIES = "properties"
    MEMBERS = "members"
    ARGUMENTS = "arguments"
    ATTRIBUTES = "attributes"
    PARAMETERS = "parameters"
    ELEMENTS = "elements"
    IMPORTS = "imports"
    CHILDREN = "children"
    PAIRS = "pairs"
    RULES = "rules"


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
    sidecar are in a record of their own; sha256, the digest of all that its payloads are made of, empty for a series
    that is no directory, which is never up to date.
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
    sha256: str = ""

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


class Verdict(StrEnum):
    """What became of a patch, from best to worst. The words are part of the interface: reports have them."""

    APPLIED = "applied"
    EXACT = "exact"
    MOVED = "moved"
    REFORMATTED = "reformatted"
    SUPERSEDED = "superseded"
    UNREVIEWED = "unreviewed"
    DRIFTED = "drifted"
    AMBIGUOUS = "ambiguous"
    MISSING = "missing"
    TAMPERED = "tampered"

    @property
    def stops(self) -> bool:
        """Whether a build stops on it."""
        return self in STOPPING


NOT_NEEDED = "not needed"
"""How the message of a patch begins that has nothing for this line of upstream: it is `superseded`, and no news."""

STOPPING = frozenset({Verdict.UNREVIEWED, Verdict.DRIFTED, Verdict.AMBIGUOUS, Verdict.MISSING, Verdict.TAMPERED})
SEVERITY = {verdict: rank for rank, verdict in enumerate(Verdict)}


@dataclass(frozen=True)
class Match:
    """Where an anchor's pattern matches. Offsets count characters of the decoded file, not bytes.

    tokens, text: digests as in `Pin`. shown: the statement's first line, for messages. jsx: it stands between the tags
    of JSX, where a comment is written `{/* … */}`. list: what it is an item of, unless a pattern found it. exact: the
    payload stands for `[start, end)` as it is.
    """

    start: int
    end: int
    statement_start: int
    statement_end: int
    window_start: int
    window_end: int
    line: int
    tokens: str
    text: str
    shown: str
    jsx: bool = False
    list: ListKind | None = None
    exact: bool = False


@dataclass(frozen=True)
class Located:
    """What `locate` found for one anchor: every match, or why there is none.

    scopes: the lines of everything that defines the scope's name, from 1. More than one is ambiguous: which of them
    runs is not decided by where the pattern stands.
    """

    anchor: Anchor
    matches: tuple[Match, ...]
    scopes: tuple[int, ...] = ()
    candidates: tuple[str, ...] = ()
    problem: str = ""

    @property
    def is_unique(self) -> bool:
        """Whether there is one scope of the name, and one match in it."""
        return len(self.matches) == 1 and len(self.scopes) == 1


@dataclass(frozen=True)
class Finding:
    """The verdict on one site, file or patch. `line` counts from 1 in the file that was located in; 0 = no line.

    A stop says what was expected and what was found in `message`, and the next command in `hint`.
    site: its id, `patch.name`; empty for a finding that is about no site.
    """

    patch: str
    file: str
    verdict: Verdict
    line: int = 0
    scope: str = ""
    message: str = ""
    hint: str = ""
    pins: tuple[str, ...] = ()
    site: str = ""


@dataclass(frozen=True)
class SiteResult:
    """What was found at one site, and the verdict on it. text: the file as its layer saw it; empty without the file."""

    site: Site
    finding: Finding
    located: Located
    text: str

    @property
    def id(self) -> str:
        """The id of the site."""
        return self.site.id

    @property
    def stops(self) -> bool:
        """Whether a build stops on it."""
        return self.finding.verdict.stops


@dataclass(frozen=True)
class Splice:
    """Replace `[start, end)` of the text that was located in by `text`; `was` is what stood there; `site` is an id.

    plain: the same without markers, from `plain_at` on a part of it. exact: the payload's own bytes are all of it.
    part: it may be less than a statement, and says something only where it stands. marked: there are markers around it;
    else the manifest says what it is. by_item: an item of a list says where it goes.
    """

    start: int
    end: int
    text: str
    was: str
    patch: str
    site: str
    position: Position
    payload: str
    scope: Scope = MODULE
    plain: str = ""
    plain_at: int = 0
    exact: bool = False
    part: bool = False
    marked: bool = True
    by_item: bool = False

    @property
    def order(self) -> tuple[int, int]:
        """Sort key: an insertion comes before a replacement that starts at the same character."""
        return self.start, self.end


@dataclass(frozen=True)
class Layer:
    """One layer of one file: the text that was located in, the splices, and the text that came out."""

    file: str
    before: str
    splices: tuple[Splice, ...]
    after: str

    def placed(self) -> list[tuple[int, int, Splice]]:
        """Each splice, with where its text begins and ends in `after`."""
        found, shift = [], 0
        for splice in sorted(self.splices, key=lambda each: each.order):
            start = splice.start + shift
            found.append((start, start + len(splice.text), splice))
            shift += len(splice.text) - (splice.end - splice.start)
        return found


@dataclass(frozen=True)
class Recorded:
    """A splice without markers, as the manifest has it: `[start, end)` of what came out is the payload of a site."""

    site: str
    start: int
    end: int
    was: str


@dataclass(frozen=True)
class GateResult:
    """What one gate found. `ok` is false too when the gate could not run; then `hint` may say what to do."""

    id: str
    ok: bool
    message: str = ""
    where: str = ""
    hint: str = ""


@dataclass(frozen=True)
class FileChange:
    """One file of the generated tree; `before` is empty for a file of ours."""

    path: str
    status: str
    before: str
    after: str


@dataclass(frozen=True)
class Build:
    """Everything that a run of the flow found out. `tree` is empty when an anchor stopped it.

    findings: one for each patch. sites: what was found at each site that upstream has or should have, layer by layer.
    others: findings that are about no site, but about files or patches. payloads: rendered text by `path (site id)`.
    portable: texts that must be ES2017, by the same name or path.
    built: what upstream's tool chain made of the client's sources, which then are in `tree` no more.
    notes: what people should know of it and no verdict says, a sentence each.
    plain: the tree without markers.
    """

    upstream: Upstream
    findings: tuple[Finding, ...]
    sites: tuple[SiteResult, ...] = ()
    others: tuple[Finding, ...] = ()
    layers: tuple[Layer, ...] = ()
    added: Tree = field(default_factory=lambda: MappingProxyType({}))
    tree: Tree = field(default_factory=lambda: MappingProxyType({}))
    gates: tuple[GateResult, ...] = ()
    payloads: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    portable: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    built: Tree = field(default_factory=lambda: MappingProxyType({}))
    notes: tuple[str, ...] = ()
    plain: Tree = field(default_factory=lambda: MappingProxyType({}))

    def recorded(self) -> dict[str, tuple[tuple[Recorded, ...], ...]]:
        """By file, layer by layer, what was put in without markers."""
        found: dict[str, tuple[tuple[Recorded, ...], ...]] = {}
        for layer in self.layers:
            here = tuple(
                Recorded(splice.site, start, end, splice.was)
                for start, end, splice in layer.placed()
                if not splice.marked
            )
            if here:
                found[layer.file] = (*found.get(layer.file, ()), here)
        return found

    @property
    def details(self) -> tuple[Finding, ...]:
        """Every finding: on each site, and on all else."""
        return (*(each.finding for each in self.sites), *self.others)

    @property
    def stops(self) -> tuple[Finding, ...]:
        """Every reason to stop the build."""
        return tuple(finding for finding in self.details if finding.verdict.stops)

    @property
    def stopped(self) -> bool:
        """Whether an anchor stopped the build."""
        return any(finding.verdict.stops for finding in self.findings)

    @property
    def refused(self) -> bool:
        """Whether a gate refused the result."""
        return any(not gate.ok for gate in self.gates)

    @property
    def ok(self) -> bool:
        """Whether the result may be written."""
        return not self.stopped and not self.refused

    def changes(self) -> tuple[FileChange, ...]:
        """Each file of the generated tree: copied, patched, added by us, or built from the client's sources."""
        return tuple(
            FileChange(path, self._status(path), self._before(path), self.tree[path].sha256)
            for path in sorted(self.tree)
        )

    def _status(self, path: str) -> str:
        if path in self.built:
            return "built"
        if path in self.added:
            return "added"
        return "copied" if self.upstream.tree[path].data == self.tree[path].data else "patched"

    def _before(self, path: str) -> str:
        return "" if path in self.added or path in self.built else self.upstream.tree[path].sha256
