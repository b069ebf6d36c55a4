"""From a tree with the client's sources to one with its `client/dist`, which the server serves."""

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
    """The build with `dist` in place of the client's sources, which are not part of a generated tree."""
    server = {path: file for path, file in build.tree.items() if not path.startswith(FOLDER)}
    return replace(build, tree={**server, **dist}, built=dist)


def build_dist(
    tree: Tree,
    *,
    node: Node,
    install: bool,
    progress: Callable[[str], None] = lambda message: None,
) -> Tree:
    """`client/dist` of a tree that has the client's sources, by path in the tree.

    Raises `DependenciesMissing` (see `toolchain.packages`), `ClientBuildFailed`.
    """
    progress("the client's npm packages")
    with (
        packages(tree, node, install=install) as above,
        tempfile.TemporaryDirectory(prefix="build-", dir=above, ignore_cleanup_errors=True) as stage,
    ):
        for path in sorted(tree):
            if path.startswith(FOLDER) or path == "package.json":  # v1.4.0 and later read their version from it
                target = os.path.join(stage, *path.split("/"))
                os.makedirs(os.path.dirname(target), exist_ok=True)
                with open(target, "wb") as stream:
                    stream.write(tree[path].data)
        progress("upstream's npm run build")
        run_build(os.path.join(stage, "client"), node)
        dist = dict(_read(os.path.join(stage, "client", "dist")))
    if f"{DIST}index.html" not in dist:
        raise ClientBuildFailed("`npm run build` ended well and left no `dist/index.html`", where="client")
    return dist


def _read(root: str) -> Iterator[tuple[str, File]]:
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as stream:
                yield DIST + os.path.relpath(path, root).replace(os.sep, "/"), File(stream.read())
