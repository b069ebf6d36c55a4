"""`consent`, our second series: on top of `codex`, the two together through every verb, and back to upstream's bytes."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from patcher import pipeline
from patcher.model import File
from patcher.node.find import find_node
from patcher.prove import proof
from patcher.prove.directories import scrubbed_environment
from patcher.series.load import choose
from patcher.series.where import with_codex
from patcher.upstream.materialize import materialize
from tests.support import CommandLine, snapshot

REPO = os.environ.get("SIDECAR_UPSTREAM_REPO", "")
real = pytest.mark.skipif(not REPO, reason="SIDECAR_UPSTREAM_REPO does not name a clone of Claude-Code-Agent-Monitor")
SPECS = (
    "builtin",
    *(pytest.param(f"{REPO}@{ref}", id=ref, marks=real) for ref in ("840c518d", "v1.2.0", "v1.4.8", "v2.0.3")),
)
BUILTIN_AND_REAL = ("builtin", pytest.param(f"{REPO}@v1.4.8", id="v1.4.8", marks=real))


def test_codex_comes_with_it_and_no_other_name_is_touched() -> None:
    assert with_codex(["consent"]) == ["codex", "consent"]
    assert with_codex(["codex", "consent"]) == ["codex", "consent"]
    assert with_codex(["acme"]) == ["acme"]


@pytest.mark.slow
def test_upstream_s_hooks_wait_for_consent() -> None:
    """Red on the pristine builtin sidecar, green on the patched one."""
    series = choose(with_codex(["consent"]))
    build = pipeline.check("builtin", series=series)
    [result] = proof.run(build, only=["claude_hooks_wait"], series=series)
    assert (result.ok, result.pristine.green, result.patched.green) == (True, False, True), result.message


@pytest.mark.slow
@pytest.mark.parametrize("spec", SPECS)
def test_both_are_built_verified_listed_and_taken_out_again(cli: CommandLine, tmp_path: Path, spec: str) -> None:
    out = tmp_path / "out"
    assert cli("build", "--series", "consent", "--upstream", spec, "--out", out).code == 0
    assert cli("verify", out).code == 0
    assert cli("verify", out, "--series", "consent").code == 0
    assert cli("verify", out, "--series", "codex").code == 1
    again = cli("build", "--series", "codex", "--series", "consent", "--upstream", spec, "--out", out)
    assert (again.code, "up to date" in again.out + again.err) == (0, True)
    listed = json.loads(cli("list", "--series", "consent", "--format", "json").out)
    assert [each["id"] for each in listed["series"]][-1] == "claude_consent"
    assert cli("revert", out, "--out", tmp_path / "back").code == 0
    assert {path: File(*each) for path, each in snapshot(tmp_path / "back").items()} == materialize(spec).tree


BAD = {
    "comments": ("// mine\n{ }\n", None, 0, ""),
    "read-only": ("{}", lambda path: path.chmod(0o444), 1, "is read-only"),
    "another owner": ("{}", lambda path: os.chown(path, 12345, 12345), 1, "belongs to another user (uid 12345)"),
    "no JSON": ("{", None, 1, "is not valid JSON"),
    "hooks are off": ('{"disableAllHooks": true}', None, 1, "Claude Code runs no hooks of ours: `disableAllHooks`"),
}


@pytest.mark.slow
@pytest.mark.parametrize("spec", BUILTIN_AND_REAL)
@pytest.mark.parametrize("case", BAD)
def test_settings_that_cannot_be_changed_are_named_and_left_alone(
    cli: CommandLine, tmp_path: Path, case: str, spec: str
) -> None:
    text, spoil, code, said = BAD[case]
    if case == "another owner" and os.getuid() != 0:
        pytest.skip("only root gives files away")
    cli("build", "--series", "consent", "--upstream", spec, "--out", tmp_path / "out")
    env = {**scrubbed_environment(str(tmp_path / "home")), "CCAM_FORCE_HOST": "1"}
    env["DASHBOARD_DATA_DIR"] = str(tmp_path / "data")
    settings = tmp_path / "home" / ".claude" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(text)
    if spoil:
        spoil(settings)
    before = settings.stat()

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [find_node().path, *words]
        return subprocess.run(command, cwd=tmp_path / "out", env=env, capture_output=True, text=True, check=False)

    done = run("scripts/agent-hooks.js", "enable", "claude")
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    if code == 0:
        assert settings.read_text().count("scripts/hook-handler.js") >= 8
        assert run("scripts/install-hooks.js", "--claude").returncode == 0, "upstream's own command agrees"
        assert run("scripts/agent-hooks.js", "disable", "claude").returncode == 0
    assert settings.read_text() == text
    assert code == 0 or (settings.stat().st_mtime_ns, settings.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


@pytest.mark.slow
@pytest.mark.parametrize("spec", ["builtin", pytest.param(f"{REPO}@v2.0.3", id="v2.0.3", marks=real)])
def test_in_a_container_it_is_refused(cli: CommandLine, tmp_path: Path, spec: str) -> None:
    """As upstream refuses it: the command would name a file that the user's Claude Code does not have."""
    cli("build", "--series", "consent", "--upstream", spec, "--out", tmp_path / "out")
    env = {
        **scrubbed_environment(str(tmp_path)),
        "CCAM_FORCE_CONTAINER": "1",
        "DASHBOARD_DATA_DIR": str(tmp_path / "d"),
    }
    command = [find_node().path, "scripts/agent-hooks.js", "enable", "claude"]
    done = subprocess.run(command, cwd=tmp_path / "out", env=env, capture_output=True, text=True, check=False)
    todo = "Run this outside of it, or set CCAM_ALLOW_CONTAINER_HOOKS=1 if Claude Code runs inside."
    assert (done.returncode, done.stderr) == (1, f"agent-hooks: the sidecar runs in a container. {todo}\n")
    assert not (tmp_path / ".claude").exists()
