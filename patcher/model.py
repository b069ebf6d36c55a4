"""The vocabulary of the patcher as data: trees, anchors, patches, verdicts, and what a build found.

Leaf module: imports nothing of the package. Words are those of DESIGN.md sections 2 to 5.
"""

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from types import MappingProxyType


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

    ref: `builtin`, `directory`, `archive`, or the git ref. source: what an unchanged spec is known by: for git the
    object id of the tree, for a directory the digest of what travels, for an archive the digest of the archive.
    spec: what the user typed, for messages only. notes: what a person should know of how it was read.
    """

    name: str
    version: str
    ref: str
    tree: Tree
    source: str = ""
    spec: str = ""
    notes: tuple[str, ...] = ()

    @cached_property
    def tree_sha256(self) -> str:
        """Digest of the tree: paths, executable bits and contents."""
        return tree_digest(self.tree)

    @property
    def label(self) -> str:
        """Name, version and ref, as messages show them."""
        return f"{self.name} {self.version} ({self.ref})"


@dataclass(frozen=True)
class Versions:
    """A half-open range of upstream versions, `since <= version < until`; an empty bound is no bound."""

    since: str = ""
    until: str = ""

    def __contains__(self, version: str) -> bool:
        number = version_key(version)
        return (not self.since or version_key(self.since) <= number) and (
            not self.until or number < version_key(self.until)
        )

    def __str__(self) -> str:
        bounds = [f">={self.since}"] if self.since else []
        bounds += [f"<{self.until}"] if self.until else []
        return " ".join(bounds) or "every version"


EVERY_VERSION = Versions()
V1_LINE = Versions(until="2.0.0")
"""Upstream that knows no Codex: the series brings all of it."""
V2_LINE = Versions(since="2.0.0")
"""Upstream that monitors Codex natively (`sessions.provider`, `POST /api/hooks/codex`)."""


def version_key(version: str) -> tuple[int, ...]:
    """The leading numbers of a version, so that 1.10.0 comes after 1.9.0. `v1.2.0-x` is `(1, 2, 0)`."""
    match = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return tuple(int(part) for part in match.group(1).split(".")) if match else ()


@dataclass(frozen=True)
class Scope:
    """A named place in a file: `function NAME`, `route VERB /path`, or the `module` top level."""

    kind: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".strip()


MODULE = Scope("module")


def function(name: str) -> Scope:
    """A function declaration, a method, or a function bound to a `const`, also inside a call: `wrap(() => {})`."""
    return Scope("function", name)


def route(verb: str, path: str) -> Scope:
    """An Express route of a router or app: `route("POST", "/event")`."""
    return Scope("route", f"{verb} {path}")


@dataclass(frozen=True)
class Pin:
    """One reviewed state of a window. `text` and `line` only tell `exact`, `reformatted` and `moved` apart.

    tokens: SHA-256 over the tokens of the window and of the headers of the blocks around it.
    text: SHA-256 over the window's bytes as reviewed. line: where the matched statement began, from 1.
    """

    tokens: str
    text: str
    line: int


@dataclass(frozen=True)
class Anchor:
    """Where a payload goes: a scope by name, a pattern that matches in it exactly once, and reviewed pins.

    pattern: ast-grep pattern, written without `;` (ast-grep does not match a `;` against code without one).
    containing: a word that the match must contain, where the pattern alone would have to quote upstream.
    target: for `replace`, the pattern of the node inside the match that is replaced; empty for the match itself.
    before, after: how many neighbouring statements belong to the window.
    """

    scope: Scope
    pattern: str
    pins: tuple[Pin, ...]
    target: str = ""
    containing: str = ""
    before: int = 0
    after: int = 0
    versions: Versions = EVERY_VERSION

    @property
    def shown(self) -> str:
        """The pattern as a message shows it, on one line."""
        pattern = f"`{' '.join(self.pattern.split())}`"
        return f"{pattern} with `{self.containing}` in it" if self.containing else pattern


class Place(StrEnum):
    """Where the payload goes, relative to the statement that the pattern matches in."""

    BEFORE = "before"
    AFTER = "after"
    REPLACE = "replace"


@dataclass(frozen=True)
class Edit:
    """One splice. `anchors` holds one anchor for each shape that upstream has had, by version range."""

    file: str
    place: Place
    template: str
    anchors: tuple[Anchor, ...]
    versions: Versions = EVERY_VERSION

    def anchor_for(self, version: str) -> Anchor:
        """The anchor for this upstream version; for a version in no range, the nearest one, so that its pins judge."""
        for anchor in self.anchors:
            if version in anchor.versions:
                return anchor
        older = [a for a in self.anchors if a.versions.since and version_key(a.versions.since) <= version_key(version)]
        return older[-1] if older else self.anchors[0]


@dataclass(frozen=True)
class Overlay:
    """A file of ours that the generated tree gets, in these upstream versions.

    portable: it must stay within ES2017 (DESIGN.md section 6).
    """

    path: str
    template: str
    params: Mapping[str, Hashable] = field(default_factory=lambda: MappingProxyType({}))
    portable: bool = False
    executable: bool = False
    versions: Versions = EVERY_VERSION


@dataclass(frozen=True)
class Patch:
    """An anchor, a payload and a contract. The module's docstring says what, why, and what to search for.

    superseded: the upstream versions that do it themselves, and `superseded_by` names what does it there. The proof
    is that its contracts are green on the pristine tree.
    """

    id: str
    summary: str
    edits: tuple[Edit, ...] = ()
    overlays: tuple[Overlay, ...] = ()
    requires: tuple[str, ...] = ()
    contracts: tuple[str, ...] = ()
    superseded: Versions | None = None
    superseded_by: str = ""

    def edits_for(self, version: str) -> tuple[tuple[int, Edit], ...]:
        """The edits that this upstream version needs, each with its number in the patch."""
        return tuple((number, edit) for number, edit in enumerate(self.edits) if version in edit.versions)

    def overlays_for(self, version: str) -> tuple[Overlay, ...]:
        """The files of ours that this upstream version needs."""
        return tuple(overlay for overlay in self.overlays if version in overlay.versions)

    def is_superseded_in(self, version: str) -> bool:
        """Whether this upstream version does it itself, as far as the declaration knows."""
        return self.superseded is not None and version in self.superseded

    @property
    def file(self) -> str:
        """The file that stands for the patch in a report."""
        return self.edits[0].file if self.edits else self.overlays[0].path


class Verdict(StrEnum):
    """What became of a patch, from best to worst. The words are part of the interface (DESIGN.md section 4)."""

    APPLIED = "applied"
    EXACT = "exact"
    MOVED = "moved"
    REFORMATTED = "reformatted"
    SUPERSEDED = "superseded"
    DRIFTED = "drifted"
    AMBIGUOUS = "ambiguous"
    MISSING = "missing"
    TAMPERED = "tampered"

    @property
    def stops(self) -> bool:
        """Whether a build stops on it."""
        return self in STOPPING


STOPPING = frozenset({Verdict.DRIFTED, Verdict.AMBIGUOUS, Verdict.MISSING, Verdict.TAMPERED})
SEVERITY = {verdict: rank for rank, verdict in enumerate(Verdict)}


@dataclass(frozen=True)
class Match:
    """One place where an anchor's pattern matches. Offsets count characters of the decoded file, not bytes.

    tokens, text: digests as in `Pin`. shown: the statement's first line, for messages. jsx: it stands between the tags
    of JSX, where a comment is written `{/* … */}`.
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


