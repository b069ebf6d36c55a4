"""A generated tree on the disk against its manifest. Leaf module: it decides whether a build is needed at all."""

import os
import stat
from hashlib import sha256

from patcher.errors import ManifestUnreadable
from patcher.resources import MANIFEST, content
from patcher.upstream import foreign_json

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` takes as long as looking at all files
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

SCHEMA = 1
_ENTRY = frozenset({"path", "after", "executable"})
RUNTIME = frozenset({"node_modules", "data"})  # what npm and a running sidecar put beside the code


def read(directory: str) -> "Mapping[str, Any]":
    """The manifest of a generated tree. Raises `ManifestUnreadable`."""
    path = os.path.join(directory, MANIFEST)
    hint = "this is not a generated tree; `sidecar-patcher build --out DIR` makes one"
    try:
        with open(path, "rb") as stream:
            content = foreign_json.loads(stream.read())
    except FileNotFoundError as error:
        raise ManifestUnreadable(f"expected {MANIFEST}, found no such file", where=directory, hint=hint) from error
    except OSError as error:
        raise ManifestUnreadable(f"cannot be read: {error.strerror}", where=path) from error
    except ValueError as error:
        raise ManifestUnreadable(f"is not JSON: {error}", where=path, hint=hint) from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        found = content.get("schema") if isinstance(content, dict) else type(content).__name__
        raise ManifestUnreadable(f"expected schema {SCHEMA}, found {found!r}", where=path, hint=hint)
    files = content.get("files")
    if not isinstance(files, list) or not all(isinstance(entry, dict) and entry.keys() >= _ENTRY for entry in files):
        raise ManifestUnreadable("has no files", where=path, hint=hint)
    outside = [entry["path"] for entry in files if not _is_inside(entry["path"])]
    if outside:
        raise ManifestUnreadable(f"expected paths in the tree, found {outside[0]!r}", where=path, hint=hint)
    return content


def _is_inside(path: object) -> bool:
    """Whether it is the path of a file in the tree, on every system. A manifest from elsewhere may hold anything."""
    if not isinstance(path, str) or {"", ".", ".."}.intersection(path.split("/")):
        return False
    try:
        path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return "\0" not in path and "\\" not in path and path[1:2] != ":"


def differences(directory: str, files: "Sequence[Mapping[str, Any]]") -> "Iterator[tuple[str, str]]":
    """Pairs of `edited`, `deleted` or `added` and a path, in path order, where the directory is not what `files` says.

    files: the manifest's entries, each with `path`, `after` (SHA-256) and `executable`. A link is never what we wrote.
    """
    expected = {entry["path"]: entry for entry in files}
    there = dict(_walk(directory))
    for path in filter(_is_runtime, expected):
        place = os.fsencode(on_disk(directory, path))
        if os.path.lexists(place):
            there[path] = place
    for path in sorted({*expected, *there}):
        if path not in expected:
            yield "added", path
        elif path not in there:
            yield "deleted", path
        elif not _is_same(there[path], expected[path]):
            yield "edited", path


def on_disk(directory: str, path: str) -> str:
    """Where a file of a tree is: its name on the disk is UTF-8, whatever the locale."""
    return os.path.join(directory, *os.fsdecode(path.encode("utf-8", "surrogateescape")).split("/"))


def _is_runtime(path: str) -> bool:
    return path.split("/", 1)[0] in RUNTIME


def _is_same(path: bytes, entry: "Mapping[str, Any]") -> bool:
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return False
    is_as_it_was = stat.S_ISREG(mode) and bool(mode & stat.S_IXUSR) == bool(entry["executable"])
    return is_as_it_was and sha256(content(path)).hexdigest() == entry["after"]


def _walk(directory: str) -> "Iterator[tuple[str, bytes]]":
    """What is there, by its path and where it is; of folders their files. What cannot be looked into has none."""
    waiting = [(os.fsencode(directory), "")]
    while waiting:
        folder, prefix = waiting.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        for entry in entries:
            path = prefix + entry.name.decode("utf-8", "surrogateescape")
            if path in RUNTIME:
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append((entry.path, f"{path}/"))
            elif path != MANIFEST:
                yield path, entry.path
