"""Upstream as bytes: its files, its version, and its line."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

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

    version: from `package.json`; empty where it has none. Only messages and `Site.since` use it.
    ref: `builtin`, `directory`, `archive`, or the git ref. source: identifies an unchanged upstream: of git the object
    id of the tree, of a directory the digest of the files that are copied, of an archive its digest.
    part_of: where `tree` is only a part of an upstream, the line of the whole. spec: as typed by the user, for
    messages. notes: a sentence each, on how it was read.
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
    """A line of upstream, decided by its code and not by its version number (`upstream_line`).

    V1: upstream has no support of Codex; the series adds all of it. V2: upstream monitors Codex itself
    (`sessions.provider`, `POST /api/hooks/codex`).
    """

    V1 = "v1"
    V2 = "v2"


@dataclass(frozen=True)
class Sign:
    """Code by which a feature of upstream is recognised: a regular expression in a file, or only the file."""

    file: str
    pattern: str = ""

    def is_in(self, tree: Tree) -> bool:
        """Whether the tree has it."""
        return self.file in tree and bool(re.search(self.pattern.encode(), tree[self.file].data))


# The v2 line is recognised by a module, a route and a column. A release has all three or none.
_V2_SIGNS = (
    Sign("server/lib/codex-ingest.js"),
    Sign("server/routes/hooks.js", r"""\.\s*post\s*\(\s*["'`]/codex["'`]"""),
    Sign("server/db.js", r"\bidx_sessions_provider\b"),
)
_MOST_OF_THEM = 2


def upstream_line(tree: Tree) -> Line:
    """The line of an upstream: v2 if its code has most of the three signs of it."""
    return Line.V2 if sum(sign.is_in(tree) for sign in _V2_SIGNS) >= _MOST_OF_THEM else Line.V1


def version_of(text: str) -> "Version | None":
    """A version as npm reads and sorts it: `v2.0.3`, `=2.0.3`, `2.0`, `2.0.0-rc.2`. None for what is not a version."""
    from semver import Version  # slow to import, and few builds need it

    found = _LOOSE_VERSION.fullmatch(text)
    try:
        return Version.parse(found[1], optional_minor_and_patch=True) if found else None
    except ValueError:
        return None


def version_key(text: str) -> tuple["Version", ...]:
    """The sort key of versions and version tags; empty, which sorts first, for a text that is not a version."""
    version = version_of(text)
    return (version,) if version else ()


_LOOSE_VERSION = re.compile(r"\s*[v=]*\s*(\d\S*)\s*")
