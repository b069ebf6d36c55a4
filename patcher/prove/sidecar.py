"""One running sidecar with a home, a database, a port and a process group of its own, of which nothing is left."""

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
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar

from patcher.model import Tree
from patcher.node.find import Node

T = TypeVar("T")

START_TIMEOUT = 20.0
STOP_TIMEOUT = 3.0
POLL_MS = 100
"""How often the sidecar's importer looks at its rollout files here, in milliseconds."""

_TAIL = 15
_ERROR = re.compile(r"\w*Error\b.*:")
_POSIX = os.name == "posix"
_PORT_TRIES = 5
_PORT_TAKEN = ("EADDRINUSE", "address already in use", "already running")
_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "SYSTEMROOT", "WINDIR", "COMSPEC", "PATHEXT")


class NotObserved(Exception):
    """Something kept a behaviour from being observed at all."""


class SidecarFailed(NotObserved):
    """The sidecar did not start, died, or gave no usable answer. The text ends with the tail of its log."""


class NotSeen(NotObserved):
    """Something that had to come did not come in time."""


@dataclass(frozen=True)
class Reply:
    """The answer to one request; `json` is None when the body is not JSON."""

    status: int
    json: Any
    seconds: float


def lay_out(tree: Tree, directory: str, node_modules: str | None) -> str:
    """Write `tree` to `directory`/tree, with its packages beside it, where Node's look-up finds them.

    Nothing of the packages is inside the tree. Returns the tree's path.
    """
    root = os.path.join(directory, "tree")
    for path, file in tree.items():
        target = os.path.join(root, *path.split("/"))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as stream:
            stream.write(file.data)
        if file.executable:
            os.chmod(target, 0o755)  # noqa: S103 - scripts are executable
    if node_modules is not None:
        os.symlink(node_modules, os.path.join(directory, "node_modules"), target_is_directory=True)
    return root


def scrubbed_environment(home: str) -> dict[str, str]:
    """What a child needs of our environment, with every home directory below `home`."""
    env = {name: os.environ[name] for name in _KEPT if name in os.environ}
    scratch = os.path.join(home, "tmp")
    env.update(
        HOME=home,
        USERPROFILE=home,
        CLAUDE_HOME=os.path.join(home, ".claude"),
        CODEX_HOME=os.path.join(home, ".codex"),
        XDG_CONFIG_HOME=os.path.join(home, ".config"),
        XDG_CACHE_HOME=os.path.join(home, ".cache"),
        XDG_DATA_HOME=os.path.join(home, ".local", "share"),
        XDG_STATE_HOME=os.path.join(home, ".local", "state"),
        TMPDIR=scratch,
        TEMP=scratch,
        TMP=scratch,
    )
    return env


