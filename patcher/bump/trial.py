"""The accepted candidates, and the trial of candidates: located, spliced and gated, in memory."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from patcher import apply
from patcher.bump.model import BumpOptions, Candidate, Kind, SiteReport, Tried
from patcher.errors import PatcherError, UsageError
from patcher.errors.text import did_you_mean
from patcher.matrix.blame import stopped_sites, without
from patcher.model import Anchor, Build, Located, Patch, Pin, Site, SiteResult, Upstream, Verdict
from patcher.patches import with_requirements
from patcher.pipeline import check_upstream

_ACCEPT = re.compile(r"([^=]+)\.([^=.]+)=([1-9][0-9]{0,5})")
_LIKELY = 0.7
"""A candidate that is less similar to the reviewed code is shown but never proposed."""
_PINNABLE = frozenset({Verdict.UNREVIEWED, Verdict.DRIFTED})


# --- what was accepted -----------------------------------------------------------------------------------------


def accepted_ranks(arguments: Sequence[str], series: Sequence[Patch], warn: Callable[[str], object]) -> dict[str, int]:
    """Rank by site id, from arguments `SITE=RANK`. warn: called with a line for each site given by its number (0.1).

    Raises `UsageError`.
    """
    found: dict[str, int] = {}
    for argument in arguments:
        parts = _ACCEPT.fullmatch(argument)
        if parts is None:
            hint = "for example `--accept stamp_harness.forward=1`"
            raise UsageError(f"expected SITE=RANK, found {argument!r}", hint=hint)
        patch, name, rank = parts.groups()
        site = f"{patch}.{name}"
        sites = next((each.sites for each in series if each.id == patch), ())
        if name.isascii() and name.isdigit() and int(name) < len(sites):
            site = sites[int(name)].id
            warn(f"{patch}.{name} is {site}: sites have names now, and the next version takes no number\n")
        if site in found:
            message = f"{site} is accepted twice: {site}={found[site]} and {argument}"
            raise UsageError(message, hint="a site takes one candidate")
        found[site] = int(rank)
    return found


def select_candidates(sites: Sequence[SiteReport], options: BumpOptions) -> tuple[dict[str, int], tuple[str, ...]]:
    """The accepted rank of each site, and the accepted sites that fit already.

    The first choices where nothing was accepted and nothing is written. Raises `UsageError`.
    """
    if not options.accept:
        return ({} if options.write else _first_choices(sites)), ()
    known = {each.id: each for each in sites}
    for name, rank in options.accept.items():
        if name not in known:
            there_are = f"there are: {', '.join(known) or 'none'}"
            raise UsageError(f"there is no site {name} in {options.until}", hint=did_you_mean(name, known) or there_are)
        site = known[name]
        if site.stops and site.waits_for not in options.accept:  # else it is evaluated once that is accepted
            _refuse_without_candidate(site, rank)
    stopping = {name: rank for name, rank in options.accept.items() if known[name].stops}
    chosen = {name: rank for name, rank in stopping.items() if known[name].waits_for not in options.accept}
    return chosen, tuple(name for name in options.accept if name not in stopping)


def _refuse_without_candidate(site: SiteReport, rank: int) -> None:
    found = site.candidate(rank)
    if found is None and site.waits_for:
        raise UsageError(f"{site.id} waits for {site.waits_for}", hint=f"accept {site.waits_for} in the same command")
    if found is None:
        last = len(site.candidates)
        message = f"{site.id} has no candidate {rank}: it has {f'1 to {last}' if last > 1 else last or 'none'}"
        raise UsageError(message, hint="the same command without `--accept` and `--write` shows them")
    if not found.tried.unique:
        problem = next(iter(found.tried.problems), "nothing is known of it")
        hint = "the same command without `--accept` and `--write` shows the others"
        raise UsageError(f"{site.id}={rank} cannot be accepted: {problem}", hint=hint)


def _first_choices(sites: Sequence[SiteReport]) -> dict[str, int]:
    """The best candidate that fits and is similar enough, by site."""
    return {
        site.id: candidate.rank
        for site in sites
        for candidate in site.candidates[:1]
        if site.stops and candidate.tried.fits and candidate.likeness >= _LIKELY
    }


# --- the series with what was accepted -------------------------------------------------------------------------


def with_accepted(series: Sequence[Patch], sites: Sequence[SiteReport], chosen: Mapping[str, int]) -> tuple[Patch, ...]:
    """The series as `--write` would declare it: with a pin and, where needed, an anchor for each chosen candidate."""
    accepted = {report.id: report.candidate(chosen.get(report.id, 0)) for report in sites}

    def changed(site: Site) -> Site:
        candidate = accepted.get(site.id)
        if candidate is None:
            return site
        anchors = (*site.anchors, new_anchor(site, candidate)) if candidate.kind is not Kind.PIN else site.anchors
        return replace(site, anchors=anchors).with_pins(tuple(dict.fromkeys((*site.pins, *candidate.anchor.pins))))

    return _changed(series, changed)


def new_anchor(site: Site, candidate: Candidate) -> Anchor:
    """The anchor that a candidate adds to the site; it names its file if that is not the site's."""
    return replace(candidate.anchor, file="" if candidate.file == site.file else candidate.file)


