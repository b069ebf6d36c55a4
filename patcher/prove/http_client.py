"""Send one HTTP request to a sidecar on this machine. Leaf module."""

import http.client
import json
import time
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reply:
    """The answer to one request; `json` is None when the body is not JSON."""

    status: int
    json: Any
    seconds: float


def send(port: int, method: str, path: str, body: Any, *, timeout: float) -> Reply:
    """Send a request, with `body` as JSON where it is not None. Raises `OSError`, `http.client.HTTPException`."""
    headers = {} if body is None else {"Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    began = time.monotonic()
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        raw = response.read()
    finally:
        connection.close()
    seconds = time.monotonic() - began
    try:
        return Reply(response.status, json.loads(raw), seconds)
    except ValueError:
        return Reply(response.status, None, seconds)
