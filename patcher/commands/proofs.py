"""Run the contracts for a command; with `--client`, on trees whose client was built by upstream's tool chain."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from patcher.model import Build, Series, Tree
from patcher.progress import progress

if TYPE_CHECKING:
    from patcher.prove import ProofResult


def proofs(
    options: argparse.Namespace, series: Sequence[Series], built: Build, *, only: Sequence[str] = (), command: str = ""
) -> "list[ProofResult]":
    """The results of the contracts of these series. built: with `--client`, the result of `with_client`."""
    from patcher.prove import proof

    pristine = _dist(options, built.upstream.tree, "pristine") if options.client else None
    return proof.run(
        built,
        only=only,
        node=options.node,
        install=options.install,
        pristine_client=pristine,
        command=command,
        series=series,
    )


def with_client(options: argparse.Namespace, built: Build) -> Build:
    """The build with `client/dist` in place of the client's sources."""
    from patcher import client

    return client.with_client(built, _dist(options, built.tree, "patched"))


def _dist(options: argparse.Namespace, tree: Tree, which: str) -> Tree:
    from patcher.client import build_dist
    from patcher.prove import find_node

    with progress(2) as advance:
        node = find_node(options.node)
        return build_dist(
            tree, node=node, install=options.install, progress=lambda step: advance(f"{which} client: {step}", 1)
        )
