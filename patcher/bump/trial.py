"""Candidates tried for real: located, spliced, gated, in memory."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from patcher import apply
from patcher.bump.model import Candidate, SiteReport, Tried
from patcher.bump.variants import accept, closure, tried_site, with_site, without
from patcher.errors import PatcherError
from patcher.model import GateResult, Patch, Pin, Site, SiteResult, Upstream
from patcher.pipeline import check_upstream


def stops_of(upstream: Upstream, series: Sequence[Patch]) -> set[str]:
    """The ids of the sites that stop."""
    return {each.id for each in apply.apply_series(upstream, series).sites if each.stops}


def freed(
    upstream: Upstream, series: Sequence[Patch], sites: Sequence[SiteReport], chosen: Collection[str]
) -> list[SiteReport]:
    """The sites whose turn it is: what they waited for has a candidate now that lets it through."""
    stopped = stops_of(upstream, series)
    return [each for each in sites if each.waits_for in chosen and each.waits_for not in stopped]


def going(upstream: Upstream, series: Sequence[Patch]) -> tuple[Patch, ...]:
    """The series without the sites that stop, nor those that stop without them."""
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
    site: Site,
    candidate: Candidate,
    stopped: Collection[str],
) -> Candidate:
    """Try a candidate on its patch and what that requires, without the other sites that stop.

    Comes back with the pin of what stands there, and with what every step said.
    """
    others = without(closure(series, site.patch), [each for each in stopped if each != site.id])
    aimed = with_site(others, tried_site(site, candidate.file, candidate.anchor))
    there = next((each for each in apply.apply_series(upstream, aimed).sites if each.id == site.id), None)
    if there is None or not there.located.is_unique:
        return replace(candidate, tried=Tried(unique=False, problems=(_why_not_unique(there),)))
    matches = there.located.matches
    pin = Pin(matches[0].tokens, matches[0].text, matches[0].line)
    pinned = replace(candidate, anchor=replace(candidate.anchor, pins=(pin,)))
    aimed = with_site(others, tried_site(site, candidate.file, pinned.anchor))
    return replace(pinned, tried=_gated(upstream, aimed))


def _why_not_unique(there: SiteResult | None) -> str:
    if there is not None and len(there.located.scopes) > 1:
        return f"{there.located.anchor.scope} is there {len(there.located.scopes)} times"
    return f"its pattern matches {len(there.located.matches) if there else 0} times there"


def _gated(upstream: Upstream, series: Sequence[Patch]) -> Tried:
    try:
        build = check_upstream(upstream, series)
    except PatcherError as error:
        return Tried(unique=True, problems=(f"{error.code}: {error.message}",))
    if build.stopped:
        stops = tuple(f"{each.patch}: {each.message}" for each in build.stops)
        return Tried(unique=True, problems=stops)
    problems = tuple(f"gate {gate.id}: {gate.message}" for gate in build.gates if not gate.ok)
    parses = all(gate.ok for gate in build.gates if gate.id == "parses")
    return Tried(unique=True, parses=parses, gates=not problems, problems=problems)


def ranked(found: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The likeliest first, in the order it came in, whatever a gate says; behind all, what cannot be accepted."""
    ordered = sorted(found, key=lambda each: not each.tried.unique)
    return tuple(replace(each, rank=number) for number, each in enumerate(ordered, start=1))


def accepted(series: Sequence[Patch], sites: Sequence[SiteReport], chosen: dict[str, int]) -> tuple[Patch, ...]:
    """The series with the chosen candidate of each site, as `--write` declares it."""
    out = tuple(series)
    for report in sites:
        rank = chosen.get(report.id, 0)
        if rank:
            [candidate] = [each for each in report.candidates if each.rank == rank]
            out = accept(out, report.site, candidate)
    return out


_LIKELY = 0.7
"""A candidate that is less like what was reviewed is shown, and never proposed."""


def first_choices(sites: Sequence[SiteReport]) -> dict[str, int]:
    """The best candidate that fits and is likely it, by site."""
    return {
        site.id: candidate.rank
        for site in sites
        for candidate in site.candidates[:1]
        if site.stops and candidate.tried.fits and candidate.likeness >= _LIKELY
    }
