"""Candidates tried for real: located, spliced, gated, in memory."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from patcher import flow
from patcher.bump.model import Candidate, Place, Tried
from patcher.bump.variants import accept, closure, tried_edit, with_edit, without
from patcher.errors import PatcherError
from patcher.model import Edit, GateResult, Patch, Pin, Upstream
from patcher.pipeline import check_upstream


def stops_of(upstream: Upstream, series: Sequence[Patch]) -> set[tuple[str, int]]:
    """The places that stop."""
    return {(each.patch, each.number) for each in flow.survey(upstream, series) if each.finding.verdict.stops}


def freed(upstream: Upstream, series: Sequence[Patch], places: Sequence[Place], chosen: Collection[str]) -> list[Place]:
    """The places whose turn it is: what they waited for has a candidate now that lets it through."""
    stopped = {f"{patch}.{number}" for patch, number in stops_of(upstream, series)}
    return [each for each in places if each.waits_for in chosen and each.waits_for not in stopped]


def going(upstream: Upstream, series: Sequence[Patch]) -> tuple[Patch, ...]:
    """The series without the places that stop, nor those that stop without them."""
    found = tuple(series)
    while True:
        stopped = stops_of(upstream, found)
        if not stopped:
            return found
        found = without(found, stopped)


def refused(upstream: Upstream, series: Sequence[Patch]) -> tuple[GateResult, ...]:
    """The gates that refuse what goes in, whatever stops."""
    return tuple(gate for gate in check_upstream(upstream, going(upstream, series)).gates if not gate.ok)


def attempt(
    upstream: Upstream,
    series: Sequence[Patch],
    place: tuple[str, int, Edit],
    candidate: Candidate,
    stopped: Collection[tuple[str, int]],
) -> Candidate:
    """Try a candidate on its patch and what that requires, without the other places that stop.

    Comes back with the pin of what stands there, and with what every step said.
    """
    patch, number, edit = place
    others = without(closure(series, patch), [each for each in stopped if each != (patch, number)])
    aimed = with_edit(others, patch, number, tried_edit(edit, candidate.file, candidate.anchor))
    there = next((s for s in flow.survey(upstream, aimed) if (s.patch, s.number) == (patch, number)), None)
    if there is None or not there.located.is_unique:
        return replace(candidate, tried=Tried(unique=False, problems=(_why_not_unique(there),)))
    matches = there.located.matches
    pin = Pin(matches[0].tokens, matches[0].text, matches[0].line)
    pinned = replace(candidate, anchor=replace(candidate.anchor, pins=(pin,)))
    aimed = with_edit(others, patch, number, tried_edit(edit, candidate.file, pinned.anchor))
    return replace(pinned, tried=_gated(upstream, aimed))


def _why_not_unique(there: flow.Surveyed | None) -> str:
    if there is not None and len(there.located.scopes) > 1:
        return f"{there.located.anchor.scope} is there {len(there.located.scopes)} times"
    return f"its pattern matches {len(there.located.matches) if there else 0} times there"


def _gated(upstream: Upstream, series: Sequence[Patch]) -> Tried:
    try:
        build = check_upstream(upstream, series)
    except PatcherError as error:
        return Tried(unique=True, problems=(f"{error.code}: {error.message}",))
    if build.stopped:
        stops = tuple(f"{each.patch}: {each.message}" for each in build.places if each.verdict.stops)
        return Tried(unique=True, problems=stops)
    problems = tuple(f"gate {gate.id}: {gate.message}" for gate in build.gates if not gate.ok)
    parses = all(gate.ok for gate in build.gates if gate.id == "parses")
    return Tried(unique=True, parses=parses, gates=not problems, problems=problems)


def ranked(found: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The likeliest first, in the order it came in, whatever a gate says; behind all, what cannot be accepted."""
    ordered = sorted(found, key=lambda each: not each.tried.unique)
    return tuple(replace(each, rank=number) for number, each in enumerate(ordered, start=1))


def accepted(series: Sequence[Patch], places: Sequence[Place], chosen: dict[str, int]) -> tuple[Patch, ...]:
    """The series with the chosen candidate of each place, as `--write` declares it."""
    out = tuple(series)
    for place in places:
        rank = chosen.get(place.id, 0)
        if rank:
            [candidate] = [each for each in place.candidates if each.rank == rank]
            out = accept(out, place.patch, place.number, candidate)
    return out


_LIKELY = 0.7
"""A candidate that is less like what was reviewed is shown, and never proposed."""


def first_choices(places: Sequence[Place]) -> dict[str, int]:
    """The best candidate that fits and is likely it, by place."""
    return {
        place.id: candidate.rank
        for place in places
        for candidate in place.candidates[:1]
        if place.stops and candidate.tried.fits and candidate.likeness >= _LIKELY
    }
