"""The newest session that Codex has kept a rollout file of. Read only. Leaf module."""

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_LONGEST_LINE = 8 * 1024 * 1024
_MOST_FILES = 200


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
            meta: Any = json.loads(file.readline(_LONGEST_LINE))["payload"]
        own, root = meta["id"], meta.get("session_id") or meta["id"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if own != root or not isinstance(own, str):
        return None
    return Session(own, path, str(meta.get("timestamp") or ""), _numbers(meta.get("cli_version")))


def _numbers(version: object) -> tuple[int, ...] | None:
    numbers = version.partition("-")[0].split(".") if isinstance(version, str) else []
    return tuple(map(int, numbers)) if len(numbers) == 3 and all(map(str.isdigit, numbers)) else None
