"""The canary's workflow: what it runs exists, and does what the workflow says of it."""

import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from patcher.cli import parser
from patcher.model import Patch
from tests.support import ROOT, CommandLine, PatchMaker, Repository, Tree

WORKFLOW = ROOT / ".github" / "workflows" / "canary.yml.example"
CANARY: dict[Any, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = CANARY["jobs"]["matrix"]["steps"]
COMMANDS = [step["run"] for step in STEPS if "run" in step]


def judging() -> list[str]:
    """The arguments of the one command of ours."""
    [command] = [command for command in COMMANDS if "sidecar-patcher" in command]
    words = shlex.split(command)
    assert words[:4] == ["python3", ".dev", "run", "sidecar-patcher"]
    return words[4:]


def test_it_is_scheduled_and_may_only_read() -> None:
    triggers = CANARY[True]  # YAML 1.1 reads `on` as a truth value; GitHub does not
    assert [len(each["cron"].split()) for each in triggers["schedule"]] == [5]
    assert CANARY["permissions"] == {"contents": "read"}
    assert all("run" in step or re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]) for step in STEPS)


def test_its_commands_exist() -> None:
    listed = subprocess.run(["python3", ".dev", "--help"], cwd=ROOT, capture_output=True, text=True, check=True).stderr
    assert "run" in re.findall(r"^  (\w+)", listed, re.M)
    options = parser().parse_args(judging())
    assert (options.verb, options.require, options.format, options.client) == ("matrix", ["newest"], "github", True)
    for command in COMMANDS:
        subprocess.run(["sh", "-n", "-c", command], check=True)


def test_what_it_keeps_is_what_it_makes() -> None:
    options = parser().parse_args(judging())
    [kept] = [step["with"]["path"].split() for step in STEPS if "upload-artifact" in step.get("uses", "")]
    assert set(kept) == {options.html, options.report}
    assert [step["if"] for step in STEPS if "canary.md" in str(step.get("run", "")) and "if" in step] == ["always()"]
    assert any(f'"$UPSTREAM" {options.upstream}' in command for command in COMMANDS), "it judges what it has cloned"


@pytest.fixture
def story(tmp_path: Path, bench: PatchMaker, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A release that fits, and a tip."""
    from tests.matrix.test_matrix import versioned

    patch: Patch = bench.audit()
    monkeypatch.setattr("patcher.commands.matrix.patches_of", lambda _, client: (patch,))
    monkeypatch.setattr("patcher.patches.declaration.declared_by", lambda name: (f"patcher/patches/{name}.py", 17))
    path = tmp_path / "upstream"
    path.mkdir()
    repository = Repository(path)
    repository.git("init", "--quiet", "--initial-branch=main")
    client = {"client/package.json": "{}\n"}  # a tree without one is refused where the client is asked for
    return repository.commit(versioned("1.1.1").having(client), "v1.1.1")


def tip(repository: Repository, tree: Tree) -> None:
    tree.write(repository.path)
    repository.git("commit", "--quiet", "--all", "--message", "the tip")


@pytest.mark.parametrize("drifts", [True, False])
def test_it_is_red_when_the_tip_stops_and_keeps_the_page_either_way(
    cli: CommandLine, story: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drifts: bool
) -> None:
    from tests.matrix.test_matrix import BROKEN, SMALL, versioned

    tip(story, versioned("1.1.1", BROKEN if drifts else SMALL.edited("[]", "[1]")))
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "clone", "--quiet", "--bare", str(story.path), "upstream.git"], check=True)
    ended = cli(*judging())
    assert ended.code == (3 if drifts else 0)
    assert ("::error file=patcher/patches/audit.py,line=17," in ended.out) is drifts
    assert {"canary.html", "canary.json", "canary.md"} <= set(os.listdir(tmp_path))
    page = (tmp_path / "canary.html").read_text(encoding="utf-8")
    assert ("the tip" in page) is drifts
