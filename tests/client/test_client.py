"""`--client`: the sources travel for the build only, the tool chain is upstream's own, and the manifest covers the result."""

import json
import os
import shutil
from pathlib import Path

import pytest

from patcher.gates import GATE_IDS
from patcher.resources import BUILTIN_SIDECAR, MANIFEST
from patcher.upstream.materialize import materialize
from tests.support import CommandLine

REPO = os.environ.get("SIDECAR_UPSTREAM_REPO", "")
LABEL = "Codex CLI session tracking (experimental)"


def files_of(out: Path) -> dict[str, str]:
    manifest = json.loads((out / MANIFEST).read_text())
    return {entry["path"]: entry["status"] for entry in manifest["files"]}


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(BUILTIN_SIDECAR, tmp_path / "copy")
    return tmp_path / "copy"


def test_the_client_travels_only_when_it_is_asked_for(copy: Path) -> None:
    for name in ("node_modules/x/index.js", "dist/index.html", "src/__tests__/a.test.ts"):
        (copy / "client" / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / "client" / name).write_text("x")
    without, given = materialize(str(copy)).tree, materialize(str(copy), client=True).tree
    assert not [path for path in without if path.startswith("client/")]
    assert {path: given[path] for path in without} == without
    assert sorted(set(given) - set(without)) == [
        "client/build.mjs",
        "client/package.json",
        "client/src/components/EmptyState.tsx",
        "client/src/components/ImportHistory.tsx",
        "client/src/components/SessionCard.tsx",
        "client/src/components/StatusBadge.tsx",
        "client/src/lib/api.ts",
        "client/src/lib/eventBus.ts",
        "client/src/main.tsx",
        "client/src/pages/Board.tsx",
        "client/src/pages/SessionDetail.tsx",
        "client/src/pages/Sessions.tsx",
        "client/src/pages/Settings.tsx",
        "client/src/words.ts",
    ]


@pytest.mark.slow
def test_only_what_is_built_is_in_the_generated_tree(cli: CommandLine, tmp_path: Path) -> None:
    plain, out = tmp_path / "plain", tmp_path / "out"
    assert cli("build", "--out", plain).code == 0
    ended = cli("build", "--client", "--out", out)
    assert (ended.code, "2 built" in ended.err) == (0, True)
    built = {path for path, status in files_of(out).items() if status == "built"}
    assert {path for path in files_of(out) if path.startswith("client/")} == built
    assert {path: data for path, data in contents(out).items() if path not in built | {MANIFEST}} == {
        path: data for path, data in contents(plain).items() if path != MANIFEST
    }
    assert LABEL in (out / "client/dist/index.html").read_text()
    assert "client" not in json.loads((plain / MANIFEST).read_text())


