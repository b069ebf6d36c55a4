"""What Codex makes of our hooks in files of every kind, beside what our status says of it: `--accepted N`.

Each content gets a fresh Codex home. Ours are put in by `enable`; then the real CLI is asked with `hooks/list`, and the
status with the module that the API, the page and the command share.
"""

import contextlib
import json
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from patcher.doctor.app_server import NoAnswer, hooks_list
from patcher.node.find import find_node
from tests.javascript.test_javascript import lay_out_tree
from tests.lab.codex_lane.codex import PACKAGE, binary
from tests.lab.drift import nodejs
from tests.lab.hooks_bench.grammar import Content, content

VERSIONS = ("0.146.0", "0.169.0")
_HANDLER = "codex-hook-handler.js"
_SINCE = {"Interrupt": 150}
_OF_TRUST = {"not-trusted", "trust-modified", "switched-off-in-codex", "trust-partly", "trust-unknown"}
_DRIVER = """
const tree = process.argv[1];
const { setEnabled } = require(tree + "/server/lib/codex-hooks-optin.js");
const { status } = require(tree + "/server/lib/codex-hooks-status.js");
require("node:readline").createInterface({ input: process.stdin }).on("line", line => {
  const { home, path, enable } = JSON.parse(line);
  Object.assign(process.env, { CODEX_HOME: home, DASHBOARD_DATA_DIR: tree + "-data", PATH: path });
  const problem = enable ? setEnabled(true).problem : null;
  console.log(JSON.stringify({ ...status(), problem }));
});
"""


class _Status:
    """A Node that tells the status of one Codex home after the other."""

    def __init__(self, tree: Path, path: str) -> None:
        command = [find_node().path, "-e", _DRIVER, str(tree)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        self._path = path

    def ask(self, home: Path, *, enable: bool = False) -> dict[str, Any]:
        """The status; after enabling, with the `problem` of that."""
        if self._process.stdin is None or self._process.stdout is None:
            raise OSError("Node has no pipes")
        self._process.stdin.write(json.dumps({"home": str(home), "path": self._path, "enable": enable}) + "\n")
        self._process.stdin.flush()
        said: dict[str, Any] = json.loads(self._process.stdout.readline())
        return said

    def end(self) -> None:
        self._process.communicate()


@dataclass
class Counts:
    """contents: how many were judged. Each wrong one is a sentence."""

    contents: int = 0
    loaded: int = 0
    ready_that_is_not: list[str] = field(default_factory=list)
    problem_that_is_none: list[str] = field(default_factory=list)
    enable_is_silent: list[str] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)
    ids: Counter[str] = field(default_factory=Counter)

    @property
    def ok(self) -> bool:
        return not (self.ready_that_is_not or self.problem_that_is_none or self.enable_is_silent)


def _listed(program: str, home: Path) -> list[dict[str, Any]]:
    """Ours in `hooks/list`; none when Codex does not even answer."""
    env = {"PATH": "/usr/bin:/bin", "HOME": str(home.parent), "CODEX_HOME": str(home)}
    try:
        hooks = hooks_list(program, str(home.parent / "project"), env)["hooks"]
    except NoAnswer:
        return []
    return [hook for hook in hooks if _HANDLER in str(hook.get("command")) and hook.get("source") == "user"]


