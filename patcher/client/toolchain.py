"""Upstream's own tool chain for the client: its npm packages in a cache of ours, and `npm run build`."""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence

from patcher.errors import ClientBuildFailed, DependenciesMissing
from patcher.model import Tree
from patcher.prove.install import default_cache
from patcher.prove.node import Node, npm_of

BUILTIN = "builtin"
"""The version of a package that the miniature client names and does without."""
_MARKER = ".complete"
_FLAGS = ("--ignore-scripts", "--no-audit", "--no-fund", "--include=dev")
_LONGEST = 900.0
_SHOWN = 15
_PACKAGE, _LOCK = "client/package.json", "client/package-lock.json"


@contextlib.contextmanager
def packages(tree: Tree, node: Node, *, install: bool, cache_dir: str | None = None) -> Iterator[str]:
    """A directory below which the client finds its npm packages: its own from the cache, or none for one without any.

    They lie in `node_modules` *above* the place where the client is built, at the same distance always: what the tool
    chain writes into its source maps is then the same wherever the cache is.

    install: fetch with npm what is not in the cache. Raises `DependenciesMissing`.
    """
    if not _wanted(tree):
        with tempfile.TemporaryDirectory(prefix="sidecar-patcher-client-", ignore_cleanup_errors=True) as made:
            yield os.path.realpath(made)
        return
    store = os.path.join(cache_dir or default_cache(), "client")
    entry = os.path.join(store, _digest(tree, node))
    if not os.path.isfile(os.path.join(entry, _MARKER)):
        if not install:
            message = f"the client of this upstream needs {len(_wanted(tree))} npm packages that are not in the cache"
            raise DependenciesMissing(message, where=store, hint="the same command with `--install` fetches them")
        _install(tree, node, store, entry)
    yield entry


def run_build(directory: str, node: Node) -> None:
    """`npm run build` in `directory`, without network, and without anything of our environment that could show.

    Raises `ClientBuildFailed` with the end of what it printed, `DependenciesMissing` where there is no npm.
    """
    scratch = os.path.join(directory, os.pardir, "scratch")
    os.makedirs(scratch, exist_ok=True)
    environment = {
        "PATH": os.pathsep.join([os.path.dirname(node.path), os.environ.get("PATH", "")]),
        "HOME": scratch,
        "TMPDIR": scratch,
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "CI": "1",
        "NO_COLOR": "1",
        "npm_config_offline": "true",
        "npm_config_update_notifier": "false",
        **{name: os.environ[name] for name in ("SYSTEMROOT", "COMSPEC", "PATHEXT") if name in os.environ},
    }
    done = _run([*_npm(node), "run", "build"], directory, environment)
    if done.returncode != 0:
        said = done.stdout.decode("utf-8", "replace")
        tail = "\n".join(said.replace(directory, "client").strip().splitlines()[-_SHOWN:])
        hint = "`sidecar-patcher diff --client` shows what we changed; is the client whole without it?"
        raise ClientBuildFailed(
            f"upstream's `npm run build` ended with {done.returncode}:\n{tail}", where="client", hint=hint
        )


def _wanted(tree: Tree) -> Mapping[str, str]:
    described = json.loads(tree[_PACKAGE].data)
    named = {**(described.get("dependencies") or {}), **(described.get("devDependencies") or {})}
    return {name: version for name, version in named.items() if version != BUILTIN}


def _digest(tree: Tree, node: Node) -> str:
    hasher = hashlib.sha256(f"{json.dumps(_wanted(tree), sort_keys=True)} {node.major}".encode())
    hasher.update(tree[_LOCK].data if _LOCK in tree else b"")
    return hasher.hexdigest()[:32]


def _install(tree: Tree, node: Node, store: str, entry: str) -> None:
    """Install beside the entry, then rename: whoever comes second finds the first one's and drops its own."""
    names = [name for name in (_PACKAGE, _LOCK) if name in tree]
    try:
        os.makedirs(store, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".installing-", dir=store, ignore_cleanup_errors=True) as draft:
            for name in names:
                with open(os.path.join(draft, os.path.basename(name)), "wb") as stream:
                    stream.write(tree[name].data)
            verb = "ci" if _LOCK in names else "install"
            done = _run([*_npm(node), verb, *_FLAGS], draft, _with_node(node))
            if done.returncode != 0:
                tail = "\n".join(done.stdout.decode("utf-8", "replace").strip().splitlines()[-_SHOWN:])
                hint = "is the npm registry reachable? then try again"
                raise DependenciesMissing(f"npm {verb} ended with {done.returncode}:\n{tail}", where=store, hint=hint)
            with open(os.path.join(draft, _MARKER), "w", encoding="utf-8") as stream:
                stream.write("every package of the client is here\n")
            _put(draft, entry)
    except OSError as error:
        raise DependenciesMissing(f"the npm cache cannot be written: {error}", where=store) from error


def _put(draft: str, entry: str) -> None:
    whole = os.path.join(entry, _MARKER)
    if os.path.isdir(entry) and not os.path.isfile(whole):
        shutil.rmtree(entry, ignore_errors=True)
    try:
        os.rename(draft, entry)
    except OSError:
        if not os.path.isfile(whole):
            raise


def _npm(node: Node) -> list[str]:
    npm = npm_of(node)
    if npm is None:
        raise DependenciesMissing(f"there is no npm beside {node.path}, nor on PATH", where="client")
    return npm


def _with_node(node: Node) -> dict[str, str]:
    """Our own environment, so that npm finds its registry and proxy, with this Node first."""
    environment = {name: value for name, value in os.environ.items() if name not in {"NODE_OPTIONS", "NODE_ENV"}}
    environment["PATH"] = os.pathsep.join([os.path.dirname(node.path), environment.get("PATH", "")])
    return environment


def _run(
    command: Sequence[str], directory: str, environment: Mapping[str, str]
) -> "subprocess.CompletedProcess[bytes]":
    try:
        return subprocess.run(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DependenciesMissing(f"npm did not finish within {_LONGEST:.0f} s", where=directory) from error
