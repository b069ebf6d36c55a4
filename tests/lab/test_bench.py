"""The pieces of the benchmarks work, without a network. Nothing that is timed is asserted."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from patcher import pipeline
from patcher.gates import GATE_IDS
from patcher.model import File, Tree
from patcher.uptodate import is_up_to_date, quick_build
from tests.lab.bench import __main__ as command
from tests.lab.bench import stages
from tests.lab.bench.measured import Cost, Failed, median, run
from tests.lab.bench.patch_package import Project, differences, patch_text, read_tree
from tests.lab.drift import nodejs

PRISTINE: Tree = {
    "package.json": File(b'{"name": "agent-dashboard"}\n'),
    "server/app.js": File("const naïve = 1;\nmodule.exports = naïve;".encode()),
    "server/crlf.js": File(b"one();\r\ntwo();\r\n"),
}
GENERATED: Tree = {
    **PRISTINE,
    "server/app.js": File("const naïve = 1;\n/* 漢字 */\nmodule.exports = naïve;".encode()),
    "server/crlf.js": File(b"one();\r\n/* ours */\r\ntwo();\r\n"),
    "server/new.js": File(b"exports.new = true;\n"),
    "scripts/handler.js": File(b"#!/usr/bin/env node\n", executable=True),
}


# --- the patch that patch-package gets -------------------------------------------------------------------------


def test_the_patch_makes_the_generated_tree_of_the_pristine_one(tmp_path: Path) -> None:
    project = Project(str(tmp_path), "1.2.0", PRISTINE, GENERATED)
    project.reset()
    assert differences(project.result(), PRISTINE) == []
    patch = Path(project.root) / "patches" / "agent-dashboard+1.2.0.patch"
    subprocess.run(
        ["git", "apply", "--whitespace=nowarn", str(patch)], cwd=project.root, check=True, capture_output=True
    )
    assert differences(project.result(), GENERATED) == []
    project.reset()
    assert differences(project.result(), PRISTINE) == []


def test_every_header_has_the_two_prefixes_that_patch_package_reads(tmp_path: Path) -> None:
    lines = patch_text(str(tmp_path), PRISTINE, GENERATED).splitlines()
    headers = [line.decode() for line in lines if line.startswith(b"diff --git ")]
    paths = sorted(path for path, file in GENERATED.items() if PRISTINE.get(path) != file)
    package = "node_modules/agent-dashboard"
    assert headers == [f"diff --git a/{package}/{path} b/{package}/{path}" for path in paths]
    assert b"new file mode 100755" in lines


def test_two_trees_that_are_one_make_no_patch(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no difference"):
        patch_text(str(tmp_path), PRISTINE, PRISTINE)


def test_differences_are_named_by_path() -> None:
    other = {**GENERATED, "server/new.js": File(b""), "scripts/handler.js": File(b"#!/usr/bin/env node\n")}
    assert differences(GENERATED, other) == ["scripts/handler.js", "server/new.js"]
    assert differences(GENERATED, PRISTINE) == [
        "scripts/handler.js",
        "server/app.js",
        "server/crlf.js",
        "server/new.js",
    ]


def test_the_builtin_sidecar_round_trips(tmp_path: Path) -> None:
    build = pipeline.check("builtin")
    project = Project(str(tmp_path), build.upstream.version, build.upstream.tree, build.tree)
    project.reset()
    patch = f"patches/agent-dashboard+{build.upstream.version}.patch"
    subprocess.run(["git", "apply", "--whitespace=nowarn", patch], cwd=project.root, check=True, capture_output=True)
    assert differences(project.result(), build.tree) == []


def test_a_tree_is_read_with_its_executable_bits(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    script = tmp_path / "folder" / "script.js"
    script.write_bytes(b"1\n")
    script.chmod(0o755)
    assert read_tree(str(tmp_path)) == {"folder/script.js": File(b"1\n", executable=True)}


# --- measuring -------------------------------------------------------------------------------------------------


def test_a_process_is_timed_and_weighed(tmp_path: Path) -> None:
    small = run([sys.executable, "-S", "-c", "pass"], str(tmp_path))
    large = run([sys.executable, "-S", "-c", "bytearray(b'x' * (200 << 20))"], str(tmp_path))
    assert small.seconds > 0
    assert large.megabytes > small.megabytes + 150


def test_a_large_parent_does_not_hide_a_small_child(tmp_path: Path) -> None:
    ballast = bytearray(b"x" * (200 << 20))
    assert run([sys.executable, "-S", "-c", "pass"], str(tmp_path)).megabytes < 100
    assert len(ballast) == 200 << 20


def test_a_command_that_ends_badly_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="ended with 3: broken"):
        run([sys.executable, "-c", "import sys; sys.stderr.write('broken'); sys.exit(3)"], str(tmp_path))
    with pytest.raises(Failed, match="No such file"):
        run([str(tmp_path / "nothing")], str(tmp_path))


def test_the_median_is_taken_of_time_and_memory_each() -> None:
    assert median([Cost(3, 10), Cost(1, 30), Cost(2, 20)]) == Cost(2, 20)


def test_rounds_are_interleaved_and_the_first_does_not_count() -> None:
    order: list[str] = []

    def side(name: str, costs: list[float]) -> Cost:
        order.append(name)
        return Cost(costs.pop(0), 1)

    left, right = [100.0, 1, 3, 2], [100.0, 6, 4, 5]
    found = command._interleaved([lambda: side("left", left), lambda: side("right", right)], 3)
    assert order == ["left", "right"] * 4
    assert [each.seconds for each in found] == [2, 5]


def test_the_profile_has_every_stage_once() -> None:
    names = [name for name, _ in stages.profile("builtin")]
    assert [name.removeprefix("gate ") for name in names if name.startswith("gate ")] == list(GATE_IDS)
    assert [name for name in names if not name.startswith("gate ")] == [
        "load modules",
        "materialize",
        "locate, verify, render, splice",
        "manifest",
        "write",
    ]


# --- the command -----------------------------------------------------------------------------------------------


def test_without_npm_it_says_what_it_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(package: str, version: str) -> str:
        raise nodejs.Unavailable("there is no npm on this machine")

    monkeypatch.setattr(nodejs, "installed", unavailable)
    monkeypatch.setattr(command, "run", lambda *_: Cost(0.25, 40))
    assert list(command._cold("builtin", pipeline.check("builtin"), 1, str(tmp_path))) == [
        "skipped: patch-package: there is no npm on this machine",
        "cold build, all gates: 250 ms",
        "peak memory of a cold build: 40 MB",
    ]


def test_every_kind_of_spec_is_measured_and_is_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    specs = command._kinds("builtin", str(tmp_path))
    assert list(specs) == ["builtin", "git ref", "directory", ".tgz"]
    for kind, spec in specs.items():
        out = str(tmp_path / f"out-{kind}")
        assert pipeline.build(spec, out).ok
        assert is_up_to_date(spec, out), kind
    settings = command._working_directory(specs["git ref"], str(tmp_path))
    monkeypatch.chdir(settings)
    assert pipeline.build(specs["git ref"], "out").ok and quick_build([])
    shutil.rmtree(settings)
    monkeypatch.setattr(command, "_kinds", lambda *_: specs)
    monkeypatch.setattr(command, "run", lambda words, _: Cost(1 if words[1] == "-c" else 3, 10))
    lines = list(command._up_to_date("builtin", 1, str(tmp_path)))
    assert lines == [
        f"build that is up to date, {kind}: 3.00 of `python -c pass` (3000 ms, 1000 ms; 10 MB, 10 MB)"
        for kind in (*specs, "git ref by sidecar.toml")
    ]


@pytest.mark.parametrize("rounds", ["0", "-1", "many", ""])
def test_a_number_of_rounds_is_at_least_one(rounds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main([f"--rounds={rounds}"])
    assert ended.value.code == 2
    assert "expected a number of rounds" in capsys.readouterr().err


def test_an_upstream_that_is_not_there_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SIDECAR_UPSTREAM_REPO", raising=False)
    assert command.main(["--upstream", "/no/such/place", "--rounds", "1"]) == 1
    assert "there is no such directory" in capsys.readouterr().err


def test_python_keeps_what_it_compiles_in_the_scratch_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"PYTHONDONTWRITEBYTECODE": "1", "PATH": "/bin"})
    command._as_on_a_second_run(str(tmp_path))
    assert "PYTHONDONTWRITEBYTECODE" not in os.environ
    assert os.environ["PYTHONPYCACHEPREFIX"] == str(tmp_path / "pycache")


def test_npm_that_failed_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network it tries for minutes, and the drift corpus asks for each text."""
    asked: list[str] = []

    def offline(package: str, entry: str) -> None:
        asked.append(package)
        raise nodejs.Unavailable("offline")

    monkeypatch.setattr(nodejs, "_install", offline)
    monkeypatch.setattr(nodejs, "_FAILED", {})
    for _ in range(3):
        with pytest.raises(nodejs.Unavailable, match="offline"):
            nodejs.installed("nothing", "1.0.0")
    assert asked == ["nothing@1.0.0"]
