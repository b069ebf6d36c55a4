"""The doctor: a look for each thing that can be wrong, what it says to type, and that it leaves nothing behind."""

import json
import os
import random
import shutil
import sqlite3
import subprocess
import time
import tomllib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from patcher import pipeline
from patcher.doctor import examine
from patcher.doctor.check import Check, State
from patcher.doctor.codex import feature
from patcher.doctor.entries import HANDLER, is_ours
from patcher.doctor.environment import Environment, Unreadable, read_hooks, read_toml, version_of
from patcher.doctor.rollouts import newest
from patcher.doctor.sidecar import ports_of_the_handler
from patcher.errors import NodeMissing
from patcher.node.find import Node, find_node
from patcher.prove import Sidecar
from patcher.prove.directories import scrubbed_environment
from patcher.prove.sidecar import eventually
from tests.doctor.trust_oracle import entries_in, hash_of, snake, state_of, unknown_to
from tests.lab.codex_lane import trust as lane
from tests.support import CommandLine, wait_for

SESSION = "0199f000-0000-7000-8000-000000000001"
EVENTS = {
    "SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "SubagentStart", "SubagentStop",
    "PreCompact", "PostCompact", "SessionEnd", "Interrupt",
}  # fmt: skip


def node() -> Node:
    try:
        return find_node()
    except NodeMissing as error:
        pytest.skip(error.message)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = str(tmp_path_factory.mktemp("doctor") / "tree")
    assert pipeline.build("builtin", out).ok
    return out


class Patient:
    """A user's machine, below one directory: a home, a Codex, the sidecar's data, and a sidecar when it is started."""

    def __init__(self, tree: str, base: Path) -> None:
        self.tree, self.base, self.node = tree, base, node()
        self.codex_home = base / "home" / ".codex"
        self.data = base / "data"
        self.project = base / "project"
        self.port: int | None = None
        for folder in (self.codex_home, self.data, self.project / ".git", base / "bin", base / "home" / "tmp"):
            folder.mkdir(parents=True)
        (base / "bin" / "node").symlink_to(self.node.path)
        self.codex("codex-cli 0.169.0")
        self.env = {**scrubbed_environment(str(base / "home")), "PATH": f"{base / 'bin'}:/usr/bin:/bin"}
        self.env.update(CODEX_HOME=str(self.codex_home), DASHBOARD_DATA_DIR=str(self.data))

    def codex(self, says: str) -> None:
        """A program named codex that says its version."""
        program = self.base / "bin" / "codex"
        program.write_text(f"#!/bin/sh\necho '{says}'\n")
        program.chmod(0o755)

    def command(self, verb: str) -> None:
        """The tree's own command."""
        words = [self.node.path, os.path.join(self.tree, "scripts", "codex-hooks.js"), verb]
        subprocess.run(words, env=self.env, check=True, capture_output=True)

    @property
    def hooks(self) -> Path:
        return self.codex_home / "hooks.json"

    def config(self, text: str) -> None:
        (self.codex_home / "config.toml").write_text(text)

    def trusts(self, *, but: tuple[str, ...] = (), state: str = "") -> None:
        """The user has trusted our entries; those of `but` are in another state, or in none."""
        lines = []
        for entry in entries_in(json.loads(self.hooks.read_text())["hooks"]):
            told = f'trusted_hash = "{entry.hash}"' if entry.event not in but else state
            if told:
                lines.append(f'[hooks.state."{self.hooks}:{entry.place}"]\n{told}\n')
        self.config("".join(lines))

    def rollout(self, **meta: Any) -> Path:
        """A session that Codex has kept a file of."""
        folder = self.codex_home / "sessions" / "2026" / "11" / "24"
        folder.mkdir(parents=True, exist_ok=True)
        line = {"id": SESSION, "session_id": SESSION, "timestamp": "2026-11-24T20:00:00.000Z", "source": "exec", **meta}
        line = {"timestamp": line["timestamp"], "type": "session_meta", "payload": {"cwd": "/p", **line}}
        path = folder / f"rollout-2026-11-24T20-00-00-{SESSION}.jsonl"
        path.write_text(json.dumps(line) + "\n")
        return path

    @contextmanager
    def sidecar(self, **env: str) -> Iterator[Sidecar]:
        """A sidecar of the tree, on this machine's data."""
        own = {"CODEX_HOME": str(self.codex_home), "DASHBOARD_DATA_DIR": str(self.data)}
        with Sidecar(self.tree, self.node, work=str(self.base), env={**own, **env}) as sidecar:
            self.port = sidecar.port
            yield sidecar

    def examined(self, **more: Any) -> dict[str, Check]:
        more = {"tree": self.tree, "port": self.port, "directory": str(self.project), **more}
        environment = Environment(
            env={**self.env, **({"CLAUDE_DASHBOARD_PORT": str(self.port)} if self.port else {})}, **more
        )
        return {check.id: check for check in examine(environment)}


@pytest.fixture
def patient(tree: str, tmp_path: Path) -> Patient:
    return Patient(tree, tmp_path)


@pytest.fixture
def well(patient: Patient) -> Iterator[Patient]:
    """Switched on, trusted, a sidecar that runs, and a session that hooks and rollout have told of."""
    patient.command("enable")
    patient.trusts()
    with patient.sidecar() as sidecar:
        patient.rollout()
        start = {"session_id": SESSION, "hook_event_name": "SessionStart", "source": "startup", "cwd": "/p"}
        assert sidecar.post_hook("SessionStart", {**start, "__provider": "codex"}).status == 200
        yield patient


def states(checks: dict[str, Check]) -> dict[str, str]:
    return {id_: str(check.state) for id_, check in checks.items() if check.state is not State.OK}


# --- all is well ------------------------------------------------------------------------------------------------


