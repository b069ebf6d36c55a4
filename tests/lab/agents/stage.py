"""One agent with a home of its own beside a sidecar of its own: runs it, interrupts it, and knows its hooks."""

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from patcher.prove import Node, Sidecar
from patcher.prove.directories import scrubbed_environment
from patcher.prove.sidecar import eventually
from tests.lab.agents.agents import Agent, write_json
from tests.lab.agents.model_server import ModelServer
from tests.lab.agents.scenarios import FILE, STARTED

_LONGEST_RUN = 120.0
_RECORDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "recorder.py")


class AgentFailed(Exception):
    """The agent did not do what it was asked; the message has what it said."""


@dataclass
class Stage:
    """An agent below `directory`, its home being `home`. handler: ours, in the sidecar's tree or beside it."""

    agent: Agent
    command: Sequence[str]
    node: Node
    home: str
    directory: str
    sidecar: Sidecar
    model: ModelServer
    handler: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.project = os.path.join(self.directory, "project")
        self.record = os.path.join(self.directory, "hooks.jsonl")
        self._log = os.path.join(self.directory, "agent.log")
        os.makedirs(self.project, exist_ok=True)
        os.makedirs(os.path.join(self.home, "tmp"), exist_ok=True)
        with open(os.path.join(self.project, FILE), "w", encoding="utf-8") as file:
            file.write("hello file\n")
        self.agent.configure(self.home, self.model.port)

    # --- what a person does -----------------------------------------------------------------------------------

    def run(self, prompt: str, *, go_on: bool = False) -> None:
        """A run to its end. Raises `AgentFailed` when it ends with anything but 0."""
        arguments = (self.agent.go_on if go_on else self.agent.prompt)(prompt)
        process = self._start(
            [self._newest() if word == "{newest}" else word for word in arguments],
            self.agent.go_on_variables if go_on else None,
        )
        code = self._end(process)
        if code != 0:
            raise AgentFailed(f"{self.agent.name} ended with {code}:\n{self.log()[-2000:]}")

    def interrupt(self, prompt: str) -> None:
        """A run that gets Ctrl-C once its call is at work. Raises `AgentFailed` when it never is."""
        process = self._start(self.agent.prompt(prompt))
        started = os.path.join(self.project, STARTED)
        try:
            eventually(lambda: process.poll() is not None or os.path.exists(started), _LONGEST_RUN)
            if not os.path.exists(started):
                raise AgentFailed(f"{self.agent.name} did not start its call:\n{self.log()[-2000:]}")
            time.sleep(0.3)
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does
            self._end(process)
        finally:
            _kill(process)

    def _newest(self) -> str:
        """The id of the session whose transcript was written last: it is the name of that file."""
        return os.path.basename(max(self.agent.files(self.home), key=os.path.getmtime)).partition(".")[0]

    def log(self) -> str:
        """All that it has printed."""
        with open(self._log, encoding="utf-8", errors="replace") as file:
            return file.read()

    # --- hooks ------------------------------------------------------------------------------------------------

    def recorded(self) -> list[dict[str, Any]]:
        """The payloads of the hooks that were recorded, in the order in which they came."""
        return [entry for entry in self._entries() if "stdin" in entry]

    def handled(self) -> list[dict[str, Any]]:
        """How the handler ended on them: its `code` and `output`. One that the agent ended is not there."""
        return [entry for entry in self._entries() if "code" in entry]

    def _entries(self) -> list[dict[str, Any]]:
        try:
            with open(self.record, encoding="utf-8") as file:
                return [json.loads(line) for line in file if line.endswith("\n")]
        except FileNotFoundError:
            return []

    def hook_command(self, event: str, *, handler: str = "") -> str:
        """A command for a hooks file: it records the payload and, where there is one, runs the handler on it."""
        words = [
            sys.executable,
            "-S",
            "-E",
            _RECORDER,
            self.record,
            event,
            *([self.node.path, handler] if handler else []),
        ]
        return shlex.join(words)

    def enable_hooks(self) -> bool:
        """Let the installer of the sidecar's tree write our hooks. Returns whether there is something to be written.

        Raises `AgentFailed` when it cannot.
        """
        script = os.path.join(self.sidecar.tree, "scripts", "agent-hooks.js")
        if not self.handler or not os.path.isfile(script):
            return False
        env = {**self._environment(), "DASHBOARD_DATA_DIR": self.sidecar.data_dir}
        command = [self.node.path, script, "enable", self.agent.provider]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise AgentFailed(f"{' '.join(command[1:])} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return True

    def deliver(self, handler: str) -> None:
        """Run the handler on what was recorded, in its order."""
        for entry in self.recorded():
            text = json.dumps(entry["stdin"]).encode()
            subprocess.run(
                [self.node.path, handler, entry["event"]], input=text, env=self._environment(), check=True, timeout=30
            )

    # --- the rest ---------------------------------------------------------------------------------------------

    def keep(self, folder: str) -> None:
        """Copy what was recorded, the transcripts, and what the model was asked."""
        os.makedirs(folder, exist_ok=True)
        if os.path.exists(self.record):
            shutil.copy(self.record, folder)
        for path in self.agent.files(self.home):
            target = os.path.join(folder, "transcripts", os.path.relpath(path, self.home))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(path, target)
        with contextlib.suppress(FileNotFoundError):
            shutil.copy(self._log, folder)
        write_json(os.path.join(folder, "requests.json"), self.model.spoken)
        served = [{"word": each.word, "model": each.model, "calls": [vars(call) for call in each.calls],
                   "usage": vars(each.usage)} for each in (*self.model.served, *self.model.aside)]  # fmt: skip
        write_json(os.path.join(folder, "served.json"), served)
        tables = ("sessions", "agents", "events", "token_usage")
        write_json(
            os.path.join(folder, "rows.json"), {name: self.sidecar.rows(f"SELECT * FROM {name}") for name in tables}
        )  # noqa: S608

    def _start(self, arguments: Sequence[str], more: Mapping[str, str] | None = None) -> "subprocess.Popen[bytes]":
        with open(self._log, "ab") as log:
            return subprocess.Popen(
                [*self.command, *arguments],
                cwd=self.project,
                env={**self._environment(), **(more or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _end(self, process: "subprocess.Popen[bytes]") -> int:
        """Wait for it, and end what it left in its group."""
        try:
            return process.wait(_LONGEST_RUN)
        except subprocess.TimeoutExpired as error:
            raise AgentFailed(f"{self.agent.name} still ran after {_LONGEST_RUN:g} s:\n{self.log()[-2000:]}") from error
        finally:
            _kill(process)

    def _environment(self) -> dict[str, str]:
        own = self.agent.environment(f"http://127.0.0.1:{self.model.port}")
        env = {**scrubbed_environment(self.home), "SHELL": "/bin/bash", **own, **self.variables}
        del env["CODEX_HOME"]
        env["PATH"] = os.pathsep.join((os.path.dirname(self.node.path), env["PATH"]))
        return env


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End it, and what it left in its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
