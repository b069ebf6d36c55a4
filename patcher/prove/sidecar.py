"""A running sidecar with its own home, database, port and process group, all removed afterwards."""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self, TypeVar

from patcher.node.find import Node
from patcher.prove.directories import scrubbed_environment
from patcher.prove.http_client import Reply, send

T = TypeVar("T")

START_TIMEOUT = 20.0
STOP_TIMEOUT = 3.0
POLL_MS = 100
"""Interval at which the sidecar's importer reads its rollout files here, in milliseconds."""
SEVERAL_POLLS_S = 5 * POLL_MS / 1000

_TAIL_LINES = 15
_ERROR = re.compile(r"\w*Error\b.*:")
_PORT_TRIES = 5
_PORT_IN_USE = ("EADDRINUSE", "address already in use", "already running")


class NotObserved(Exception):
    """A behaviour could not be observed."""


class SidecarFailed(NotObserved):
    """The sidecar did not start, died, or gave no usable answer. The text ends with the end of its log."""


class NotSeen(NotObserved):
    """An expected result did not appear in time."""


def eventually(look: Callable[[], T], timeout: float) -> T:
    """Call `look` until its result is true, at most `timeout` seconds. Returns the last result."""
    deadline = time.monotonic() + timeout
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


class Sidecar:
    """A sidecar process with its files. A context manager: starts it, and on exit removes its processes and files.

    tree: a directory from `lay_out`. work: the parent of its own directories. existing_data: a data directory to
    copy. env: additional variables.
    """

    def __init__(
        self,
        tree: str,
        node: Node,
        *,
        work: str | None = None,
        existing_data: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.tree = tree
        self.node = node
        self.port = 0
        self._work = work
        self._existing_data = existing_data
        self._extra_env = dict(env or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._base = self._log_path = ""

    @property
    def home(self) -> str:
        """The home directory of the sidecar."""
        return os.path.join(self._base, "home")

    @property
    def claude_home(self) -> str:
        """The home directory of Claude for upstream."""
        return os.path.join(self.home, ".claude")

    @property
    def codex_home(self) -> str:
        """The home directory of Codex for the overlays."""
        return os.path.join(self.home, ".codex")

    @property
    def data_dir(self) -> str:
        """The directory of the database."""
        return os.path.join(self._base, "data")

    @property
    def database_path(self) -> str:
        """The SQLite file."""
        return os.path.join(self.data_dir, "dashboard.db")

    @property
    def pid(self) -> int:
        """The process id; 0 before the start."""
        return self._process.pid if self._process else 0

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    def __enter__(self) -> Self:
        try:
            self._make_directories()
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the process and wait until it answers; a port that was taken is changed. Raises `SidecarFailed`."""
        for attempt in range(1, _PORT_TRIES + 1):
            self.port = _free_port()
            logged = len(self.log())
            self._spawn()
            if self._wait_until_healthy():
                return
            self.kill()
            output = self.log()[logged:]
            if attempt == _PORT_TRIES or not any(sign in output for sign in _PORT_IN_USE):
                raise self._failure("the sidecar did not start")

    def stop(self) -> None:
        """End it as a service manager would: SIGTERM, and SIGKILL after three seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._process is not None:
                self._process.terminate()
                self._process.wait(STOP_TIMEOUT)
        self.kill()

    def kill(self) -> None:
        """Send SIGKILL to the whole process group, and wait for it. Can be called twice."""
        process = self._process
        if process is None:
            return
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        elif process.poll() is None:
            process.kill()
        process.wait()
        self._process = None

    def restart(self) -> None:
        """Stop it, and start it on the same home and data, on another port."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Kill it and remove its files."""
        try:
            self.kill()
        finally:
            if self._base:
                shutil.rmtree(self._base, ignore_errors=True)

    def get(self, path: str) -> Any:
        """The JSON that the API returns. Raises `SidecarFailed` for any status but 200."""
        reply = self.request("GET", path)
        if reply.status != 200 or reply.json is None:
            raise self._failure(f"GET {path} has status {reply.status}")
        return reply.json

    def post_hook(self, hook_type: str, data: Mapping[str, Any]) -> Reply:
        """Send one hook event as a handler does."""
        return self.request("POST", "/api/hooks/event", {"hook_type": hook_type, "data": dict(data)})

    def request(self, method: str, path: str, body: Any = None, *, timeout: float = 60.0) -> Reply:
        """One request to the sidecar. Raises `SidecarFailed` when it does not answer."""
        try:
            return send(self.port, method, path, body, timeout=timeout)
        except (OSError, http.client.HTTPException) as error:
            raise self._failure(f"{method} {path} got no answer ({error})") from error

    @contextlib.contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        """A read-only connection to its database file."""
        with contextlib.closing(sqlite3.connect(self.database_path, timeout=5)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA query_only = 1")
            yield connection

    def rows(self, sql: str, *params: Any) -> list[dict[str, Any]]:
        """The rows of a query, as dictionaries. Raises `SidecarFailed` where the database is not as expected."""
        try:
            with self.database() as connection:
                return [dict(row) for row in connection.execute(sql, params)]
        except sqlite3.Error as error:
            raise self._failure(f"its database does not answer `{sql}` ({error})") from error

    def log(self) -> str:
        """Its output so far, stdout and stderr."""
        try:
            with open(self._log_path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def wait_for(self, look: Callable[[], T | None], timeout: float, what: str) -> T:
        """Call `look` until its result is true. Raises `NotSeen` after `timeout` seconds, `SidecarFailed` if it died.

        what: for the message.
        """

        def looked() -> T | None:
            if not self.running:
                raise self._failure("the sidecar died")
            return look()

        found = eventually(looked, timeout)
        if not found:
            raise NotSeen(f"{what} did not come within {timeout:g} s")
        return found

    def _make_directories(self) -> None:
        self._base = tempfile.mkdtemp(prefix="sidecar-", dir=self._work)
        self._log_path = os.path.join(self._base, "sidecar.log")
        for directory in (self.claude_home, self.codex_home, os.path.join(self.home, "tmp")):
            os.makedirs(directory)
        if self._existing_data is None:
            os.makedirs(self.data_dir)
        else:
            shutil.copytree(self._existing_data, self.data_dir)

    def _environment(self) -> dict[str, str]:
        env = {
            **scrubbed_environment(self.home),
            "NODE_ENV": "production",
            "DASHBOARD_PORT": str(self.port),
            "DASHBOARD_DATA_DIR": self.data_dir,
            "DASHBOARD_UPDATE_CHECK": "0",  # else it connects to a git server
            "CODEX_POLL_MS": str(POLL_MS),
            "DASHBOARD_CODEX_SYNC_MS": str(POLL_MS),  # upstream's own, on the v2 line
            **self._extra_env,
        }
        # Before v1.1.1 upstream has no setting for the data directory.
        return {"DASHBOARD_DB_PATH": os.path.join(env["DASHBOARD_DATA_DIR"], "dashboard.db"), **env}

    def _spawn(self) -> None:
        with open(self._log_path, "ab") as log:
            self._process = subprocess.Popen(
                [self.node.path, os.path.join("server", "index.js")],
                cwd=self.tree,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _wait_until_healthy(self) -> bool:
        def answers() -> bool:
            with contextlib.suppress(SidecarFailed):
                return self.request("GET", "/api/health", timeout=2).status == 200 and self._answers_itself()
            return False

        return eventually(lambda: not self.running or answers(), START_TIMEOUT) and self.running

    def _answers_itself(self) -> bool:
        """Whether our process answers, not another one on our port: it publishes its process id."""
        if not os.path.isfile(os.path.join(self.tree, "server", "lib", "server-info.js")):
            return self.running
        try:
            with open(os.path.join(self.claude_home, ".agent-dashboard.json"), encoding="utf-8") as file:
                return bool(json.load(file)["pid"] == self.pid)
        except (OSError, ValueError, LookupError, TypeError):  # missing, incomplete, or of another shape
            return False

    def _failure(self, what: str) -> SidecarFailed:
        tail = "\n".join(_end(self.log().strip().splitlines()))
        return SidecarFailed(f"{what}; its log ends:\n{tail}" if tail else f"{what}; its log is empty")


def _end(lines: list[str]) -> list[str]:
    """The end of a log: 15 lines, or more where Node prints the error above a long stack trace."""
    error = max((number for number, line in enumerate(lines) if _ERROR.match(line)), default=len(lines))
    return lines[max(min(error, len(lines) - _TAIL_LINES), len(lines) - 3 * _TAIL_LINES, 0) :]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
