"""The rule for which of upstream's files are copied into the generated tree ("travel"). Leaf module."""

import posixpath
import re

from patcher.errors import NotThisPackage, UpstreamUnreadable
from patcher.resources import MANIFEST
from patcher.upstream import foreign_json

TYPE_CHECKING = False
if TYPE_CHECKING:  # an up-to-date build uses this module, and importing `typing` takes long
    from collections.abc import Mapping

PACKAGE = "agent-dashboard"
DEEPEST = 100
"""Maximum depth of folders: more than any real package, fewer than a malicious one."""
LARGEST = 1 << 30
"""Maximum bytes of an unpacked archive, and of all files read from it: a small archive may unpack to terabytes."""
MOST_FILES = 500_000
"""Maximum number of files and folders: a small git tree that repeats its subtrees may have 2 to the 100th."""
CLIENT = "client"
_ALWAYS = ("server", "scripts", "bin", "package.json", "LICENSE", MANIFEST)  # the last one: if it is a generated tree
_NEVER = frozenset({"node_modules", "client", "docs", ".git", "__tests__", "__pycache__", ".DS_Store", "__MACOSX"})
_CLIENT_NEVER = _NEVER - {"client", "docs"}
_DATABASES = (".db", ".db-wal", ".db-shm", ".db-journal")  # if a sidecar ran in its checkout


class Travels:
    """The rule for one package: the files that the server needs, and those in `files` of its `package.json`.

    client: copy the client's sources too, except built and installed files.
    """

    def __init__(self, package: "Mapping[str, object]", *, client: bool = False) -> None:
        named = package.get("files")
        names = [posixpath.normpath(str(name)).strip("/") for name in (named if isinstance(named, list) else ())]
        self._names = [*_ALWAYS, *([CLIENT] if client else []), *(name for name in names if name not in {"", "."})]
        self._tops = {name.split("/")[0] for name in self._names}
        self._client = client

    def has(self, path: str) -> bool:
        """Whether a file is copied: it is one of these, and not a test, document, database or file of macOS."""
        top, *rest = path.split("/")
        if is_apple_double(path):
            return False
        if self._client and top == CLIENT and rest:
            return not _CLIENT_NEVER.intersection(rest) and rest[0] != "dist"
        if _NEVER.intersection([top, *rest]) or path.endswith(_DATABASES):
            return False
        return any(path == name or path.startswith(f"{name}/") or _fits(path, name) for name in self._names)

    def may_be_below(self, folder: str) -> bool:
        """Whether a folder may have copied files, given that its parent may."""
        top, _, below = folder.partition("/")
        is_client = self._client and top == CLIENT
        never = (_CLIENT_NEVER if below else frozenset()) if is_client else _NEVER
        if folder.rpartition("/")[2] in never:
            return False
        return any(top == name or _fits(top, name) for name in self._tops) and not (is_client and below == "dist")

    def needs(self, folder: str) -> bool:
        """Whether copied files would be missing if the folder were empty."""
        is_client = self._client and folder == CLIENT
        return is_client or self.has(folder) or any(name.startswith(f"{folder}/") for name in self._names)


def _fits(path: str, pattern: str) -> bool:
    """Whether a path, or a folder above it, fits a pattern. A name without a wild card is not one."""
    if not any(sign in pattern for sign in "*?["):
        return False
    from fnmatch import fnmatchcase

    return fnmatchcase(path, pattern) or fnmatchcase(path, f"{pattern}/*")


def is_apple_double(path: str) -> bool:
    """Whether it is a metadata file that macOS puts beside a real file in archives and on network disks."""
    return any(name.startswith("._") or name == "__MACOSX" for name in path.split("/"))


def modules_of(gitmodules: bytes) -> list[str]:
    """The folders that a `.gitmodules` names."""
    found = re.findall(rb"^\s*path\s*=\s*(.+?)\s*$", gitmodules, re.MULTILINE)
    return [posixpath.normpath(path.decode("utf-8", "surrogateescape").strip('"')) for path in found]


def description(package_json: bytes | None, where: str) -> "Mapping[str, object]":
    """The parsed `package.json`. Raises `NotThisPackage`, so that a wrong tree is refused before it is read."""
    hint = f"point --upstream at a tree of {PACKAGE}, or leave it out for the builtin sidecar"
    if package_json is None:
        raise NotThisPackage(f"expected {PACKAGE}, found a tree without a package.json", where=where, hint=hint)
    try:
        package = foreign_json.loads(package_json)
    except ValueError as error:
        raise NotThisPackage(f"package.json is not JSON: {error}", where=where, hint=hint) from error
    name = package.get("name") if isinstance(package, dict) else None
    if name != PACKAGE:
        raise NotThisPackage(f"expected {PACKAGE}, found {name!r} in package.json", where=where, hint=hint)
    return dict(package)


def dependencies(package_json: bytes, where: str, *kinds: str) -> dict[str, str]:
    """The version ranges of the dependencies of a package, by name. where: the path of `package.json`, for messages.

    kinds: the fields to read instead of `dependencies`. Raises `UpstreamUnreadable`.
    """
    try:
        package = foreign_json.loads(package_json)
        found = [(package.get(kind) or {}).items() for kind in kinds or ("dependencies",)]
        named = {name: wanted for each in found for name, wanted in each}
        "".join([*named, *named.values()]).encode()  # raises unless all are text
    except (ValueError, AttributeError, TypeError) as error:
        hint = "`dependencies` is an object with a version, as text, for each name"
        raise UpstreamUnreadable(f"its dependencies cannot be read: {error}", where=where, hint=hint) from error
    return named