def test_all_is_well(well: Patient) -> None:
    checks = well.examined()
    assert states(checks) == {}
    assert checks["session"].detail == f"{SESSION}: known, and reported by hooks"
    assert checks["trust"].detail == "11 of 11 hooks trusted, by [hooks.state]"
    assert checks["sidecar"].detail == f"answers on port {well.port}"
    assert [check.fix for check in checks.values()] == [""] * len(checks)


def dump(well: Patient) -> tuple[str, ...]:
    """The whole database as SQL."""
    connection = sqlite3.connect(well.data / "dashboard.db")
    try:
        return tuple(connection.iterdump())
    finally:
        connection.close()


def is_imported(well: Patient) -> bool:
    """Whether the sidecar has read the rollout to its end, and has nothing more to write."""
    return any("codex_rollouts" in line and SESSION in line for line in dump(well))


def test_the_test_event_leaves_nothing_behind(well: Patient) -> None:
    assert eventually(lambda: is_imported(well), 5)
    before = dump(well)
    assert well.examined()["round-trip"].detail.endswith("removed again")
    after = dump(well)
    assert "doctor" not in "".join(after)
    assert sorted(line for line in after if "sqlite_sequence" not in line) == sorted(
        line for line in before if "sqlite_sequence" not in line
    )
    seen = well.data / "codex-hooks-seen.json"  # written some time after the first event that counts
    assert not seen.exists() or "doctor" not in seen.read_text()


def test_it_changes_no_file_of_the_user(well: Patient) -> None:
    def files() -> dict[str, tuple[int, bytes]]:
        found = [path for path in well.codex_home.rglob("*") if path.is_file()]
        return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in found}

    before = files()
    well.examined()
    assert files() == before


# --- before anything is switched on -----------------------------------------------------------------------------


def test_off(patient: Patient) -> None:
    checks = patient.examined()
    assert (checks["intent"].state, checks["intent"].detail) == (
        State.NOT_OK,
        "Codex CLI session tracking (experimental) is off",
    )
    assert checks["intent"].fix == f"node {patient.tree}/scripts/codex-hooks.js enable"
    assert checks["hooks-file"].detail == "first: Switch"
    assert checks["round-trip"].detail == "first: Hook handler, Sidecar"
    assert not patient.hooks.exists()


def test_what_it_says_to_type_puts_it_right(patient: Patient) -> None:
    typed = patient.examined()["intent"].fix
    subprocess.run(typed, shell=True, env=patient.env, check=True, capture_output=True)  # noqa: S602 - as a user types it
    assert patient.examined()["intent"].state is State.OK


def test_options_become_part_of_what_to_type(patient: Patient) -> None:
    for name in ("CODEX_HOME", "DASHBOARD_DATA_DIR"):
        del patient.env[name]
    other = str(patient.base / "other")
    checks = patient.examined(codex_home=str(patient.codex_home), data_dir=other)
    script = f"{patient.tree}/scripts/codex-hooks.js"
    assert checks["intent"].fix == f"CODEX_HOME={patient.codex_home} DASHBOARD_DATA_DIR={other} node {script} enable"


def test_a_codex_home_that_is_not_there(patient: Patient) -> None:
    checks = patient.examined(codex_home=str(patient.base / "nowhere"))
    assert checks["feature"].detail == "on, as by default"
    assert checks["intent"].state is State.NOT_OK


def test_the_master_switch(patient: Patient) -> None:
    patient.command("enable")
    patient.env["DASHBOARD_CODEX_HOOKS"] = "off"
    check = patient.examined()["master-switch"]
    assert check.detail == "DASHBOARD_CODEX_HOOKS=off forces the hooks off"
    assert check.fix == "unset DASHBOARD_CODEX_HOOKS"


# --- Node and tree ----------------------------------------------------------------------------------------------


def test_no_node(patient: Patient) -> None:
    patient.env["PATH"] = str(patient.project)
    check = patient.examined()["node"]
    assert (check.state, check.detail) == (State.NOT_OK, "the hooks run `node`, and there is none on PATH")


@pytest.mark.parametrize(
    ("says", "state", "found"),
    [
        ("echo v12.22.0", State.NOT_OK, "12.22.0, {} is older than 16"),
        ("echo v20.0.0", State.OK, "20.0.0, {}: enough for the hooks; the sidecar itself needs 22.5"),
        ("echo v22.5.0", State.OK, "22.5.0, {}"),
        ("exit 1", State.NOT_OK, "{} does not run"),
        ("echo hello", State.NOT_OK, "{} does not run"),
    ],
)
def test_nodes(patient: Patient, says: str, state: State, found: str) -> None:
    program = patient.base / "bin" / "node"
    program.unlink()
    program.write_text(f"#!/bin/sh\n{says}\n")
    program.chmod(0o755)
    check = patient.examined()["node"]
    assert (check.state, check.detail) == (state, found.format(program))


def test_no_tree(patient: Patient) -> None:
    checks = patient.examined(tree=str(patient.project))
    assert checks["tree"].detail == f"{patient.project}: expected sidecar-patcher.json, found no such file"
    assert checks["tree"].fix == f"name it with --tree DIR, or build one: sidecar-patcher build --out {patient.project}"
    assert checks["intent"].detail == "first: Generated tree"


def test_an_edited_tree(patient: Patient) -> None:
    copy = patient.base / "copy"
    shutil.copytree(patient.tree, copy)
    with open(copy / "server" / "db.js", "a", encoding="utf-8") as file:
        file.write("// mine\n")
    (copy / "scripts" / HANDLER).unlink()
    check = patient.examined(tree=str(copy))["tree"]
    assert check.detail == f"not as it was built: scripts/{HANDLER} deleted, server/db.js edited"
    assert check.fix == f"sidecar-patcher verify {copy}"


