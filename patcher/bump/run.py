"""A bump from beginning to end, in memory: both ends, each site, the candidates, and the tree that they would make."""

import shlex
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from patcher import apply
from patcher.bump import trial
from patcher.bump.accepting import Asked, chosen_of
from patcher.bump.candidates import candidates, same
from patcher.bump.change import change_of
from patcher.bump.culprit import Walk, described
from patcher.bump.model import Bump, Candidate, Change, Culprit, Moment, Refusal, SiteReport
from patcher.bump.nearest import with_nearest
from patcher.bump.revisions import Reviews, beginning, moment
from patcher.bump.scope_diff import scope_diff
from patcher.bump.twins import twins
from patcher.bump.window import window_of
from patcher.errors import PatcherError
from patcher.gates.free_identifiers import free_names
from patcher.javascript import JAVASCRIPT, language_of
from patcher.javascript.similarity import words
from patcher.model import Finding, Patch, SiteResult, Verdict
from patcher.pipeline import check_upstream
from patcher.upstream.history import Repository

Advance = Callable[[str, int], None]


def bump(
    repository: Repository, series: Sequence[Patch], asked: Asked, advance: Advance = lambda said, by: None
) -> Bump:
    """Find out everything. Writes nothing.

    Raises `NoSuchRef`, `NotThisPackage`, `UnrelatedHistories`, `UsageError` (there is no such site or candidate).
    """
    until = moment(repository, asked.until)
    advance("the newest ref whose pins are met", 0)
    since = beginning(repository, until, series, asked.since)
    look = _Look(repository, tuple(series), since, until, advance, asked)
    build = check_upstream(until.upstream, series)
    sites = look.sites(asked.only)
    while True:
        chosen, fine = chosen_of(sites, asked)
        ours = trial.accepted(series, sites, chosen)
        free = trial.freed(until.upstream, ours, sites, chosen)
        if not free:
            break
        sites = look.again(sites, free, ours)
    proposed = check_upstream(until.upstream, ours) if chosen else build
    return Bump(
        since,
        until,
        build,
        proposed,
        tuple(with_nearest(each, until, chosen.get(each.id, 1)) for each in sites),
        look.refusals(),
        ours,
        chosen,
        bool(asked.accept),
        fine,
        tuple(series),
        gaps=look.reviews.gaps,
    )


