"""The record of what somebody reviewed: read with care, written by `pin`, and never half."""

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from subprocess import run as process
from typing import Any

import pytest

from patcher import apply
from patcher.errors import PinsUnreadable
from patcher.fingerprint import tool_fingerprint
from patcher.model import Pin
from patcher.patches import CLIENT_SERIES, SERIES, pins
from patcher.resources import BUILTIN_PINS
from tests.support import APP, ROOT, SMALL, CommandLine, Ended, PatchMaker, Repository, environment, refusal

SITES = [site.id for patch in (*SERIES, *CLIENT_SERIES) for site in patch.sites]
PIN = {"reviewed": "v1.2.0", "tokens": "a" * 64, "text": "b" * 64, "line": 7}

# --- reading ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [pins.UPSTREAM_PINS, BUILTIN_PINS])
def test_a_record_is_written_as_it_is_read(path: str) -> None:
    text = Path(path).read_text()
    assert pins.written(pins.parsed(text, SITES, path)) == text


def test_every_site_has_a_pin_of_upstream() -> None:
    assert list(pins.read(pins.UPSTREAM_PINS, SITES)) == SITES


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("", "expected JSON, found Expecting value: line 1 column 1 (char 0)", id="empty"),
        pytest.param('{"a.one": [', "expected JSON, found ", id="half of it"),
        pytest.param("[]", "expected pins by site, found []", id="a list"),
        pytest.param({"b.one": [PIN]}, "expected the site of a patch, found b.one", id="a site that no patch has"),
        pytest.param({"a.one": []}, "a.one: expected a list of pins, found []", id="no pin"),
        pytest.param({"a.one": PIN}, "a.one: expected a list of pins, found {", id="no list"),
        pytest.param({"a.one": [1]}, "a.one: expected a pin with reviewed, tokens, text, line, found 1", id="a number"),
        pytest.param(
            {"a.one": [{**PIN, "more": 1}]},
            "a.one: expected a pin with reviewed, tokens, text, line, ",
            id="a field more",
        ),
        pytest.param({"a.one": [{**PIN, "line": "7"}]}, 'a.one: expected `line` as int, found "7"', id="a text"),
        pytest.param(
            {"a.one": [{**PIN, "line": True}]}, "a.one: expected `line` as int, found true", id="a truth value"
        ),
        pytest.param(
            {"a.one": [{**PIN, "tokens": "a"}]}, 'a.one: expected `tokens` as 64 hex digits, found "a"', id="short"
        ),
        pytest.param(
            {"a.one": [{**PIN, "text": "B" * 64}]}, "a.one: expected `text` as 64 hex digits, ", id="capitals"
        ),
    ],
)
def test_a_damaged_record_is_an_error_of_its_own(tmp_path: Path, content: Any, message: str) -> None:
    path = tmp_path / "pins.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    said = refusal(pins.read, str(path), ["a.one"])
    assert isinstance(said, PinsUnreadable) and said.message.startswith(message) and said.where == str(path)


def test_a_record_that_is_not_there_or_not_utf_8_is_an_error_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    assert refusal(pins.read, str(path), []).message == "cannot be read: No such file or directory"
    path.write_bytes(b"\xff")
    assert refusal(pins.read, str(path), []).message == "cannot be read: it is not UTF-8"


def test_a_pin_belongs_to_a_site_whichever_anchor_finds_the_code(bench: PatchMaker) -> None:
    [site] = bench.audit().sites
    two = replace(bench.audit(), sites=(replace(site, anchors=(replace(site.anchors[0], after=1), *site.anchors)),))
    [made] = pins.with_pins(two, [{"audit.one": site.pins}, {"audit.one": (Pin("c" * 64, "d" * 64, 1),)}]).sites
    assert made.pins == (*site.pins, Pin("c" * 64, "d" * 64, 1))
    assert apply.apply_series(SMALL.upstream, [replace(two, sites=(made,))]).findings[0].verdict == "exact"
    assert pins.with_pins(two, ()).sites[0].pins == ()


def test_a_site_without_a_pin_stops_the_build(bench: PatchMaker) -> None:
    run = SMALL.run(pins.with_pins(bench.audit(), ()))
    assert (run.verdicts, run.build.stopped, run.build.tree) == ({"audit": "unreviewed"}, True, {})
    assert SMALL.edited(APP, APP.replace("store.save", "store.keep")).run(
        pins.with_pins(bench.audit(), ())
    ).verdicts == {"audit": "missing"}


