"""The result of a build: verdicts, matches, splices, findings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from patcher.model.declaration import Anchor, Position, Site
from patcher.model.scope import MODULE, ListKind, Scope
from patcher.model.upstream import Tree, Upstream


class Verdict(StrEnum):
    """The verdict on a site, file or patch, from best to worst. The values are part of the interface of reports."""

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
"""The beginning of the message of a `superseded` patch that has no site for this line of upstream: not worth a note."""

STOPPING = frozenset({Verdict.UNREVIEWED, Verdict.DRIFTED, Verdict.AMBIGUOUS, Verdict.MISSING, Verdict.TAMPERED})
SEVERITY = {verdict: rank for rank, verdict in enumerate(Verdict)}


@dataclass(frozen=True)
class Match:
    """Where an anchor's pattern matches. Offsets count characters of the decoded file, not bytes.

    tokens, text: digests as in `Pin`. shown: the first line of the statement, for messages. jsx: the match is between
    JSX tags, where a comment is written `{/* … */}`. list: the kind of list that it is an item of; None for a match of
    a pattern. exact: the payload replaces `[start, end)` unchanged.
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
class Similar:
    """A name or a statement that is like the one that is missing, and its line, from 1."""

    shown: str
    line: int

    def __str__(self) -> str:
        return f"{self.shown} (line {self.line})"


@dataclass(frozen=True)
class Located:
    """What `locate` found for one anchor: every match, or why there is none.

    scopes: the lines, from 1, of every definition of the scope's name. More than one is ambiguous: which of them runs
    does not depend on where the pattern matches. candidates: what is similar, for the message. without_target: the
    lines where the pattern matches and its target is not in it.
    """

    anchor: Anchor
    matches: tuple[Match, ...]
    scopes: tuple[int, ...] = ()
    candidates: tuple[Similar, ...] = ()
    problem: str = ""
    without_target: tuple[int, ...] = ()

    @property
    def is_unique(self) -> bool:
        """Whether there is one scope of the name, and one match in it."""
        return len(self.matches) == 1 and len(self.scopes) == 1


@dataclass(frozen=True)
class Finding:
    """The verdict on one site, file or patch. line: from 1, in the file before the patches; 0 for no line.

    message: what was expected and found. hint: of a stop, the next command. pins: the `tokens` of the pins that are
    met. site: its id, `patch.name`; empty where the finding is not about a site.
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
    """One site with its matches and its verdict. text: the file before its layer; empty where the file is missing."""

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
    """The replacement of `[start, end)`, the text `was`, by `text`. `site` is an id. Offsets: before the layer.

    plain: the replacement without markers; it begins at `plain_at` in `text`. exact: `text` is the payload, unchanged.
    part: it may be less than a statement, so it cannot be parsed alone. marked: it has markers; else the manifest lists
    it. by_item: its anchor names an item of a list.
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
    """One layer of one file: the text before, the splices, and the text after."""

    file: str
    before: str
    splices: tuple[Splice, ...]
    after: str

    def placed(self) -> list[tuple[int, int, Splice]]:
        """`(start, end, splice)` of each splice; the offsets are those of its text in `after`."""
        found, shift = [], 0
        for splice in sorted(self.splices, key=lambda each: each.order):
            start = splice.start + shift
            found.append((start, start + len(splice.text), splice))
            shift += len(splice.text) - (splice.end - splice.start)
        return found


@dataclass(frozen=True)
class Recorded:
    """A splice without markers, as in the manifest: `[start, end)` of the patched text is the payload of a site."""

    site: str
    start: int
    end: int
    was: str


@dataclass(frozen=True)
class GateResult:
    """The result of one gate. ok: also False where the gate could not run; `hint` may then have the next command."""

    id: str
    ok: bool
    message: str = ""
    where: str = ""
    hint: str = ""


@dataclass(frozen=True)
class FileChange:
    """One file of the generated tree. before, after: SHA-256; `before` is empty for a file of ours."""

    path: str
    status: str
    before: str
    after: str


@dataclass(frozen=True)
class Build:
    """The complete result of a run. `tree` is empty when an anchor stopped it.

    findings: one for each patch. sites: the result at each site that upstream has or should have, layer by layer.
    others: findings on files or patches. payloads: rendered text by `path (site id)`. portable: texts that must be
    ES2017, by the same key or by path. built: the files that upstream's tool chain built from the client's sources; the
    sources are then not in `tree`. notes: a sentence each, for people. plain: the patched tree without markers.
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
        """The splices without markers, by file and layer."""
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
        """Every finding: those on sites, then the others."""
        return (*(each.finding for each in self.sites), *self.others)

    @property
    def stops(self) -> tuple[Finding, ...]:
        """Every finding that stops the build."""
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
