"""The npm packages that a real upstream needs to run, in a cache of ours and never in its tree."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping

from patcher.errors import DependenciesMissing, UpstreamUnreadable
from patcher.prove.node import Node, npm_of

_MARKER = ".complete"
_NPM_FLAGS = ("--ignore-scripts", "--omit=optional", "--omit=dev", "--no-audit", "--no-fund", "--no-package-lock")
_LONGEST_INSTALL = 600.0


def default_cache() -> str:
    """`$XDG_CACHE_HOME/sidecar-patcher`, by default below `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "sidecar-patcher")


def dependencies_for(
    package_json: bytes,
    *,
    node: Node,
    cache_dir: str | None = None,
    install: bool = False,
    progress: Callable[[str], None] = lambda said: None,
    command: str = "sidecar-patcher prove",
) -> str | None:
    """The `node_modules` directory for a package, or None when it has no dependencies.

    install: fetch with npm what is not in the cache. command: what the hint tells to type again with `--install`.
    Raises `DependenciesMissing` (not cached and `install` is off, no npm, npm failed), `UpstreamUnreadable`.
    """
    dependencies = _dependencies(package_json)
    if not dependencies:
        return None
    store = os.path.join(cache_dir or default_cache(), "npm")
    entry = os.path.join(store, _digest(dependencies, node))
    if not _complete(entry):
        names = ", ".join(sorted(dependencies))
        if not install:
            raise DependenciesMissing(
                f"this upstream needs npm packages that are not in the cache: {names}",
                where=store,
                hint=f"{command} --install",
            )
        progress(f"installing {len(dependencies)} npm packages: {names}")
        _install(dependencies, store, entry, node)
    return os.path.join(entry, "node_modules")


def _dependencies(package_json: bytes) -> Mapping[str, str]:
    try:
        package = json.loads(package_json)
        dependencies = package.get("dependencies") or {}
        return {str(name): str(wanted) for name, wanted in dependencies.items()}
    except (ValueError, AttributeError) as error:
        raise UpstreamUnreadable(f"its package.json cannot be read: {error}", where="package.json") from error


def _digest(dependencies: Mapping[str, str], node: Node) -> str:
    text = json.dumps({"dependencies": dependencies, "node": node.major}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _complete(entry: str) -> bool:
    return os.path.isfile(os.path.join(entry, _MARKER))


def _install(dependencies: Mapping[str, str], store: str, entry: str, node: Node) -> None:
    """Install beside the entry, then rename: whoever comes second finds the first one's and drops its own."""
    npm = npm_of(node)
    if npm is None:
        raise DependenciesMissing(f"there is no npm beside {node.path}, nor on PATH", where=store)
    try:
        os.makedirs(store, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".installing-", dir=store, ignore_cleanup_errors=True) as draft:
            package = {"name": "sidecar-dependencies", "private": True, "dependencies": dict(dependencies)}
            with open(os.path.join(draft, "package.json"), "w", encoding="utf-8") as file:
                json.dump(package, file)
            _run_npm([*npm, "install", *_NPM_FLAGS], draft, node)
            with open(os.path.join(draft, _MARKER), "w", encoding="utf-8") as file:
                file.write("every package of package.json is here\n")
            _put(draft, entry)
    except OSError as error:
        raise DependenciesMissing(f"the npm cache cannot be written: {error}", where=store) from error


def _put(draft: str, entry: str) -> None:
    if os.path.isdir(entry) and not _complete(entry):
        shutil.rmtree(entry, ignore_errors=True)
    try:
        os.rename(draft, entry)
    except OSError:
        if not _complete(entry):
            raise


def _run_npm(command: list[str], directory: str, node: Node) -> None:
    env = {name: value for name, value in os.environ.items() if name != "NODE_OPTIONS"}
    env["PATH"] = os.pathsep.join([os.path.dirname(node.path), env.get("PATH", "")])
    try:
        done = subprocess.run(
            command,
            cwd=directory,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_LONGEST_INSTALL,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DependenciesMissing(f"npm did not finish within {_LONGEST_INSTALL:.0f} s", where=directory) from error
    if done.returncode != 0:
        tail = "\n".join(done.stdout.decode("utf-8", "replace").strip().splitlines()[-12:])
        raise DependenciesMissing(
            f"npm install ended with {done.returncode}:\n{tail}", hint="is the npm registry reachable? then try again"
        )
