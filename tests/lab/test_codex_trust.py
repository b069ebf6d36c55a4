"""What we say of trust is what the real Codex CLI says: keys, hashes, and the word for each entry of ours."""

import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patcher.prove import Sidecar, default_cache
from patcher.prove.directories import scrubbed_environment
from tests.lab.codex_lane import codex
from tests.lab.consent.states import configure, flip, status, trust

_NAME = re.compile(r"codex-(\d+\.\d+\.\d+)")
_LONGEST = 30.0
_TRUST_SINCE = 129  # the minor version that brought trust, and `hooks/list`

Hooks = dict[str, dict[str, Any]]


def installed_versions() -> list[str]:
    """The versions of Codex that `python3 .dev lab codex_lane` has fetched: this test fetches none."""
    store = os.path.join(default_cache(), "npm-dev")
    names = sorted(os.listdir(store)) if os.path.isdir(store) else []
    versions = [match.group(1) for match in map(_NAME.fullmatch, names) if match]
    return [version for version in versions if int(version.split(".")[1]) >= _TRUST_SINCE]


VERSIONS = installed_versions()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not VERSIONS, reason="no Codex is here; `python3 .dev lab codex_lane` fetches it"),
]


@pytest.fixture(params=VERSIONS or ["none"])
def program(request: pytest.FixtureRequest) -> str:
    return codex.binary(request.param)


def hooks_list(program: str, sidecar: Sidecar, codex_home: str | None = None) -> Hooks:
    """What Codex's app server lists, by key."""
    env = {**scrubbed_environment(sidecar.home), "CODEX_HOME": codex_home or sidecar.codex_home}
    ask = [
        {"id": 0, "method": "initialize", "params": {"clientInfo": {"name": "test", "version": "0"}}},
        {"method": "initialized"},
        {"id": 1, "method": "hooks/list", "params": {"cwds": [sidecar.home]}},
    ]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [program, "app-server"],
        stdin=pipe,
        stdout=pipe,
        stderr=subprocess.DEVNULL,
        env=env,
        cwd=sidecar.home,
        text=True,
    )
    deadline = threading.Timer(_LONGEST, process.kill)
    deadline.start()
    try:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write("".join(f"{json.dumps(each)}\n" for each in ask))
        process.stdin.flush()
        answers: Iterator[dict[str, Any]] = map(json.loads, process.stdout)
        answer = next(each for each in answers if each.get("id") == 1)
    finally:
        deadline.cancel()
        process.kill()
        process.communicate()
    return {hook["key"]: hook for data in answer["result"]["data"] for hook in data["hooks"]}


def assert_same(program: str, sidecar: Sidecar, state: str, codex_home: str | None = None) -> None:
    """Each entry of ours: the same key, the same hash, the same word; and `state` for all of them."""
    listed = hooks_list(program, sidecar, codex_home)
    known = {event for event in ENTRIES if not (event == "Interrupt" and "codex-0.146" in program)}
    told = status(sidecar)["trust"]
    assert {entry["event"] for entry in told["entries"]} == ENTRIES
    assert len([hook for hook in listed.values() if "codex-hook-handler.js" in hook["command"]]) == len(known)
    for entry in told["entries"]:
        if entry["event"] not in known:
            continue  # this Codex cannot run it, nor can anybody trust it there
        theirs = listed[entry["key"]]
        word = theirs["trustStatus"] if theirs["enabled"] else "disabled"
        assert (entry["hash"], entry["state"]) == (theirs["currentHash"], word), entry
    assert told["state"] == state


def write_hooks(sidecar: Sidecar, hooks: dict[str, Any]) -> None:
    Path(sidecar.codex_home, "hooks.json").write_text(json.dumps({"hooks": hooks}), encoding="utf-8")


ENTRIES = {
    *("SessionStart", "SessionEnd", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "Interrupt"),
    *("SubagentStart", "SubagentStop", "PreCompact", "PostCompact"),
}
FOREIGN = {"matcher": "*", "hooks": [{"type": "command", "command": "true"}, {"type": "command", "command": "false"}]}


def test_a_fresh_home(program: str, patched_sidecar: Sidecar) -> None:
    flip(patched_sidecar, enabled=True)
    assert_same(program, patched_sidecar, "untrusted")
    trust(patched_sidecar)
    assert_same(program, patched_sidecar, "trusted")


