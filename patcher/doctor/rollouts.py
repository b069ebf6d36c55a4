"""The newest session that Codex has kept a rollout file of. Read only. Leaf module."""

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from patcher.upstream import foreign_json

_LONGEST_LINE = 8 * 1024 * 1024
_MOST_FILES = 200
_VERSION = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,9})")


@dataclass(frozen=True)
class Session:
    """id: of the root thread. started_at: ISO 8601, UTC. version: of the Codex that wrote it."""

    id: str
    path: str
    started_at: str
    version: tuple[int, ...] | None


def newest(home: str) -> Session | None:
    """The newest root session below a Codex home: sub-agents have files of their own, and no SessionStart."""
    for _, path in zip(range(_MOST_FILES), _rollouts(os.path.join(home, "sessions")), strict=False):
        if session := _session_of(path):
            return session
    return None


def _rollouts(folder: str) -> Iterator[str]:
    """Newest first: folders and files are named by date and time."""
    for root in _descending(folder, 3):
        names = (name for name in os.listdir(root) if name.startswith("rollout-") and name.endswith(".jsonl"))
        yield from (os.path.join(root, name) for name in sorted(names, reverse=True))


def _descending(folder: str, depth: int) -> Iterator[str]:
    if depth == 0:
        yield folder
        return
    names: list[str] = []
    with contextlib.suppress(OSError):
        names = sorted(os.listdir(folder), reverse=True)
    for name in names:
        path = os.path.join(folder, name)
        if os.path.isdir(path):
            yield from _descending(path, depth - 1)


def _session_of(path: str) -> Session | None:
    try:
        with open(path, "rb") as file:
            meta: Any = foreign_json.loads(file.readline(_LONGEST_LINE))["payload"]
        own, root = meta["id"], meta.get("session_id") or meta["id"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if own != root or not isinstance(own, str):
        return None
    return Session(own, path, str(meta.get("timestamp") or ""), numbers(meta.get("cli_version")))


def numbers(version: object) -> tuple[int, ...] | None:
    """The three numbers of a version, without what follows a `-`; None for what is not a version."""
    found = _VERSION.fullmatch(version.partition("-")[0]) if isinstance(version, str) else None
    return tuple(map(int, found.groups())) if found else None
