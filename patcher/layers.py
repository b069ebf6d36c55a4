"""The order of a series: a patch that requires another one is in a later layer, and sees its payloads."""

from collections.abc import Collection, Sequence

from patcher.errors import SeriesError
from patcher.errors.text import did_you_mean
from patcher.markers import SITE_NAME
from patcher.model import Patch


def layers_of(series: Sequence[Patch]) -> list[tuple[Patch, ...]]:
    """The layers of the series, in order: a patch is one layer above the highest layer of the patches that it requires.

    Raises `SeriesError` for an unknown or later `requires`, a cycle, an id used twice, or a site name that is used
    twice or not valid.
    """
    depth: dict[str, int] = {}
    for patch in series:
        if patch.id in depth:
            raise SeriesError(f"the id {patch.id} is used twice")
        _refuse_bad_names(patch)
        for name in patch.requires:
            if name not in depth:
                raise _not_before(patch, name, depth, [each.id for each in series])
        depth[patch.id] = max((depth[name] + 1 for name in patch.requires), default=0)
    return [tuple(patch for patch in series if depth[patch.id] == level) for level in sorted(set(depth.values()))]


def _not_before(patch: Patch, name: str, before: Collection[str], every: Sequence[str]) -> SeriesError:
    """The error for a `requires` that names a patch that comes later, or is in no chosen series."""
    message = f"{patch.id} requires {name}, which no series has before it"
    if name in every:
        message = f"{patch.id} requires {name}, which comes after it"
        hint = f"put {name} above {patch.id} in `patches`; of two series, name the one with {name} first"
    elif meant := did_you_mean(name, before, "; "):
        message, hint = f"{message}{meant}", f"mend `requires` of {patch.id}"
    else:
        hint = "a series that has it goes before this one: `--series codex --series DIR`"
    return SeriesError(message, where=patch.origin.source, hint=hint)


def _refuse_bad_names(patch: Patch) -> None:
    names: set[str] = set()
    for site in patch.sites:
        if not SITE_NAME.fullmatch(site.name):
            raise SeriesError(f"{site.id}: expected a name of small letters, digits and `_`, found {site.name!r}")
        if site.name in names:
            raise SeriesError(f"the site {site.id} is there twice")
        names.add(site.name)
