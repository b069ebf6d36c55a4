"""The sentences of a report: title, result, and what to do next."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from patcher.bump.model import Change
from patcher.report.model import BumpResult, Report
from patcher.report.wording import between, clipped, counted, short

if TYPE_CHECKING:
    from patcher.bump.model import SiteReport
    from patcher.matrix.model import Matrix

_MAX_NAMED = 3  # contracts; more are only counted
_MAX_MESSAGE = 160
Step = tuple[str, str]
"""A sentence, and the command to type, which may be empty."""


def title(report: Report) -> str:
    """The title of the page."""
    if report.bump is None:
        return f"{report.command.capitalize()} of the series"
    found = report.bump.found
    since = f"from {short(found.since.ref)} " if found.since else ""
    return f"Bump {since}to {short(found.until.ref)}"


def headline(report: Report) -> str:
    """The result in one or two sentences."""
    if report.bump is not None:
        return " ".join(_of_bump(report, report.bump))
    return _of_matrix(report.matrix) if report.matrix else ""


def _of_matrix(matrix: "Matrix") -> str:
    fit = sum(each.supported for each in matrix.refs)
    spans = ", ".join(between(each.since.ref, each.until.ref) for each in matrix.supported)
    return f"{fit} of {len(matrix.refs)} refs are supported{': ' if spans else ''}{spans}."


def _of_bump(report: Report, result: BumpResult) -> Iterator[str]:
    found = result.found
    stops, sites = sum(site.stops for site in found.sites), counted(len(found.sites), "site")
    if not found.sites:
        yield "There is no site to look at."
    else:
        yield f"{stops} of {sites} stop." if stops else f"All {sites} fit."
    if not found.since:
        yield "No older version tag meets the pins."
    if found.refusals:
        yield f"{counted(len(found.refusals), 'gate or file refuses', 'gates or files refuse')} the series."
    if done := len(report.superseded):
        yield f"Upstream does the work of {counted(done, 'patch', 'patches')} itself."
    if report.contracts:
        yield f"{sum(each.ok for each in report.contracts)} of {len(report.contracts)} contracts are proven."


def unproven(report: Report) -> str:
    """Why no contracts were run; empty where some were, and for a report that is not of a bump."""
    if report.bump is None or report.contracts:
        return ""
    if not report.bump.found.proposed.ok:
        return "The contracts were not run: there is no tree to run them on while an anchor or a gate stops it."
    return "The contracts were not run: `--prove` runs them on the pristine and on the patched tree."


def next_steps(report: Report) -> list[Step]:
    """What to do after a bump, in order; nothing for other reports."""
    return list(_steps(report, report.bump)) if report.bump else []


def _steps(report: Report, result: BumpResult) -> Iterator[Step]:
    found = result.found
    for each in report.retired:
        reason = f"{each.contract.id}: {each.pristine.said}"
        yield f"Retire {', '.join(each.contract.patches)}: upstream does it itself ({reason}).", ""
    for site in found.fine:
        yield f"{site} fits as it is: there is nothing to accept.", ""
    if result.written:
        yield f"Written: {', '.join(result.written)}. Read the diff.", result.diff
    elif by_hand := list(_by_hand(report, result)):
        yield from ((sentence, "") for sentence in by_hand)
    elif result.command and found.accepted:
        yield "This builds. When you have read the windows, write it.", result.command
    elif result.command:
        yield "Read the windows: does each payload still mean the same there? Then write it.", result.command
    elif report.ok and result.record:
        yield "Read what is new; then record that it was read.", result.record
    elif report.ok:
        new = any(site.scope_diff and site.scope_diff.lines for site in found.sites)
        yield "There is nothing to write; read what is new." if new else "There is nothing to do.", ""


def _by_hand(report: Report, result: BumpResult) -> Iterator[str]:
    """The steps that no command can do."""
    found = result.found
    fitting, others = _open_sites(result)
    if fitting:
        yield f"Read {_names(fitting)}: the most similar code does not fit, or is not similar enough to be proposed."
    if others:
        yield f"By hand: no candidate fits {_names(others)}; the entry of each site has the reason."
    if found.accepted and not found.proposed.ok:
        for problem in report.problems:
            if not problem.code.startswith("anchor-"):
                yield f"By hand: {problem.code}, {problem.where}: {clipped(problem.message, _MAX_MESSAGE)}"
    else:
        yield from (f"By hand: {each.code}, {each.where}." for each in found.refusals)
    if found.red:
        many = len(found.red) > _MAX_NAMED
        which = counted(len(found.red), "contract") if many else ", ".join(each.contract for each in found.red)
        yield f"By hand: {which} {'is' if len(found.red) == 1 else 'are'} red; the reason is with the contracts."


def _names(sites: "Sequence[SiteReport]") -> str:
    return ", ".join(site.id for site in sites)


def _open_sites(result: BumpResult) -> "tuple[list[SiteReport], list[SiteReport]]":
    """The stopping sites without a chosen candidate: those that have a fitting candidate, and the others."""
    found = result.found
    left = [
        site for site in found.sites if site.stops and site.change is not Change.WAITS and site.id not in found.chosen
    ]
    fitting = [site for site in left if any(not each.tried.problems for each in site.candidates)]
    return fitting, [site for site in left if site not in fitting]
