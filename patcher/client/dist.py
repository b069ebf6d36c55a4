"""From a tree with the client's sources to one with its `client/dist`, which the server serves."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import replace

from patcher.client.toolchain import packages, run_build
from patcher.errors import ClientBuildFailed
from patcher.model import Build, File, Tree
from patcher.node.find import Node
from patcher.upstream.on_disk import read_files, write_files

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
        sources = (path for path in tree if path.startswith(FOLDER) or path == "package.json")  # read since v1.4.0
        write_files({path: tree[path] for path in sources}, stage)
        progress("upstream's npm run build")
        run_build(os.path.join(stage, "client"), node)
        built = read_files(os.path.join(stage, "client", "dist"))
        dist = {f"{DIST}{path}": File(file.data) for path, file in built}
    if f"{DIST}index.html" not in dist:
        raise ClientBuildFailed("`npm run build` ended well and left no `dist/index.html`", where="client")
    return dist
