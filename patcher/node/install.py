"""The npm packages that upstream needs to run. They are in our cache, never in upstream's tree."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping

from patcher.errors import DependenciesMissing
from patcher.node import npm
from patcher.node.find import Node
from patcher.upstream import travels

_NPM_FLAGS = ("--ignore-scripts", "--omit=optional", "--omit=dev", "--no-audit", "--no-fund", "--no-package-lock")
_LONGEST_INSTALL = 600.0


def dependencies_for(
    package_json: bytes,
    *,
    node: Node,
    cache_dir: str | None = None,
    install: bool = False,
    progress: Callable[[str], None] = lambda message: None,
    command: str = "sidecar-patcher prove",
) -> str | None:
    """The `node_modules` directory for a package; None when it has no dependencies.

    install: fetch with npm what is not in the cache. command: for the hint, which adds `--install` to it.
    Raises `DependenciesMissing` (not cached and `install` is off, no npm, npm failed), `UpstreamUnreadable`.
    """
    dependencies = travels.dependencies(package_json, "package.json")
    if not dependencies:
        return None
    store = os.path.join(cache_dir or npm.default_cache(), "npm")
    entry = os.path.join(store, _digest(dependencies, node))
    if not npm.is_whole(entry):
        names = ", ".join(sorted(dependencies))
        if not install:
            raise DependenciesMissing(
                f"this upstream needs npm packages that are not in the cache: {names}",
                where=store,
                hint=f"{command} --install",
            )
        progress(f"installing {len(dependencies)} npm packages: {names}")
        package = {"name": "sidecar-dependencies", "private": True, "dependencies": dict(dependencies)}
        files = {"package.json": json.dumps(package).encode()}
        npm.install(files, entry, ("install", *_NPM_FLAGS), node=node, longest=_LONGEST_INSTALL)
    return os.path.join(entry, "node_modules")


def _digest(dependencies: Mapping[str, str], node: Node) -> str:
    text = json.dumps({"dependencies": dependencies, "node": node.major}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
