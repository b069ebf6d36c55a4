"""Where a series is, and what it is made of, as a digest. Leaf module: an up-to-date build asks here first."""

import os
from hashlib import sha256

from patcher.resources import CODEX, content

__all__ = ["CODEX", "ENTRY", "PINS", "TEMPLATES", "digest_of", "directory_of", "files_of", "is_series"]

ENTRY = "series.py"
PINS = "pins.json"
TEMPLATES = "templates"
_NOT_PART_OF_IT = frozenset({"__pycache__", "node_modules"})


def directory_of(word: str) -> str | None:
    """The directory that a word of a command line names: a path, or an importable package. None for no directory."""
    if os.path.isdir(word):
        return os.path.abspath(word)
    if not all(part.isidentifier() for part in word.split(".")):
        return None
    from importlib.util import find_spec  # only for a packaged series

    try:
        spec = find_spec(word)
    except Exception:  # noqa: BLE001 - a parent is imported, and may do anything
        return None
    found = list(spec.submodule_search_locations or ()) if spec else []
    return os.path.abspath(found[0]) if found else None


def files_of(directory: str) -> list[str]:
    """Every file that a series is made of, by its path in it.

    Hidden files beside `series.py`, bytecode, and pages for people outside of its templates are not part of it.
    """
    found = []
    for folder, folders, names in os.walk(directory):
        inner = folder[len(directory) :].replace(os.sep, "/").lstrip("/")
        folders[:] = [name for name in folders if name not in _NOT_PART_OF_IT and (inner or name[0] != ".")]
        files = [name for name in names if _is_part(inner, name) and os.path.isfile(os.path.join(folder, name))]
        found += [f"{inner}/{name}" if inner else name for name in files]
    return sorted(found)


def is_series(directory: str) -> bool:
    """Whether a directory says that it is a series. What it says is another question."""
    return os.path.isfile(os.path.join(directory, ENTRY))


def _is_part(folder: str, name: str) -> bool:
    in_templates = folder.split("/", 1)[0] == TEMPLATES
    return (bool(folder) or name[0] != ".") and not name.endswith(".pyc") and (in_templates or not name.endswith(".md"))


def digest_of(directory: str) -> str:
    """SHA-256 over path and content of each file that a series is made of. Raises `OSError`."""
    hasher = sha256()
    for path in files_of(directory):
        data = content(os.path.join(directory, *path.split("/")))
        hasher.update(os.fsencode(path) + b"\0" + sha256(data).digest())
    return hasher.hexdigest()