class _Look:
    """Looks at the sites of the series at both ends."""

    def __init__(
        self,
        repository: Repository,
        series: tuple[Patch, ...],
        since: Moment | None,
        until: Moment,
        advance: Advance,
        asked: Asked,
    ) -> None:
        self.asked = asked
        self.repository, self.series, self.since, self.until = repository, series, since, until
        self.reviews = Reviews(repository, series, since, until)
        ends = (until.upstream, *([since.upstream] if since else []))
        self.walk = Walk(repository, series, until.ref, ends)
        self.advance = advance
        self.texts = {
            path: file.data.decode("utf-8", "replace")
            for path, file in until.upstream.tree.items()
            if path.endswith((".js", ".ts", ".tsx"))
        }

    def sites(self, only: Collection[str]) -> list[SiteReport]:
        """Every site of the series at the new ref."""
        results = apply.apply_series(self.until.upstream, self.series).sites
        stopped = {each.id for each in results if each.stops}
        found: list[SiteReport] = []
        for there in results:
            if only and there.site.patch not in only:
                continue
            self.advance(there.id, 1)
            found.append(self._stopping(there, stopped, found) if there.stops else self._going(there, results))
        return found

    def again(
        self, reports: Sequence[SiteReport], free: Collection[SiteReport], series: tuple[Patch, ...]
    ) -> list[SiteReport]:
        """The reports, of which these had to wait; now there is a candidate in `series` for what they waited for."""
        look = _Look(self.repository, series, self.since, self.until, self.advance, self.asked)
        results = {each.id: each for each in apply.apply_series(self.until.upstream, series).sites}
        stopped = {name for name, each in results.items() if each.stops}
        found: list[SiteReport] = []
        for report in reports:
            there = results.get(report.id) if report in free else None
            before = [each for each in found if each.id in stopped]
            found.append(look.freed(there, stopped, before) if there else report)
        return found

    def freed(self, there: SiteResult, stopped: Collection[str], before: Sequence[SiteReport]) -> SiteReport:
        """Evaluate a site again whose blocker has been accepted."""
        return self._stopping(there, stopped, before) if there.stops else self._report(there)

    # --- a site that goes through ------------------------------------------------------------------------------

    def _going(self, there: SiteResult, results: Sequence[SiteResult]) -> SiteReport:
        report = self._report(there)
        reviewed = self.reviews.last_review(there.site)
        if reviewed is None:
            return report
        old, ref = reviewed
        if self.repository.commit_id(ref) == self.until.commit:
            return report
        names = free_names(report.payload, language_of(there.finding.file)) | set(_names_of(there))
        return replace(
            report,
            scope_diff=scope_diff(ref, old, there, names, everything=self.asked.everything),
            reviewed=window_of(ref, old.text, old.located, language_of(old.finding.file)),
            twins=twins(old, there, results),
        )

    def _report(self, there: SiteResult) -> SiteReport:
        report = SiteReport(there.site, there.finding, apply.payload_of(there.site, _THERE))
        if not there.located.matches:
            return report
        window = window_of(self.until.ref, there.text, there.located, language_of(there.finding.file))
        return replace(report, found=window)

    # --- a site that stops -------------------------------------------------------------------------------------

    def _stopping(self, there: SiteResult, stopped: Collection[str], before: Sequence[SiteReport]) -> SiteReport:
        report = self._report(there)
        blocker = self._blocker(there, before)
        if blocker is not None:
            said = f"it anchors in what {blocker.patch} brings, which stops at {blocker.id}: accept that first"
            return replace(report, change=Change.WAITS, change_said=said, waits_for=blocker.id)
        reviewed = self.reviews.of(there.site)
        alone = reviewed is None or reviewed[0].text == _text_of(reviewed[1], reviewed[0].file)
        culprit = self.walk.of_site(there.site, alone=alone)
        if reviewed is None and culprit is not None:
            reviewed = self.reviews.before(culprit.commit, there.site)
        if reviewed is None:
            return self._without_history(report, there, stopped)
        old, _ = reviewed
        anchor, texts = there.located.anchor, self._texts(there)
        change, said = change_of(old, anchor, there.finding.verdict, there.located, texts)
        if culprit is None and self.reviews.is_later(old.ref):
            change, said = Change.NOT_YET, f"the code that was reviewed came later: {old.ref} has it"
        return replace(
            report,
            reviewed=window_of(old.ref, old.text, old.located, old.language),
            change=change,
            change_said=said,
            culprit=culprit,
            candidates=self._tried(there, candidates(old, anchor, texts), stopped),
        )

    def _without_history(self, report: SiteReport, there: SiteResult, stopped: Collection[str]) -> SiteReport:
        """A site of which nobody can see what it was: where its pattern matches once, it can be read and pinned."""
        if there.located.is_unique:
            said = "no ref of this repository has the code that was reviewed: read all of what stands there now"
            found = [same(there.finding.file, there.located.anchor)]
            return replace(report, change_said=said, candidates=self._tried(there, found, stopped))
        said = "no ref of this repository has the code that was reviewed, and so nothing to look for"
        if self.repository.may_fetch_tags:
            said = f"{said}; `git -C {shlex.quote(self.repository.path)} fetch --tags` may bring one"
        return replace(report, change_said=said)

    def _tried(self, there: SiteResult, found: Sequence[Candidate], stopped: Collection[str]) -> tuple[Candidate, ...]:
        wanted = found if self.asked.candidates else ()
        tried = (trial.attempt(self.until.upstream, self.series, there.site, each, stopped) for each in wanted)
        return trial.ranked([*tried])

    def _blocker(self, there: SiteResult, before: Sequence[SiteReport]) -> SiteReport | None:
        """The site of a required patch that stops in the same file, where this one misses what that would bring."""
        if there.finding.verdict is not Verdict.MISSING:
            return None
        requires = next(each for each in self.series if each.id == there.site.patch).requires
        return next(
            (each for each in before if each.stops and each.patch in requires and each.site.file == there.finding.file),
            None,
        )

    def _texts(self, there: SiteResult) -> dict[str, str]:
        file = there.finding.file
        own = {file: there.text} if there.text else {}
        others = {path: text for path, text in self.texts.items() if path != file and _are_alike(path, file)}
        return {**own, **others}

    # --- what else refuses -------------------------------------------------------------------------------------

    def refusals(self) -> tuple[Refusal, ...]:
        """Files of upstream's where ours go, and gates that refuse what goes in; each with its commit."""
        going = apply.apply_series(self.until.upstream, trial.going(self.until.upstream, self.series))
        taken = [self._taken(each) for each in going.stops]
        gates = trial.refused(self.until.upstream, self.series)
        version = self.until.upstream.version
        return (
            *taken,
            *(Refusal(f"gate-{g.id}", g.where, g.message, self.walk.of_gate(g.id, version)) for g in gates),
        )

    def _taken(self, finding: Finding) -> Refusal:
        where = f"{finding.patch}: {finding.file}"
        return Refusal("file-taken", where, finding.message, self._since_it_exists(finding.file))

    def _since_it_exists(self, path: str) -> Culprit | None:
        try:
            commits = self.repository.commits([path], until=self.until.ref)
        except PatcherError:
            return None
        return described(self.repository, commits[0], self.until.ref)


def _are_alike(one: str, other: str) -> bool:
    """Whether code may move from one file to the other: the client's is TypeScript."""
    return (language_of(one) == JAVASCRIPT) == (language_of(other) == JAVASCRIPT)


_THERE = "<what stood there>"


def _text_of(at: Moment, path: str) -> str:
    file = at.upstream.tree.get(path)
    return file.data.decode("utf-8", "replace") if file else ""


def _names_of(there: SiteResult) -> Sequence[str]:
    match = there.located.matches[0]
    return [
        word
        for word in words(there.text[match.window_start : match.window_end])
        if word.isidentifier() and len(word) > 3
    ]