# --- handler and hooks file -------------------------------------------------------------------------------------


def test_the_handler_is_gone_or_old(patient: Patient) -> None:
    patient.command("enable")
    handler = patient.data / HANDLER
    handler.write_text("// an old one\n")
    assert patient.examined()["handler"].detail == f"{handler} is not the one of {patient.tree}"
    handler.unlink()
    check = patient.examined()["handler"]
    assert (check.detail, check.fix) == (
        f"{handler} is not there",
        f"node {patient.tree}/scripts/codex-hooks.js enable",
    )


def test_the_hooks_file_is_gone(patient: Patient) -> None:
    patient.command("enable")
    patient.hooks.unlink()
    assert patient.examined()["hooks-file"].detail == f"{patient.hooks} is not there"


def test_an_entry_is_gone_or_changed(patient: Patient) -> None:
    patient.command("enable")
    content = json.loads(patient.hooks.read_text())
    del content["hooks"]["Stop"]
    content["hooks"]["PreToolUse"][0]["hooks"][0]["timeout"] = 60
    patient.hooks.write_text(json.dumps(content))
    found = patient.examined()["hooks-file"].detail
    assert found == f"{patient.hooks} has no current entry of ours for PreToolUse, Stop"


def test_what_codex_does_not_take_is_a_check_for_each_problem(patient: Patient) -> None:
    patient.command("enable")
    assert patient.examined()["accepted"].state is State.OK
    patient.hooks.write_text(json.dumps({"$schema": "x", **json.loads(patient.hooks.read_text())}))
    patient.config('model = 5\n\n[features]\nhooks = "yes"\n')
    checks = patient.examined()
    assert "accepted" not in checks
    root, config = checks["accepted-hooks-file-unknown-root-key"], checks["accepted-config-value"]
    assert (root.state, config.state) == (State.NOT_OK, State.NOT_OK)
    assert root.fix == "Take `$schema` out of it."
    assert root.detail.endswith(f"({patient.hooks}:1 `$schema`)")
    assert config.detail.startswith(
        f"Codex refuses `{patient.codex_home}/config.toml`, and with it every hook: `model` is 5"
    )


def test_toml_that_only_codex_reads_is_no_alarm(patient: Patient) -> None:
    """Codex reads TOML 1.1, Python's reader 1.0."""
    patient.command("enable")
    patient.trusts()
    path = patient.codex_home / "config.toml"
    path.write_text("unknown = { a = 1,\n  b = 07:32, }\n" + path.read_text() + "\n[features]\nhooks = true\n")
    checks = patient.examined()
    assert checks["feature"].detail == "on, by `hooks = true`"
    assert checks["trust"].detail == "11 of 11 hooks trusted, by [hooks.state]"
    assert checks["accepted"].state is State.OK


@pytest.mark.parametrize("text", ["{nope", "[" * 5000, "[]", '"x"', "\x00"])
def test_a_hooks_file_that_is_none(patient: Patient, text: str) -> None:
    patient.command("enable")
    patient.hooks.write_text(text)
    checks = patient.examined()
    assert checks["hooks-file"].state is State.NOT_OK
    assert str(patient.hooks) in checks["hooks-file"].detail
    assert checks["hooks-file"].fix
    assert checks["trust"].detail == "first: Hooks file"


def test_a_second_copy_in_the_config(patient: Patient) -> None:
    patient.config(f"[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = 'command'\ncommand = 'node \"/x/{HANDLER}\"'\n")
    check = patient.examined()["duplicates"]
    assert check.detail == f"our hooks are also in {patient.codex_home}/config.toml (Stop)"
    assert check.fix == "take them out there: Codex runs both"


def test_a_second_copy_in_the_project(patient: Patient) -> None:
    folder = patient.project / ".codex"
    folder.mkdir()
    group = {"hooks": [{"type": "command", "command": f"node /x/{HANDLER}"}]}
    (folder / "hooks.json").write_text(json.dumps({"hooks": {"Stop": [group], "SessionEnd": [group]}}))
    below = patient.project / "src"
    below.mkdir()
    check = patient.examined(directory=str(below))["duplicates"]
    assert check.detail == f"our hooks are also in {folder}/hooks.json (SessionEnd, Stop)"


# --- Codex ------------------------------------------------------------------------------------------------------


def test_no_codex(patient: Patient) -> None:
    (patient.base / "bin" / "codex").unlink()
    patient.env["PATH"] = str(patient.base / "bin")
    check = patient.examined()["codex"]
    assert (check.state, check.detail) == (State.NOT_OK, "there is no `codex` on PATH")
    assert check.fix == "npm install -g @openai/codex"


@pytest.mark.parametrize(
    ("says", "state", "found"),
    [
        ("codex-cli 0.123.0", State.NOT_OK, "0.123.0, {}: Codex has hooks that are on by default since 0.124.0"),
        ("codex-cli 0.146.0", State.OK, "0.146.0, {}; has no Interrupt"),
        ("codex-cli 0.144.6", State.OK, "0.144.6, {}; has no SessionEnd, Interrupt"),
        ("codex-cli 0.170.0-alpha.3", State.OK, "0.170.0, {}"),
        ("something else", State.NOT_OK, "{} does not say its version"),
    ],
)
def test_versions_of_codex(patient: Patient, says: str, state: State, found: str) -> None:
    patient.codex(says)
    check = patient.examined()["codex"]
    assert (check.state, check.detail) == (state, found.format(patient.base / "bin" / "codex"))


