"""The things that the doctor checks: a generated tree, a Codex home, a sidecar. Each is read once; none is changed."""

import json
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from patcher.doctor.check import Problem
from patcher.doctor.sidecar import Running
from patcher.errors import NodeMissing
from patcher.node.find import find_node
from patcher.upstream import foreign_json

COMMAND = "scripts/codex-hooks.js"
AGENTS_COMMAND = "scripts/agent-hooks.js"
_TIMEOUT_S = 20.0
_VERSION = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,9})")


class Unreadable(Problem):
    """Something that a check needs cannot be read."""


@dataclass
class Environment:
    """env: the environment of every process that is started. port: of the sidecar, if the user has given it."""

    tree: str
    env: dict[str, str]
    codex_home: str | None = None
    data_dir: str | None = None
    port: int | None = None
    ask_codex: bool = False
    directory: str = field(default_factory=os.getcwd)
    running: Running | None = None

    def __post_init__(self) -> None:
        self.tree = os.path.abspath(self.tree)
        if self.codex_home:
            self.env["CODEX_HOME"] = os.path.abspath(self.codex_home)
        if self.data_dir:
            self.env["DASHBOARD_DATA_DIR"] = os.path.abspath(self.data_dir)

    @property
    def home(self) -> str:
        """The home directory of the user's Codex."""
        default = os.path.join(self.env.get("HOME") or os.path.expanduser("~"), ".codex")
        return os.path.abspath(self.env.get("CODEX_HOME") or default)

    @property
    def hooks_path(self) -> str:
        """The hooks file of that Codex."""
        return os.path.join(self.home, "hooks.json")

    @cached_property
    def node_on_path(self) -> str | None:
        """The `node` that a hook's command would run."""
        return shutil.which("node", path=self.env.get("PATH"))

    @cached_property
    def node(self) -> str | None:
        """The Node that runs the tree's own command; None without any."""
        if self.node_on_path:
            return self.node_on_path
        try:
            return find_node().path
        except NodeMissing:
            return None

    @property
    def server(self) -> str:
        """The path of the sidecar's main script, quoted for a shell."""
        return shlex.quote(os.path.join(self.tree, "server", "index.js"))

    @property
    def enable(self) -> str:
        """The command that switches the hooks on."""
        script = os.path.join(self.tree, *COMMAND.split("/"))
        overrides = ("CODEX_HOME", self.codex_home), ("DASHBOARD_DATA_DIR", self.data_dir)
        command = [f"{name}={shlex.quote(self.env[name])}" for name, value in overrides if value]
        return " ".join([*command, "node", shlex.quote(script), "enable"])

    @cached_property
    def status(self) -> Mapping[str, Any]:
        """The status that the generated tree reports (`codex-hooks.js status --json`). Raises `Unreadable`."""
        content = self._asked(COMMAND)
        found = content.get("installation", content) if isinstance(content, dict) else None
        if not isinstance(found, dict) or not {"enabled", "forced_off", "hooks_file", "handler"} <= found.keys():
            said = f"`{COMMAND} status --json` printed something else: {json.dumps(content)[:200]!r}"
            raise Unreadable(said, _again(COMMAND))
        return found

    @cached_property
    def agents(self) -> list[Mapping[str, Any]]:
        """The status of each other agent, as the generated tree reports it (`agent-hooks.js`). Raises `Unreadable`."""
        content = self._asked(AGENTS_COMMAND)
        found = content.get("agents") if isinstance(content, dict) else None
        keys = {"agent", "title", "state", "problem", "file", "entries"}
        if not isinstance(found, list) or not all(isinstance(each, dict) and keys <= each.keys() for each in found):
            said = f"`{AGENTS_COMMAND} status --json` printed something else: {json.dumps(content)[:200]!r}"
            raise Unreadable(said, _again(AGENTS_COMMAND))
        return found

    def enable_agent(self, agent: str) -> str:
        """The command that switches the hooks of an agent on."""
        script = os.path.join(self.tree, *AGENTS_COMMAND.split("/"))
        words = [f"DASHBOARD_DATA_DIR={shlex.quote(self.env['DASHBOARD_DATA_DIR'])}"] if self.data_dir else []
        return " ".join([*words, "node", shlex.quote(script), "enable", agent])

    def _asked(self, command: str) -> Any:
        """The JSON that a command of the generated tree prints for `status --json`. Raises `Unreadable`."""
        if self.node is None:
            raise Unreadable("there is no Node to ask it with", "install Node 22.5 or newer")
        words = [self.node, os.path.join(self.tree, *command.split("/")), "status", "--json"]
        try:
            done = self._run(words, cwd=self.tree)
        except (OSError, subprocess.SubprocessError) as error:
            raise Unreadable(f"`{command} status` does not run: {error}", _again(command)) from error
        if not done.stdout.strip():
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise Unreadable(f"`{command} status` ended with {done.returncode}: {last}", _again(command))
        try:
            return foreign_json.loads(done.stdout)
        except ValueError as error:
            said = f"`{command} status --json` printed no JSON: {done.stdout[-200:]!r}"
            raise Unreadable(said, _again(command)) from error

    @cached_property
    def codex(self) -> str | None:
        """The `codex` on PATH."""
        return shutil.which("codex", path=self.env.get("PATH"))

    @cached_property
    def codex_version(self) -> tuple[int, ...] | None:
        """The version of that `codex`; None without a `codex`, or where it prints none."""
        return self.version(self.codex)

    def version(self, program: str | None) -> tuple[int, ...] | None:
        """The version that a program prints; None when it does not run, or prints none."""
        try:
            return version_of(self._run([program, "--version"]).stdout) if program else None
        except (OSError, subprocess.SubprocessError):
            return None

    def _run(self, command: list[str], cwd: str | None = None) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command,
            cwd=cwd,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )


def _again(command: str) -> str:
    return f"node {command} status, in the generated tree, to see for yourself"


def numbers(version: object) -> tuple[int, ...] | None:
    """The three numbers of a version, without a suffix after `-`; None for anything else."""
    found = _VERSION.fullmatch(version.partition("-")[0]) if isinstance(version, str) else None
    return tuple(map(int, found.groups())) if found else None


def version_of(text: str) -> tuple[int, ...] | None:
    """The numbers of the version at the end of `codex-cli 0.169.0` or `v24.1.0`; None without one."""
    last = text.split()[-1:]
    return numbers(last[0].removeprefix("v")) if last else None


def read_toml(path: str) -> Mapping[str, Any]:
    """A TOML file; empty when there is none. Raises `Unreadable`."""
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}", f"ls -l {path}") from error
    except (ValueError, RecursionError) as error:  # not TOML, not UTF-8, or nested too deeply
        raise Unreadable(
            f"{path} is not valid TOML: {error}", f"correct it in {path}: Codex does not start with it"
        ) from error


def read_hooks(path: str) -> Any:
    """The `hooks` of a hooks file; None when there is no such file. Raises `Unreadable`."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            content = foreign_json.loads(file.read())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}", f"ls -l {path}") from error
    except ValueError as error:
        raise Unreadable(f"{path} is not valid JSON: {error}", f"correct it in {path}") from error
    return content.get("hooks") if isinstance(content, dict) else None
