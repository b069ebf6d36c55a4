"""The GitHub Action by its steps, the hook of pre-commit, and the workflow of a release."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from patcher.commands.arguments import parser
from tests.lab.action import ACTION, run_action
from tests.support import ROOT, Repository

RELEASE: dict[Any, Any] = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = yaml.safe_load(ACTION.read_text(encoding="utf-8"))["runs"]["steps"]


@pytest.fixture(autouse=True)
def _on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(ROOT))


@pytest.mark.slow
def test_the_action_checks_builds_and_says_where_the_tree_is(tmp_path: Path) -> None:
    ran = run_action({"upstream": "builtin"}, tmp_path, install=False)
    assert ran.code == 0, ran.text
    assert ran.outputs["tree"] == ".generated/agent-monitor"
    assert (tmp_path / ran.outputs["tree"] / "sidecar-patcher.json").exists()


@pytest.mark.slow
def test_the_action_stops_at_drift_with_an_annotation_on_the_patch(tmp_path: Path, repository: Repository) -> None:
    ran = run_action({"upstream": f"{repository.path}@v1.2.0"}, tmp_path, install=False)
    assert ran.code == 3
    lines = re.findall(r"^::error file=(patcher/patches/\w+\.py),line=(\d+)", ran.text, re.M)
    assert lines and all(
        (ROOT / file).read_text("utf-8").splitlines()[int(line) - 1].startswith("PATCH = ") for file, line in lines
    )
    assert not (tmp_path / ".generated").exists()


def test_no_step_of_the_action_puts_an_input_into_its_script() -> None:
    assert [step["name"] for step in STEPS if "${{" in step["run"]] == []
    for step in STEPS:
        subprocess.run(["bash", "-n", "-c", step["run"]], check=True)


def test_the_hook_of_pre_commit_is_a_command_that_exists() -> None:
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    program, *words = shlex.split(hook["entry"])
    assert (program, parser().parse_args(words).verb, hook["pass_filenames"]) == ("sidecar-patcher", "check", False)


def test_a_release_is_published_by_the_job_that_may_and_no_other() -> None:
    jobs = RELEASE["jobs"]
    assert RELEASE["permissions"] == {} and jobs["build"]["permissions"] == {"contents": "read"}
    assert jobs["publish"]["permissions"] == {"id-token": "write", "attestations": "write"}
    assert jobs["publish"]["needs"] == "build" and "publish" in str(jobs["publish"]["steps"][-1]["uses"])
    for step in jobs["build"]["steps"]:
        subprocess.run(["bash", "-n", "-c", step.get("run", "true")], check=True)


# --- what a tree has of whom -----------------------------------------------------------------------------------


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Path]:
    out = tmp_path / "out"
    subprocess.run([sys.executable, "-m", "patcher", "build", "--out", str(out)], cwd=ROOT, check=True)
    yield out


def test_the_sbom_names_every_file_its_digest_and_whose_it_is(tree: Path, tmp_path: Path) -> None:
    texts = []
    for name in ("one.json", "two.json"):
        command = [sys.executable, "-m", "patcher", "verify", str(tree), "--sbom", str(tmp_path / name)]
        subprocess.run(command, cwd=ROOT, env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}, check=True)
        texts.append((tmp_path / name).read_text(encoding="utf-8"))
    assert texts[0] == texts[1]
    bill = json.loads(texts[0])
    files = {each["name"]: each for each in bill["components"] if each["type"] == "file"}
    manifest = json.loads((tree / "sidecar-patcher.json").read_text(encoding="utf-8"))
    assert {name: (each["properties"][0]["value"], each["hashes"][0]["content"]) for name, each in files.items()} == {
        each["path"]: (each["status"], each["after"]) for each in manifest["files"]
    }
    assert bill["metadata"]["component"]["name"] == "agent-dashboard"
    assert bill["specVersion"] == "1.6" and "LICENSE" in files


def test_of_an_edited_tree_there_is_no_sbom(tree: Path, tmp_path: Path) -> None:
    (tree / "package.json").write_text("{")
    command = [sys.executable, "-m", "patcher", "verify", str(tree), "--sbom", str(tmp_path / "bill.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "1 difference; of an edited tree no SBOM is written")
    assert not (tmp_path / "bill.json").exists()