@pytest.mark.parametrize(
    ("text", "state", "found"),
    [
        ("", State.OK, "on, as by default"),
        ("[features]\nhooks = true\ncodex_hooks = false\n", State.OK, "on, by `hooks = true`"),
        ("[features]\nhooks = false\n", State.NOT_OK, "`[features]` in {} has `hooks = false`"),
        (
            "[features]\ncodex_hooks = false\n",
            State.NOT_OK,
            "`[features]` in {} has `codex_hooks = false` (the old name of `hooks`)",
        ),
        ("features = 1\n", State.NOT_OK, "Codex does not start with {}: `features` is 1, and has to be a table"),
    ],
)
def test_the_feature_flag(patient: Patient, text: str, state: State, found: str) -> None:
    patient.config(text)
    check = patient.examined()["feature"]
    assert (check.state, check.detail) == (state, found.format(patient.codex_home / "config.toml"))


def test_a_config_that_is_no_toml(patient: Patient) -> None:
    patient.command("enable")
    patient.config("[[[\n")
    checks = patient.examined()
    for check in (checks["feature"], checks["trust"]):
        assert check.state is State.NOT_OK
        assert check.detail == f"Codex does not start with {patient.codex_home}/config.toml: line 1: a key is missing"
        assert check.fix == f"correct it in {patient.codex_home}/config.toml"
    assert checks["hooks-file"].state is State.OK


# --- trust ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("but", "state", "found"),
    [
        (tuple(EVENTS), "", "11 untrusted of 11 hooks"),
        (("Stop",), 'trusted_hash = "sha256:0"', "1 modified of 11 hooks"),
        (("Stop",), "", "1 untrusted of 11 hooks"),
        (("Stop", "PreToolUse"), "enabled = false", "2 disabled of 11 hooks"),
    ],
)
def test_untrusted(patient: Patient, but: tuple[str, ...], state: str, found: str) -> None:
    patient.command("enable")
    patient.trusts(but=but, state=state)
    check = patient.examined()["trust"]
    assert check.state is State.NOT_OK
    assert check.detail == f"{found}, by [hooks.state]: Codex skips them silently"
    assert "/hooks" in check.fix


def test_an_event_that_this_codex_does_not_have(patient: Patient) -> None:
    """0.146 never lists `Interrupt`: nobody can trust it there, and nothing is wrong."""
    patient.command("enable")
    patient.trusts(but=("Interrupt",))
    patient.codex("codex-cli 0.146.0")
    assert patient.examined()["trust"].detail == "10 of 10 hooks trusted, by [hooks.state]"
    patient.codex("codex-cli 0.169.0")
    assert patient.examined()["trust"].state is State.NOT_OK


def test_a_codex_without_trust(patient: Patient) -> None:
    patient.command("enable")
    patient.codex("codex-cli 0.128.0")
    assert patient.examined()["trust"].detail == "this Codex runs hooks without asking"


@pytest.mark.parametrize("ask_codex", [False, True])
def test_a_tree_that_is_older_than_the_question(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, ask_codex: bool
) -> None:
    """Its `status` has neither trust nor feature: nothing is made up, and nothing falls over."""
    patient.command("enable")
    real = Environment.status.func  # type: ignore[attr-defined]
    old = {"enabled", "forced_off", "hooks_file", "handler", "missing_events", "entries"}
    status = cached_property(lambda self: {name: value for name, value in real(self).items() if name in old})
    status.__set_name__(Environment, "status")
    monkeypatch.setattr(Environment, "status", status)
    checks = patient.examined(ask_codex=ask_codex)
    question = ["feature", "accepted"] if ask_codex else ["feature", "accepted", "trust"]
    assert {(checks[each].state, checks[each].detail) for each in question} == {
        (State.NOT_CHECKED, "this tree is too old to report it")
    }
    assert checks["trust"].state is (State.NOT_OK if ask_codex else State.NOT_CHECKED)


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ("[hooks]\nstate = 5\n", "`hooks.state` is 5, and has to be a table"),
        ("[features]\nhooks = 'yes'\n", '`features.hooks` is the text "yes", and has to be true or false'),
        ("model = 5\n", "`model` is 5, and has to be a text in quotes"),
    ],
)
def test_a_config_that_codex_does_not_start_with(patient: Patient, config: str, problem: str) -> None:
    """Valid TOML is not enough: with any value of a wrong type Codex refuses all of the file."""
    patient.command("enable")
    patient.config(config)
    checks = patient.examined()
    told = (State.NOT_OK, f"Codex does not start with {patient.codex_home}/config.toml: {problem}")
    assert {(checks[each].state, checks[each].detail) for each in ("feature", "trust")} == {told}


@pytest.mark.parametrize(
    ("enabled", "problems", "told"),
    [
        (
            False,
            [{"id": "managed-feature-off", "says": "An administrator.", "do": "Ask."}],
            ("not ok", "An administrator.", "Ask."),
        ),
        (None, [], ("not checked", "`hooks` under [features] is neither true nor false", "")),
    ],
    ids=["another file says so", "nobody can say"],
)
def test_a_feature_flag_that_is_not_the_users(
    patient: Patient,
    monkeypatch: pytest.MonkeyPatch,
    enabled: bool | None,
    problems: list[dict[str, str]],
    told: tuple[str, ...],
) -> None:
    """A made-up status: a test cannot write to `/etc/codex`."""
    flag = {"enabled": enabled, "key": "hooks", "old_name": False}
    said = {"feature": flag, "trust": {}, "config": {"path": "/x", "problem": None}, "problems": problems}
    monkeypatch.setattr(Environment, "status", said)
    found = feature(Environment(patient.tree, patient.env))
    assert (found.state, found.detail, found.fix) == told


def test_without_a_tree_the_feature_flag_is_not_checked(patient: Patient) -> None:
    check = patient.examined(tree=str(patient.project))["feature"]
    assert (check.state, check.detail.split(":")[0]) == (
        State.NOT_CHECKED,
        "`scripts/codex-hooks.js status` ended with 1",
    )


