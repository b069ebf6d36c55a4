"""A bump as text for a terminal: the sites that stop, then those that fit, then what is new, then the next commands.

Usually about 60 lines; `everything` leaves nothing out.
"""

import difflib
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from patcher.bump.model import Change, Kind
from patcher.report.headline import next_steps
from patcher.report.model import BumpResult, Report, position
from patcher.report.side_by_side import lines_of as window_lines
from patcher.report.wording import Paint, clipped, counted, painted_diff, proven, short

if TYPE_CHECKING:
    from patcher.bump.model import Candidate, ContractRegression, Culprit, Refusal, ScopeDiff, SiteReport, Tried
    from patcher.matrix.window import Window
    from patcher.prove.contract import ProofResult

_WIDTH = 110
_WINDOW, _WINDOW_OF_MANY, _MANY = 16, 10, 3
_CANDIDATES, _PROBLEM = 3, 160
_NEW, _NEW_AT_LEAST = 24, 2
_TWINS = 4
_LOG = 6


def lines_of(report: Report, result: BumpResult, paint: Paint, *, everything: bool) -> Iterator[str]:
    """The lines of the report of a bump."""
    yield from _Text(report, result, paint, everything).lines()


@dataclass(frozen=True)
class _Text:
    report: Report
    result: BumpResult
    paint: Paint
    everything: bool

    def lines(self) -> Iterator[str]:
        found = self.result.found
        stops = [site for site in found.sites if site.stops]
        fitting = [site for site in found.sites if not site.stops]
        yield self._headline(len(stops))
        yield from (f"note  {note}" for note in (self.report.build.notes if self.report.build else ()))
        for site in stops:
            yield ""
            yield from self._stop(site, _WINDOW if len(stops) < _MANY else _WINDOW_OF_MANY)
        for refusal in found.refusals:
            yield ""
            yield from self._refusal(refusal)
        yield from self._contracts(self.report.contracts or ())
        yield from self._fits(fitting)
        yield from self._twins(fitting)
        yield from self._new(fitting)
        yield ""
        for sentence, command in next_steps(self.report):
            yield f"{self.paint('next', 'strong')}  {sentence}"
            yield from [f"  $ {self.paint(command, 'command')}"] if command else ()

    def _headline(self, stops: int) -> str:
        found = self.result.found
        since = found.since.ref if found.since else "no ref that meets the pins"
        sites, ends = len(found.sites), self.paint(f"{since} → {found.until.ref}", "strong")
        stop, fit = f"{stops} of {sites} sites stop", f"all {sites} sites fit"
        return f"{ends}   {self.paint(stop, 'stops') if stops else self.paint(fit, 'good')}"

    # --- a site that stops ------------------------------------------------------------------------------------

    def _stop(self, site: "SiteReport", most: int) -> Iterator[str]:
        finding = site.finding
        where = f"{position(finding.file, finding.line)}, {finding.scope}"
        yield f"{self.paint(finding.verdict, 'stops')}  {self.paint(site.id, 'strong')}  {where}"
        if site.change_said:
            yield f"  what  {site.change + ': ' if site.change else ''}{site.change_said}"
        pinned = any(each.kind is Kind.PIN for each in site.candidates)
        if site.change is Change.NOT_YET and not pinned and not self.everything:
            yield "  do    take a newer upstream, or write an anchor by hand; `--all` shows similar code"
        elif site.change is not Change.WAITS:
            yield from self._culprit(site.culprit) if site.change else ()
            yield from (f"        {line}" for line in self._window(site, most))
            yield from self._candidates(site)

    def _culprit(self, culprit: "Culprit | None") -> Iterator[str]:
        if culprit is None:
            yield "  who   no commit: it never fitted, or only the version number changed"
            return
        yield f"  who   {self.paint(culprit.commit[:12], 'commit')} {culprit.date[:10]}  {culprit.subject}"
        if merge := culprit.brought_by:
            yield f"        {self.paint(f'by {merge.commit[:12]} {merge.date[:10]}  {merge.subject}', 'faint')}"

    def _window(self, site: "SiteReport", most: int) -> Iterator[str]:
        sides = (site.reviewed, site.found or site.nearest)
        old, new = (_in_its_blocks(side) if side else [] for side in sides)
        names = [f"{short(side.ref)} line {side.line}" if side else "nothing" for side in sides]
        names[1] += "" if site.found or not site.nearest else ", as the candidate has it"
        if not old and not new:
            return
        lines = list(difflib.unified_diff(old, new, names[0], names[1], lineterm="", n=1 if old else 3))
        lines = [line for line in lines if not line.startswith("@@")] or [f"  {line}" for line in new]
        yield from self._cut([painted_diff(line, self.paint) for line in lines], most)

    def _cut(self, lines: Sequence[str], most: int) -> Iterator[str]:
        """The first lines, and how many more there are."""
        shown = len(lines) if self.everything or len(lines) <= most + 1 else most
        yield from lines[:shown]
        if len(lines) > shown:
            yield self.paint(f"… {len(lines) - shown} more lines", "faint")

    def _candidates(self, site: "SiteReport") -> Iterator[str]:
        found = self.result.found
        accepted = found.chosen.get(site.id) if found.accepted else None
        candidates = [each for each in site.candidates if accepted in {None, each.rank}]
        if not candidates:
            yield "  do    there is no candidate: write an anchor by hand, or declare the patch superseded"
        shown = candidates if self.everything else candidates[:_CANDIDATES]
        for each in shown:
            yield from self._candidate(site, each, is_accepted=accepted is not None)
        if len(candidates) > len(shown):
            yield f"        … {len(candidates) - len(shown)} more candidates, less similar"

    def _candidate(self, site: "SiteReport", each: "Candidate", *, is_accepted: bool) -> Iterator[str]:
        yield f"  {'took' if is_accepted else 'do'} {each.rank:>2}  {self.paint(_anchor(site, each), 'strong')}"
        if each.why:
            yield f"        {self.paint(clipped('; '.join(each.why), _PROBLEM), 'faint')}"
        yield f"        {self._tried(each.tried)}"
        for problem in each.tried.problems:
            text = problem if self.everything else clipped(problem, _PROBLEM)
            yield f"        {self.paint(f'✗ {text}', 'removed')}"
        if not each.tried.problems and not is_accepted:
            yield f"        $ {self.paint(self.result.accepting(site, each), 'command')}"

    def _tried(self, tried: "Tried") -> str:
        signs = {True: ("✓", "added"), False: ("✗", "removed"), None: ("·", "faint")}
        steps = {"unique": tried.unique, "parses": tried.parses, "gates": tried.gates, "contracts": tried.contracts}
        return "  ".join(self.paint(f"{signs[step][0]} {name}", signs[step][1]) for name, step in steps.items())

    # --- what else refuses -------------------------------------------------------------------------------------

    def _refusal(self, refusal: "Refusal") -> Iterator[str]:
        yield f"{self.paint(refusal.code, 'stops')}  {refusal.where}"
        yield f"  what  {refusal.message}"
        yield from self._culprit(refusal.culprit) if refusal.culprit else ()

    def _contracts(self, results: "Sequence[ProofResult]") -> Iterator[str]:
        known = {each.contract: each for each in self.result.found.red}
        alike: dict[str, list[ProofResult]] = {}
        for each in results:
            if not each.ok:
                reason = known[each.contract.id].said if each.contract.id in known else each.message.splitlines()[0]
                alike.setdefault(reason, []).append(each)
        for first, *others in alike.values():
            yield ""
            names = ", ".join(self.paint(one.contract.id, "strong") for one in (first, *others))
            yield f"{self.paint('contract', 'stops')}  {names}"
            message, *log = first.message.splitlines()
            yield f"  what  {message}"
            yield from (f"        {one.message.splitlines()[0]}" for one in (others if self.everything else ()))
            yield from (f"        {line}" for line in self._cut([self.paint(line, "faint") for line in log], _LOG))
            yield from self._reason(known[first.contract.id]) if first.contract.id in known else ()
        if results:
            yield ""
            yield proven([each.ok for each in results])

    def _reason(self, reason: "ContractRegression") -> Iterator[str]:
        """The commit that made it red, what that commit changed, and why no candidate repairs it."""
        if reason.culprit:
            yield from self._culprit(reason.culprit)
            if reason.skipped:
                others = ", ".join(each[:12] for each in reason.skipped)
                yield f"        {self.paint(f'or one of these, where nothing could be built: {others}', 'faint')}"
        for number, each in enumerate(reason.changes):
            sites = ", ".join(each.sites) or "no site of its patches is in it"
            how = "new" if each.new else "changed"
            yield f"  {'    ' if number else 'did '}  {how}: {each.scope} of {each.file} ({sites})"
        yield f"  why   {reason.said}"

    # --- what fits, and what is new there ----------------------------------------------------------------------

    def _fits(self, fitting: "Sequence[SiteReport]") -> Iterator[str]:
        by_verdict: dict[str, list[str]] = {}
        for site in fitting:
            by_verdict.setdefault(site.finding.verdict, []).append(site.id)
        for each in self.report.findings:
            if each.verdict == "superseded":
                by_verdict.setdefault(each.verdict, []).append(each.patch)
        if by_verdict:
            yield ""
            text = "; ".join(f"{verdict}: {', '.join(names)}" for verdict, names in by_verdict.items())
            first, *more = textwrap.wrap(text, _WIDTH - 6, break_long_words=False, break_on_hyphens=False)
            yield f"{self.paint('fit', 'good')}   {first}"
            yield from (f"      {line}" for line in more)

    def _twins(self, fitting: "Sequence[SiteReport]") -> Iterator[str]:
        found = [
            f"        {site.id}  {site.finding.file}:{each.line}, {each.scope}: `{clipped(each.shown, _WIDTH)}`"
            for site in fitting
            for each in site.twins
        ]
        if found:
            yield ""
            yield (
                f"{self.paint('twin', 'superseded')}  code that a site replaces is there a second time, new since its "
                "review, and nothing replaces it: it may need an edit of its own"
            )
            yield from self._cut(found, _TWINS)

    def _new(self, fitting: "Sequence[SiteReport]") -> Iterator[str]:
        """The most relevant changed lines of each scope, few enough together to be read."""
        scopes = _scopes(fitting)
        if not scopes:
            return
        yield ""
        total = sum(_changed(diff) for diff, _ in scopes.values())
        most = max(_NEW_AT_LEAST, _NEW // len(scopes))
        where = f"{counted(total, 'changed line')} in {counted(len(scopes), 'scope')}"
        yield f"{self.paint('new', 'superseded')}   {where}"
        for (file, scope), (diff, names) in scopes.items():
            number = counted(_changed(diff), "line")
            yield f"  {file}, {scope}, {number} since {clipped(diff.since, _WIDTH)}: {', '.join(names)}"
            lines = diff.lines if self.everything else [line for line in diff.lines if _is_code(line)][:most]
            for line in lines:
                yield f"        {painted_diff(line if self.everything else clipped(line, _WIDTH), self.paint)}"
        if not self.everything:
            yield f"  all of it: $ {self.paint(self.result.commands.everything, 'command')}"


def _scopes(fitting: "Sequence[SiteReport]") -> "dict[tuple[str, str], tuple[ScopeDiff, list[str]]]":
    """By file and scope with changes: the longest diff of it, and the ids of the sites in it."""
    found: dict[tuple[str, str], tuple[ScopeDiff, list[str]]] = {}
    for site in fitting:
        if site.scope_diff and site.scope_diff.lines:
            key = (site.finding.file, site.finding.scope)
            most, names = found.get(key, (site.scope_diff, []))
            found[key] = (max(most, site.scope_diff, key=lambda diff: len(diff.lines)), [*names, site.id])
    return found


def _changed(diff: "ScopeDiff") -> int:
    return diff.left_out + sum(line[:1] in {"+", "-"} for line in diff.lines)


def _is_code(line: str) -> bool:
    """Whether a line of a diff is a changed line with code."""
    return line[:1] in {"+", "-"} and line[1:].strip() != "" and not line[1:].lstrip().startswith(("//", "*", "/*"))


def _anchor(site: "SiteReport", candidate: "Candidate") -> str:
    if candidate.kind is Kind.PIN:
        return "the same anchor, a new pin"
    where = f" in {candidate.file}" if candidate.file != site.finding.file else ""
    return f"{candidate.anchor.shown} in {candidate.anchor.scope}{where}"


def _in_its_blocks(window: "Window") -> list[str]:
    """The headers of the blocks around a window, then its lines; each block is indented by two more spaces."""
    depth = len(window.around)
    headers = [f"{'  ' * level}{header}" for level, header in enumerate(window.around)]
    return [*headers, *(f"{'  ' * depth}{line}" if line else "" for line in window_lines(window))]
