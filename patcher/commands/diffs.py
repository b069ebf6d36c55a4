"""Unified diffs of the changes that the series, or some of its patches, make."""

import difflib
from collections.abc import Iterator, Sequence

from patcher import apply
from patcher.errors import UsageError
from patcher.model import File, Patch, Tree, Upstream
from patcher.patches import with_requirements


def selected(series: Sequence[Patch], names: Sequence[str]) -> tuple[Patch, ...]:
    """The patches of these ids, in series order; all of them for no ids. Raises `UsageError` for an unknown id."""
    known = {patch.id for patch in series}
    unknown = [name for name in names if name not in known]
    if unknown:
        hint = "`sidecar-patcher list` shows the series"
        raise UsageError(f"there is no patch {', '.join(unknown)}", hint=hint)
    return tuple(patch for patch in series if not names or patch.id in names)


def diff(upstream: Upstream, series: Sequence[Patch], names: Sequence[str], *, plain: bool = False) -> Iterator[str]:
    """The lines of the diff of the named patches, on top of what they require. No names: the whole series.

    plain: without markers.
    """
    wanted = {patch.id for patch in selected(series, names)}
    above = with_requirements(series, wanted)
    below = [each for each in above if not wanted & {one.id for one in with_requirements(series, {each.id})}]
    lower, upper = apply.apply_series(upstream, below), apply.apply_series(upstream, above)
    before = lower.plain if plain else lower.tree
    after = upper.plain if plain else upper.tree
    for path in sorted({*before, *after}):
        if before.get(path) != after.get(path):
            yield from _unified(before, after, path)


def _unified(before: Tree, after: Tree, path: str) -> Iterator[str]:
    """A diff that `git apply` accepts: lines end only at a line feed."""
    old, new = before.get(path), after.get(path)
    yield f"diff --git {_quoted(f'a/{path}')} {_quoted(f'b/{path}')}\n"
    yield from _modes(old, new)
    names = (_named(f"a/{path}") if old else "/dev/null", _named(f"b/{path}") if new else "/dev/null")
    for line in difflib.unified_diff(_lines(old), _lines(new), *names):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _modes(old: File | None, new: File | None) -> Iterator[str]:
    if old is None and new is not None:
        yield f"new file mode {_mode(new)}\n"
    elif new is None and old is not None:
        yield f"deleted file mode {_mode(old)}\n"
    elif old is not None and new is not None and old.executable != new.executable:
        yield f"old mode {_mode(old)}\nnew mode {_mode(new)}\n"


def _mode(file: File) -> str:
    return "100755" if file.executable else "100644"


def _lines(file: File | None) -> list[str]:
    """The lines with their line ends; bytes that are not UTF-8 are kept, by `surrogateescape`."""
    text = file.data.decode("utf-8", "surrogateescape") if file else ""
    return [f"{line}\n" for line in text.split("\n")[:-1]] + [line for line in text.split("\n")[-1:] if line]


def _named(path: str) -> str:
    """A name as written after `---` and `+++`: followed by a tab if it contains a space."""
    return _quoted(path) + ("\t" if " " in path else "")


def _quoted(path: str) -> str:
    """A name as git writes it: if needed, quoted like a C string, with non-ASCII bytes in octal."""
    quoted = "".join(map(_escaped, path.encode("utf-8", "surrogateescape")))
    return path if quoted == path else f'"{quoted}"'


def _escaped(byte: int) -> str:
    if chr(byte) in '\\"':
        return f"\\{chr(byte)}"
    return chr(byte) if 0x20 <= byte <= 0x7E else f"\\{byte:03o}"
