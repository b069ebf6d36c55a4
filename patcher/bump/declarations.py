"""What a bump writes into the declarations of the series: pins, anchors, and the comments that say which versions."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from patcher.bump import declared
from patcher.bump.model import Bump, Candidate, Kind, SiteReport
from patcher.bump.moments import comments_of
from patcher.bump.repin import AddAnchor, AddPin, Change, Comment, repinned
from patcher.bump.variants import new_anchor, pinned_anchor
from patcher.errors import DeclarationsReadOnly, DeclarationUnclear
from patcher.model import Patch, Site, version_key
from patcher.resources import PACKAGE

FOLDER = os.path.join(PACKAGE, "patches")
_INSTALLED = os.path.join(PACKAGE, "_data")


def refuse_unless_ours(folder: str = FOLDER) -> None:
    """Raises `DeclarationsReadOnly` where the declarations are no checkout of ours that can be written."""
    hint = "run it in a checkout of sidecar-patcher: `python3 .dev run sidecar-patcher bump …`"
    root = os.path.dirname(os.path.dirname(folder))
    if os.path.isdir(_INSTALLED) or not os.path.isfile(os.path.join(root, "pyproject.toml")):
        message = "the declarations are part of an installed sidecar-patcher; `--write` changes a checkout"
        raise DeclarationsReadOnly(message, where=folder, hint=hint)
    if not os.access(folder, os.W_OK):
        raise DeclarationsReadOnly("this directory cannot be written", where=folder, hint=hint)


def written(bump: Bump, folder: str = FOLDER) -> dict[str, tuple[str, str]]:
    """The declarations that change: old and new text by file name; nothing for none.

    Raises `DeclarationUnclear`, also where what would be written does not declare what was proven.
    """
    changed = {}
    for patch in dict.fromkeys(each.patch for each in bump.sites):
        name = f"{patch}.py"
        with open(os.path.join(folder, name), encoding="utf-8", newline="") as stream:
            old = stream.read()
        sites = [each for each in bump.sites if each.patch == patch]
        said = declared.comments(old)
        changes = [change for each in sites for change in _changes(bump, each, said)]
        new = repinned(old, changes, os.path.join(folder, name)) if changes else old
        _expect(new, next(each for each in bump.series if each.id == patch), os.path.join(folder, name))
        if new != old:
            changed[name] = (old, new)
    return changed


def unrecorded(bump: Bump) -> bool:
    """Whether `--write` would record of a site that goes through that it was read for the new version."""
    comments, comment = comments_of(bump.declared), comment_for(bump)
    return any(_extended(bump, each, comments.get(each.patch, {}), comment) for each in bump.sites if not each.stops)


def _changes(bump: Bump, place: SiteReport, said: Mapping[tuple[int, int, int], str]) -> Sequence[Change]:
    rank = bump.chosen.get(place.id, 0)
    comment = comment_for(bump)
    if not rank:
        return [] if place.stops else _extended(bump, place, said, comment)
    [candidate] = [each for each in place.candidates if each.rank == rank]
    return [_accepted(_number(bump, place), place.site, candidate, comment)]


def _accepted(number: int, site: Site, candidate: Candidate, comment: str) -> Change:
    if candidate.kind is Kind.PIN:
        return AddPin(number, pinned_anchor(site, candidate), candidate.anchor.pins[-1], comment)
    return AddAnchor(number, new_anchor(site, candidate), comment)


def _extended(
    bump: Bump,
    place: SiteReport,
    said: Mapping[tuple[int, int, int], str],
    comment: str,
) -> Sequence[Change]:
    """The comment of the pin that is met, with this version in it: its scope has been read up to here now."""
    if comment != bump.until.ref:
        return []  # no version tag: a range of versions cannot end there
    tokens = place.finding.pins[0]
    for (site, anchor, pin), text in said.items():
        refs = declared.refs(text)
        if site != _number(bump, place) or place.site.anchors[anchor].pins[pin].tokens != tokens or not refs:
            continue
        if declared.newest(text) >= version_key(comment):
            return []
        new = declared.extended(text, comment, bump.gaps(place.id, refs[-1], tokens))
        return [Comment(site, anchor, pin, new)] if new != text else []
    return []


def _number(bump: Bump, place: SiteReport) -> int:
    patch = next(each for each in bump.declared if each.id == place.patch)
    return [each.id for each in patch.sites].index(place.id)


def comment_for(bump: Bump) -> str:
    """`v1.5.0`; for what is no version tag, `v1.4.8 at 0123456789ab`."""
    ref, version = bump.until.ref, bump.until.upstream.version
    return ref if declared.refs(ref) == [ref] else f"v{version} at {bump.until.commit[:12]}"


def _expect(source: str, patch: Patch, where: str) -> None:
    """What is written is what was proven: the new source must declare the same patch, the order of pins apart."""
    names: dict[str, object] = {"__name__": f"patcher.patches.{patch.id}"}
    exec(compile(source, where, "exec"), names)  # noqa: S102 - our own module, with pins more
    made = names["PATCH"]
    if not isinstance(made, Patch) or _sorted(made) != _sorted(patch):
        hint = "this is a bug of ours; nothing was written"
        raise DeclarationUnclear("what would be written is not what was proven", where=where, hint=hint)


def _sorted(patch: Patch) -> Patch:
    def one(site: Site) -> Site:
        pins = (
            replace(each, pins=tuple(sorted(each.pins, key=lambda pin: (pin.tokens, pin.text, pin.line))))
            for each in site.anchors
        )
        return replace(site, anchors=tuple(pins))

    return replace(patch, sites=tuple(one(site) for site in patch.sites))
