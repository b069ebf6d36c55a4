"""The directory of a series, its files, and their digest. Leaf module: an up-to-date build uses it."""

import os
from hashlib import sha256

from patcher.resources import CODEX, PACKAGE, content

__all__ = [
    "CODEX",
    "CONSENT",
    "ENTRY",
    "PINS",
    "TEMPLATES",
    "digest_of",
    "directory_of",
    "files_of",
    "is_ours",
    "is_series",
    "with_codex",
]

ENTRY = "series.py"
PINS = "pins.json"
TEMPLATES = "templates"
_NOT_PART_OF_IT = frozenset({"__pycache__", "node_modules"})

CONSENT = "consent"
"""The name of our optional series, which goes on top of `codex`."""
_SHIPPED = {CONSENT: os.path.join(PACKAGE, CONSENT)}


def is_ours(name: str) -> bool:
    """Whether it is the name of one of our series, which nobody else's can have: `--series` would mean ours."""
    return name == CODEX or name in _SHIPPED


def with_codex(names: list[str]) -> list[str]:
    """The names on a command line; `codex` first where `consent`, which needs it, is named without it."""
    return [CODEX, *names] if CONSENT in names and CODEX not in names else names


def directory_of(name: str) -> str | None:
    """The directory that a name on the command line means: a path, or an importable package. None for neither."""
    if name in _SHIPPED:
        return _SHIPPED[name]
    if os.path.isdir(name):
        return os.path.abspath(name)
    if not all(part.isidentifier() for part in name.split(".")):
        return None
    from importlib.util import find_spec  # slow, and needed for a package only

    try:
        spec = find_spec(name)
    except Exception:  # noqa: BLE001 - it imports the parent package, which may raise anything
        return None
    found = list(spec.submodule_search_locations or ()) if spec else []
    return os.path.abspath(found[0]) if found else None


def files_of(directory: str) -> list[str]:
    """The paths, in the directory, of the files of a series.

    Not part of it are hidden files beside `series.py`, bytecode, and `.md` files outside of its templates.
    """
    found = []
    for folder, folders, names in os.walk(directory):
        inner = folder[len(directory) :].replace(os.sep, "/").lstrip("/")
        folders[:] = [name for name in folders if name not in _NOT_PART_OF_IT and (inner or name[0] != ".")]
        files = [name for name in names if _is_part(inner, name) and os.path.isfile(os.path.join(folder, name))]
        found += [f"{inner}/{name}" if inner else name for name in files]
    return sorted(found)


def is_series(directory: str) -> bool:
    """Whether a directory has a `series.py`; its content is not checked."""
    return os.path.isfile(os.path.join(directory, ENTRY))


def _is_part(folder: str, name: str) -> bool:
    in_templates = folder.split("/", 1)[0] == TEMPLATES
    return (bool(folder) or name[0] != ".") and not name.endswith(".pyc") and (in_templates or not name.endswith(".md"))


def digest_of(directory: str) -> str:
    """SHA-256 over path and content of each file of a series. Raises `OSError`."""
    hasher = sha256()
    for path in files_of(directory):
        data = content(os.path.join(directory, *path.split("/")))
        hasher.update(os.fsencode(path) + b"\0" + sha256(data).digest())
    return hasher.hexdigest()
