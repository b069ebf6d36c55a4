"""What only the page of a bump shows: the matrix between both ends, and each window beside its former text."""

from dataclasses import replace
from typing import TYPE_CHECKING

from patcher import apply
from patcher.bump.run import with_nearest
from patcher.matrix import matrix
from patcher.matrix.window import window_at
from patcher.upstream.between import refs_between

if TYPE_CHECKING:
    from collections.abc import Mapping

    from patcher.bump.model import Bump, SiteReport
    from patcher.matrix.model import Matrix
    from patcher.model import SiteResult
    from patcher.upstream.history import Repository


def with_page(repository: "Repository", found: "Bump") -> "tuple[Bump, Matrix]":
    """The bump with a second window for each site, and its matrix.

    The matrix is of the refs from the base revision to the new one; without a base, of every version tag before it.
    """
    series, since = found.declared, found.since
    judged = matrix(repository, refs_between(repository, since.ref if since else "", found.until.ref), series)
    then = {each.id: each for each in apply.apply_series(since.upstream, series).sites} if since else {}
    nearest = (with_nearest(site, found.until, found.chosen.get(site.id, 1)) for site in found.sites)
    sites = tuple(_with_then(found, site, then) for site in nearest)
    return replace(found, sites=sites), judged


def _with_then(found: "Bump", site: "SiteReport", then: "Mapping[str, SiteResult]") -> "SiteReport":
    """A fitting site may lack a reviewed window; it gets that of the base revision."""
    there = then.get(site.id)
    if site.reviewed or site.stops or not found.since or there is None or there.stops:
        return site
    return replace(site, reviewed=window_at(found.since.ref, there))
