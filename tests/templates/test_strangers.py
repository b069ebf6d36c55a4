"""Strangers of a sidecar that is for this machine only: nobody is answered, and each check is what refuses some."""

import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from patcher.prove import CONTRACTS, Sidecar
from patcher.prove.contract import TestBed
from patcher.prove.cross_origin import RawResponse, send
from patcher.prove.strangers import STRANGERS, is_taken_in, may_read, other_address, upgrades
from patcher.upstream.materialize import materialize
from tests.lab.strangers.attack import Tried, attack, own_problems, table
from tests.lab.strangers.routes import routes_of
from tests.templates.test_foreign_requests import with_change

pytestmark = pytest.mark.slow

GUARD = os.path.join("server", "lib", "request-guard.js")
OURS = os.path.join("server", "lib", "local-only.js")
ROUTES = routes_of(materialize("builtin").tree)
SOME = [route for route in ROUTES if route in {("GET", "/"), ("GET", "/api/sessions"), ("POST", "/api/hooks/event")}]

# A change that takes one check away, and the groups of strangers that then get in.
WITHOUT = {
    "the name of the host": (GUARD, "!LOOPBACK_NAME.test(name)", "false", {"foreign Host", "DNS rebinding"}),
    "the port of the host": (GUARD, "Number(port) !== req.socket.localPort", "false", {"foreign Host"}),
    "the origin": (OURS, "guards.originProblem(req, env) ||", "", {"foreign Origin"}),
    "the site": (OURS, "|| guards.siteProblem(req, links)", "", {"foreign site"}),
    "the socket": (OURS, "&& !socketProblem(req)", "", {"foreign Host", "foreign Origin", "foreign site"}),
    "one Host only": (GUARD, ' || count(req, "host") !== 1', "", {"DNS rebinding"}),
}

Start = Callable[..., AbstractContextManager[Sidecar]]


@pytest.fixture
def start(sidecar_tree: str, _sidecar_node: Any) -> Start:  # noqa: PT019
    """A generated sidecar with variables of the operator's."""

    @contextmanager
    def started(**env: str) -> Iterator[Sidecar]:
        with Sidecar(sidecar_tree, _sidecar_node, env=env) as sidecar:
            yield sidecar

    return started


def ask(sidecar: Sidecar, *headers: str, target: str = "/api/sessions", address: str = "127.0.0.1") -> RawResponse:
    head = "\r\n".join((f"GET {target} HTTP/1.1", *headers, "Connection: close", "", ""))
    return send(sidecar.port, head.format(port=sidecar.port).encode(), address)


def test_nobody_is_answered_and_nothing_is_changed(patched_sidecar: Sidecar) -> None:
    patched_sidecar.post_hook("SessionStart", {"session_id": "of-the-user", "cwd": "/project"})
    tried = attack(patched_sidecar, ROUTES)
    assert [each for each in tried if each.answered] == []
    assert len(tried) > 900 and table(tried).endswith(f"0 of {len(tried):>5} answered, 0 got a socket\n")
    assert [row["id"] for row in patched_sidecar.get("/api/sessions")["sessions"]] == ["of-the-user"]


def test_this_machine_is_answered_as_before(patched_sidecar: Sidecar, pristine_sidecar: Sidecar) -> None:
    assert own_problems(pristine_sidecar) == own_problems(patched_sidecar) == []


def test_the_strangers_are_those_that_the_pristine_tree_answers(pristine_sidecar: Sidecar) -> None:
    tried = attack(pristine_sidecar, SOME)
    assert {each.request.group for each in tried if each.answered} == {group for group, _, _ in STRANGERS}
    assert sum(each.status == 101 for each in tried) > 40


@pytest.mark.parametrize("check", WITHOUT)
def test_each_check_is_needed(check: str, sidecar_tree: str, _sidecar_node: Any, tmp_path: Path) -> None:  # noqa: PT019
    file, old, new, groups = WITHOUT[check]
    with Sidecar(with_change(sidecar_tree, tmp_path, file, old, new), _sidecar_node) as sidecar:
        through = {each.request.group for each in attack(sidecar, SOME) if each.answered}
    assert groups <= through


def test_the_contract_sees_each_stranger_on_the_pristine_tree(
    pristine_sidecar_tree: str,
    _sidecar_node: Any,  # noqa: PT019
    tmp_path: Path,
) -> None:
    [contract] = [each for each in CONTRACTS if each.patches == ("local_only",)]
    tree = pristine_sidecar_tree
    seen = contract.observe(TestBed(tree, tree, "", _sidecar_node, str(tmp_path)))
    assert not seen.green
    assert seen.said == (
        "this machine reads the sessions and gets a socket; a page of another site reads the sessions, "
        "a name that was pointed here reads the sessions, a name that was pointed here gets a socket, "
        "another address of this machine accepts"
    )


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:{port}", 200),
        ("127.0.0.1:{port}", 200),
        ("127.9.9.9:{port}", 200),
        ("[::1]:{port}", 200),
        ("LocalHost:{port}", 200),
        ("localhost", 403),
        ("localhost.:{port}", 403),
        ("localhost:1", 403),
        ("localhost:port", 403),
        ("[::1", 403),
        ("::1", 403),
        ("[::1]x:{port}", 403),
        ("127.0.0.1.evil.example:{port}", 403),
        ("EVIL.example:{port}", 403),
        ("127.0.0.256.1:{port}", 403),
    ],
)
def test_a_host_is_known_however_it_is_spelled(patched_sidecar: Sidecar, host: str, status: int) -> None:
    got = ask(patched_sidecar, f"Host: {host}")
    assert got.status == status
    if status == 403:
        assert '"code":"EBADHOST"' in got.body and "DASHBOARD_ALLOWED_HOSTS names the hosts that may ask" in got.body
        assert "Cross-Origin-Resource-Policy: same-origin" in got.headers