# --- the command, in a checkout of its own ---------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of this checkout's code: what `--write` may change."""
    made = tmp_path / "checkout"
    for name in ("patcher", "templates", "fixtures"):
        shutil.copytree(ROOT / name, made / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", made)
    return made


def patcher(checkout: Path, *arguments: str) -> Ended:
    command = [sys.executable, "-m", "patcher", *arguments]
    done = process(
        command, cwd=checkout, capture_output=True, text=True, env={**environment(), "PYTHONPATH": str(checkout)}
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def without(checkout: Path, *sites: str) -> Mapping[str, str]:
    """Take the pins of sites out of both records; the texts of the records then."""
    found = {}
    for name in ("patcher/patches/pins.json", "fixtures/pins.json"):
        content = json.loads((checkout / name).read_text())
        (checkout / name).write_text(
            json.dumps({site: each for site, each in content.items() if site not in sites}, indent=2) + "\n"
        )
        found[name] = (checkout / name).read_text()
    return found


STACKED = ("stamp_harness.stamp", "parse_outside_transaction.take")


def test_pin_shows_then_records_and_the_build_goes_on(checkout: Path) -> None:
    before = without(checkout, *STACKED)
    stopped = patcher(checkout, "check")
    assert stopped.code == 3 and "error[anchor-unreviewed]: " in stopped.out
    assert "`sidecar-patcher pin parse_outside_transaction.take --upstream builtin` shows" in stopped.out
    shown = patcher(checkout, "pin", *STACKED)
    assert (shown.code, shown.err) == (
        0, "nothing was written: read the code above; `--write` records that you have\n",
    )  # fmt: skip
    assert "\n  | const session = ensureSession(sessionId, data);\n" in shown.out
    assert (checkout / "fixtures/pins.json").read_text() == before["fixtures/pins.json"]
    done = patcher(checkout, "pin", *STACKED, "--write")
    assert (done.code, done.err) == (0, "wrote 2 pins into fixtures/pins.json\n")
    assert (checkout / "patcher/patches/pins.json").read_text() == before["patcher/patches/pins.json"]
    made, known = (json.loads((each / "fixtures/pins.json").read_text()) for each in (checkout, ROOT))
    assert made == known
    assert patcher(checkout, "check").code == 0
    again = patcher(checkout, "pin", *STACKED, "--write")
    assert (again.code, again.err) == (0, "") and "there is nothing to pin" in again.out


def test_pin_refuses_what_is_not_there_once_and_writes_nothing(checkout: Path) -> None:
    upstream = checkout / "upstream"
    shutil.copytree(ROOT / "fixtures/sidecar", upstream)
    file = upstream / "server/routes/sessions.js"
    file.write_text(file.read_text().replace("whereSql", "clause"))
    before = without(checkout, "codex_hooks.start")
    done = patcher(
        checkout, "pin", "filter_by_harness.filter", "codex_hooks.start", "--upstream", str(upstream), "--write"
    )
    assert done.code == 3 and done.err == "nothing was written\n" and "filter_by_harness.filter  missing" in done.out
    assert (checkout / "patcher/patches/pins.json").read_text() == before["patcher/patches/pins.json"]


def test_pin_of_a_directory_goes_into_the_record_of_upstream(checkout: Path) -> None:
    upstream = checkout / "upstream"
    shutil.copytree(ROOT / "fixtures/sidecar", upstream)
    without(checkout, "codex_hooks.start")
    done = patcher(checkout, "pin", "codex_hooks.start", "--upstream", str(upstream), "--write")
    assert (done.code, done.err) == (0, "wrote 1 pin into patcher/patches/pins.json\n")
    [pin] = json.loads((checkout / "patcher/patches/pins.json").read_text())["codex_hooks.start"]
    assert pin["reviewed"].startswith("the directory with the tree ")


def test_pin_of_a_commit_names_the_version_and_the_commit(checkout: Path) -> None:
    clone = Repository(checkout / "clone")
    shutil.copytree(ROOT / "fixtures/sidecar", clone.path)
    clone.git("init", "--quiet")
    clone.git("add", "--all")
    clone.git("commit", "--quiet", "--message", "all of it")
    commit = clone.git("rev-parse", "HEAD").strip()
    without(checkout, "codex_hooks.start")
    done = patcher(checkout, "pin", "codex_hooks.start", "--upstream", f"{clone.path}@{commit}", "--write")
    assert (done.code, done.err) == (0, "wrote 1 pin into patcher/patches/pins.json\n")
    [pin] = json.loads((checkout / "patcher/patches/pins.json").read_text())["codex_hooks.start"]
    assert pin["reviewed"] == f"v1.4.8 at {commit[:12]}"


@pytest.mark.parametrize(
    ("site", "message", "hint"),
    [
        ("stamp_harness.9", "there is no site stamp_harness.9", "did you mean `stamp_harness.s"),
        ("nothing", "there is no site nothing", "`sidecar-patcher explain PATCH` names"),
        ("stamp_harness.forward", "stamp_harness.forward is not on the v1 line", "`sidecar-patcher explain stamp_h"),
    ],
)
def test_a_site_that_cannot_be_pinned_is_a_usage_error(cli: CommandLine, site: str, message: str, hint: str) -> None:
    ended = cli("pin", site)
    assert ended.code == 2 and f"error[usage]: {message}" in ended.err and f"hint: {hint}" in ended.err


@pytest.mark.parametrize("name", ["patcher/patches/pins.json", "fixtures/pins.json"])
@pytest.mark.parametrize("text", ["", None, '{"nobody.here": []}'])
def test_no_command_goes_on_with_a_damaged_record(checkout: Path, name: str, text: str | None) -> None:
    path = checkout / name
    path.unlink() if text is None else path.write_text(text)
    for words in (["explain", "codex_hooks"], ["list"], ["check", "--format", "github"], ["pin", "codex_hooks.start"]):
        said = patcher(checkout, *words)
        assert said.code == 5 and "pins-unreadable" in said.out + said.err and "Traceback" not in said.err
    done = patcher(checkout, "build", "--out", "out")
    assert done.code == 5 and "error[pins-unreadable]: " in done.out + done.err and "Traceback" not in done.err
    assert not (checkout / "out").exists()


def test_a_changed_record_makes_a_tree_out_of_date(checkout: Path) -> None:
    assert patcher(checkout, "build", "--out", "out").code == 0
    assert patcher(checkout, "build", "--out", "out").err.startswith("up to date")
    for name in ("patcher/patches/pins.json", "fixtures/pins.json"):
        path = checkout / name
        path.write_text(path.read_text().replace('"line": 1', '"line": 2'))
        assert patcher(checkout, "build", "--out", "out").err.startswith("built ")
    assert len(tool_fingerprint()) == 64
