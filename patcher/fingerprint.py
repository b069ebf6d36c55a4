"""What the tool itself consists of, as one digest: code, pins, templates and the builtin sidecar. Leaf module."""

import os
from hashlib import sha256

from patcher.resources import BUILTIN_PINS, BUILTIN_SIDECAR, PACKAGE, TEMPLATES, content

TYPE_CHECKING = False
if TYPE_CHECKING:  # as in `uptodate`
    from collections.abc import Container, Iterator

NOT_BUILT_WITH = frozenset({"adopt", "bump", "codex", "doctor", "matrix", "prove", "report", "testing"})
"""Rooms of the package that judge what is built, and change none of it."""
_BYTECODE = "__pycache__"
_NOT_BUILT_FROM = (".pyc", ".md")


def tool_fingerprint() -> str:
    """SHA-256 over the package's modules and pins, its templates and the builtin sidecar.

    A changed payload makes a generated tree out of date.
    """
    hasher = sha256()
    roots = ((PACKAGE, NOT_BUILT_WITH | {"_data"}), (TEMPLATES, {"report", "series"}), (BUILTIN_SIDECAR, ()))
    for root, left_out in roots:
        for path in sorted(_files(root, left_out)):
            data = content(path)
            hasher.update(f"{path[len(root) :].replace(os.sep, '/')}\0{len(data)}\0".encode() + data)
    hasher.update(content(BUILTIN_PINS))
    return hasher.hexdigest()


def _files(folder: str, left_out: "Container[str]" = ()) -> "Iterator[str]":
    """The files below a folder, but for those in folders of these names directly in it."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_dir():
                if not entry.name.endswith(_NOT_BUILT_FROM):
                    yield entry.path
            elif entry.name not in left_out and entry.name != _BYTECODE:
                yield from _files(entry.path)
