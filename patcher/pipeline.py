"""The flow that `README.md` draws: materialize, locate, verify, render, splice, gate, write, manifest. Nothing else.

`apply.apply_series` is the middle four, repeated for each layer of the series.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from patcher import apply
from patcher.gates import gate
from patcher.manifest import manifest
from patcher.model import Build, Patch, Tree, Upstream
from patcher.patches import SERIES, series_for
from patcher.resources import MANIFEST
from patcher.upstream.materialize import materialize
from patcher.write import target, write


def check(spec: str, series: Sequence[Patch] = SERIES, *, client: bool = False) -> Build:
    """The flow without writing. Anchors that do not fit and gates that refuse are in the result, not raised.

    client: with the client's sources in the tree, for a series that patches them.
    """
    return check_upstream(materialize(spec, client=client), series)


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


def output(build: Build, series: Sequence[Patch] = SERIES) -> Tree:
    """The generated tree with its manifest."""
    own = tuple(series) in (series_for(client=False), series_for(client=True))
    return {**build.tree, MANIFEST: manifest(build, tuple(series), own=own)}


def build(
    spec: str,
    out: str,
    *,
    series: Sequence[Patch] = SERIES,
    client: Callable[[Build], Build] | None = None,
    waiting: Callable[[str], None] = lambda _: None,
    prove: Callable[[Build], None] = lambda _: None,
) -> Build:
    """The flow. Writes only a result that no anchor stopped and no gate or proof refused.

    `client` gets the judged build with the client's sources, and gives it with what is built of them.
    `prove` gets the finished build before the swap and raises to refuse it.
    Raises what `materialize` and `write.target` raise.
    """
    result = check(spec, series, client=client is not None)
    if result.ok:
        with target(out, waiting) as directory:
            result = result if client is None else client(result)
            write(output(result, series), directory, before_swap=lambda _: prove(result))
    return result