def test_where_no_version_is_known_events_that_nothing_is_trusted_of_are_not_counted(patient: Patient) -> None:
    (patient.base / "bin" / "codex").unlink()
    patient.env["PATH"] = str(patient.base / "bin")
    patient.command("enable")
    patient.trusts(but=("Interrupt",))
    assert patient.examined()["trust"].detail == "10 of 10 hooks trusted, by [hooks.state]"
    patient.trusts(but=("Stop",))
    assert patient.examined()["trust"].detail.startswith("1 untrusted of 11 hooks, by [hooks.state]")


def test_asking_a_codex_that_cannot_answer(patient: Patient) -> None:
    patient.command("enable")
    check = patient.examined(ask_codex=True)["trust"]
    assert check.state is State.NOT_OK
    assert "app-server" in check.detail


@pytest.mark.parametrize("with_variable", [True, False])
def test_both_spellings_of_a_linked_home(patient: Patient, with_variable: bool) -> None:
    """With `CODEX_HOME` Codex resolves the folder, without it the path is taken as written."""
    real = patient.base / "real"
    patient.codex_home.rename(real)
    patient.codex_home.symlink_to(real)
    patient.command("enable")
    patient.trusts()
    if with_variable:
        text = (real / "config.toml").read_text()
        (real / "config.toml").write_text(text.replace(str(patient.codex_home), str(real)))
    else:
        del patient.env["CODEX_HOME"]
    assert patient.examined()["trust"].detail == "11 of 11 hooks trusted, by [hooks.state]"


# Observed: `hooks/list` of Codex 0.146.0 and 0.169.0, command `node "/tmp/dr/data/codex-hook-handler.js"`.
MEASURED = {
    "PreToolUse": "66dbe4187026b552aeeccccbf4eda39c2021dfd6b995be1a572d0fced9b96ad9",
    "SessionStart": "24a1f4c668f9e8ff5c74f04cf19fc16aa576ce2552dc42471fc71d3cd56ce8b1",
    "SessionEnd": "a893ef836ba6c17b303b21bca9763bab6e2036381dae38167f60e8d4c9de818f",
    "Stop": "e2b01958aaf4ee6f999d7385180da18ab744dc751e24cc7765d267aa1c633d3a",
    "Interrupt": "326fdf3b23150c1a20df79326884b789164f8fdad2e93f30b2c4bf67617e74c2",
}


@pytest.mark.parametrize("event", sorted(MEASURED))
def test_the_hash_is_the_one_that_codex_lists(event: str) -> None:
    timeout = 3 if event in {"SessionEnd", "Interrupt"} else 5
    handler = {"type": "command", "command": 'node "/tmp/dr/data/codex-hook-handler.js"', "timeout": timeout}
    matcher = "startup|resume" if event == "SessionStart" else None
    assert hash_of(event, matcher, {**handler, "commandWindows": "x"}) == f"sha256:{MEASURED[event]}"


def test_the_hash_of_text_that_is_not_ascii() -> None:
    """Observed: `currentHash` of Codex 0.169.0."""
    handler = {"command": "true", "statusMessage": "hi <b> & \u2028 é"}
    measured = "9ca7218e5d96c863d1090ead148a984c6014d230459cde6c8eee9707dc7ce6a8"
    assert hash_of("PreToolUse", "x", handler) == f"sha256:{measured}"


@pytest.mark.parametrize(
    ("command", "ours"),
    [
        (f'node "/data/{HANDLER}"', True),
        (f"node '/data/{HANDLER}'", True),
        (f"node /data/{HANDLER} Stop", True),
        (f'node "C:\\data\\{HANDLER}"', True),
        (f"node /data/my-{HANDLER}", False),
        (f"node /data/{HANDLER}.bak", False),
        ('node "/data/hook-handler.js"', False),
        (None, False),
    ],
)
def test_ours(command: object, ours: bool) -> None:
    assert is_ours(command) is ours


def test_unknown_events() -> None:
    trusted = dict.fromkeys(EVENTS, "trusted")
    assert unknown_to(None, trusted) == set()
    assert unknown_to(None, {**trusted, "Interrupt": "untrusted"}) == {"Interrupt"}
    assert unknown_to(None, {**trusted, "SessionEnd": "untrusted"}) == set()
    assert unknown_to(None, {**trusted, "Interrupt": "modified"}) == set()
    assert unknown_to(None, dict.fromkeys(EVENTS, "untrusted")) == set()
    two = {**trusted, "Interrupt": "untrusted", "SessionEnd": "untrusted"}
    assert unknown_to(None, two) == {"Interrupt", "SessionEnd"}
    assert unknown_to((0, 169, 0), two) == set()
    assert unknown_to((0, 146, 0), two) == {"Interrupt"}


def random_case(chance: random.Random, home: Path) -> None:
    """Hooks and a config that may or may not trust them, in any mixture."""
    home.mkdir()
    hooks: dict[str, Any] = {}
    for event in chance.sample(sorted(EVENTS), chance.randint(1, 11)):
        handler: dict[str, Any] = {"type": "command", "command": f'node "/é {chance.randint(0, 1)}/{HANDLER}"'}
        for name, values in {"timeout": (0, 1, 5, 99), "statusMessage": ("x",), "async": (True, False)}.items():
            if chance.random() < 0.3:
                handler[name] = chance.choice(values)
        group: dict[str, Any] = {"hooks": [*[{"type": "command", "command": "true"}] * chance.randint(0, 1), handler]}
        if chance.random() < 0.3:
            group["matcher"] = chance.choice(("", "*", "startup|resume"))
        hooks[event] = [*[{"hooks": []}] * chance.randint(0, 2), group]
    (home / "hooks.json").write_text(json.dumps({"hooks": hooks}, ensure_ascii=False), encoding="utf-8")
    lines = []
    liking = chance.choice((0.0, 0.5, 0.9, 1.0))
    for entry in entries_in(hooks):
        told = [f'trusted_hash = "{entry.hash}"'] if chance.random() < liking else []
        told += chance.choice(([], [], [], ["enabled = false"], ["enabled = true"]))
        if told or chance.random() < 0.1:
            lines.append(f'[hooks.state."{home}/hooks.json:{entry.place}"]\n' + "\n".join(told) + "\n")
    (home / "config.toml").write_text("".join(lines))


