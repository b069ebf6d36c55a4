"""Unified diffs of what the series, or some of its patches, changes."""

import difflib
from collections.abc import Iterator, Sequence

from patcher import flow
from patcher.errors import UsageError
from patcher.model import Patch, Tree, Upstream


def selected(series: Sequence[Patch], names: Sequence[str]) -> tuple[Patch, ...]:
    """The patches of these ids, in series order; all of them for no ids. Raises `UsageError` for an unknown id."""
    known = {patch.id for patch in series}
    unknown = [name for name in names if name not in known]
    if unknown:
        hint = "`sidecar-patcher list` shows the series"
        raise UsageError(f"there is no patch {', '.join(unknown)}", hint=hint)
    return tuple(patch for patch in series if not names or patch.id in names)


def diff(upstream: Upstream, series: Sequence[Patch], names: Sequence[str]) -> Iterator[str]:
    """Lines of the diff that the named patches make on top of what they require; of the whole series for no names."""
    wanted = {patch.id for patch in selected(series, names)}
    needed = _with_requirements(series, wanted)
    below = [patch for patch in series if patch.id in needed and not _with_requirements(series, {patch.id}) & wanted]
    above = [patch for patch in series if patch.id in needed]
    before = flow.run(upstream, below).tree if below else upstream.tree
    after = flow.run(upstream, above).tree
    for path in sorted({*before, *after}):
        if before.get(path) != after.get(path):
            yield from _unified(before, after, path)


def _with_requirements(series: Sequence[Patch], wanted: set[str]) -> set[str]:
    needed = set(wanted)
    for patch in reversed(series):
        if patch.id in needed:
            needed.update(patch.requires)
    return needed


def _unified(before: Tree, after: Tree, path: str) -> Iterator[str]:
    old, new = (_lines(tree, path) for tree in (before, after))
    names = (f"a/{path}" if path in before else "/dev/null", f"b/{path}" if path in after else "/dev/null")
    for line in difflib.unified_diff(old, new, *names):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(tree: Tree, path: str) -> list[str]:
    return tree[path].data.decode("utf-8", "replace").splitlines(keepends=True) if path in tree else []