def _trustable(listed: list[dict[str, Any]], entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Ours with key and hash: by Codex, and by us where Codex lists none: it may have listed them before a fault came in."""
    known = {hook["key"] for hook in listed}
    own = [{"key": entry["key"], "currentHash": entry["hash"]} for entry in entries if entry["hash"]]
    return [*listed, *(each for each in own if each["key"] not in known)]


def _trust_of(hooks: list[dict[str, Any]], edit: str) -> str:
    """What Codex writes when its user trusts these, and what people make of it after that."""
    blocks = []
    for number, hook in enumerate(hooks):
        digest = "sha256:00" if edit == "hash" and number == 0 else hook["currentHash"]
        switched = "enabled = false\n" if edit == "disabled" and number == 0 else ""
        if not (edit == "untrusted" and number == 0):
            blocks.append(f'[hooks.state.{json.dumps(hook["key"])}]\n{switched}trusted_hash = "{digest}"\n')
    return "\n" + "\n".join(blocks)


def _edited(text: str, edit: str) -> str:
    """Ours in the text of a hooks file, as somebody has changed them by hand."""
    try:
        value = json.loads(text)
        groups = value["hooks"]["Stop"]
        group = next(each for each in groups if _HANDLER in json.dumps(each))
        handler = next(each for each in group["hooks"] if _HANDLER in json.dumps(each))
    except (ValueError, KeyError, TypeError, StopIteration):
        return text
    changes: dict[str, Any] = {
        "timeout": lambda: handler.update(timeout=30), "matcher": lambda: group.update(matcher="["), "async": lambda: handler.update({"async": True}),
        "rename": lambda: value["hooks"].update(stop=value["hooks"].pop("Stop")), "empty": lambda: handler.update(command=""),
        "status": lambda: handler.update(statusMessage="x"), "twice": lambda: group["hooks"].append(dict(handler)), "extra": lambda: handler.update(note=5),
        "remove": lambda: group["hooks"].remove(handler), "group-twice": lambda: groups.append(json.loads(json.dumps(group))),
    }  # fmt: skip
    if edit not in changes:
        return text
    changes[edit]()
    return json.dumps(value, indent=2)


def _all_run(hooks: list[dict[str, Any]], wanted: list[dict[str, Any]], minor: int, *, trusted: bool) -> bool:
    """Whether Codex has each of ours as we want it."""
    for entry in wanted:
        if _SINCE.get(entry["event"], 0) > minor:
            continue
        name = entry["event"][0].lower() + entry["event"][1:]
        same = [
            hook
            for hook in hooks
            if hook["eventName"] == name
            and hook["command"] == entry["command"]
            and hook["timeoutSec"] == entry["timeout"]
            and (hook["matcher"] or None) == entry["matcher"]
        ]
        if not any(not trusted or (hook["enabled"] and hook["trustStatus"] == "trusted") for hook in same):
            return False
    return True


def _twice(hooks: list[dict[str, Any]]) -> bool:
    counted = Counter(hook["eventName"] for hook in hooks)
    return any(count > 1 for count in counted.values())


def _judge(
    case: Content, version: str, program: str, status: _Status, wanted: list[dict[str, Any]], counts: Counts
) -> None:
    minor = int(version.split(".")[1])
    with tempfile.TemporaryDirectory(prefix="hooks-accepted-") as made:
        root = Path(os.path.realpath(made))
        home = root / "codex"
        home.mkdir()
        (root / "project").mkdir()
        file, config = home / "hooks.json", home / "config.toml"
        if case.hooks is not None:
            file.write_bytes(case.hooks)
        config.write_bytes(case.config)
        enabled = status.ask(home, enable=True)
        here = f"codex {version}, content {case.number}"
        listed = _listed(program, home)
        named = [each for each in enabled["problems"] if each["stops"] and each["id"] not in _OF_TRUST]
        loads = _all_run(listed, wanted, minor, trusted=False)
        if loads == bool(named or enabled["problem"]):
            counts.enable_is_silent.append(
                f"{here}: Codex has {len(listed)} of ours, enable says {[each['id'] for each in named]}, {enabled['problem']}"
            )
        if case.edit != "none" and file.exists():
            with contextlib.suppress(UnicodeDecodeError):
                file.write_text(_edited(file.read_text(encoding="utf-8"), case.edit), encoding="utf-8")
                config.write_bytes(b"")
                listed = _listed(program, home)
        elif not listed and case.config:
            config.write_bytes(b"")
            listed = _listed(program, home)
        trusted = _trustable(listed, status.ask(home)["trust"]["entries"])
        config.write_bytes(case.config + _trust_of(trusted, case.edit).encode())
        listed, said = _listed(program, home), status.ask(home)
    _compare(here + f" ({case.edit})", listed, said, _all_run(listed, wanted, minor, trusted=True), counts)


def _compare(here: str, listed: list[dict[str, Any]], said: dict[str, Any], runs: bool, counts: Counts) -> None:  # noqa: FBT001
    counts.contents += 1
    counts.loaded += runs
    counts.ids.update(each["id"] for each in said["problems"])
    told = f"{here}: Codex runs {len(listed)}, state {said['state']}, {[(each['id'], each['says'][-90:]) for each in said['problems']]}"
    fine = said["state"] in {"ready", "receiving"}
    stopping = [each for each in said["problems"] if each["stops"]]
    copies = [each for each in said["problems"] if each["stops"] is False]
    if fine and not runs:
        counts.ready_that_is_not.append(told)
    if runs and (not fine or stopping or (copies and not _twice(listed))):
        counts.problem_that_is_none.append(told)
    if any(each["stops"] is None for each in said["problems"]):
        counts.unsure.append(told)


def _versions() -> Iterator[tuple[str, str, str]]:
    for version in VERSIONS:
        modules = nodejs.installed(PACKAGE, version)
        yield version, binary(version), os.path.join(modules, ".bin")


def observe(number: int, seed: int, only: int | None = None) -> Iterator[tuple[str, bool]]:
    """For each version: the counts over `number` contents as text, and whether all is as it must be.

    Raises `Unavailable`.
    """
    with tempfile.TemporaryDirectory(prefix="hooks-accepted-tree-") as made:
        tree = lay_out_tree(Path(made) / "tree")
        for version, program, folder in _versions():
            counts = Counts()
            _observe(range(number) if only is None else [only], seed, (version, program, folder), tree, counts)
            yield _said(version, seed, counts), counts.ok


def _said(version: str, seed: int, counts: Counts) -> str:
    named = ", ".join(f"{name} {count}" for name, count in sorted(counts.ids.items()))
    wrong = (*counts.ready_that_is_not, *counts.problem_that_is_none, *counts.enable_is_silent, *counts.unsure)
    head = (
        f"codex {version}: {counts.contents} contents (seed {seed}), Codex runs all of ours with {counts.loaded}; "
        f"ready that is not: {len(counts.ready_that_is_not)}; problem that is none: {len(counts.problem_that_is_none)}; "
        f"enable said otherwise: {len(counts.enable_is_silent)}; left open: {len(counts.unsure)}"
    )
    return "\n".join([head, f"  problems named: {named}", *(f"  {each}" for each in wrong)])


def _observe(numbers: Any, seed: int, codex: tuple[str, str, str], tree: Path, counts: Counts) -> None:
    version, program, folder = codex
    status = _Status(tree, f"{folder}:/usr/bin:/bin")
    with tempfile.TemporaryDirectory(prefix="hooks-accepted-") as made:
        home = Path(made) / "codex"
        home.mkdir()
        wanted = status.ask(home, enable=True)["entries"]
    status.end()

    def work(part: int) -> None:
        own = _Status(tree, f"{folder}:/usr/bin:/bin")
        try:
            for number in [each for each in numbers if each % 2 == part]:
                _judge(content(seed, number), version, program, own, wanted, counts)
        finally:
            own.end()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, (0, 1)))