def test_the_doctor_and_the_sidecar_read_trust_alike(tree: str, tmp_path: Path) -> None:
    """Two readings, written apart: Python's and the generated tree's."""
    homes = [tmp_path / str(number) for number in range(400)]
    for number, home in enumerate(homes):
        random_case(random.Random(number), home)
    script = """
      const { readTrust } = require(process.argv[1] + "/server/lib/codex-hooks-trust.js");
      const { entriesIn } = require(process.argv[1] + "/server/lib/codex-hooks-text.js");
      const fs = require("fs");
      const all = process.argv.slice(2).map(home => {
        process.env.CODEX_HOME = home;
        return readTrust(entriesIn(fs.readFileSync(home + "/hooks.json", "utf8"))).trust;
      });
      process.stdout.write(JSON.stringify(all));
    """
    words = [node().path, "-e", script, tree, *map(str, homes)]
    told = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
    seen = set()
    for home, theirs in zip(homes, told, strict=True):
        entries = entries_in(json.loads((home / "hooks.json").read_text("utf-8"))["hooks"])
        held = tomllib.loads((home / "config.toml").read_text()).get("hooks", {}).get("state", {})
        paths = [str(home / "hooks.json")]
        ours = {f"{paths[0]}:{each.place}": (each.hash, state_of(each, held, paths)) for each in entries}
        assert {each["key"]: (each["hash"], each["state"]) for each in theirs["entries"]} == ours, home
        by_event = {entry.event: state_of(entry, held, paths) for entry in entries}
        lacking = unknown_to(None, by_event)
        considered = {state for event, state in by_event.items() if event not in lacking} or set(by_event.values())
        assert (considered == {"trusted"}) == (theirs["state"] == "trusted"), home
        seen.add(theirs["state"])
    assert seen >= {"trusted", "untrusted", "partly"}


# --- sidecar, test event, session -------------------------------------------------------------------------------


def test_the_sidecar_is_down(patient: Patient) -> None:
    patient.command("enable")
    patient.trusts()
    checks = patient.examined(port=9)
    assert checks["sidecar"].detail == "no sidecar answers on port 9 of this machine ([Errno 111] Connection refused)"
    assert (
        checks["sidecar"].fix
        == f"node {patient.tree}/server/index.js  (on another port? sidecar-patcher doctor --port N)"
    )
    assert states(checks) == {"sidecar": "not ok", "round-trip": "not checked", "session": "not checked"}


def test_the_hooks_would_send_elsewhere(well: Patient) -> None:
    well.env["CLAUDE_DASHBOARD_PORT"] = "9"
    port, well.port = well.port, None
    check = well.examined(port=port)["sidecar"]
    assert check.detail == f"it answers on port {port}, and the hooks send to 9"
    assert check.fix == f"export CLAUDE_DASHBOARD_PORT={port}"


def test_another_data_directory(well: Patient) -> None:
    other = well.base / "other"
    well.env["DASHBOARD_DATA_DIR"] = str(other)
    check = well.examined()["sidecar"]
    assert check.detail == f"it answers on port {well.port}, with its data in {well.data}, not in {other}"
    assert check.fix == f"sidecar-patcher doctor --data-dir {well.data}"


def test_a_handler_that_speaks(well: Patient) -> None:
    (well.data / HANDLER).write_text("console.log('hi'); process.exit(2)\n")
    environment = Environment(tree=well.tree, env={**well.env, "CLAUDE_DASHBOARD_PORT": str(well.port)})
    checks = {check.id: check for check in examine(environment)}
    assert checks["handler"].state is State.NOT_OK
    assert checks["round-trip"].state is State.NOT_CHECKED


