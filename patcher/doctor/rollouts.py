"""Find the newest session that has a rollout file of Codex. Read only. Leaf module."""

import glob
import os

from patcher.upstream import foreign_json

_MAX_LINE = 8 * 1024 * 1024  # bytes
_MAX_FILES = 200


def newest(home: str) -> tuple[str, str] | None:
    """The id and the file of the newest root session below a Codex home: sub-agents have files of their own."""
    pattern = os.path.join(glob.escape(home), "sessions", "*", "*", "*", "rollout-*.jsonl")
    for path in sorted(glob.iglob(pattern), reverse=True)[:_MAX_FILES]:  # folders and files are named by date and time
        try:
            with open(path, "rb") as file:
                meta = foreign_json.loads(file.readline(_MAX_LINE))["payload"]
            if isinstance(meta["id"], str) and meta["id"] == (meta.get("session_id") or meta["id"]):
                return meta["id"], path
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue  # it is incomplete, or has another format
    return None
