"""The sites and the stops of a matrix or a bump in one common shape, for the templates."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from patcher.bump.model import Culprit
from patcher.matrix.window import Window
from patcher.model import Finding, Patch
from patcher.report.model import BumpResult, Problem, Report, declared, position
from patcher.report.side_by_side import Row, rows

if TYPE_CHECKING:
    from patcher.bump.model import Candidate, ContractRegression, ScopeDiff, SiteReport, Twin
    from patcher.matrix.model import Matrix, Stop
    from patcher.upstream.history import Commit


@dataclass(frozen=True)
class Pair:
    """A window as reviewed and as found. where: file and line. alone: its pin is met, but no ref shows the review."""

    where: str
    scope: str
    message: str
    place: str
    payload: str
    reviewed: Window | None
    found: Window | None
    nearest: Window | None
    alone: bool
    rows: list[Row]


@dataclass(frozen=True)
class Item:
    """One entry of the page. anchor: the target of links to it. since, until: the refs of a run of stops.

    taken: rank of the chosen candidate, 0 for none. nearest_to: the candidate that the nearest window belongs to.
    """

    anchor: str
    id: str
    verdict: str
    stops: bool
    windows: tuple[Pair, ...]
    name: str = ""
    message: str = ""
    hint: str = ""
    since: str = ""
    until: str = ""
    change: str = ""
    change_said: str = ""
    culprit: Culprit | None = None
    fits_since: Culprit | None = None
    declared: str = ""
    candidates: "Sequence[Candidate]" = ()
    commands: Sequence[str] = ()
    taken: int = 0
    nearest_to: "Candidate | None" = None
    scope_diff: "ScopeDiff | None" = None
    twins: "Sequence[Twin]" = ()


Groups = Sequence[tuple[str, Sequence[Item]]]


def items(report: Report) -> list[Item]:
    """An item for each site of a bump, and for each run of stops of a matrix that none of the sites covers."""
    result, grid = report.bump, report.grid
    sites = [_of_site(number, each, result) for number, each in enumerate(result.found.sites, 1)] if result else []
    stops = _other_stops(grid, result) if grid else ()
    return [*sites, *(_of_stop(number, each, report.declared) for number, each in enumerate(stops, len(sites) + 1))]


def groups(report: Report, found: Sequence[Item]) -> Groups:
    """The items by heading; those that stop come first."""
    if report.bump is None:
        return [("Stops", found)] if found else []
    headings = {each.anchor: _heading(each) for each in found}
    order = ["What stops", "What fits", "Stops on the way"]
    ordered = sorted(found, key=lambda each: order.index(headings[each.anchor]))
    return [(heading, list(each)) for heading, each in groupby(ordered, lambda item: headings[item.anchor])]


def _heading(item: Item) -> str:
    return "Stops on the way" if item.since else "What stops" if item.stops else "What fits"


def _other_stops(grid: "Matrix", result: BumpResult | None) -> "Iterator[Stop]":
    """The stops of a matrix; of a bump's matrix, those that neither a site nor a refusal of the bump covers."""
    covered = {site.patch for site in result.found.sites if site.stops} if result else set()
    covered |= {""} if result and result.found.refusals else set()
    for stop in grid.stops:
        lasts = result is not None and result.found.until.ref in _refs_of(grid, stop)
        if not (lasts and stop.patch in covered):
            yield stop


def _refs_of(grid: "Matrix", stop: "Stop") -> list[str]:
    return [each.ref for each in grid.within(stop.span)]


