"""Node as a judge of syntax, and npm packages for development, in a cache outside of the repository."""

import json
import os
import shutil
import subprocess
import tempfile
from functools import cache

from patcher.errors import NodeMissing
from patcher.node.find import Node, find_node, npm_of
from patcher.prove import default_cache

_CHECKER = """
const { Script } = require("node:vm");
const lines = require("node:readline").createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const text = JSON.parse(line).replace(/^\\ufeff/, "").replace(/^#!/, "//");
  let problem = "";
  try { new Script(`(function (exports, require, module, __filename, __dirname) {${text}\\n})`); }
  catch (error) { problem = String(error.message); }
  process.stdout.write(JSON.stringify(problem) + "\\n");
});
"""
_LONGEST_INSTALL = 300


class Unavailable(Exception):
    """Node, npm or a package cannot be had here; the message says why."""


@cache
def node() -> Node:
    """The Node of this machine. Raises `Unavailable`."""
    try:
        return find_node()
    except NodeMissing as error:
        raise Unavailable(error.message) from error


@cache
def _checker(_: int) -> "subprocess.Popen[str]":
    """One for each process of ours: a pipe is not shared."""
    pipe = subprocess.PIPE
    return subprocess.Popen([node().path, "-e", _CHECKER], stdin=pipe, stdout=pipe, text=True, encoding="utf-8")


def syntax_problem(text: str) -> str:
    """What V8 has against a text as a CommonJS module: empty when it is legal. Raises `Unavailable`."""
    process = _checker(os.getpid())
    if process.stdin is None or process.stdout is None:
        raise Unavailable("Node has no pipes")
    process.stdin.write(json.dumps(text) + "\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        raise Unavailable("Node ended while it checked a syntax")
    return str(json.loads(answer))


def stop() -> None:
    """End the Node that checks syntax, if there is one."""
    if _checker.cache_info().currsize:
        process = _checker(os.getpid())
        process.communicate()
        _checker.cache_clear()


_FAILED: dict[str, str] = {}
"""Why an entry could not be installed: a process tries once."""


def is_installed(package: str, version: str) -> bool:
    """Whether `installed` would need no network."""
    return os.path.isdir(os.path.join(_entry(package, version), "node_modules"))


def _entry(package: str, version: str) -> str:
    name = package.rpartition("/")[2]  # without its npm scope
    return os.path.join(default_cache(), "npm-dev", f"{name}-{version}")


def installed(package: str, version: str) -> str:
    """The `node_modules` that has this package, fetched once with npm. Raises `Unavailable`."""
    entry = _entry(package, version)
    if not is_installed(package, version):
        if entry in _FAILED:  # npm tries for a minute or more, and the corpus asks for each text
            raise Unavailable(_FAILED[entry])
        try:
            _install(f"{package}@{version}", entry)
        except Unavailable as error:
            _FAILED[entry] = str(error)
            raise
    return os.path.join(entry, "node_modules")


def npm(*arguments: str, cwd: str | None = None) -> str:
    """What npm prints. Raises `Unavailable`, with the end of what it said."""
    command = npm_of(node())
    if command is None:
        raise Unavailable("there is no npm on this machine")
    what = " ".join(arguments[:2])
    try:
        done = subprocess.run(
            [*command, *arguments],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=_LONGEST_INSTALL,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"npm {what}: {error}") from error
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Unavailable(f"npm {what} ended with {done.returncode}: {last}")
    return done.stdout


def _install(package: str, entry: str) -> None:
    store = os.path.dirname(entry)
    os.makedirs(store, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".installing-", dir=store, ignore_cleanup_errors=True) as draft:
        npm("install", package, "--prefix", draft, "--ignore-scripts", "--no-audit", "--no-fund", cwd=draft)
        if not os.path.isdir(entry):
            shutil.move(draft, entry)
            os.makedirs(draft, exist_ok=True)