def eventually(look: Callable[[], T], timeout: float) -> T:
    """Look until something is there, at most `timeout` seconds. Gives what the last look gave."""
    deadline = time.monotonic() + timeout
    while not (seen := look()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return seen


class Sidecar:
    """A sidecar's process and all that belongs to it. A context manager: entered it runs, left it never was.

    tree: a directory as `lay_out` makes it. work: where its own directories are made. existing_data: a data
    directory to start on a copy of. env: what this one needs on top of upstream's defaults.
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
        self._base = ""

    @property
    def home(self) -> str:
        """The home directory of the sidecar."""
        return os.path.join(self._base, "home")

    @property
    def claude_home(self) -> str:
        """Where upstream looks for Claude."""
        return os.path.join(self.home, ".claude")

    @property
    def codex_home(self) -> str:
        """Where the overlays look for Codex."""
        return os.path.join(self.home, ".codex")

    @property
    def data_dir(self) -> str:
        """Where the database lies."""
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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the process and wait until it is the one that answers on its port.

        Raises `SidecarFailed`. A port that somebody took in between is given up for another.
        """
        for attempt in range(1, _PORT_TRIES + 1):
            self.port = _free_port()
            logged = len(self.log())
            self._spawn()
            if self._wait_until_healthy():
                return
            self.kill()
            said = self.log()[logged:]
            if attempt == _PORT_TRIES or not any(sign in said for sign in _PORT_TAKEN):
                raise self._failure("the sidecar did not start")

    def stop(self) -> None:
        """End it as a service manager would: SIGTERM, and SIGKILL for what is left after three seconds."""
        process = self._process
        try:
            if process is not None and process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(STOP_TIMEOUT)
        finally:
            self.kill()

    def kill(self) -> None:
        """SIGKILL to the whole process group, and wait for it. Safe to call twice."""
        process = self._process
        if process is None:
            return
        if _POSIX:
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
        """Kill it and remove everything that was made for it."""
        try:
            self.kill()
        finally:
            if self._base:
                shutil.rmtree(self._base, ignore_errors=True)

    def get(self, path: str) -> Any:
        """The JSON that the API gives. Raises `SidecarFailed` for any status but 200."""
        reply = self.request("GET", path)
        if reply.status != 200 or reply.json is None:
            raise self._failure(f"GET {path} gave status {reply.status}")
        return reply.json

    def post_hook(self, hook_type: str, data: Mapping[str, Any]) -> Reply:
        """Send one hook event as a handler does."""
        return self.request("POST", "/api/hooks/event", {"hook_type": hook_type, "data": dict(data)})

    def request(self, method: str, path: str, body: Any = None, *, timeout: float = 60.0) -> Reply:
        """One request to the sidecar. Raises `SidecarFailed` when it does not answer."""
        headers = {} if body is None else {"Content-Type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        began = time.monotonic()
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            raw = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise self._failure(f"{method} {path} got no answer ({error})") from error
        finally:
            connection.close()
        seconds = time.monotonic() - began
        try:
            return Reply(response.status, json.loads(raw), seconds)
        except ValueError:
            return Reply(response.status, None, seconds)

    @contextlib.contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        """A connection of our own to its database file, which only reads."""
        connection = sqlite3.connect(self.database_path, timeout=5)
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA query_only = 1")
            yield connection
        finally:
            connection.close()

    def rows(self, sql: str, *params: Any) -> list[dict[str, Any]]:
        """What a query gives, as dictionaries. Raises `SidecarFailed` where the database is not as expected."""
        try:
            with self.database() as connection:
                return [dict(row) for row in connection.execute(sql, params)]
        except sqlite3.Error as error:
            raise self._failure(f"its database does not answer `{sql}` ({error})") from error

    def log(self) -> str:
        """Everything that it has written to stdout and stderr so far."""
        try:
            with open(self._log_path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def wait_for(self, look: Callable[[], T | None], timeout: float, what: str) -> T:
        """Look until something is there. Raises `NotSeen` after `timeout` seconds, `SidecarFailed` if it died."""
        seen = eventually(lambda: look() if self.running else self._died(), timeout)
        if not seen:
            raise NotSeen(f"{what} did not come within {timeout:g} s")
        return seen

    @property
    def _log_path(self) -> str:
        return os.path.join(self._base, "sidecar.log")

    def _make_directories(self) -> None:
        self._base = tempfile.mkdtemp(prefix="sidecar-", dir=self._work)
        for directory in (self.claude_home, self.codex_home, os.path.join(self.home, "tmp")):
            os.makedirs(directory)
        if self._existing_data is None:
            os.makedirs(self.data_dir)
        else:
            shutil.copytree(self._existing_data, self.data_dir)

    def _environment(self) -> dict[str, str]:
        env = scrubbed_environment(self.home)
        env.update(
            NODE_ENV="production",
            DASHBOARD_PORT=str(self.port),
            DASHBOARD_DATA_DIR=self.data_dir,
            DASHBOARD_DB_PATH=self.database_path,  # before v1.1.1 upstream knows no data directory
            DASHBOARD_UPDATE_CHECK="0",  # it would ask a git server
            CODEX_POLL_MS=str(POLL_MS),
            DASHBOARD_CODEX_SYNC_MS=str(POLL_MS),  # upstream's own, on the v2 line
        )
        env.update(self._extra_env)
        return env

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
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline and self.running:
            with contextlib.suppress(SidecarFailed):
                if self.request("GET", "/api/health", timeout=2).status == 200 and self._answers_itself():
                    return True
            time.sleep(0.03)
        return False

    def _answers_itself(self) -> bool:
        """Whether our process listens, and not a stranger on our port: it publishes its process id when it does."""
        if not os.path.isfile(os.path.join(self.tree, "server", "lib", "server-info.js")):
            return self.running
        try:
            with open(os.path.join(self.claude_home, ".agent-dashboard.json"), encoding="utf-8") as file:
                return bool(json.load(file)["pid"] == self.pid)
        except (OSError, ValueError, LookupError, TypeError):  # not there, not whole, or of another shape
            return False

    def _died(self) -> NoReturn:
        raise self._failure("the sidecar died")

    def _failure(self, what: str) -> SidecarFailed:
        tail = "\n".join(_end(self.log().strip().splitlines()))
        return SidecarFailed(f"{what}; its log ends:\n{tail}" if tail else f"{what}; its log is empty")


def _end(lines: list[str]) -> list[str]:
    """The end of a log: 15 lines, or more where Node says what went wrong above a long stack."""
    error = max((number for number, line in enumerate(lines) if _ERROR.match(line)), default=len(lines))
    return lines[max(min(error, len(lines) - _TAIL), len(lines) - 3 * _TAIL, 0) :]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
