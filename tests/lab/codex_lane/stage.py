"""A Codex with a home of its own beside a sidecar of the patched tree, which has put its hooks there or has not."""

import json
import os
import shlex
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from patcher.doctor.app_server import hooks_list
from patcher.doctor.entries import is_ours
from patcher.prove import Sidecar
from patcher.prove.sidecar import eventually
from tests.doctor.trust_oracle import entries_in, snake, state_of
from tests.lab.codex_lane import terminal
from tests.lab.codex_lane.codex import Codex
from tests.lab.codex_lane.expected import Expected, compare
from tests.lab.codex_lane.lane import Ground
from tests.lab.codex_lane.model_server import ROOT, ModelServer, call, say
from tests.support import ROOT as REPOSITORY

MODEL = "gpt-5.5"
_ALWAYS = {"SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop"}
_SETTLE = 6.0
_DAEMON = "features.daemon_auto_start = false"  # newer terminals leave a server behind
_DAEMON_SINCE = (0, 150)


class Stage:
    """Nothing of it is outside of `directory`. Made by `Stage.set_up`."""

    def __init__(self, codex: Codex, sidecar: Sidecar, version: str, directory: str) -> None:
        self.codex = codex
        self.sidecar = sidecar
        self._daemon = tuple(map(int, version.split("-", maxsplit=1)[0].split("."))) >= _DAEMON_SINCE
        self._directory = directory
        self._runs = 0
        self.configure(1)

    @classmethod
    @contextmanager
    def set_up(
        cls, program: str, version: str, ground: Ground, name: str, *, env: Mapping[str, str] | None = None
    ) -> Iterator["Stage"]:
        """Codex and sidecar, the sidecar running. env: what the sidecar has besides."""
        directory = os.path.join(ground.work, version, name)
        codex = Codex(program, directory, ground.node, ground.handler)
        with Sidecar(
            ground.tree, ground.node, work=directory, env={"CODEX_HOME": codex.home, **(env or {})}
        ) as sidecar:
            codex.sidecar_port = sidecar.port
            yield cls(codex, sidecar, version, directory)

    def configure(self, port: int) -> None:
        """Codex's own config; what it has added (trust) stays."""
        path = os.path.join(self.codex.home, "config.toml")
        added = ""
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                text = file.read()
            added = text.partition("stream_max_retries = 0\n")[2]
        self.codex.configure(port=port, model=MODEL, more=_DAEMON if self._daemon else "", hooks=False)
        with open(path, "a", encoding="utf-8") as file:
            file.write(added)

    # --- what a person does -----------------------------------------------------------------------------------

    def switch(self, *, on: bool) -> dict[str, Any]:
        """The switch, by the API."""
        reply = self.sidecar.request("PUT", "/api/codex-hooks", {"enabled": on})
        return {"status": reply.status, **(reply.json or {})}

    def command(self, verb: str) -> int:
        """The switch, by the command of the tree. Gives its exit code."""
        env = {**self.codex.environment(), "DASHBOARD_DATA_DIR": self.sidecar.data_dir}
        words = [self.sidecar.node.path, os.path.join(self.sidecar.tree, "scripts", "codex-hooks.js"), verb]
        return subprocess.run(words, env=env, capture_output=True, check=False).returncode

    def trust_all(self) -> None:
        """Start Codex on a terminal and choose `Trust all and continue`."""
        terminal.trust_all(
            self.codex.program,
            project=self.codex.project,
            env=self.codex.environment(),
            socket=os.path.join(self._directory, "tmux"),
        )

    def session(self) -> dict[str, int]:
        """`codex exec` with one tool call, without the bypass flag. Gives the captures of the rows that came of it."""
        self._runs += 1
        known = {row["id"] for row in self.sidecar.rows("SELECT id FROM sessions")}
        script = [[call("exec_command", cmd=f"echo {self._runs}")], [say("Done.")]]
        with ModelServer({ROOT: script}) as model:
            self.configure(model.port)
            self.codex.run(f"prompt {self._runs}", bypass=False)

        def rows() -> list[dict[str, Any]]:
            return [row for row in self.sidecar.rows("SELECT * FROM events") if row["session_id"] not in known]

        eventually(lambda: {row["event_type"] for row in rows()} >= _ALWAYS, _SETTLE)
        eventually(lambda: False, 0.8)  # the second road is on its way
        return dict(Counter(row["capture"] if self.ledger else self._road(row["session_id"]) for row in rows()))

    @property
    def ledger(self) -> bool:
        """Whether the sidecar has our ledger; the v2 line has one of its own, which does not say where a row is from."""
        return any(column["name"] == "capture" for column in self.sidecar.rows("PRAGMA table_info(events)"))

    def _road(self, session: str) -> str:
        """`hook` for a session that a hook has told of, by what the sidecar remembers."""
        try:
            with open(os.path.join(self.sidecar.data_dir, "codex-hooks-seen.json"), encoding="utf-8") as file:
                return "hook" if session in json.load(file)["sessions"] else "rollout"
        except FileNotFoundError:
            return "rollout"

    def upgrade(self, tree: str) -> None:
        """Another generated tree at another place, and the old one gone; the sidecar starts from it."""
        self.sidecar.stop()
        os.rename(self.sidecar.tree, f"{self.sidecar.tree}.gone")
        self.sidecar.tree = tree
        self.restart()

    def restart(self) -> None:
        """The sidecar, on the same data."""
        self.sidecar.restart()
        self.codex.sidecar_port = self.sidecar.port

    # --- what there is then -----------------------------------------------------------------------------------

    @property
    def hooks_path(self) -> str:
        """The hooks file."""
        return os.path.join(self.codex.home, "hooks.json")

    def hooks_file(self) -> bytes | None:
        """Its bytes; None when it is not there."""
        try:
            with open(self.hooks_path, "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def identity(self) -> tuple[int, int, bytes | None]:
        """What changes when somebody writes it, even the same again."""
        about = os.stat(self.hooks_path)
        return about.st_ino, about.st_mtime_ns, self.hooks_file()

    def listed(self) -> list[dict[str, Any]]:
        """The user's hooks, as Codex lists them."""
        said = hooks_list(self.codex.program, self.codex.project, self.codex.environment())
        return [hook for hook in said["hooks"] if hook["source"] == "user"]

    def trust(self, *, ours: bool = True) -> dict[str, int]:
        """How many of ours, or of the others, are in which trust status."""
        return dict(Counter(hook["trustStatus"] for hook in self.listed() if is_ours(hook["command"]) == ours))

    def doctor(self) -> dict[str, Any]:
        """The report of `sidecar-patcher doctor`."""
        env = {**os.environ, **self.codex.environment()}
        env["PATH"] = os.pathsep.join((os.path.dirname(self.codex.program), env["PATH"]))
        words = ["--tree", self.sidecar.tree, "--codex-home", self.codex.home, "--data-dir", self.sidecar.data_dir]
        command = [sys.executable, "-m", "patcher", "doctor", "--format", "json", *words]
        env["PYTHONPATH"] = str(REPOSITORY)
        done = subprocess.run(command, env=env, cwd=self.codex.project, capture_output=True, text=True, check=False)
        if done.returncode not in {0, 1}:
            raise AssertionError(f"{shlex.join(command)}: {done.returncode}\n{done.stderr}")
        return {**json.loads(done.stdout), "exit_code": done.returncode}

    def disagreements(self) -> list[str]:
        """Where Codex, the doctor's own reading and the sidecar's say different things of an entry of ours."""
        with open(self.hooks_path, encoding="utf-8") as file:
            entries = {f"{self.hooks_path}:{entry.place}": entry for entry in entries_in(json.load(file)["hooks"])}
        config = self._config().get("hooks", {}).get("state", {})
        told = {each["key"]: each for each in self.sidecar.get("/api/codex-hooks")["trust"]["entries"]}
        said = []
        for hook in self.listed():
            if not is_ours(hook["command"]):
                continue
            key, entry = hook["key"], entries.get(hook["key"])
            read = (entry.hash, state_of(entry, config, (self.hooks_path,))) if entry else None
            api = (told[key]["hash"], told[key]["state"]) if key in told else None
            if not (read == api == (hook["currentHash"], hook["trustStatus"])):
                said.append(f"{key}: Codex {hook['trustStatus']}, doctor {read}, sidecar {api}")
        unlisted = {snake(entry.event) for entry in entries.values()} - {
            hook["key"].split(":")[-3] for hook in self.listed()
        }
        return said if unlisted <= {"interrupt"} else [*said, f"Codex does not list {sorted(unlisted)}"]

    def _config(self) -> dict[str, Any]:
        with open(os.path.join(self.codex.home, "config.toml"), "rb") as file:
            return tomllib.load(file)

    def ledger_is_the_rollouts(self) -> list[str]:
        """Where the rows are not those of the rollouts alone; on the v2 line, where a hook has told of a session."""
        if not self.ledger:
            roads = {self._road(row["session_id"]) for row in self.sidecar.rows("SELECT session_id FROM events")}
            return [] if roads == {"rollout"} else [f"the rows are of {sorted(roads)}"]
        expected = Expected.of([], self.codex.rollouts().values())
        eventually(lambda: compare(expected, self.sidecar.rows("SELECT * FROM events")).ok, _SETTLE)
        compared = compare(expected, self.sidecar.rows("SELECT * FROM events"))
        return compared.said if compared.rows else ["there are no rows"]