def test_a_database_that_is_locked_gets_no_event(well: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patcher.doctor.round_trip._LOCK_TIMEOUT_S", 0.1)
    assert eventually(lambda: is_imported(well), 5)  # a sidecar that waits for the lock answers nobody
    lock = sqlite3.connect(well.data / "dashboard.db", isolation_level=None)
    try:
        lock.execute("BEGIN IMMEDIATE")
        check = well.examined()["round-trip"]
        lock.execute("ROLLBACK")
    finally:
        lock.close()
    assert check.detail == f"nothing was sent: {well.data}/dashboard.db cannot be written (database is locked)"


def test_an_event_that_does_not_arrive(well: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patcher.doctor.round_trip._TIMEOUT_S", 0.3)
    monkeypatch.setattr("patcher.doctor.round_trip._run", lambda *_: None)
    check = well.examined()["round-trip"]
    assert check.detail == f"the event was sent to port {well.port} and did not become a session in 0.3 s"


def test_a_session_that_the_sidecar_does_not_know(well: Patient) -> None:
    folder = well.codex_home / "sessions" / "2099" / "01" / "01"
    folder.mkdir(parents=True)
    own = SESSION.replace("1", "2")
    # A sub-agent's file is newer still: it is no session of its own.
    for name, id_, root in (("00", own, own), ("01", "child", own)):
        meta = {"type": "session_meta", "payload": {"id": id_, "session_id": root}}
        (folder / f"rollout-2099-01-01T00-00-{name}-{id_}.jsonl").write_text(json.dumps(meta) + "\n")
    with closing(sqlite3.connect(well.data / "dashboard.db", timeout=10)) as database:
        sessions = "SELECT COUNT(*) FROM sessions WHERE id = ?"
        wait_for(lambda: database.execute(sessions, (own,)).fetchone() == (1,))
        with database:  # what a person deletes stays deleted
            database.execute("DELETE FROM sessions WHERE id = ?", (own,))
    check = well.examined()["session"]
    assert check.detail.startswith(f"the sidecar does not know {own} (")


def test_a_session_that_no_hook_has_told_of(patient: Patient) -> None:
    """Hooks and trust were there before it began, and it has had a turn."""
    patient.command("enable")
    patient.trusts()
    when = time.time() - 3600
    for name in ("hooks.json", "config.toml"):
        os.utime(patient.codex_home / name, (when, when))
    began = datetime.fromtimestamp(time.time() - 300, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    with patient.sidecar() as sidecar:
        path = patient.rollout(timestamp=began)
        turn = {"timestamp": began, "type": "event_msg", "payload": {"type": "task_started", "turn_id": "1"}}
        with path.open("a") as file:
            file.write(json.dumps(turn) + "\n")
        assert eventually(lambda: sidecar.request("GET", f"/api/sessions/{SESSION}").status == 200, 5)
        check = patient.examined()["session"]
    assert (check.state, check.detail) == (State.NOT_OK, f"{SESSION}: known from its file; no hook has reported it")
    assert check.fix == "leave `codex` and start it again: a session keeps the hooks that it began with"


def test_a_session_from_before(patient: Patient) -> None:
    with patient.sidecar() as sidecar:
        patient.rollout()
        assert eventually(lambda: sidecar.request("GET", f"/api/sessions/{SESSION}").status == 200, 5)
        patient.command("enable")
        patient.trusts()
        check = patient.examined()["session"]
    assert check.state is State.NOT_CHECKED
    assert check.detail == f"{SESSION}: known from its file; it began before the hooks were in place"


def test_a_sidecar_that_was_started_with_the_master_switch(patient: Patient) -> None:
    patient.command("enable")
    with patient.sidecar(DASHBOARD_CODEX_HOOKS="off"):
        check = patient.examined()["sidecar"]
    assert check.detail == (
        f"the sidecar on port {patient.port} was started with DASHBOARD_CODEX_HOOKS, which forces the hooks off"
    )


def test_a_sidecar_of_another_codex_home(patient: Patient) -> None:
    other = patient.base / "other"
    with patient.sidecar(CODEX_HOME=str(other)):
        check = patient.examined()["sidecar"]
    assert check.detail == f"the sidecar on port {patient.port} manages {other}/hooks.json, not {patient.codex_home}"
    assert check.fix.endswith(f"sidecar-patcher doctor --codex-home {other}")


def test_no_session_yet(well: Patient) -> None:
    shutil.rmtree(well.codex_home / "sessions")
    check = well.examined()["session"]
    assert (check.state, check.fix) == (State.NOT_CHECKED, "codex")
    assert check.detail == f"there is no session below {well.codex_home}/sessions yet"


# --- the command ------------------------------------------------------------------------------------------------


@pytest.fixture
def shell(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> Patient:
    """Our own environment is the patient's."""
    for name in ("CLAUDE_DASHBOARD_PORT", "DASHBOARD_CODEX_HOOKS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in patient.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(patient.project)
    return patient


def test_text(shell: Patient, cli: CommandLine) -> None:
    done = cli("doctor", "--tree", shell.tree, "--port", "9")
    assert done.code == 1
    lines = done.out.splitlines()
    assert lines[0].startswith("ok           Node            ")
    assert "not ok       Switch          Codex CLI session tracking (experimental) is off" in lines
    assert "not checked  Hooks file      first: Switch" in lines
    assert [line for line in lines if len(line) > 80 and " " in line[29:]] == []  # only a lone long word is longer
    assert done.err == "2 not ok, 6 not checked; begin with the first `do`\n"


def test_json_and_report(shell: Patient, cli: CommandLine) -> None:
    file = shell.base / "report.json"
    done = cli("doctor", "--tree", shell.tree, "--port", "9", "--format", "json", "--report", str(file))
    content = json.loads(done.out)
    assert json.loads(file.read_text()) == content
    assert (content["schema"], content["ok"], content["command"]) == (1, False, "doctor")
    assert [check["id"] for check in content["checks"]][:3] == ["node", "tree", "intent"]
    assert [error["code"] for error in content["errors"]] == ["doctor-intent", "doctor-sidecar"]


def test_other_agents_one_check_each(patient: Patient) -> None:
    """Off is as it has to be, on has to be in place, and an agent that is not on this machine has no check."""
    home, script = patient.base / "home", os.path.join(patient.tree, "scripts", "agent-hooks.js")

    def flip(verb: str, agent: str) -> int:
        return subprocess.run([patient.node.path, script, verb, agent], env=patient.env, capture_output=True).returncode

    def agents() -> dict[str, tuple[str, str, str]]:
        found = patient.examined().items()
        return {name: (str(each.state), each.detail, each.fix) for name, each in found if name.startswith("agents")}

    assert agents() == {}
    for folder in (".qwen", ".gemini", ".copilot", ".factory"):
        (home / folder).mkdir()
    qwen, gemini = home / ".qwen" / "settings.json", home / ".gemini" / "settings.json"
    qwen.write_text('{"theme": 1, // mine\n}')
    gemini.write_text('{"hooksConfig": {"enabled": false}}')
    off = f"Gemini CLI runs no hooks of ours: `hooksConfig.enabled` in {gemini} is false"
    todo = "Set it to true, then type: node scripts/agent-hooks.js enable gemini"
    assert agents() == {
        "agents-qwen": ("ok", f"Qwen Code: off; to switch it on: node {script} enable qwen", ""),
        "agents-copilot": ("ok", f"GitHub Copilot CLI: off; to switch it on: node {script} enable copilot", ""),
        "agents-gemini": ("not checked", f"Gemini CLI: off, and it could not be switched on: {off}", todo),
        "agents-droid": ("ok", f"Factory droid: off; to switch it on: node {script} enable droid", ""),
    }
    assert [flip("enable", agent) for agent in ("qwen", "copilot", "gemini", "droid")] == [0, 0, 1, 0]
    assert agents() == {
        "agents-qwen": ("ok", f"Qwen Code: on, 10 entries of ours in {qwen}", ""),
        "agents-copilot": (
            "ok",
            f"GitHub Copilot CLI: on, 9 entries of ours in {home / '.copilot' / 'hooks' / 'agent-monitor.json'}",
            "",
        ),
        "agents-gemini": ("not ok", f"Gemini CLI: {off}", todo),
        "agents-droid": ("ok", f"Factory droid: on, 8 entries of ours in {home / '.factory' / 'settings.json'}", ""),
    }
    qwen.write_text("{")
    message = f"{qwen} is not valid JSON: Expected property name or '}}' in JSON at position 1 (line 1 column 2)"
    fix = "Repair the file, then try again; it was not changed."
    assert agents()["agents-qwen"] == ("not ok", f"Qwen Code: {message}", fix)
    patient.env["DASHBOARD_AGENT_HOOKS"] = "off"
    assert agents()["agents-gemini"] == ("ok", "Gemini CLI: forced off by DASHBOARD_AGENT_HOOKS", "")


def test_all_well_is_zero(well: Patient, cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**well.env, "CLAUDE_DASHBOARD_PORT": str(well.port)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(well.project)
    done = cli("doctor", "--tree", well.tree)
    assert (done.code, done.err) == (0, "14 ok\n")


@pytest.mark.parametrize("port", ["0", "65536"])
def test_a_port_that_is_none(cli: CommandLine, port: str) -> None:
    done = cli("doctor", "--port", port)
    assert done.code == 2
    assert f"--port {port}: a port is a number from 1 to 65535" in done.err


def test_versions_and_names_are_read() -> None:
    assert version_of("codex-cli 0.169.0\n") == (0, 169, 0)
    assert version_of("v24.1.0") == (24, 1, 0)
    assert version_of("1.2.\u00b2") is version_of("1.2." + "9" * 5000) is None
    assert version_of("") is version_of("v24") is version_of("codex-cli main") is None
    assert [snake(event) for event in ("PreToolUse", "Stop")] == ["pre_tool_use", "stop"]


# --- the lane of the real CLI -----------------------------------------------------------------------------------


def test_the_lane_is_skipped_and_says_so_without_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert lane.main([]) == 0
    assert capsys.readouterr().err == ("skipped: the real Codex CLI: there is no tmux to show a terminal with\n")


@pytest.mark.skipif(
    os.environ.get("SIDECAR_CODEX_LANE") != "1", reason="real Codex is run with SIDECAR_CODEX_LANE=1 (npm, tmux)"
)
@pytest.mark.filterwarnings("default")
def test_trust_given_once_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    code = lane.main([])
    said = capsys.readouterr()
    if said.err.startswith("skipped: "):
        pytest.skip(said.err.strip())
    assert code == 0, said.out + said.err


def test_files_that_are_nested_too_deeply(tmp_path: Path) -> None:
    for name, text in (("hooks.json", "[" * 5000), ("config.toml", "a = " + "[" * 5000)):
        (tmp_path / name).write_text(text)
    environment = Environment("tree", {}, codex_home=str(tmp_path))
    for read in (lambda: read_hooks(environment.hooks_path), lambda: read_toml(str(tmp_path / "config.toml"))):
        with pytest.raises(Unreadable, match=r"(hooks.json|config.toml) is not valid (JSON|TOML): "):
            read()


@pytest.mark.parametrize(
    "server",
    [{"port": 4821, "pid": 10**30}, {"port": 4821, "pid": 1, "dataDir": ["x"]}, {"port": [], "pid": {}}],
    ids=["a pid of no process", "a list for a path", "lists for numbers"],
)
def test_a_list_of_running_sidecars_of_odd_types(tmp_path: Path, server: object) -> None:
    (tmp_path / ".agent-dashboard.json").write_text(json.dumps({"servers": [server]}))
    assert ports_of_the_handler({"CLAUDE_HOME": str(tmp_path)}) in ([4820], [4821])


def test_a_rollout_of_odd_types_is_not_a_session(tmp_path: Path) -> None:
    folder = tmp_path / "sessions/2026/01/01"
    folder.mkdir(parents=True)
    (folder / "rollout-1.jsonl").write_text("[" * 5000)
    assert newest(str(tmp_path)) is None
    for id_, found in (("a", ("a", str(folder / "rollout-1.jsonl"))), (5, None), (None, None), (["a"], None)):
        (folder / "rollout-1.jsonl").write_text(json.dumps({"payload": {"id": id_, "session_id": {"x": 1}}}))
        assert newest(str(tmp_path)) is None
        (folder / "rollout-1.jsonl").write_text(json.dumps({"payload": {"id": id_}}))
        assert newest(str(tmp_path)) == found


def test_a_hook_with_half_of_a_surrogate_pair_has_a_hash_of_its_own() -> None:
    assert hash_of("Stop", None, {"command": "\ud800"}) != hash_of("Stop", None, {"command": "\ud801"})
