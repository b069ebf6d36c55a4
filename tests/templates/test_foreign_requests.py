"""Requests that may not reach the switch: all refused; and each check of the guard is what refuses some of them."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patcher.prove import Sidecar
from patcher.prove.cross_origin import FOREIGN_REQUESTS, PATH, RawResponse, send
from tests.lab.consent.refusals import Refusal, attack_all, table
from tests.lab.consent.states import status

GUARD = os.path.join("server", "lib", "codex-hooks-guard.js")
SHARED = os.path.join("server", "lib", "request-guard.js")
ROUTE = os.path.join("server", "routes", "codex-hooks.js")
HTTP = os.path.join("server", "lib", "hooks-http.js")

# A change that takes one check away, and the groups of requests that then get through.
WITHOUT = {
    "the name of the host": (SHARED, "!LOOPBACK_NAME.test(name)", "false", {"foreign Host"}),
    "the port of the host": (SHARED, "Number(port) !== req.socket.localPort", "false", {"foreign Host"}),
    "any host": (GUARD, "hostProblem(req, env) ||", "", {"foreign Host", "DNS rebinding"}),
    "the origin": (GUARD, "originProblem(req, env) ||", "", {"foreign Origin"}),
    "the site": (GUARD, 'siteProblem(req, page ? ["document"] : []) ||', "", {"foreign site"}),
    "the content type": (GUARD, "|| typeProblem(req)", "", {"content type"}),
    "the method": (ROUTE, "!METHODS[where].includes(req.method)", "false", {"method"}),
    "the shape of the body": (HTTP, 'exact && typeof body.enabled === "boolean"', "exact", {"body"}),
}


def with_change(sidecar_tree: str, directory: Path, file: str, old: str, new: str) -> str:
    tree = shutil.copytree(sidecar_tree, directory / "tree")
    path = tree / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} is not once in {file}"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return str(tree)


@pytest.fixture(scope="module")
def refusals(sidecar_tree: str, _sidecar_node: Any) -> Iterator[list[Refusal]]:  # noqa: PT019
    with Sidecar(sidecar_tree, _sidecar_node) as sidecar:
        yield attack_all(sidecar)


@pytest.mark.slow
def test_all_of_them_are_refused_and_nothing_is_changed(refusals: list[Refusal]) -> None:
    assert [(each.request, each.got) for each in refusals if not each.ok] == []
    total = 2 * len(FOREIGN_REQUESTS)
    assert table(refusals).endswith(f"all             {total} of {total} refused, 0 changed anything\n")


def test_no_two_requests_are_the_same() -> None:
    assert len({request.encode(4820, enabled=True) for request in FOREIGN_REQUESTS}) == len(FOREIGN_REQUESTS) >= 140


@pytest.mark.slow
def test_a_refusal_says_why_in_json_and_tells_nothing(refusals: list[Refusal]) -> None:
    ours = [each.got for each in refusals if each.got.status in {403, 405}]
    assert len(ours) > 200
    assert [got for got in ours if '"error":{"code":' not in got.body and got.body] == []
    assert [got for got in ours if "Cross-Origin-Resource-Policy: same-origin" not in got.headers] == []


@pytest.mark.slow
@pytest.mark.parametrize("check", WITHOUT)
def test_each_check_is_needed(check: str, sidecar_tree: str, _sidecar_node: Any, tmp_path: Path) -> None:  # noqa: PT019
    file, old, new, groups = WITHOUT[check]
    with Sidecar(with_change(sidecar_tree, tmp_path, file, old, new), _sidecar_node) as sidecar:
        through = {each.request.group for each in attack_all(sidecar) if not each.ok}
    assert groups <= through


def ask(sidecar: Sidecar, *headers: str, method: str = "GET", body: bytes = b"") -> RawResponse:
    head = "\r\n".join((f"{method} {PATH} HTTP/1.1", *headers, f"Content-Length: {len(body)}", "Connection: close"))
    return send(sidecar.port, f"{head}\r\n\r\n".encode() + body)


@pytest.mark.slow
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.2", "[::1]"])
def test_its_own_page_is_answered_under_every_name_of_this_machine(host: str, patched_sidecar: Sidecar) -> None:
    own = f"{host}:{patched_sidecar.port}"
    browser = (f"Host: {own}", f"Origin: http://{own}", "Sec-Fetch-Site: same-origin", "Content-Type: application/json")
    got = ask(patched_sidecar, *browser, method="PUT", body=b'{"enabled": true}')
    assert got.status == 200
    assert "access-control-allow-origin" not in got.headers.lower()
    assert status(patched_sidecar)["enabled"] is True


@pytest.mark.slow
def test_what_cannot_be_followed_is_a_conflict_and_the_choice_is_kept(patched_sidecar: Sidecar) -> None:
    with open(os.path.join(patched_sidecar.codex_home, "hooks.json"), "w", encoding="utf-8") as file:
        file.write("[")
    reply = patched_sidecar.request("PUT", PATH, {"enabled": True})
    assert reply.status == 409
    assert reply.json["enabled"] is True
    assert reply.json["state"] == "broken"
    assert reply.json["problem"]["message"].startswith(os.path.join(patched_sidecar.codex_home, "hooks.json"))
    assert reply.json["problem"]["do"]
