"""What the tool itself consists of, as one digest: code, pins, templates and the builtin sidecar. Leaf module."""

import os
from hashlib import sha256

from patcher.resources import BUILTIN_PINS, BUILTIN_SIDECAR, PACKAGE, TEMPLATES

_SKIPPED = {
    "adopt",
    "__pycache__",
    "_data",
    "prove",
    "testing",
    "matrix",
    "report",
}  # they judge what is built, and change none of it
_NOT_BUILT_FROM = (".pyc", ".md")


def tool_fingerprint() -> str:
    """SHA-256 over the package's modules and pins, its templates and the builtin sidecar.

    A changed payload makes a generated tree out of date.
    """
    hasher = sha256()
    for root in (PACKAGE, TEMPLATES, BUILTIN_SIDECAR, BUILTIN_PINS):
        for path in sorted(_files(root)) or [root]:
            hasher.update(path[len(root) :].replace(os.sep, "/").encode() + b"\0")
            with open(path, "rb") as stream:
                hasher.update(sha256(stream.read()).digest())
    return hasher.hexdigest()


def _files(root: str) -> list[str]:
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in _SKIPPED]
        found += [os.path.join(folder, name) for name in names if not name.endswith(_NOT_BUILT_FROM)]
    return found
