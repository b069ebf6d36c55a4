"""Requests to the switch of the Codex hooks that only the sidecar's own page may make, and their answers.

Each tries to flip the switch, as a malicious web site would. They are sent as raw bytes: another program may send
requests that a browser does not allow to a page.
"""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass

PATH = "/api/codex-hooks"
_JSON = "Content-Type: application/json"
_TIMEOUT = 10.0

_HOSTS = {
    "another name": "evil.example:{port}",
    "another name, no port": "evil.example",
    "a name that resolves to loopback": "127.0.0.1.nip.io:{port}",
    "our name as a label": "localhost.evil.example:{port}",
    "our address as a label": "127.0.0.1.evil.example:{port}",
    "a name below localhost": "evil.localhost:{port}",
    "a dot at the end": "localhost.:{port}",
    "a user in front": "evil@localhost:{port}",
    "another port": "localhost:{other}",
    "no port": "localhost",
    "port 0": "localhost:0",
    "a port with more after it": "localhost:{port}.evil.example",
    "every interface": "0.0.0.0:{port}",
    "an address of the network": "192.168.0.10:{port}",
    "an address in decimal": "2130706433:{port}",
    "an address in hex": "0x7f000001:{port}",
    "an address cut short": "127.1:{port}",
    "another IPv6 address": "[fe80::1]:{port}",
    "IPv4 in IPv6": "[::ffff:127.0.0.1]:{port}",
    "an IPv6 zone": "[::1%25lo]:{port}",
    "an empty one": "",
}
_ORIGINS = {
    "another site": "https://evil.example",
    "another site on our port": "http://evil.example:{port}",
    "another port of this machine": "http://localhost:{other}",
    "this machine without a port": "http://localhost",
    "this machine by another name": "http://127.0.0.1:{port}",
    "this machine in IPv6": "http://[::1]:{port}",
    "https": "https://localhost:{port}",
    "null": "null",
    "an empty one": "",
    "a path": "http://localhost:{port}/",
    "our origin as a label": "http://localhost:{port}.evil.example",
    "a user in front": "http://localhost:{port}@evil.example",
    "two in one": "http://localhost:{port} https://evil.example",
    "a list": "http://localhost:{port}, https://evil.example",
    "a file": "file://",
    "a browser extension": "chrome-extension://abcdefghijklmnop",
}
_TYPES = {
    "text": "text/plain",
    "text that says JSON": "text/plain; charset=application/json",
    "a form": "application/x-www-form-urlencoded",
    "a form of parts": "multipart/form-data; boundary=x",
    "two in one": "application/json, text/plain",
    "another charset": "application/json; charset=utf-16",
    "something like JSON": "application/jsonp",
    "an empty one": "",
}
_METHODS = {
    "POST": ("POST", ()),
    "POST that says PUT": ("POST", ("X-HTTP-Method-Override: PUT",)),
    "POST that says PUT otherwise": ("POST", ("X-HTTP-Method: PUT", "X-Method-Override: PUT")),
    "PATCH": ("PATCH", ()),
    "DELETE": ("DELETE", ()),
    "OPTIONS": ("OPTIONS", ()),
    "HEAD": ("HEAD", ()),
    "a method in lower case": ("put", ()),
}
_BODIES = {
    "nothing": b"",
    "no key": b"{}",
    "a word": b'{"enabled": "true"}',
    "a number": b'{"enabled": 1}',
    "null": b'{"enabled": null}',
    "a list": b"[true]",
    "more than asked for": b'{"enabled": true, "force": true}',
    "half": b'{"enabled": tr',
    "a form": b"enabled=true",
    "two kilobytes": b'{"enabled": true' + b" " * 2048 + b"}",
}
_FOREIGN = "Origin: https://evil.example"
_OWN = "Origin: http://localhost:{port}"
_PREFLIGHT = ("Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: content-type")


@dataclass(frozen=True)
class ForeignRequest:
    """One request. `headers` and `target` may contain `{port}` (ours) and `{other}`. body: None for one that flips."""

    group: str
    name: str
    method: str = "PUT"
    headers: tuple[str, ...] = ()
    target: str = PATH
    body: bytes | None = None

    def encode(self, port: int, *, enabled: bool) -> bytes:
        """The request as bytes. enabled: the value that it tries to set."""
        text = "\r\n".join((f"{self.method} {self.target} HTTP/1.1", *self.headers, "Connection: close"))
        head = text.format(port=port, other=port % 65000 + 1)
        body = json.dumps({"enabled": enabled}).encode() if self.body is None else self.body
        if self.method in {"GET", "HEAD", "OPTIONS"}:
            body = b""
        return f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass(frozen=True)
class RawResponse:
    """The answer; status 0 when the connection was closed without one."""

    status: int
    headers: str
    body: str

    @property
    def refused(self) -> bool:
        """Whether it neither discloses the switch nor allows the request of a preflight."""
        discloses = '"enabled"' in self.body and '"error"' not in self.body
        allowed = self.status < 400 and "access-control-allow-" in self.headers.lower()
        return not (discloses or allowed)


