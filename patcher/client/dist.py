"""From a tree with the client's sources to one with its `client/dist`, which is what the server serves."""

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace

from patcher.client.toolchain import packages, run_build
from patcher.errors import ClientBuildFailed
from patcher.model import Build, File, Tree
from patcher.node.find import Node

FOLDER = "client/"
DIST = "client/dist/"


def with_client(build: Build, dist: Tree) -> Build:
    """The build whose tree has `dist` in place of the client's sources: those travel for the build only."""
    server = {path: file for path, file in build.tree.items() if not path.startswith(FOLDER)}
    return replace(build, tree={**server, **dist}, built=dist)


def build_dist(
    tree: Tree,
    *,
    node: Node,
    install: bool = False,
    cache_dir: str | None = None,
    progress: Callable[[str], None] = lambda said: None,
) -> Tree:
    """`client/dist` of a tree that has the client's sources, by path in the tree.

    Raises `DependenciesMissing` (see `toolchain.packages`), `ClientBuildFailed`.
    """
    progress("the client's npm packages")
    with (
        packages(tree, node, install=install, cache_dir=cache_dir) as above,
        tempfile.TemporaryDirectory(prefix="build-", dir=above, ignore_cleanup_errors=True) as stage,
    ):
        for path in sorted(tree):
            if path.startswith(FOLDER) or path == "package.json":  # v1.4.0 and later read their version from there
                _lay(os.path.join(stage, *path.split("/")), tree[path])
        progress("upstream's npm run build")
        run_build(os.path.join(stage, "client"), node)
        dist = dict(_read(os.path.join(stage, "client", "dist")))
    if f"{DIST}index.html" not in dist:
        raise ClientBuildFailed("`npm run build` ended well and left no `dist/index.html`", where="client")
    return dist


def _lay(target: str, file: File) -> None:
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "wb") as stream:
        stream.write(file.data)


def _read(root: str) -> Iterator[tuple[str, File]]:
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as stream:
                yield DIST + os.path.relpath(path, root).replace(os.sep, "/"), File(stream.read())