def test_a_link_opens_the_page_and_nothing_else(patched_sidecar: Sidecar) -> None:
    link = (
        "Host: localhost:{port}",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Mode: navigate",
        "Sec-Fetch-Dest: document",
    )
    assert ask(patched_sidecar, *link, target="/sessions").status == 404  # the builtin sidecar has no page
    assert ask(patched_sidecar, *link).status == 403
    assert ask(patched_sidecar, *link, target="/API/sessions").status == 403
    assert ask(patched_sidecar, *link[:3], "Sec-Fetch-Dest: image", target="/sessions").status == 403


# --- what the operator says ------------------------------------------------------------------------------------


def test_a_host_that_the_operator_names_may_ask_and_its_pages_may_read(start: Start) -> None:
    with start(DASHBOARD_ALLOWED_HOSTS=" Dash.Example , other.example") as sidecar:
        for own in ("dash.example", "dash.example:8443", "other.example"):
            assert ask(sidecar, f"Host: {own}").status == 200
        for origin in ("https://dash.example", "http://dash.example:8080"):
            got = ask(sidecar, "Host: localhost:{port}", f"Origin: {origin}", "Sec-Fetch-Site: cross-site")
            assert may_read(got, origin)
            assert is_taken_in(sidecar.port, f"Host: localhost:{sidecar.port}", f"Origin: {origin}")
        for origin in (
            "https://evil.example",
            "https://dash.example.evil.example",
            "https://dash.example@evil.example",
        ):
            got = ask(sidecar, "Host: dash.example", f"Origin: {origin}")
            assert got.status == 403 and not may_read(got, origin)
        assert ask(sidecar, "Host: evil.example").status == 403
        assert not other_address().accepts(sidecar.port)  # named, and yet nobody said to listen there


def test_an_address_that_the_operator_names_is_listened_on_and_said(start: Start) -> None:
    address = other_address().name
    with start(DASHBOARD_HOST="0.0.0.0", DASHBOARD_ALLOWED_HOSTS=address) as sidecar:
        assert ask(sidecar, f"Host: {address}:{{port}}", address=address).status == 200
        assert ask(sidecar, "Host: 0.0.0.0:{port}").status == 403
        assert ask(sidecar, "Host: evil.example:{port}", address=address).status == 403
        assert (
            "listening on 0.0.0.0, for other machines too; no DASHBOARD_TOKEN is set: the API is open" in sidecar.log()
        )


def test_a_blank_address_is_none(start: Start) -> None:
    with start(DASHBOARD_HOST="  ", DASHBOARD_ALLOWED_HOSTS=" , ") as sidecar:
        assert not other_address().accepts(sidecar.port)
        assert ask(sidecar, "Host: localhost:{port}").status == 200
        assert "for other machines too" not in sidecar.log()


def test_a_token_is_asked_for_by_the_api_and_the_socket(start: Start) -> None:
    own = "Host: 127.0.0.1:{port}"
    with start(DASHBOARD_TOKEN="s3cret") as sidecar:
        for given in ((), ("Authorization: Bearer wrong",), ("X-Dashboard-Token: s3cre",), ("Authorization: s3cret",)):
            got = ask(sidecar, own, *given)
            assert got.status == 401 and '"code":"EUNAUTHORIZED"' in got.body and "s3c" not in got.body
        assert ask(sidecar, own, "Authorization: Bearer s3cret").status == 200
        assert ask(sidecar, own, "X-Dashboard-Token: s3cret").status == 200
        assert ask(sidecar, own, target="/api/sessions?token=s3cret").status == 200
        assert ask(sidecar, own, target="/api/sessions?token=wrong").status == 401
        assert ask(sidecar, own, target="/API/sessions").status == 401
        assert ask(sidecar, own, target="/api/health").status == 200
        assert sidecar.post_hook("SessionStart", {"session_id": "of-a-hook", "cwd": "/p"}).status == 200
        host = own.format(port=sidecar.port)
        assert not is_taken_in(sidecar.port, host)
        assert not is_taken_in(sidecar.port, host, target="/ws?token=wrong")
        assert is_taken_in(sidecar.port, host, target="/ws?token=s3cret")
        assert is_taken_in(sidecar.port, host, "X-Dashboard-Token: s3cret")
        assert ask(sidecar, "Host: evil.example", "X-Dashboard-Token: s3cret").status == 403


# --- the page, live --------------------------------------------------------------------------------------------


def test_the_page_hears_of_what_happens(patched_sidecar: Sidecar) -> None:
    request = upgrades()[0]
    own = f"localhost:{patched_sidecar.port}"
    kept = [each for each in request.headers if not each.startswith(("Host:", "Origin:"))]
    head = "\r\n".join(("GET /ws HTTP/1.1", f"Host: {own}", f"Origin: http://{own}", *kept, "", ""))
    with socket.create_connection(("127.0.0.1", patched_sidecar.port), timeout=10) as connection:
        connection.sendall(head.encode())
        heard = connection.recv(65536)
        assert heard.startswith(b"HTTP/1.1 101 ")
        patched_sidecar.post_hook("SessionStart", {"session_id": "heard-of", "cwd": "/project"})
        while b"heard-of" not in heard:
            heard += connection.recv(65536)
    assert re.search(rb'"type": ?"session_', heard)


def test_a_status_says_who_was_answered() -> None:
    request = upgrades()[0]
    assert [status for status in (0, 101, 200, 400, 401, 403, 404, 500) if Tried(request, status).answered] == [
        101,
        200,
        404,
        500,
    ]
