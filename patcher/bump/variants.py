"""The series with one site changed: what a candidate would make of it, and what it would be without its stops."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from patcher.bump.model import Candidate, Kind
from patcher.model import Anchor, Patch, Site


def with_site(series: Sequence[Patch], site: Site) -> tuple[Patch, ...]:
    """The series with this site in place of the one of its id."""
    return tuple(
        replace(patch, sites=tuple(site if each.id == site.id else each for each in patch.sites)) for patch in series
    )


def without(series: Sequence[Patch], sites: Collection[str]) -> tuple[Patch, ...]:
    """The series without the sites of these ids."""
    return tuple(replace(patch, sites=tuple(each for each in patch.sites if each.id not in sites)) for patch in series)


def site_of(series: Sequence[Patch], site: str) -> Site:
    """The site of an id."""
    return next(each for patch in series for each in patch.sites if each.id == site)


def closure(series: Sequence[Patch], patch: str) -> tuple[Patch, ...]:
    """The patch and all that it requires, in the order of the series."""
    needed = {patch}
    for each in reversed(series):
        if each.id in needed:
            needed.update(each.requires)
    return tuple(each for each in series if each.id in needed)


def tried_site(site: Site, file: str, anchor: Anchor) -> Site:
    """The site with this anchor only, in every upstream: to see what a candidate does."""
    return replace(site, file=file, anchors=(replace(anchor, file=""),), line=None, since="")


def accept(series: Sequence[Patch], site: Site, candidate: Candidate) -> tuple[Patch, ...]:
    """The series as `--write` declares it: a new pin of the site, and a new anchor after all others."""
    site = site_of(series, site.id)
    pins = tuple(dict.fromkeys((*site.pins, *candidate.anchor.pins)))
    if candidate.kind is not Kind.PIN:
        site = replace(site, anchors=(*site.anchors, new_anchor(site, candidate)))
    return with_site(series, site.with_pins(pins))


def new_anchor(site: Site, candidate: Candidate) -> Anchor:
    """The anchor that a candidate adds to the site; it names its file where that is another one."""
    return replace(candidate.anchor, file="" if candidate.file == site.file else candidate.file)
