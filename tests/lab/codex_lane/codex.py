"""One Codex with a home, a project and a hooks file of its own, whose hooks are recorded on their way to the handler."""

import contextlib
import glob
import json
import os
import platform
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from patcher.node.find import Node
from patcher.prove.directories import scrubbed_environment
from patcher.prove.sidecar import eventually
from tests.doctor.trust_oracle import hash_of, snake
from tests.lab.drift import nodejs

PACKAGE = "@openai/codex"
_OF_A_SESSION = ("SessionStart", "Stop", "Interrupt", "SessionEnd")
_OF_A_TURN = ("UserPromptSubmit", "PermissionRequest", "PreToolUse", "PostToolUse")
EVENTS = (*_OF_A_SESSION, *_OF_A_TURN, "SubagentStart", "SubagentStop", "PreCompact", "PostCompact")
_CLAMPED = {"SessionEnd", "Interrupt"}  # Codex gives these three seconds and no more
_LONGEST_RUN = 120.0
_RECORDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "recorder.py")
_CONFIG = """\
model = "{model}"
model_provider = "mock"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false
{more}
[analytics]
enabled = false

[model_providers.mock]
name = "mock"
base_url = "http://127.0.0.1:{port}/v1"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
"""

Line = dict[str, Any]


class CodexFailed(Exception):
    """Codex did not do what it was asked; the message has what it said."""


def newest() -> str:
    """The version that npm calls the latest. Raises `nodejs.Unavailable`."""
    return nodejs.npm("view", PACKAGE, "version").strip()


def binary(version: str) -> str:
    """The native program of a version, fetched once. Raises `nodejs.Unavailable`."""
    modules = nodejs.installed(PACKAGE, version)
    here = f"{platform.machine()}-*{sys.platform}*"  # older packages bring the programs of all platforms
    for place in ("bin/codex", "codex/codex", "*/codex"):
        found = glob.glob(os.path.join(modules, "@openai", "codex*", "vendor", here, *place.split("/")))
        if found:
            return found[0]
    raise nodejs.Unavailable(f"{PACKAGE} {version} brings no program for this machine")


@dataclass(frozen=True)
class Hook:
    """One hook command that Codex has run. code and output: how the handler ended; None when it was not let finish."""

    payload: dict[str, Any]
    received_at: float
    code: int | None
    output: str
    seconds: float


