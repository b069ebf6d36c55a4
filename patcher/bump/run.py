"""A whole bump, in memory: both revisions, each site, its candidates, and the build with the chosen ones."""

import shlex
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from patcher import apply
from patcher.bump import trial
from patcher.bump.candidates import candidates, same
from patcher.bump.changes import change_of, scope_diff, twins
from patcher.bump.model import Bump, BumpOptions, Candidate, Change, Culprit, Refusal, Reviewed, Revision, SiteReport
from patcher.bump.revisions import Reviews, base_revision, culprit_of, revision_at
from patcher.errors import PatcherError
from patcher.gates.free_identifiers import free_names
from patcher.javascript import JAVASCRIPT, language_of
from patcher.javascript.similarity import words
from patcher.locate import locate
from patcher.matrix.blame import Walk, fitting
from patcher.matrix.window import window_at, window_of
from patcher.model import Located, Patch, SiteResult, Verdict
from patcher.pipeline import check_upstream
from patcher.render import payload_of
from patcher.upstream.history import Commit, Repository

Advance = Callable[[str, int], None]


def bump(
    repository: Repository, series: Sequence[Patch], options: BumpOptions, advance: Advance = lambda message, by: None
) -> Bump:
    """Run a bump. Writes nothing. advance: called with what is looked at, and the number of sites that are done.

    Raises `NoSuchRef`, `NotThisPackage`, `UnrelatedHistories`, `UsageError` (there is no such site or candidate).
    """
    until = revision_at(repository, options.until)
    advance("the newest ref whose pins are met", 0)
    since = base_revision(repository, until, series, options.since)
    declared = _Reporter(repository, tuple(series), since, until, advance, options)
    build = check_upstream(until.upstream, series)
    sites = declared.sites()
    while True:
        chosen, fine = trial.select_candidates(sites, options)
        ours = trial.with_accepted(series, sites, chosen)
        free = trial.freed(until.upstream, ours, sites, chosen)
        if not free:
            break
        sites = replace(declared, series=ours).again(sites, free)
    return Bump(
        since,
        until,
        build,
        check_upstream(until.upstream, ours) if chosen else build,
        tuple(with_nearest(each, until, chosen.get(each.id, 1)) for each in sites),
        declared.refusals(),
        ours,
        chosen,
        bool(options.accept),
        fine,
        tuple(series),
        gaps=declared.reviews.gaps,
    )


