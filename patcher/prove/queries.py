"""Queries to a sidecar that several contracts use, and wording for their observations."""

import os
from collections.abc import Callable
from typing import Any

from patcher.prove.sidecar import Sidecar, eventually

Row = dict[str, Any]


def hooks_of(sidecar: Sidecar) -> str | None:
    """The text of the hooks file of the sidecar's Codex; None without one."""
    return text_of(os.path.join(sidecar.codex_home, "hooks.json"))


def text_of(path: str) -> str | None:
    """The text of a file; None without one."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def session_of(sidecar: Sidecar, session_id: str) -> Row | None:
    """The session from `GET /api/sessions/:id`; None without such a session."""
    reply = sidecar.request("GET", f"/api/sessions/{session_id}")
    return reply.json["session"] if reply.status == 200 and reply.json else None


def events_of(sidecar: Sidecar, session_id: str) -> list[Row]:
    """All event rows of a session, from the same route; none without such a session."""
    reply = sidecar.request("GET", f"/api/sessions/{session_id}")
    return list(reply.json["events"]) if reply.status == 200 and reply.json else []


def listed(sidecar: Sidecar, query: str = "") -> dict[str, Row]:
    """The sessions that `GET /api/sessions` lists for a query, by id."""
    rows = sidecar.get(f"/api/sessions{'?' if query else ''}{query}")["sessions"]
    return {row["id"]: row for row in rows}


def harness_of(row: Row) -> str:
    """The harness of a session row for a sentence: its value in back-ticks, or `absent`."""
    return f"`{row['harness']}`" if "harness" in row else "absent"


def settled(problems: Callable[[], list[str]], timeout: float) -> list[str]:
    """Wait until there are no problems, at most `timeout` seconds; returns the remaining ones."""
    eventually(lambda: not problems(), timeout)
    return problems()


def counted(number: int, noun: str) -> str:
    """`1 row`, `2 rows`, `no rows`."""
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