class Codex:
    """A Codex below `directory`, of which nothing is outside of it. `port` is the model's, `sidecar_port` the sidecar's.

    asked: the prompts that threads were given through an app-server, by thread.
    """

    def __init__(self, program: str, directory: str, node: Node, handler: str) -> None:
        self.program = program
        self.home = os.path.join(directory, "home", ".codex")
        self.project = os.path.join(directory, "project")
        self.sidecar_port = 0
        self.asked: dict[str, list[str]] = {}
        self._node = node
        self._handler = handler
        self._record = os.path.join(directory, "hooks.jsonl")
        self._unheard: list[tuple[float, float]] = []
        self._log = os.path.join(directory, "codex.log")
        for path in (self.home, self.project, os.path.join(directory, "home", "tmp")):
            os.makedirs(path)

    def configure(self, *, port: int, model: str, more: str = "", hooks: bool = True) -> None:
        """Write its configuration and, unless somebody else does, a hooks file with every event."""
        with open(os.path.join(self.home, "config.toml"), "w", encoding="utf-8") as file:
            file.write(_CONFIG.format(model=model, port=port, more=more))
        if not hooks:
            return
        recorded = {event: [{"hooks": [self._hook(event)]}] for event in EVENTS}
        with open(os.path.join(self.home, "hooks.json"), "w", encoding="utf-8") as file:
            json.dump({"hooks": recorded}, file, indent=2)

    def _hook(self, event: str) -> dict[str, Any]:
        words = [sys.executable, "-S", "-E", _RECORDER, self._record, self._node.path, self._handler, event]
        timeout = 3 if event in _CLAMPED else 30
        return {"type": "command", "command": shlex.join(words), "timeout": timeout}

    def run(self, *arguments: str, when: Callable[[], bool] | None = None, bypass: bool = True) -> None:
        """`codex exec` to its end. when: what has to be seen before it is interrupted, as by Ctrl-C.

        bypass: run hooks that nobody has trusted.

        Raises `CodexFailed` when it ends with anything but 0, and was not interrupted.
        """
        flags = ["--skip-git-repo-check", "--json", *(["--dangerously-bypass-hook-trust"] if bypass else [])]
        with open(self._log, "ab") as log:
            process = subprocess.Popen(
                [self.program, "exec", *flags, *arguments],
                cwd=self.project,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                if when is not None:
                    if not eventually(lambda: process.poll() is not None or when(), 30):
                        raise CodexFailed("what it was to be interrupted in did not come")
                    process.send_signal(signal.SIGINT)
                code = process.wait(_LONGEST_RUN)
            except subprocess.TimeoutExpired as error:
                raise CodexFailed(f"codex still ran after {_LONGEST_RUN:g} s:\n{self.log()[-2000:]}") from error
            finally:
                _end_group(process)
        if code != 0 and when is None:
            raise CodexFailed(f"codex ended with {code}:\n{self.log()[-2000:]}")

    def trust_hooks(self) -> None:
        """Write down that the recorder's hooks are trusted: an app-server has no flag that lets it do without."""
        path = os.path.join(self.home, "hooks.json")
        with open(path, encoding="utf-8") as file:
            hooks: dict[str, list[dict[str, Any]]] = json.load(file)["hooks"]
        with open(os.path.join(self.home, "config.toml"), "a", encoding="utf-8") as file:
            for event, [group] in hooks.items():
                key = json.dumps(f"{path}:{snake(event)}:0:0")
                file.write(
                    f"\n[hooks.state.{key}]\ntrusted_hash = {json.dumps(hash_of(event, None, *group['hooks']))}\n"
                )

    def migrate(self) -> None:
        """`codex migrate-rollouts --apply`. Raises `CodexFailed`."""
        command = [self.program, "migrate-rollouts", "--apply"]
        done = subprocess.run(
            command, cwd=self.project, env=self.environment(), capture_output=True, text=True, check=False
        )
        if done.returncode != 0 or " 0 failed" not in done.stdout:
            raise CodexFailed(f"{' '.join(command[1:])} ended with {done.returncode}:\n{done.stdout}{done.stderr}")

    def environment(self) -> dict[str, str]:
        """What it is started with."""
        env = scrubbed_environment(os.path.dirname(self.home))
        env.update(CODEX_HOME=self.home, CLAUDE_DASHBOARD_PORT=str(self.sidecar_port), SHELL="/bin/bash")
        return env

    def log(self) -> str:
        """All that it has printed."""
        with open(self._log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def hooks(self) -> list[Hook]:
        """The hooks that it has run, in the order in which they came."""
        entries = _lines(self._record)
        ended = {entry["pid"]: entry for entry in entries if "code" in entry}
        began = [entry for entry in entries if "stdin" in entry]
        nothing = {"code": None, "output": "", "seconds": 0.0}
        return [
            Hook(
                payload=entry["stdin"],
                received_at=entry["received_at"],
                **{name: ended.get(entry["pid"], nothing)[name] for name in nothing},
            )
            for entry in began
        ]

    @contextlib.contextmanager
    def unheard(self) -> Iterator[None]:
        """While no sidecar runs: what hooks tell now is told to nobody."""
        began = time.time()
        try:
            yield
        finally:
            self.wait_for_hooks()
            self._unheard.append((began, time.time()))

    def heard(self, hook: Hook) -> bool:
        """Whether a sidecar was there to be told."""
        return not any(began <= hook.received_at <= ended for began, ended in self._unheard)

    def wait_for_hooks(self) -> None:
        """Until no hook command is at work: what runs beside the session may outlive it by a moment."""
        eventually(lambda: all(hook.code is not None for hook in self.hooks()), 5)

    def rollouts(self) -> dict[str, list[Line]]:
        """The lines of every rollout file, by path."""
        found = sorted(glob.glob(os.path.join(self.home, "sessions", "*", "*", "*", "rollout-*.jsonl")))
        return {path: _lines(path) for path in found}


def _lines(path: str) -> list[Line]:
    try:
        with open(path, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]
    except FileNotFoundError:
        return []


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    """End what is left of a Codex: itself, and what it started in its group."""
    for _ in range(2):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            break
        time.sleep(0.01)
    process.wait()
