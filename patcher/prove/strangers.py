"""Requests of clients that must not reach the sidecar: other machines, other web sites, rebound DNS names.

The requests of `cross_origin`, to any path of the sidecar, over HTTP and as the upgrade to a WebSocket.
"""

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace

from patcher.prove.cross_origin import FOREIGN_REQUESTS, ForeignRequest, RawResponse, send
from patcher.prove.sidecar import NotObserved

SOCKET = "/ws"
_GROUPS = frozenset({"foreign Host", "DNS rebinding", "foreign Origin", "foreign site"})
_UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: c2lkZWNhci1wYXRjaGVyIQ==",
)
_TIMEOUT = 5.0


def _headers() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Group, name and headers of each stranger, once; without the headers for a body."""
    known = set()
    for request in FOREIGN_REQUESTS:
        kept = tuple(each for each in request.headers if not each.startswith("Content-Type:"))
        if request.group in _GROUPS and kept not in known:
            known.add(kept)
            yield request.group, request.name.rpartition(", to ")[0] or request.name, kept


STRANGERS = tuple(_headers())
"""Group, name and headers of each."""


def at(method: str, target: str) -> list[ForeignRequest]:
    """The request of every stranger to one path."""
    body = b"" if method in {"GET", "HEAD", "OPTIONS"} else b"{}"
    kind = () if method in {"GET", "HEAD", "OPTIONS"} else ("Content-Type: application/json",)
    return [ForeignRequest(group, name, method, (*headers, *kind), target, body) for group, name, headers in STRANGERS]


def upgrades() -> list[ForeignRequest]:
    """The request of every stranger for a WebSocket."""
    return [replace(each, headers=(*each.headers, *_UPGRADE)) for each in at("GET", SOCKET)]


def may_read(response: RawResponse, origin: str = "") -> bool:
    """Whether the client can read the answer: the request succeeded, and CORS allows it to a page of `origin`."""
    allowed = re.search(r"^access-control-allow-origin:[ \t]*(.*?)\s*$", response.headers, re.IGNORECASE | re.MULTILINE)
    return 200 <= response.status < 300 and (not origin or (allowed is not None and allowed[1] in {"*", origin}))


def is_taken_in(port: int, *headers: str, address: str = "127.0.0.1", target: str = SOCKET) -> bool:
    """Whether a WebSocket is opened for a request with these headers. Raises `OSError` where no server listens."""
    request = "\r\n".join((f"GET {target} HTTP/1.1", *headers, *_UPGRADE, "", ""))
    return status_of_upgrade(port, request.encode(), address) == 101


def status_of_upgrade(port: int, request: bytes, address: str = "127.0.0.1") -> int:
    """The status of the answer to a request for a WebSocket; 0 without an answer."""
    with socket.create_connection((address, port), timeout=_TIMEOUT) as connection:
        try:
            connection.sendall(request)
            found = re.match(rb"HTTP/1\.1 (\d{3}) ", connection.recv(65536))
        except ConnectionError:
            return 0
    return int(found[1]) if found else 0


@dataclass(frozen=True)
class Address:
    """An address of this machine that is not 127.0.0.1."""

    name: str

    def accepts(self, port: int) -> bool:
        """Whether a server accepts connections at this address."""
        request = f"GET /api/health HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"
        try:
            return send(port, request.encode(), self.name).status > 0
        except OSError:
            return False


def other_address() -> Address:
    """An address of this machine in the network, else another one of its loopback interface.

    Raises `NotObserved` where it has neither.
    """
    for target in ("192.0.2.1", "127.0.0.2"):  # nothing is sent: connecting a UDP socket only chooses an interface
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((target, 9))
            except OSError:
                continue
            name = str(probe.getsockname()[0])
        if target == "127.0.0.2" or not name.startswith("127."):
            return Address("127.0.0.2" if name.startswith("127.") else name)
    raise NotObserved("this machine has no address but 127.0.0.1")
