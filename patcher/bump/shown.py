"""What a page of a bump shows besides its report: the matrix between both ends, and each window beside what it was."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from patcher import flow
from patcher.bump.model import Bump, Moment, Place
from patcher.bump.nearest import with_nearest
from patcher.bump.window import window_of
from patcher.flow import Surveyed
from patcher.history import Repository
from patcher.javascript import language_of
from patcher.matrix import matrix
from patcher.matrix.content import content
from patcher.matrix.ends import refs_between
from patcher.model import Patch

_Places = Mapping[tuple[str, int], Surveyed]


def shown(repository: Repository, found: Bump) -> Bump:
    """The bump with its matrix, and with each window beside another.

    matrix: of the refs from the beginning to the new one; of every version tag that leads there where there is no
    beginning. A window that stands alone gets what stood there at the beginning, or what a candidate takes.
    """
    series, since = found.declared, found.since.ref if found.since else ""
    judged = matrix(repository, refs_between(repository, since, found.until.ref), series)
    then = _survey(found.since, series) if found.since else {}
    both = [_with_then(found, place, then) for place in found.places]
    places = tuple(with_nearest(place, found.until, found.chosen.get(place.id, 1)) for place in both)
    return replace(found, matrix=content(judged, series), places=places)


def _survey(moment: Moment, series: Sequence[Patch]) -> _Places:
    return {(each.patch, each.number): each for each in flow.survey(moment.upstream, series)}


def _with_then(found: Bump, place: Place, then: _Places) -> Place:
    """A place that goes on may have no window but its own: its pin is met, and nobody needs more to judge it."""
    there = then.get((place.patch, place.number))
    if place.reviewed or place.stops or not found.since or there is None or there.finding.verdict.stops:
        return place
    language = language_of(place.edit.file)
    return replace(place, reviewed=window_of(found.since.ref, there.text, there.located, language))