@dataclass(frozen=True)
class Located:
    """What `locate` found for one edit: every match, or why there is none."""

    anchor: Anchor
    matches: tuple[Match, ...]
    scopes: tuple[int, ...] = ()
    candidates: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Finding:
    """The verdict on one edit or one patch. `line` counts from 1 in the file that was located in; 0 = no line.

    A stop says what was expected and what was found in `message`, and the next command in `hint`.
    """

    patch: str
    file: str
    verdict: Verdict
    line: int = 0
    scope: str = ""
    message: str = ""
    hint: str = ""
    pins: tuple[str, ...] = ()


@dataclass(frozen=True)
class Splice:
    """Replace `[start, end)` of the text that was located in by `text`; `was` is what stood there."""

    start: int
    end: int
    text: str
    was: str
    patch: str
    number: int
    place: Place
    payload: str
    scope: Scope = MODULE

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

    findings: one for each patch. places: one for each place that a patch has, in the order of the series.
    payloads: rendered text by `path (patch.number)`. portable: texts that must be ES2017, by the same name or path.
    built: what upstream's tool chain made of the client's sources, which then are in `tree` no more.
    """

    upstream: Upstream
    findings: tuple[Finding, ...]
    places: tuple[Finding, ...] = ()
    layers: tuple[Layer, ...] = ()
    added: Tree = field(default_factory=lambda: MappingProxyType({}))
    tree: Tree = field(default_factory=lambda: MappingProxyType({}))
    gates: tuple[GateResult, ...] = ()
    payloads: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    portable: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    built: Tree = field(default_factory=lambda: MappingProxyType({}))

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
