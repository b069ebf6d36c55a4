"""Upstream's own tool chain for the client: its npm packages in our cache, and `npm run build`."""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping

from patcher.errors import ClientBuildFailed, DependenciesMissing
from patcher.model import Tree
from patcher.node import npm
from patcher.node.find import Node
from patcher.upstream.travels import dependencies

BUILTIN = "builtin"
"""The version of a package that the miniature client declares but does not need to be installed."""
_FLAGS = ("--ignore-scripts", "--no-audit", "--no-fund", "--include=dev")
_LONGEST = 900.0
_PACKAGE, _LOCK = "client/package.json", "client/package-lock.json"


@contextlib.contextmanager
def packages(tree: Tree, node: Node, *, install: bool) -> Iterator[str]:
    """A directory in which a client can be built with its npm packages from the cache; an empty one if it has none.

    `node_modules` is always the same number of folders above the build: the paths in the source maps of the tool chain
    then do not depend on the place of the cache.

    install: fetch with npm what is not in the cache. Raises `DependenciesMissing`.
    """
    if not _wanted(tree):
        with tempfile.TemporaryDirectory(prefix="sidecar-patcher-client-", ignore_cleanup_errors=True) as made:
            yield os.path.realpath(made)
        return
    store = os.path.join(npm.default_cache(), "client")
    entry = os.path.join(store, _digest(tree, node))
    if not npm.is_whole(entry):
        if not install:
            message = f"the client of this upstream needs {len(_wanted(tree))} npm packages that are not in the cache"
            raise DependenciesMissing(message, where=store, hint="the same command with `--install` fetches them")
        files = {os.path.basename(name): tree[name].data for name in (_PACKAGE, _LOCK) if name in tree}
        verb = "ci" if _LOCK in tree else "install"
        npm.install(files, entry, (verb, *_FLAGS), node=node, longest=_LONGEST)
    yield entry


def run_build(directory: str, node: Node) -> None:
    """Run `npm run build` in `directory`, without network, and without variables that could change the result.

    Raises `ClientBuildFailed` with the end of its output, `DependenciesMissing` where there is no npm.
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
    command = [*npm.command(node, where="client"), "run", "build"]
    done = npm.run(command, directory, environment, longest=_LONGEST)
    if done.returncode != 0:
        output = npm.tail(done.stdout.replace(directory.encode(), b"client"))
        hint = "`sidecar-patcher diff --client` shows what we changed; is the client whole without it?"
        raise ClientBuildFailed(
            f"upstream's `npm run build` ended with {done.returncode}:\n{output}", where="client", hint=hint
        )


def _wanted(tree: Tree) -> Mapping[str, str]:
    named = dependencies(tree[_PACKAGE].data, _PACKAGE, "dependencies", "devDependencies")
    return {name: version for name, version in named.items() if version != BUILTIN}


def _digest(tree: Tree, node: Node) -> str:
    hasher = hashlib.sha256(f"{json.dumps(_wanted(tree), sort_keys=True)} {node.major}".encode())
    hasher.update(tree[_LOCK].data if _LOCK in tree else b"")
    return hasher.hexdigest()[:32]