@pytest.mark.slow
def test_two_builds_are_one_and_a_third_has_nothing_to_do(cli: CommandLine, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "deeper" / "second"
    assert cli("build", "--client", "--out", first).code == cli("build", "--client", "--out", second).code == 0
    assert contents(first) == contents(second)
    assert cli("build", "--client", "--out", first).err == f"up to date: {first}\n"
    assert cli("build", "--out", first).err.startswith("built ")  # without the client it is another tree
    assert not (first / "client").exists()


@pytest.mark.slow
def test_verify_sees_an_edited_bundle_and_revert_leaves_it_out(cli: CommandLine, tmp_path: Path) -> None:
    out = tmp_path / "out"
    cli("build", "--client", "--out", out)
    assert cli("revert", out, "--out", tmp_path / "pristine").code == 0
    assert contents(tmp_path / "pristine") == {path: file.data for path, file in materialize("builtin").tree.items()}
    (out / "client/dist/index.html").write_text("edited")
    assert cli("verify", out).out == "edited   client/dist/index.html\n"


@pytest.mark.slow
def test_a_client_that_does_not_build_writes_nothing(cli: CommandLine, copy: Path, tmp_path: Path) -> None:
    (copy / "client/build.mjs").write_text("console.log('TS2304: no such name'); process.exit(2);\n")
    ended = cli("build", "--client", "--upstream", copy, "--out", tmp_path / "out")
    assert ended.code == 4 and not (tmp_path / "out").exists()
    assert "error[client-build-failed]: client: upstream's `npm run build` ended with" in ended.err
    assert "TS2304: no such name" in ended.err


@pytest.mark.slow
def test_a_build_that_leaves_nothing_is_refused(cli: CommandLine, copy: Path, tmp_path: Path) -> None:
    (copy / "client/build.mjs").write_text("")
    ended = cli("build", "--client", "--upstream", copy, "--out", tmp_path / "out")
    assert (ended.code, "left no `dist/index.html`" in ended.err) == (4, True)


def test_a_client_that_drifted_stops_the_build(cli: CommandLine, copy: Path, tmp_path: Path) -> None:
    page = copy / "client/src/pages/Settings.tsx"
    page.write_text(page.read_text().replace('<section id="hooks">', '<section id="claude-hooks">'))
    ended = cli("check", "--client", "--upstream", copy)
    assert ended.code == 3
    assert "error[anchor-drifted]: client/src/pages/Settings.tsx:18: settings_switch: the code around" in ended.out
    assert cli("check", "--upstream", copy).code == 0  # without the client nobody looks at it


def test_a_tree_without_a_client_says_so(cli: CommandLine, copy: Path) -> None:
    shutil.rmtree(copy / "client")
    ended = cli("check", "--client", "--upstream", copy)
    assert ended.code == 5
    assert ended.err == (
        f"error[client-missing]: {copy}: expected client/package.json, found no such file\n"
        "  hint: leave `--client` out, or give a checkout or a git ref: what npm publishes has no client sources\n"
    )


def test_packages_that_are_not_in_the_cache_are_not_fetched_unasked(
    cli: CommandLine, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    package = copy / "client/package.json"
    package.write_text(package.read_text().replace('"builtin"', '"^18.3.1"'))
    ended = cli("build", "--client", "--upstream", copy, "--out", tmp_path / "out")
    assert (ended.code, not (tmp_path / "out").exists()) == (5, True)
    assert "error[dependencies-missing]" in ended.err and "the same command with `--install` fetches them" in ended.err


def test_the_contract_of_the_client_wants_the_client(cli: CommandLine) -> None:
    ended = cli("prove", "--only", "settings_has_the_switch")
    assert (ended.code, ended.err) == (
        2,
        "error[usage]: settings_has_the_switch looks at the built client\n  hint: add `--client`\n",
    )


def test_without_a_browser_the_contract_is_refused_and_not_skipped(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("playwright")
    monkeypatch.setenv("SIDECAR_BROWSER", "/nowhere/chromium")
    ended = cli("prove", "--client", "--only", "settings_has_the_switch")
    assert ended.code == 5
    assert (
        "error[browser-missing]: there is no Chromium: SIDECAR_BROWSER=/nowhere/chromium is not a program" in ended.err
    )


REFS = ("v1.1.1", "v1.2.0", "v1.3.0", "v1.4.0", "v1.4.1", "v1.4.2", "v1.4.5", "v1.4.6", "v1.4.8")
REFS_V2 = ("v2.0.0", "v2.0.1", "v2.0.2", "v2.0.3")


@pytest.mark.slow
@pytest.mark.skipif(not REPO, reason="SIDECAR_UPSTREAM_REPO names no clone of upstream")
@pytest.mark.parametrize("ref", [*REFS, *REFS_V2])
def test_the_patches_of_the_client_fit_every_upstream(cli: CommandLine, ref: str) -> None:
    ended = cli("check", "--client", "--upstream", f"{REPO}@{ref}", "--format", "json")
    content = json.loads(ended.out)
    verdicts = {patch["id"]: patch["verdict"] for patch in content["patches"]}
    v2 = ref in REFS_V2
    fits = {name: {"exact": "fits", "moved": "fits"}.get(verdict, verdict) for name, verdict in verdicts.items()}
    assert ended.code == 0
    assert {name: fits[name] for name in ("session_capture", "settings_switch", "harness_badge", "harness_filter")} == {
        "session_capture": "superseded" if v2 else "fits",
        "settings_switch": "fits",
        "harness_badge": "fits",
        "harness_filter": "superseded" if v2 else "fits",
    }
    assert [(gate["id"], gate["ok"]) for gate in content["gates"]] == [(name, True) for name in GATE_IDS]
