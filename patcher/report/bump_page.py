"""What a page of a bump shows besides its report: the matrix between both ends, and each window beside what it was."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from patcher import apply
from patcher.bump.model import Bump, Revision, SiteReport
from patcher.bump.run import with_nearest
from patcher.matrix import matrix
from patcher.matrix.window import window_at
from patcher.model import Patch, SiteResult
from patcher.report.matrix_document import content
from patcher.upstream.between import refs_between
from patcher.upstream.history import Repository

_Sites = Mapping[str, SiteResult]


def shown(repository: Repository, found: Bump) -> Bump:
    """The bump with its matrix, and with each window beside another.

    matrix: of the refs from the beginning to the new one; of every version tag that leads there where there is no
    beginning. A window that stands alone gets what stood there at the beginning, or what a candidate takes.
    """
    series, since = found.declared, found.since.ref if found.since else ""
    judged = matrix(repository, refs_between(repository, since, found.until.ref), series)
    then = _sites(found.since, series) if found.since else {}
    both = [_with_then(found, site, then) for site in found.sites]
    sites = tuple(with_nearest(site, found.until, found.chosen.get(site.id, 1)) for site in both)
    return replace(found, matrix=content(judged, series), sites=sites)


def _sites(moment: Revision, series: Sequence[Patch]) -> _Sites:
    return {each.id: each for each in apply.apply_series(moment.upstream, series).sites}


def _with_then(found: Bump, site: SiteReport, then: _Sites) -> SiteReport:
    """A site that goes on may have no window but its own: its pin is met, and nobody needs more to judge it."""
    there = then.get(site.id)
    if site.reviewed or site.stops or not found.since or there is None or there.stops:
        return site
    return replace(site, reviewed=window_at(found.since.ref, there))
