"""Run npm, and install into our cache: in a temporary directory that is then renamed, so no entry is incomplete."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence

from patcher.errors import DependenciesMissing
from patcher.node.find import Node, npm_of

_MARKER = ".complete"
_SHOWN = 15


def default_cache() -> str:
    """`$XDG_CACHE_HOME/sidecar-patcher`, by default below `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "sidecar-patcher")


def is_whole(entry: str) -> bool:
    """Whether an entry of the cache is complete."""
    return os.path.isfile(os.path.join(entry, _MARKER))


def install(files: Mapping[str, bytes], entry: str, arguments: Sequence[str], *, node: Node, longest: float) -> None:
    """Run npm in a directory with these files, which becomes the entry, unless another process was faster.

    arguments: of npm, the verb first. longest: timeout in seconds. Raises `DependenciesMissing` (there is no npm, npm
    fails or takes too long, the cache cannot be written).
    """
    store = os.path.dirname(entry)
    npm = command(node, where=store)
    try:
        os.makedirs(store, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".installing-", dir=store, ignore_cleanup_errors=True) as draft:
            for name, data in files.items():
                _write(os.path.join(draft, name), data)
            done = run([*npm, *arguments], draft, _environment(node), longest=longest)
            if done.returncode != 0:
                hint = "is the npm registry reachable? then try again"
                message = f"npm {arguments[0]} ended with {done.returncode}:\n{tail(done.stdout)}"
                raise DependenciesMissing(message, where=store, hint=hint)
            _write(os.path.join(draft, _MARKER), b"every package of package.json is here\n")
            _put(draft, entry)
    except OSError as error:
        raise DependenciesMissing(f"the npm cache cannot be written: {error}", where=store) from error


def command(node: Node, *, where: str) -> list[str]:
    """The command that runs npm with this Node. Raises `DependenciesMissing` where there is no npm."""
    npm = npm_of(node)
    if npm is None:
        raise DependenciesMissing(f"there is no npm beside {node.path}, nor on PATH", where=where)
    return npm


def run(
    command: Sequence[str], directory: str, environment: Mapping[str, str], *, longest: float
) -> "subprocess.CompletedProcess[bytes]":
    """Run npm without stdin; `stdout` of the result has stdout and stderr. longest: timeout in seconds.

    Raises `DependenciesMissing` when it takes longer.
    """
    try:
        return subprocess.run(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=longest,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DependenciesMissing(f"npm did not finish within {longest:.0f} s", where=directory) from error


def tail(output: bytes) -> str:
    """The last lines of npm's output."""
    return "\n".join(output.decode("utf-8", "replace").strip().splitlines()[-_SHOWN:])


def _environment(node: Node) -> dict[str, str]:
    """Our own environment, so that npm finds its registry and proxy, with this Node first on PATH."""
    environment = {name: value for name, value in os.environ.items() if name not in {"NODE_OPTIONS", "NODE_ENV"}}
    environment["PATH"] = os.pathsep.join([os.path.dirname(node.path), environment.get("PATH", "")])
    return environment


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as stream:
        stream.write(data)


def _put(draft: str, entry: str) -> None:
    if os.path.isdir(entry) and not is_whole(entry):
        shutil.rmtree(entry, ignore_errors=True)
    try:
        os.rename(draft, entry)
    except OSError:
        if not is_whole(entry):
            raise
