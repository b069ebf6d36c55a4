"""The files of the repository that are computed are as computed; the generator says which are not, and writes them."""

import os
import sys
from pathlib import Path

import generate
import pytest
import supported

from patcher.model import Overlay
from patcher.patches import SERIES
from tests.support import ROOT

UPSTREAM = os.environ.get("SIDECAR_UPSTREAM_REPO", "")


@pytest.fixture
def product(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The only file to generate, in a repository of its own; its text is `new`."""
    path = tmp_path / "a" / "product.json"
    path.parent.mkdir()
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    monkeypatch.setattr(generate, "products", lambda upstream: [(path, "new\n")])
    return path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["generate", *arguments])
    return generate.main()


def test_every_file_that_takes_no_upstream_is_as_computed() -> None:
    computed = list(generate.products(None))
    pages = ["patcher/agents/README.md", "tests/supported.json", "patcher/patches/README.md"]
    names = ["patcher/gates/verified.json", *pages]
    assert [path.relative_to(ROOT).as_posix() for path, _ in computed] == names
    stale = [path.name for path, text in computed if path.read_text(encoding="utf-8") != text]
    assert stale == [], "`python3 .dev generate`"


@pytest.mark.parametrize("was", [pytest.param("old\n", id="out of date"), pytest.param(None, id="not there")])
def test_a_file_out_of_date_is_named_and_then_written(
    product: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], was: str | None
) -> None:
    if was is not None:
        product.write_text(was)
    assert run(monkeypatch, "--check") == 1
    assert capsys.readouterr().err == "a/product.json is out of date: `python3 .dev generate` writes it\n"
    assert (product.read_text() if product.exists() else None) == was
    assert run(monkeypatch) == 0 and product.read_text() == "new\n"
    assert capsys.readouterr().err == "written: a/product.json\n"
    assert run(monkeypatch) == run(monkeypatch, "--check") == 0
    assert capsys.readouterr().err == ""


def test_an_upstream_that_cannot_be_read_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("SIDECAR_UPSTREAM_REPO", str(tmp_path / "gone"))
    assert run(monkeypatch, "--check") == 5
    assert capsys.readouterr().err.startswith("SIDECAR_UPSTREAM_REPO: ")


@pytest.mark.parametrize(
    ("code", "portable", "said"),
    [
        pytest.param("\nconst = 1;", False, "server/a.js:2: does not parse", id="does not parse"),
        pytest.param(
            "require(x);", False, r"server/a.js:1: `require\(x\)` does not name a module", id="takes anything"
        ),
        pytest.param("a?.b;", True, "server/a.js: is not ES2017: ", id="a portable file that is newer"),
    ],
)
def test_a_text_that_no_gate_would_pass_is_not_recorded(
    monkeypatch: pytest.MonkeyPatch, code: str, portable: bool, said: str
) -> None:
    monkeypatch.setattr(generate, "render", lambda template, **params: code)
    with pytest.raises(SystemExit, match=said):
        generate.file_entry(Overlay("server/a.js", "overlay/a.js", portable=portable))


def test_a_payload_that_is_newer_is_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "portable_text", lambda site: "a?.b;")
    with pytest.raises(SystemExit, match=r"agent_hooks.routes: is not ES2017: "):
        generate.verified_record()


@pytest.mark.parametrize(
    ("code", "es2017"),
    [("#!/usr/bin/env node\nconsole.log(1);", True), ("a?.b;", False), ("const a = { ...b };", False)],
)
def test_es2017_is_what_the_parser_says(monkeypatch: pytest.MonkeyPatch, code: str, es2017: bool) -> None:
    monkeypatch.setattr(generate, "render", lambda template, **params: code)
    assert generate.file_entry(Overlay("server/a.js", "overlay/a.js"))["es2017"] is es2017


# --- supported versions ----------------------------------------------------------------------------------------


def test_the_data_is_about_this_series() -> None:
    assert {each for version in supported.stored() for each in version["stops"]} <= {patch.id for patch in SERIES} | {
        "gates"
    }
    assert all(version["supported"] == (version["stops"] == []) for version in supported.stored())


def test_a_table_joins_neighbours_that_are_alike() -> None:
    versions = [
        {"ref": "v1", "stops": ["a", "b"]},
        {"ref": "v2", "stops": []},
        {"ref": "v3", "stops": []},
        {"ref": "v4", "stops": ["a"]},
        {"ref": "v5", "stops": [], "since": "0123456789abcdef0123456789abcdef01234567"},
        {"ref": "v6", "stops": [], "since": ""},
    ]
    assert supported.table(versions).splitlines()[3:-1] == [
        "| v1 | 1 | refused: `a`, `b` |",
        "| v2 to v3 | 2 | fits: no anchor stops, every gate passes |",
        "| v4 | 1 | refused: `a` |",
        "| commit `0123456789ab`, before v5, to v6 | 2 | fits: no anchor stops, every gate passes |",
    ]


@pytest.mark.slow
@pytest.mark.skipif(not UPSTREAM, reason="SIDECAR_UPSTREAM_REPO does not name a clone of Claude-Code-Agent-Monitor")
def test_the_data_is_what_upstream_gives_now() -> None:
    stored = supported.stored()
    assert supported.computed(UPSTREAM)[: len(stored)] == stored, "`python3 .dev generate`"
