"""The flow that `README.md` draws: materialize, locate, verify, render, splice, gate, write, manifest. Nothing else.

`apply.apply_series` is the middle four, repeated for each layer of the series.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from patcher import apply
from patcher.gates import gate
from patcher.manifest import manifest
from patcher.model import Build, Patch, Series, Tree, Upstream, patches_of
from patcher.patches import SERIES
from patcher.resources import MANIFEST
from patcher.series.load import OURS, choose
from patcher.upstream.materialize import materialize
from patcher.write import target, write


def check(spec: str, series: Sequence[Series | str] = OURS, *, client: bool = False) -> Build:
    """The flow without writing. Anchors that do not fit and gates that refuse are in the result, not raised.

    series: in their order, each one that was loaded, or a word that `--series` takes. client: with the client's sources
    in the tree, and the patches for them. Raises what `materialize` and `series.load.choose` raise.
    """
    patches = patches_of(choose(series), client=client)
    return check_upstream(materialize(spec, client=client), patches)


def check_upstream(upstream: Upstream, series: Sequence[Patch] = SERIES) -> Build:
    """The same for a tree that is in memory already."""
    build = apply.apply_series(upstream, series)
    if build.stopped:
        return build
    recorded = build.recorded()
    return replace(
        build,
        gates=gate(build, lambda tree: apply.apply_series(replace(upstream, tree=tree), series, recorded).tree),
    )


def output(build: Build, series: Sequence[Series | str] = OURS) -> Tree:
    """The generated tree with its manifest."""
    return {**build.tree, MANIFEST: manifest(build, choose(series))}


def build(
    spec: str,
    out: str,
    *,
    series: Sequence[Series | str] = OURS,
    client: Callable[[Build], Build] | None = None,
    waiting: Callable[[str], None] = lambda _: None,
    prove: Callable[[Build], None] = lambda _: None,
) -> Build:
    """The flow. Writes only a result that no anchor stopped and no gate or proof refused.

    `series` are as in `check`.
    `client` takes the judged build with the client's sources, and returns it with what is built of them.
    `prove` gets the finished build before the swap and raises to refuse it.
    Raises what `check` and `write.target` raise.
    """
    series = choose(series)
    result = check(spec, series, client=client is not None)
    if result.ok:
        with target(out, waiting) as directory:
            result = result if client is None else client(result)
            write(output(result, series), directory, before_swap=lambda _: prove(result))
    return result
