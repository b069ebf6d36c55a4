"""What the doctor looks at: a generated tree, a Codex home, a sidecar; each read once, none of them changed."""

import os
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from patcher.doctor.rollouts import numbers
from patcher.doctor.sidecar import Running
from patcher.errors import NodeMissing
from patcher.node.find import find_node
from patcher.upstream import foreign_json

COMMAND = "scripts/codex-hooks.js"
_LONGEST = 20.0
_AGAIN = f"node {COMMAND} status, in the generated tree, to see for yourself"


class Unread(Exception):
    """Something that a check needs cannot be read; the text says why, `do` what to do about it."""

    def __init__(self, message: str, do: str) -> None:
        super().__init__(message)
        self.do = do


@dataclass
class Ground:
    """env: the environment that everything is started in. port: of the sidecar, when the user has named it."""

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
        """The folder of the user's Codex."""
        default = os.path.join(self.env.get("HOME") or os.path.expanduser("~"), ".codex")
        return os.path.abspath(self.env.get("CODEX_HOME") or default)

    @property
    def hooks_paths(self) -> tuple[str, ...]:
        """How Codex may spell the hooks file in its keys, the likeliest first.

        With `CODEX_HOME` it resolves the links of the folder, without it none (0.146.0 and 0.169.0).
        """
        real, written = (os.path.join(home, "hooks.json") for home in (os.path.realpath(self.home), self.home))
        return (real, written) if self.env.get("CODEX_HOME") else (written, real)

    @cached_property
    def node_on_path(self) -> str | None:
        """The `node` that a hook's command would run."""
        return shutil.which("node", path=self.env.get("PATH"))

    @cached_property
    def node(self) -> str | None:
        """The Node that runs the tree's own command; None when there is none at all."""
        if self.node_on_path:
            return self.node_on_path
        try:
            return find_node().path
        except NodeMissing:
            return None

    @property
    def server(self) -> str:
        """What Node runs as the sidecar, as a word of a shell."""
        return shlex.quote(os.path.join(self.tree, "server", "index.js"))

    @property
    def enable(self) -> str:
        """What to type to switch it on."""
        script = os.path.join(self.tree, *COMMAND.split("/"))
        given = ("CODEX_HOME", self.codex_home), ("DASHBOARD_DATA_DIR", self.data_dir)
        words = [f"{name}={shlex.quote(self.env[name])}" for name, value in given if value]
        return " ".join([*words, "node", shlex.quote(script), "enable"])

    @cached_property
    def status(self) -> Mapping[str, Any]:
        """What the generated tree itself says (`codex-hooks.js status --json`). Raises `Unread`."""
        said = self._said_by_the_tree()
        try:
            content = foreign_json.loads(said)
        except ValueError as error:
            raise Unread(f"`{COMMAND} status --json` gave no JSON: {said[-200:]!r}", _AGAIN) from error
        found = content.get("installation", content) if isinstance(content, dict) else None
        if not isinstance(found, dict) or not {"enabled", "forced_off", "hooks_file", "handler"} <= found.keys():
            raise Unread(f"`{COMMAND} status --json` gave something else: {said[:200]!r}", _AGAIN)
        return found

    def _said_by_the_tree(self) -> str:
        if self.node is None:
            raise Unread("there is no Node to ask it with", "install Node 22.5 or newer")
        words = [self.node, os.path.join(self.tree, *COMMAND.split("/")), "status", "--json"]
        try:
            done = subprocess.run(
                words,
                cwd=self.tree,
                env=self.env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                timeout=_LONGEST,
                check=False,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise Unread(f"`{COMMAND} status` does not run: {error}", _AGAIN) from error
        if not done.stdout.strip():
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise Unread(f"`{COMMAND} status` ended with {done.returncode}: {last}", _AGAIN)
        return done.stdout

    @property
    def wanted(self) -> bool:
        """Whether the hooks are to be in place. Raises `Unread`."""
        return bool(self.status["enabled"]) and not self.status["forced_off"]

    @cached_property
    def config(self) -> Mapping[str, Any]:
        """Codex's `config.toml`; empty when there is none. Raises `Unread`."""
        return read_toml(os.path.join(self.home, "config.toml"))

    @cached_property
    def hooks(self) -> Any:
        """The `hooks` of the hooks file; None when there is no such file. Raises `Unread`."""
        return read_hooks(os.path.join(self.home, "hooks.json"))

    @cached_property
    def codex(self) -> str | None:
        """The `codex` on PATH."""
        return shutil.which("codex", path=self.env.get("PATH"))

    @cached_property
    def codex_version(self) -> tuple[int, ...] | None:
        """The version of that `codex`; None when there is none, or it does not say."""
        return self.version(self.codex)

    def version(self, program: str | None) -> tuple[int, ...] | None:
        """What a program says its version is; None when it does not run, or does not say."""
        if program is None:
            return None
        try:
            done = subprocess.run(
                [program, "--version"],
                env=self.env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_LONGEST,
                check=False,
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return version_of(done.stdout)


def version_of(text: str) -> tuple[int, ...] | None:
    """The numbers of the version at the end of `codex-cli 0.169.0` or `v24.1.0`; None when there is none."""
    words = text.split()
    return numbers(words[-1].removeprefix("v")) if words else None


def read_toml(path: str) -> Mapping[str, Any]:
    """A TOML file; empty when there is none. Raises `Unread`."""
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise Unread(f"{path} cannot be read: {error.strerror}", f"ls -l {path}") from error
    except (ValueError, RecursionError) as error:  # not TOML, not UTF-8, or nested too deeply
        raise Unread(
            f"{path} is not valid TOML: {error}", f"put it right in {path}: Codex does not start with it"
        ) from error


def read_hooks(path: str) -> Any:
    """The `hooks` of a hooks file; None when there is no such file. Raises `Unread`."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            content = foreign_json.loads(file.read())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unread(f"{path} cannot be read: {error.strerror}", f"ls -l {path}") from error
    except ValueError as error:
        raise Unread(f"{path} is not valid JSON: {error}", f"put it right in {path}") from error
    return content.get("hooks") if isinstance(content, dict) else None
