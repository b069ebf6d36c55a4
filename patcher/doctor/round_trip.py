"""Send a test event through the handler to a running sidecar, and remove it from the database again.

The API of the sidecar cannot delete a session, so the rows are deleted in the database file. Nothing is sent unless
that file can be written.
"""

import contextlib
import json
import os
import sqlite3
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from patcher.doctor.check import Problem
from patcher.doctor.sidecar import Running

MARK = "sidecar-doctor-"
"""Prefix of the id of a test session; the sidecar does not count such an event as hook activity."""

_DATABASE = "dashboard.db"
_TIMEOUT_S = 5.0
_LOCK_TIMEOUT_S = 5.0
_HANDLER_TIMEOUT_S = 10.0


class Refused(Problem):
    """The event did not arrive, or could not be sent or removed."""


def send_test_event(running: Running, node: str, handler: str, env: Mapping[str, str]) -> float:
    """Send an event, find it through the API, remove it, and check that it is gone. Returns seconds until it was found.

    Raises `Refused`, and `NotResponding` when the sidecar goes away.
    """
    session = f"{MARK}{uuid.uuid4()}"
    with _database(running) as database:
        try:
            seconds = _send_and_see(running, session, [node, handler, "SessionStart"], env)
        finally:
            _remove(database, session)
    if running.get(f"/api/sessions/{session}")[0] != 404:
        raise Refused(f"the test session {session} is still there", f"delete it from {_path(running)}")
    return seconds


def _path(running: Running) -> str:
    return os.path.join(running.data_dir or "", _DATABASE)


@contextlib.contextmanager
def _database(running: Running) -> Iterator[sqlite3.Connection]:
    """A connection to the sidecar's own database, which is writable. Raises `Refused`."""
    path = _path(running)
    try:
        connection = sqlite3.connect(
            f"file:{quote(path)}?mode=rw", uri=True, timeout=_LOCK_TIMEOUT_S, isolation_level=None
        )
    except sqlite3.Error as error:
        raise Refused(f"nothing was sent: {path} does not open ({error})", f"ls -l {path}") from error
    try:
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("SELECT id FROM sessions LIMIT 1").fetchone()
            connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise Refused(f"nothing was sent: {path} cannot be written ({error})", f"ls -l {path}") from error
        yield connection
    finally:
        connection.close()


def _send_and_see(running: Running, session: str, command: list[str], env: Mapping[str, str]) -> float:
    payload = {
        "session_id": session,
        "hook_event_name": "SessionStart",
        "source": "startup",
        "cwd": running.data_dir,
        "transcript_path": None,
        "model": "doctor",
        "permission_mode": "default",
    }
    began = time.monotonic()
    _run(command, json.dumps(payload), {**env, "CLAUDE_DASHBOARD_PORT": str(running.port)})
    deadline = began + _TIMEOUT_S
    while True:
        status, content = running.get(f"/api/sessions/{session}")
        if status == 200:
            break
        if time.monotonic() > deadline:
            raise Refused(
                f"the event was sent to port {running.port} and did not become a session in {_TIMEOUT_S:g} s",
                "look at what the sidecar has printed",
            )
        time.sleep(0.02)
    seconds = time.monotonic() - began
    row = content.get("session", {}) if isinstance(content, dict) else {}
    harness = row.get("harness") or row.get("provider")
    if harness != "codex":
        raise Refused(
            f"the event arrived as a session of {harness!r}, not of 'codex'",
            "the sidecar on this port was not built from this tree: start the one of the tree",
        )
    return seconds


def _run(command: list[str], text: str, env: Mapping[str, str]) -> None:
    try:
        done = subprocess.run(
            command, input=text, env=dict(env), capture_output=True, text=True, timeout=_HANDLER_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Refused(f"the handler does not run: {error}", " ".join(command)) from error
    if done.returncode != 0 or done.stdout or done.stderr:
        output = (done.stdout + done.stderr).strip()[:200]
        raise Refused(f"the handler ended with {done.returncode} and said {output!r}", " ".join(command))


def _remove(database: sqlite3.Connection, session: str) -> None:
    """Delete every row of the session, twice: a late event could have created it again."""
    for _ in range(2):
        try:
            _delete(database, session)
        except sqlite3.Error as error:
            raise Refused(
                f"the test session {session} could not be removed: {error}", "sidecar-patcher doctor"
            ) from error
        time.sleep(0.05)


def _delete(database: sqlite3.Connection, session: str) -> None:
    """Delete the rows of the session in every table, in one transaction."""
    database.execute("BEGIN IMMEDIATE")
    for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        quoted = '"' + table.replace('"', '""') + '"'
        key = "id" if table == "sessions" else "session_id"
        if key in {row[1] for row in database.execute(f"PRAGMA table_info({quoted})")}:
            database.execute(f"DELETE FROM {quoted} WHERE {key} = ?", (session,))  # noqa: S608 - names of tables
    database.execute("COMMIT")
