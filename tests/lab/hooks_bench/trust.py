"""Whether a real Codex still trusts what stands beside our entries after our enable and our disable."""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from patcher.node.find import find_node
from patcher.prove.directories import scrubbed_environment
from tests.javascript.test_javascript import lay_out_tree
from tests.lab.codex_lane.codex import binary, newest

_OLD = "0.146.0"
_EVENTS = {_OLD: 10}  # no Interrupt before 0.150
_ALL_EVENTS = 11


def versions() -> list[str]:
    """The newest Codex and an old one. Raises `nodejs.Unavailable`."""
    return [newest(), _OLD]


class _Home:
    """A Codex home with foreign hooks, which the test trusts as a person would: by hash, in `config.toml`."""

    def __init__(self, program: str, directory: Path) -> None:
        self._program = program
        self._tree = lay_out_tree(directory / "tree")
        self._env = scrubbed_environment(str(directory))
        self._env["DASHBOARD_DATA_DIR"] = str(directory / "data")
        self.codex = Path(self._env["CODEX_HOME"])
        self.file = self.codex / "hooks.json"
        for path in (self.codex, directory / "tmp"):
            path.mkdir(parents=True)

    def command(self, verb: str) -> None:
        """`node scripts/codex-hooks.js VERB`."""
        script = self._tree / "scripts" / "codex-hooks.js"
        subprocess.run([find_node().path, str(script), verb], env=self._env, check=True, capture_output=True)

    def listed(self) -> list[dict[str, Any]]:
        """What the app server's `hooks/list` says."""
        process = subprocess.Popen(
            [self._program, "app-server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=self._env,
            cwd=self.codex,
        )
        assert process.stdin and process.stdout
        messages: list[dict[str, Any]] = [
            {
                "id": 1,
                "method": "initialize",
                "params": {"clientInfo": {"name": "bench", "title": "bench", "version": "1"}},
            },
            {"method": "initialized"},
            {"id": 2, "method": "hooks/list", "params": {"cwds": [str(self.codex)]}},
        ]
        try:
            for message in messages:
                process.stdin.write(json.dumps(message) + "\n")
                process.stdin.flush()
            answers = (json.loads(line) for line in process.stdout)
            answer = next(each for each in answers if each.get("id") == 2)
        finally:
            process.kill()
            process.wait()
        hooks: list[dict[str, Any]] = answer["result"]["data"][0]["hooks"]
        return hooks

    def trust(self, hooks: list[dict[str, Any]]) -> None:
        """Trust these, and nothing else."""
        blocks = [f'[hooks.state."{hook["key"]}"]\ntrusted_hash = "{hook["currentHash"]}"\n' for hook in hooks]
        (self.codex / "config.toml").write_text("\n".join(blocks), encoding="utf-8")


def _states(hooks: list[dict[str, Any]], *, ours: bool) -> list[str]:
    return [hook["trustStatus"] for hook in hooks if ("codex-hook-handler.js" in hook["command"]) is ours]


def observe(version: str) -> tuple[str, bool]:
    """A sentence on what was seen, and whether all of it is as it must be."""
    with tempfile.TemporaryDirectory(prefix="hooks-trust-") as made:
        home = _Home(binary(version), Path(os.path.realpath(made)))
        front = {"hooks": [{"type": "command", "command": "echo front", "timeout": 5}]}
        home.file.write_text(json.dumps({"hooks": {"Stop": [front], "SessionStart": [front]}}, indent=2))
        home.trust(home.listed())
        home.command("enable")
        enabled = home.listed()
        home.trust(enabled)
        home.command("enable")
        again = home.listed()
        value = json.loads(home.file.read_text())
        value["hooks"]["Stop"].append({"hooks": [{"type": "command", "command": "echo behind", "timeout": 5}]})
        home.file.write_text(json.dumps(value, indent=2))
        home.trust(home.listed())
        home.command("disable")
        disabled = home.listed()
        home.command("enable")
        back = home.listed()
    events = _EVENTS.get(version, _ALL_EVENTS)
    facts = {
        "in front, after enable": _states(enabled, ours=False) == ["trusted"] * 2,
        "ours are new to Codex": _states(enabled, ours=True) == ["untrusted"] * events,
        "ours, once trusted, after enable again": _states(again, ours=True) == ["trusted"] * events,
        "in front and behind, after disable": _states(disabled, ours=False) == ["trusted"] * 3,
        "all, after enable once more": _states(back, ours=False) == ["trusted"] * 3
        and _states(back, ours=True) == ["trusted"] * events,
    }
    said = "; ".join(f"{fact}: {'yes' if holds else 'NO'}" for fact, holds in facts.items())
    return f"codex {version}: {said}", all(facts.values())