def freed(
    upstream: Upstream, series: Sequence[Patch], sites: Sequence[SiteReport], chosen: Collection[str]
) -> list[SiteReport]:
    """The sites to evaluate again: with `series`, the site that they waited for no longer stops."""
    stopped = stopped_sites(upstream, series)
    return [each for each in sites if each.waits_for in chosen and each.waits_for not in stopped]


def _changed(series: Sequence[Patch], change: Callable[[Site], Site]) -> tuple[Patch, ...]:
    return tuple(replace(patch, sites=tuple(map(change, patch.sites))) for patch in series)


# --- trying ----------------------------------------------------------------------------------------------------


def attempt(
    upstream: Upstream, series: Sequence[Patch], site: Site, candidate: Candidate, stopped: Collection[str]
) -> Candidate:
    """The candidate with a pin of the current code, and the result of every step.

    It is tried with its patch and the required ones, without the other sites that stop.
    """
    others = without(with_requirements(series, [site.patch]), set(stopped) - {site.id})

    def aimed(anchor: Anchor) -> tuple[Patch, ...]:
        only = replace(site, file=candidate.file, anchors=(replace(anchor, file=""),), line=None, since="")
        return _changed(others, lambda each: only if each.id == site.id else each)

    sites = apply.apply_series(upstream, aimed(candidate.anchor)).sites
    result = next((each for each in sites if each.id == site.id), None)
    if result is None or not result.located.is_unique:
        return replace(candidate, tried=Tried(unique=False, problems=(_why_not_unique(result),)))
    pinned = replace(candidate, anchor=replace(candidate.anchor, pins=(_pin_of(result.located),)))
    return replace(pinned, tried=_gated(upstream, aimed(pinned.anchor)))


def _pin_of(located: Located, reviewed: str = "") -> Pin:
    match = located.matches[0]
    return Pin(match.tokens, match.text, match.line, reviewed)


def _why_not_unique(result: SiteResult | None) -> str:
    if result is not None and len(result.located.scopes) > 1:
        return f"{result.located.anchor.scope} is there {len(result.located.scopes)} times"
    return f"its pattern matches {len(result.located.matches) if result else 0} times there"


def _gated(upstream: Upstream, series: Sequence[Patch]) -> Tried:
    try:
        build = check_upstream(upstream, series)
    except PatcherError as error:
        return Tried(unique=True, problems=(f"{error.code}: {error.message}",))
    if build.stopped:
        return Tried(unique=True, problems=tuple(f"{each.patch}: {each.message}" for each in build.stops))
    problems = tuple(f"gate {gate.id}: {gate.message}" for gate in build.gates if not gate.ok)
    parses = all(gate.ok for gate in build.gates if gate.id == "parses")
    return Tried(unique=True, parses=parses, gates=not problems, problems=problems)


def ranked(found: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The candidates with ranks in the given order, those that cannot be accepted last."""
    ordered = sorted(found, key=lambda each: not each.tried.unique)
    return tuple(replace(each, rank=number) for number, each in enumerate(ordered, start=1))


# --- pinning without a bump ------------------------------------------------------------------------------------


def pinned(
    upstream: Upstream, series: tuple[Patch, ...], wanted: Collection[str], reviewed: str
) -> tuple[Build, Mapping[str, Pin]]:
    """The build with a pin at each wanted site that needs one, and these pins by site. reviewed: their field.

    Repeated until no site needs one: a site may be in the payload of another patch, which must be pinned first.
    """
    made: dict[str, Pin] = {}

    def needed(build: Build) -> Iterator[SiteResult]:
        sites = (each for each in build.sites if each.id in wanted and each.id not in made)
        return (each for each in sites if each.finding.verdict in _PINNABLE)

    while True:
        build = apply.apply_series(upstream, series)
        new = {each.id: _pin_of(each.located, reviewed) for each in needed(build)}
        if not new:
            return build, made
        made |= new
        series = _with_pins(series, new)


def _with_pins(series: Sequence[Patch], new: Mapping[str, Pin]) -> tuple[Patch, ...]:
    return _changed(series, lambda site: site.with_pins((*site.pins, new[site.id])) if site.id in new else site)