def _of_site(number: int, site: "SiteReport", result: BumpResult) -> Item:
    finding, taken = site.finding, result.found.chosen.get(site.id, 0)
    return Item(
        anchor=f"item-{number}",
        id=site.patch,
        name=site.site.name,
        verdict=finding.verdict,
        stops=site.stops,
        message=finding.message,
        hint=result.hint(site),
        change=site.change or "",
        change_said=site.change_said,
        culprit=site.culprit,
        declared=declared(site.patch, result.found.declared),
        windows=(_pair(finding, "", site.site.position, site.payload, site.reviewed, site.found, site.nearest),),
        candidates=site.candidates,
        commands=[result.accepting(site, each) for each in site.candidates],
        taken=taken,
        nearest_to=next((each for each in site.candidates if each.rank == (taken or 1)), None),
        scope_diff=site.scope_diff,
        twins=site.twins,
    )


def _of_stop(number: int, stop: "Stop", series: "Sequence[Patch]") -> Item:
    return Item(
        anchor=f"item-{number}",
        id=stop.patch or "gates",
        verdict=stop.verdict,
        stops=True,
        message="" if stop.windows else stop.message,
        hint=stop.finding.hint if stop.finding else "",
        since=stop.span.since.ref,
        until=stop.span.until.ref,
        culprit=_culprit(stop.culprit),
        fits_since=_culprit(stop.fits_since),
        declared=declared(stop.patch, series),
        windows=tuple(
            _pair(each.finding, each.finding.message, each.site.position, each.payload, each.reviewed, each.found)
            for each in stop.windows
        ),
    )


def _pair(
    finding: Finding,
    message: str,
    place: str,
    payload: str,
    reviewed: Window | None,
    found: Window | None,
    nearest: Window | None = None,
) -> Pair:
    alone = reviewed is None and found is not None and not finding.verdict.stops
    return Pair(
        where=position(finding.file, found.line if found else 0),
        scope=finding.scope,
        message=message,
        place=place,
        payload=payload,
        reviewed=reviewed,
        found=found,
        nearest=nearest,
        alone=alone,
        rows=rows(found if alone else reviewed, found or nearest, payload, place),
    )


def _culprit(commit: "Commit | None") -> Culprit | None:
    return Culprit(commit.id, commit.date, commit.subject) if commit else None


def anchors(report: Report, found: Sequence[Item]) -> dict[tuple[str, str], str]:
    """The anchor of the item that a cell of the grid links to, by ref and patch; the patch is empty for the gates."""
    grid, result = report.grid, report.bump
    if grid is None:
        return {}
    stops = {id(stop): _refs_of(grid, stop) for stop in grid.stops}
    runs = zip(_other_stops(grid, result), [each for each in found if each.since], strict=True)
    leads = {(ref, stop.patch): item.anchor for stop, item in runs for ref in stops[id(stop)]}
    if result is None:
        return leads
    last = result.found.until.ref
    for item in sorted((each for each in found if not each.since), key=lambda each: not each.stops):
        leads.setdefault((last, item.id), item.anchor)
    leads.update({(last, each.patch): "superseded" for each in report.superseded})
    if result.found.refusals:
        leads[last, ""] = "refusals"
    for stop in grid.stops:  # those that began before the new ref and include it
        anchor, refs = leads.get((last, stop.patch)), stops[id(stop)]
        leads.update({(ref, stop.patch): anchor for ref in refs if anchor and last in refs})
    return leads


def reasons(report: Report) -> "list[tuple[ContractRegression, list[str]]]":
    """Why contracts are red: each reason once, with its contracts."""
    alike: dict[object, tuple[ContractRegression, list[str]]] = {}
    for each in report.bump.found.red if report.bump else ():
        key = (each.said, each.culprit, each.skipped, each.changes)
        alike.setdefault(key, (each, []))[1].append(each.contract)
    return list(alike.values())


def other_problems(report: Report) -> list[Problem]:
    """The problems that no item, refusal or contract of the page covers."""
    found = report.bump.found if report.bump else None
    covered = {f"anchor-{site.finding.verdict}" for site in found.sites} if found else set()
    covered |= {refusal.code for refusal in found.refusals} if found else set()
    covered |= {"contract-refused"} if report.contracts else set()
    return [each for each in report.problems if each.code not in covered]
