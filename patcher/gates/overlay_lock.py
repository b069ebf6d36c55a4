"""What is known of the files that we add, by the digest of their text: that they parse, imports, exports, module kinds.

A rendered overlay is the same text for everybody, and there are so many that parsing them takes longer than all other
gates. So `templates/overlay.lock` lists what the parser found in each; a text that is not in the list, one that
somebody is just writing, is parsed. Only what the text says is remembered: whether the tree at hand has it is judged at
each build. A test holds the list to what the parser says.

A list that is missing or damaged is an error and no reason to parse: it is part of the tool, and what else of the
tool is damaged nobody knows.
"""

import json
import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from patcher.errors import LockUnreadable
from patcher.gates.facts import Facts
from patcher.javascript import language_of
from patcher.model import File
from patcher.resources import TEMPLATES

LOCK = os.path.join(TEMPLATES, "overlay.lock")
_HINT = "in a checkout, `python3 .dev lab overlay_lock --write` makes it anew; else install the tool again"
_ENTRY = frozenset({"path", "sha256", "gives", "takes", "kinds"})


def facts(path: str, file: File) -> Facts | None:
    """What is known of a file of this name and content; None for one that nobody has parsed before.

    Raises `LockUnreadable`.
    """
    return _known(LOCK).get((file.sha256, language_of(path)))


@cache
def _known(lock: str) -> Mapping[tuple[str, str], Facts]:
    """By digest and grammar: the same text is not the same program in TypeScript."""
    try:
        with open(lock, encoding="utf-8") as stream:
            entries = json.loads(stream.read())
    except FileNotFoundError as error:
        raise LockUnreadable("expected the list of overlays, found no such file", where=lock, hint=_HINT) from error
    except OSError as error:
        raise LockUnreadable(f"cannot be read: {error.strerror}", where=lock, hint=_HINT) from error
    except ValueError as error:
        raise LockUnreadable(f"is not JSON: {error}", where=lock, hint=_HINT) from error
    if not isinstance(entries, list):
        raise LockUnreadable(f"expected a list, found {type(entries).__name__}", where=lock, hint=_HINT)
    return dict(_entry(entry, lock, number) for number, entry in enumerate(entries, 1))


def _entry(entry: Any, lock: str, number: int) -> tuple[tuple[str, str], Facts]:
    if not isinstance(entry, dict) or entry.keys() != _ENTRY or not _is_whole(entry):
        message = f"entry {number}: expected {', '.join(sorted(_ENTRY))}, found {json.dumps(entry)[:80]}"
        raise LockUnreadable(message, where=lock, hint=_HINT)
    takes = {module: tuple(names) for module, names in entry["takes"].items()}
    known = Facts(takes, gives=frozenset(entry["gives"]), kinds=frozenset(entry["kinds"]))
    return (entry["sha256"], language_of(entry["path"])), known


def _is_whole(entry: Mapping[str, Any]) -> bool:
    lists = [entry["gives"], entry["kinds"], *(entry["takes"].values() if isinstance(entry["takes"], dict) else [None])]
    return (
        isinstance(entry["path"], str)
        and isinstance(entry["sha256"], str)
        and all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in lists)
    )
