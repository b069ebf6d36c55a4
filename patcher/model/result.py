"""What a build found: verdicts, matches, splices, and the whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from patcher.model.declaration import Anchor, Position, Site
from patcher.model.scope import MODULE, ListKind, Scope
from patcher.model.upstream import Tree, Upstream


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
