"""The sidecar that runs: where hooks would find it, and what it answers. Leaf module."""

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
    """Nothing usable answers on a port; the text says what came instead."""


@dataclass(frozen=True)
class Running:
    """A sidecar that answers on `port`. status: its `/api/codex-hooks`, empty when it has none."""

    port: int
    status: Mapping[str, Any]

    @property
    def data_dir(self) -> str | None:
        """Where it keeps its data; None when it does not say."""
        path = self._path("handler")
        return os.path.dirname(path) if path else None

    @property
    def hooks_file(self) -> str | None:
        """The hooks file that it looks after; None when it does not say."""
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
    """Where the hook handler would send, in an environment: as it is named, as running sidecars say, or the default."""
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
    if pid <= 0 or os.name != "posix":  # elsewhere, signal 0 is not a question but an order
        return pid > 0
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):  # no such process; no number of one
        return False
    return True


def reach(port: int) -> Running:
    """The sidecar on a port. Raises `NotResponding`, also when something else answers there."""
    status, health = request(port, "/api/health")
    if status != 200 or not isinstance(health, dict):
        raise NotResponding(f"something that is not a sidecar answers: /api/health has status {status}")
    said = None
    with contextlib.suppress(NotResponding):
        _, said = request(port, "/api/codex-hooks")
    return Running(port, said if isinstance(said, dict) else {})