@dataclass
class _Reporter:
    """Reports on the sites of a series between both revisions."""

    repository: Repository
    series: tuple[Patch, ...]
    since: Revision | None
    until: Revision
    advance: Advance
    options: BumpOptions

    def __post_init__(self) -> None:
        self.reviews = Reviews(self.repository, self.series, self.since, self.until)
        self.walk = Walk(self.repository, self.series)

    @cached_property
    def _results(self) -> tuple[SiteResult, ...]:
        return apply.apply_series(self.until.upstream, self.series).sites

    @cached_property
    def _stopped(self) -> set[str]:
        return {each.id for each in self._results if each.stops}

    def sites(self) -> list[SiteReport]:
        """Every site of the series at the new ref."""
        found: list[SiteReport] = []
        for result in self._results:
            if not self.options.only or result.site.patch in self.options.only:
                self.advance(result.id, 1)
                found.append(self._stopping(result, found) if result.stops else self._fitting(result))
        return found

    def again(self, reports: Sequence[SiteReport], free: Collection[SiteReport]) -> list[SiteReport]:
        """The reports, those in `free` evaluated again: this series has a candidate for the site that blocked them."""
        results = {each.id: each for each in self._results}
        found: list[SiteReport] = []
        for report in reports:
            result = results.get(report.id) if report in free else None
            if result is None:
                found.append(report)
            elif result.stops:
                found.append(self._stopping(result, [each for each in found if each.id in self._stopped]))
            else:
                found.append(self._report(result))
        return found

    def _report(self, result: SiteResult) -> SiteReport:
        window = window_at(self.until.ref, result) if result.located.matches else None
        return SiteReport(result.site, result.finding, payload_of(result.site), found=window)

    def _fitting(self, result: SiteResult) -> SiteReport:
        report, old = self._report(result), self.reviews.last_review(result.site)
        if old is None or self.repository.commit_id(old.ref) == self.until.commit:
            return report
        match = result.located.matches[0]
        near = words(result.text[match.window_start : match.window_end])
        names = free_names(report.payload, language_of(result.finding.file))
        names = {*names, *(word for word in near if word.isidentifier() and len(word) > 3)}
        return replace(
            report,
            scope_diff=scope_diff(old, result, names, everything=self.options.everything),
            reviewed=window_at(old.ref, old.result),
            twins=twins(old.result, result, self._results),
        )

    # --- a site that stops -------------------------------------------------------------------------------------

    def _stopping(self, result: SiteResult, before: Sequence[SiteReport]) -> SiteReport:
        report = self._report(result)
        blocker = self._blocker(result, before)
        if blocker is not None:
            message = f"it anchors in what {blocker.patch} brings, which stops at {blocker.id}: accept that first"
            return replace(report, change=Change.WAITS, change_said=message, waits_for=blocker.id)
        reviewed = self.reviews.of(result.site)
        commit = self._first_stop(result, reviewed)
        if reviewed is None and commit is not None:
            reviewed = self.reviews.before(commit.id, result.site)
        if reviewed is None:
            return self._without_history(report, result)
        texts = self._texts(result)
        change, message = change_of(reviewed, result, texts)
        if commit is None and self.reviews.is_later(reviewed.ref):
            change, message = Change.NOT_YET, f"the code that was reviewed came later: {reviewed.ref} has it"
        return replace(
            report,
            reviewed=window_at(reviewed.ref, reviewed.result),
            change=change,
            change_said=message,
            culprit=self._culprit(commit),
            candidates=self._tried(result, candidates(reviewed, result.located.anchor, texts)),
        )

    def _blocker(self, result: SiteResult, before: Sequence[SiteReport]) -> SiteReport | None:
        """The stopping site of a required patch in the same file, whose payload this site may be anchored in."""
        if result.finding.verdict is not Verdict.MISSING:
            return None
        requires = next(each for each in self.series if each.id == result.site.patch).requires
        required = (each for each in before if each.stops and each.patch in requires)
        return next((each for each in required if each.site.file == result.finding.file), None)

    def _first_stop(self, result: SiteResult, reviewed: Reviewed | None) -> Commit | None:
        """The first commit at which the site stops. It fits if it does so as either of the two versions.

        If it was reviewed in upstream's own text, other payloads are left out.
        """
        ends = [each.upstream for each in (self.until, self.since) if each]
        alone = reviewed is None or reviewed.text == (self.repository.text(reviewed.ref, reviewed.file) or "")
        return self.walk.site(result.site, self.until.ref, ends, alone=alone)

    def _without_history(self, report: SiteReport, result: SiteResult) -> SiteReport:
        """The report on a site whose reviewed code is in no ref; if its pattern matches once, with a new pin for it."""
        if result.located.is_unique:
            message = "no ref of this repository has the code that was reviewed: read all of the code that is there now"
            found = [same(result.finding.file, result.located.anchor)]
            return replace(report, change_said=message, candidates=self._tried(result, found))
        message = "no ref of this repository has the code that was reviewed, and so nothing to look for"
        if self.repository.may_fetch_tags:
            message = f"{message}; `git -C {shlex.quote(self.repository.path)} fetch --tags` may bring one"
        return replace(report, change_said=message)

    def _tried(self, result: SiteResult, found: Sequence[Candidate]) -> tuple[Candidate, ...]:
        wanted = found if self.options.candidates else ()
        upstream = self.until.upstream
        return trial.ranked([trial.attempt(upstream, self.series, result.site, each, self._stopped) for each in wanted])

    def _texts(self, result: SiteResult) -> dict[str, str]:
        """The files to search for the code of a site, its own first: files of the same language."""
        file = result.finding.file
        own = {file: result.text} if result.text else {}
        others = (each for each in self.until.upstream.tree if each != file and each.endswith((".js", ".ts", ".tsx")))
        alike = (each for each in others if (language_of(each) == JAVASCRIPT) == (language_of(file) == JAVASCRIPT))
        return {**own, **{each: _text(self.until, each) for each in alike}}

    def _culprit(self, commit: Commit | None) -> Culprit | None:
        return culprit_of(self.repository, commit, self.until.ref) if commit else None

    # --- what else refuses -------------------------------------------------------------------------------------

    def refusals(self) -> tuple[Refusal, ...]:
        """Upstream's files at the paths of ours, and gates that refuse the fitting sites; each with its commit."""
        upstream = self.until.upstream
        build = check_upstream(upstream, fitting(upstream, self.series))
        taken = [
            Refusal("file-taken", f"{each.patch}: {each.file}", each.message, self._culprit(self._added(each.file)))
            for each in build.stops
        ]
        gates = [
            Refusal(f"gate-{each.id}", each.where, each.message, self._culprit(commit))
            for each in build.gates
            if not each.ok
            for commit in [self.walk.gate(each.id, self.until.ref, upstream.version)]
        ]
        return (*taken, *gates)

    def _added(self, path: str) -> Commit | None:
        try:
            return self.repository.commits([path], until=self.until.ref)[0]
        except PatcherError:
            return None


def _text(revision: Revision, path: str) -> str:
    file = revision.upstream.tree.get(path)
    return file.data.decode("utf-8", "replace") if file else ""


def with_nearest(site: SiteReport, until: Revision, rank: int) -> SiteReport:
    """The site; if nothing matches there, with the window of the match of its candidate of this rank."""
    candidate = site.candidate(rank)
    if site.found or not site.stops or candidate is None:
        return site
    text = _text(until, candidate.file)
    located: Located = locate(text, candidate.anchor, language_of(candidate.file))
    unique = len(located.matches) == 1
    return replace(site, nearest=window_of(until.ref, text, located, candidate.file) if unique else None)
