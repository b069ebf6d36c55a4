"""The running sidecar: the port that hooks would use, and its answers. Leaf module."""

import contextlib
import http.client
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from patcher.upstream import foreign_json

DEFAULT_PORT = 4820
_TIMEOUT_S = 5.0


class NotResponding(Exception):
    """No sidecar answers on a port; the text has the error or the other answer."""


@dataclass(frozen=True)
class Running:
    """A sidecar that answers on `port`. status: its `/api/codex-hooks`, empty where it has none."""

    port: int
    status: Mapping[str, Any]

    @property
    def data_dir(self) -> str | None:
        """Its data directory; None where the status does not have it."""
        path = self._path("handler")
        return os.path.dirname(path) if path else None

    @property
    def hooks_file(self) -> str | None:
        """The hooks file that it manages; None where the status does not have it."""
        return self._path("hooks_file")

    def _path(self, name: str) -> str | None:
        part = self.status.get(name)
        path = part.get("path") if isinstance(part, dict) else None
        return path if isinstance(path, str) else None

    def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON of an answer; None for a body that is not JSON. Raises `NotResponding`."""
        return request(self.port, path)


def request(port: int, path: str) -> tuple[int, Any]:
    """`GET` on this machine. Raises `NotResponding`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        raw = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise NotResponding(str(error) or type(error).__name__) from error
    finally:
        connection.close()
    try:
        return response.status, foreign_json.loads(raw)
    except ValueError:
        return response.status, None


def ports_of_the_handler(env: Mapping[str, str]) -> list[int]:
    """The ports that the hook handler sends to: `CLAUDE_DASHBOARD_PORT`, else those of running sidecars, else 4820."""
    chosen = env.get("CLAUDE_DASHBOARD_PORT", "")
    if chosen.isascii() and chosen.isdigit() and 1 <= int(chosen) <= 65535:
        return [int(chosen)]
    lowest: dict[str, int] = {}
    for server in _known_servers(env):
        port, pid = server.get("port"), server.get("pid")
        if isinstance(port, int) and isinstance(pid, int) and 1 <= port <= 65535 and _is_alive(pid):
            group = str(server.get("dataDir") or f"port {port}")
            lowest[group] = min(port, lowest.get(group, port))
    return sorted(set(lowest.values())) or [DEFAULT_PORT]


def _known_servers(env: Mapping[str, str]) -> list[dict[str, Any]]:
    home = env.get("CLAUDE_HOME") or os.path.join(env.get("HOME") or os.path.expanduser("~"), ".claude")
    try:
        with open(os.path.join(home, ".agent-dashboard.json"), encoding="utf-8") as file:
            content = foreign_json.loads(file.read())
    except (OSError, ValueError):
        return []
    if not isinstance(content, dict):
        return []
    servers = content["servers"] if isinstance(content.get("servers"), list) else [content]
    return [server for server in servers if isinstance(server, dict)]


def _is_alive(pid: int) -> bool:
    if pid <= 0 or os.name != "posix":  # on Windows, `os.kill` with signal 0 ends the process
        return pid > 0
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):  # no such process, or not a possible process id
        return False
    return True


def reach(port: int) -> Running:
    """The sidecar on a port. Raises `NotResponding`, also when another program answers there."""
    status, health = request(port, "/api/health")
    if status != 200 or not isinstance(health, dict):
        raise NotResponding(f"something that is not a sidecar answers: /api/health has status {status}")
    hooks = None
    with contextlib.suppress(NotResponding):
        _, hooks = request(port, "/api/codex-hooks")
    return Running(port, hooks if isinstance(hooks, dict) else {})