def test_a_home_with_hooks_of_others(program: str, patched_sidecar: Sidecar) -> None:
    write_hooks(patched_sidecar, {"PreToolUse": [FOREIGN, FOREIGN], "Stop": [FOREIGN], "Interrupt": [FOREIGN]})
    flip(patched_sidecar, enabled=True)
    trust(patched_sidecar)
    assert_same(program, patched_sidecar, "trusted")


def test_a_home_behind_a_link(program: str, sidecar_tree: str, tmp_path: Path, _sidecar_node: Any) -> None:  # noqa: PT019
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real, target_is_directory=True)
    with Sidecar(sidecar_tree, _sidecar_node, env={"CODEX_HOME": str(link)}) as sidecar:
        flip(sidecar, enabled=True)
        assert_same(program, sidecar, "untrusted", str(link))


def test_a_hooks_file_behind_a_link(program: str, patched_sidecar: Sidecar, tmp_path: Path) -> None:
    target = tmp_path / "hooks of mine.json"
    target.write_text("{}", encoding="utf-8")
    os.symlink(target, os.path.join(patched_sidecar.codex_home, "hooks.json"))
    flip(patched_sidecar, enabled=True)
    trust(patched_sidecar)
    assert_same(program, patched_sidecar, "trusted")


def test_another_command_than_was_reviewed(program: str, patched_sidecar: Sidecar) -> None:
    flip(patched_sidecar, enabled=True)
    entries = status(patched_sidecar)["trust"]["entries"]
    configure(
        patched_sidecar,
        "".join(f"[hooks.state.{json.dumps(e['key'])}]\ntrusted_hash = 'sha256:{'0' * 64}'\n" for e in entries),
    )
    assert_same(program, patched_sidecar, "modified")


def test_switched_off_in_codex(program: str, patched_sidecar: Sidecar) -> None:
    flip(patched_sidecar, enabled=True)
    trust(patched_sidecar)
    config = Path(patched_sidecar.codex_home, "config.toml")
    config.write_text(re.sub(r'("\n)\n', r"\1enabled = false\n\n", config.read_text()), encoding="utf-8")
    assert_same(program, patched_sidecar, "disabled")


def test_some_of_them_trusted(program: str, patched_sidecar: Sidecar) -> None:
    flip(patched_sidecar, enabled=True)
    trust(patched_sidecar)
    config = Path(patched_sidecar.codex_home, "config.toml")
    config.write_text(config.read_text().split("\n\n", 3)[3], encoding="utf-8")
    assert_same(program, patched_sidecar, "partly")


@pytest.mark.parametrize(
    ("config", "enabled"),
    [
        pytest.param("", True, id="nothing said"),
        pytest.param("[features]\nhooks = false\n", False, id="off"),
        pytest.param("[features]\ncodex_hooks = false\n", False, id="off by the old name"),
        pytest.param("[features]\ncodex_hooks = true\nhooks = false\n", False, id="the new name overrules the old one"),
        pytest.param("[features]\nhooks = true\ncodex_hooks = false\n", True, id="on by the new name"),
        pytest.param("features.hooks = false\n", False, id="a dotted key"),
        pytest.param("features = { 'hooks' = false }\n", False, id="an inline table"),
        pytest.param("[features]\nHooks = false\n", True, id="another name"),
        pytest.param("[features]\nhooks = 0\n", None, id="a number"),
        pytest.param("[features]\nhooks = false\n[features]\n", None, id="a table twice"),
        pytest.param("[features\n", None, id="no TOML"),
    ],
)
def test_the_feature_flag(program: str, config: str, enabled: bool | None, patched_sidecar: Sidecar) -> None:
    configure(patched_sidecar, config)
    env = {**scrubbed_environment(patched_sidecar.home), "CODEX_HOME": patched_sidecar.codex_home}
    command = [program, "features", "list"]
    done = subprocess.run(command, env=env, cwd=patched_sidecar.home, capture_output=True, text=True, timeout=_LONGEST)
    found = re.search(r"^hooks\s.*\s(true|false)$", done.stdout, re.MULTILINE)
    assert (found and found.group(1) == "true" if done.returncode == 0 else None) is enabled
    assert status(patched_sidecar)["feature"]["enabled"] is enabled
