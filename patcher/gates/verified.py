"""What the parsers found in our own texts, by digest: `verified.json`, written by `python3 .dev generate`.

A file that we add is the same text for everybody, and there are so many that parsing them takes longer than all other
gates; loading `esprima` alone takes half a second and 100 MB. A text without a record, one that somebody is just
writing, is parsed. Only what the text itself says is on record: whether the tree at hand fits it is judged at each
build. A test compares the records with the parsers.

A missing or damaged record is an error, not a cache miss: the installation is suspect.
"""

import json
import os
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from patcher.errors import VerifiedUnreadable
from patcher.javascript import language_of
from patcher.model import File, digest
from patcher.resources import PACKAGE

RECORD = os.path.join(PACKAGE, "gates", "verified.json")
_HINT = "in a checkout, `python3 .dev generate` writes it again; else install the tool again"
_FILE = frozenset({"path", "sha256", "exports", "requires", "kinds", "es2017"})


class Facts(NamedTuple):
    """What is known of a file that parses.

    requires: the names that it takes, by module. exports: the names that others can take from it.
    kinds: of module that it runs in, `commonjs` and `module`; empty for TypeScript, which Node does not run.
    """

    requires: Mapping[str, tuple[str, ...]]
    exports: frozenset[str]
    kinds: frozenset[str]


class _Record(NamedTuple):
    """files: by digest and grammar, as the same text is another program in TypeScript. es2017: digests of texts."""

    files: Mapping[tuple[str, str], Facts]
    es2017: frozenset[str]


def facts(path: str, file: File) -> Facts | None:
    """What is known of a file with this name and content; None for one without a record.

    Raises `VerifiedUnreadable`.
    """
    return _load(RECORD).files.get((file.sha256, language_of(path)))


def is_es2017(text: str) -> bool:
    """Whether this text was verified to be ES2017. Raises `VerifiedUnreadable`."""
    return digest(text.encode()) in _load(RECORD).es2017


@cache
def _load(path: str) -> _Record:
    try:
        with open(path, encoding="utf-8") as stream:
            record = json.loads(stream.read())
    except FileNotFoundError as error:
        message = "expected the record of verified texts, found no such file"
        raise VerifiedUnreadable(message, where=path, hint=_HINT) from error
    except OSError as error:
        raise VerifiedUnreadable(f"cannot be read: {error.strerror}", where=path, hint=_HINT) from error
    except ValueError as error:
        raise VerifiedUnreadable(f"is not JSON: {error}", where=path, hint=_HINT) from error
    if not isinstance(record, dict) or record.keys() != {"files", "payloads"}:
        raise _damaged(path, "files and payloads", record)
    files, payloads = record["files"], record["payloads"]
    if not isinstance(files, list):
        raise _damaged(path, "a list of files", files)
    for number, entry in enumerate(files, 1):
        if not _is_whole(entry):
            raise _damaged(path, f"file {number} with {', '.join(sorted(_FILE))}", entry)
    if not isinstance(payloads, dict) or not _are_names(list(payloads.values())):
        raise _damaged(path, "a digest for each of the payloads", payloads)
    passed = {entry["sha256"] for entry in files if entry["es2017"]}
    return _Record(dict(map(_facts_of, files)), frozenset(passed | {*payloads.values()}))


def _damaged(path: str, expected: str, found: object) -> VerifiedUnreadable:
    return VerifiedUnreadable(f"expected {expected}, found {json.dumps(found)[:80]}", where=path, hint=_HINT)


def _facts_of(entry: Mapping[str, Any]) -> tuple[tuple[str, str], Facts]:
    requires = {module: tuple(names) for module, names in entry["requires"].items()}
    known = Facts(requires, exports=frozenset(entry["exports"]), kinds=frozenset(entry["kinds"]))
    return (entry["sha256"], language_of(entry["path"])), known


def _is_whole(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and entry.keys() == _FILE
        and _are_names([entry["path"], entry["sha256"]])
        and isinstance(entry["requires"], dict)
        and all(_are_names(names) for names in (entry["exports"], entry["kinds"], *entry["requires"].values()))
        and isinstance(entry["es2017"], bool)
    )


def _are_names(names: object) -> bool:
    return isinstance(names, list) and all(isinstance(name, str) for name in names)