def _of_hosts() -> Iterator[ForeignRequest]:
    for name, host in _HOSTS.items():
        yield ForeignRequest("foreign Host", f"{name}, to flip it", headers=(f"Host: {host}", _JSON))
        yield ForeignRequest("foreign Host", f"{name}, to read it", "GET", (f"Host: {host}",))
    rebound = ("Host: evil.example:{port}", "Origin: http://evil.example:{port}", "Sec-Fetch-Site: same-origin", _JSON)
    yield ForeignRequest("DNS rebinding", "a name that was pointed here, to flip it", headers=rebound)
    yield ForeignRequest("DNS rebinding", "a name that was pointed here, to read it", "GET", rebound[:3])
    twice = ("Host: localhost:{port}", "Host: evil.example", _JSON)
    yield ForeignRequest("DNS rebinding", "two Host headers", headers=twice)
    yield ForeignRequest("DNS rebinding", "no Host header", headers=(_JSON,))


def _of_origins() -> Iterator[ForeignRequest]:
    host = "Host: localhost:{port}"
    for name, origin in _ORIGINS.items():
        yield ForeignRequest("foreign Origin", f"{name}, to flip it", headers=(host, f"Origin: {origin}", _JSON))
        yield ForeignRequest("foreign Origin", f"{name}, to read it", "GET", (host, f"Origin: {origin}"))
    yield ForeignRequest("foreign Origin", "ours and another", headers=(host, _OWN, _FOREIGN, _JSON))
    yield ForeignRequest("foreign Origin", "another and ours", headers=(host, _FOREIGN, _OWN, _JSON))
    for site in ("cross-site", "same-site"):
        sec = f"Sec-Fetch-Site: {site}"
        yield ForeignRequest("foreign site", f"{site}, to flip it", headers=(host, sec, _JSON))
        yield ForeignRequest("foreign site", f"{site}, as a picture", "GET", (host, sec, "Sec-Fetch-Dest: image"))
        navigates = (host, sec, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")
        yield ForeignRequest("foreign site", f"{site}, by a link", "GET", navigates)
        yield ForeignRequest("foreign site", f"{site}, with our Origin", headers=(host, _OWN, sec, _JSON))


def _of_simple_requests() -> Iterator[ForeignRequest]:
    host = "Host: localhost:{port}"
    for name, kind in _TYPES.items():
        yield ForeignRequest("content type", name, headers=(host, f"Content-Type: {kind}"))
        foreign = (host, _FOREIGN, f"Content-Type: {kind}")
        yield ForeignRequest("content type", f"{name}, from another site", headers=foreign)
    yield ForeignRequest("content type", "none", headers=(host,))
    yield ForeignRequest("content type", "two of them", headers=(host, _JSON, "Content-Type: text/plain"))
    yield ForeignRequest("content type", "packed", headers=(host, _JSON, "Content-Encoding: gzip"))


def _of_methods() -> Iterator[ForeignRequest]:
    host = "Host: localhost:{port}"
    for name, (method, more) in _METHODS.items():
        yield ForeignRequest("method", name, method, (host, _OWN, _JSON, *more))
        yield ForeignRequest("method", f"{name}, from another site", method, (host, _FOREIGN, _JSON, *more))
    yield ForeignRequest("method", "a preflight", "OPTIONS", (host, _FOREIGN, *_PREFLIGHT))
    rebound = ("Host: evil.example", _FOREIGN, *_PREFLIGHT)
    yield ForeignRequest("method", "a preflight to a rebound name", "OPTIONS", rebound)
    override = ("X-HTTP-Method-Override: PUT", _JSON)
    yield ForeignRequest("method", "GET that says PUT, from another site", "GET", (host, _FOREIGN, *override))
    yield ForeignRequest("method", "POST that says PUT in its query", "POST", (host, _JSON), f"{PATH}?_method=PUT")


def _of_bodies_and_paths() -> Iterator[ForeignRequest]:
    host = "Host: localhost:{port}"
    for name, body in _BODIES.items():
        yield ForeignRequest("body", name, headers=(host, _OWN, _JSON), body=body)
    targets = (
        "//api/codex-hooks",
        f"{PATH}/",
        "/API/codex-hooks",
        f"{PATH}%20",
        "/api/./codex-hooks",
        "http://evil.example/api/codex-hooks",
    )
    for target in targets:
        yield ForeignRequest("path", target, headers=("Host: evil.example:{port}", _FOREIGN, _JSON), target=target)


FOREIGN_REQUESTS: tuple[ForeignRequest, ...] = (
    *_of_hosts(),
    *_of_origins(),
    *_of_simple_requests(),
    *_of_methods(),
    *_of_bodies_and_paths(),
)


def send(port: int, request: bytes, address: str = "127.0.0.1") -> RawResponse:
    """Send bytes and read the whole answer. Raises `OSError` where no server listens."""
    chunks = []
    with socket.create_connection((address, port), timeout=_TIMEOUT) as connection:
        try:
            connection.sendall(request)
            while chunk := connection.recv(65536):
                chunks.append(chunk)
        except ConnectionError:
            pass  # the server closed it: use what was received before
    head, _, body = b"".join(chunks).decode("utf-8", "replace").partition("\r\n\r\n")
    status = head.split(" ", 2)[1] if head.startswith("HTTP/") else "0"
    return RawResponse(int(status), head, body)
