"""The first commit at which a site or a patch stops, or a gate refuses: a walk of the history of the relevant files.

The caller supplies the version of a commit: between two releases, code changes before the version number.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from patcher import apply, pipeline
from patcher.errors import EmptyRange, PatcherError
from patcher.model import Build, File, GateResult, Line, Patch, Site, Upstream
from patcher.patches import with_requirements
from patcher.upstream.culprits import culprit
from patcher.upstream.history import Commit, Repository


class Release(Protocol):
    """The version and line as which commits are judged."""

    @property
    def version(self) -> str:
        """The version, as in `package.json`."""

    @property
    def line(self) -> Line:
        """The line of upstream."""


@dataclass
class Walk:
    """Finds commits in the history of one repository; equal contents of the files are judged only once."""

    repository: Repository
    series: tuple[Patch, ...]
    _known: dict[Hashable, bool] = field(default_factory=dict)

    def site(self, site: Site, until: str, releases: Iterable[Release], *, alone: bool) -> Commit | None:
        """The commit since which, up to `until`, this site stops as each of these releases.

        alone: without the payloads of other sites. None where the site has stopped since its file was added, or no
        change of its files makes it stop.
        """
        series = with_requirements(self.series, [site.patch])
        if alone:
            series = without(series, {each.id for patch in series for each in patch.sites} - {site.id})
        files = _files_of(series)

        def stops(commit: str) -> bool:
            builds = [self._build(commit, files, each, series) for each in releases]
            return all(each.stops for build in builds for each in build.sites if each.id == site.id)

        return self._began((site.id, alone), until, files, stops)

    def patch(self, patch: Patch, until: str, release: Release, *, stops: bool) -> Commit | None:
        """The commit since which this patch stops as this release, or for `stops=False`, fits.

        A tree that cannot be read stops every patch.
        """
        series = with_requirements(self.series, [patch.id])
        files = sorted({*_files_of(series), *(overlay.path for overlay in patch.overlays)})

        def answer(commit: str) -> bool:
            try:
                self.repository.upstream(commit)
                found = self._build(commit, files, release, series).findings
            except PatcherError:
                return stops
            return any(each.verdict.stops for each in found if each.patch == patch.id) is stops

        question = (patch.id, release.version, release.line, stops)
        return self._began(question, until, [*files, "package.json"], answer)

    def gate(self, gate: str, until: str, version: str, *, refuses: bool = True) -> Commit | None:
        """The commit since which this gate (any for an empty name) refuses the fitting sites; `refuses`: or accepts."""
        paths = self.repository.sources

        def answer(commit: str) -> bool:
            try:
                upstream = replace(self.repository.upstream(commit), version=version)
                return any(gate in {"", each.id} for each in refused(upstream, self.series)) is refuses
            except PatcherError:
                return False  # the tree is not one of the sidecar yet

        return self._began((f"gate {gate}", version, refuses), until, paths, answer)

    def _build(self, commit: str, files: Sequence[str], release: Release, series: Sequence[Patch]) -> Build:
        texts = {file: self.repository.text(commit, file) for file in files}
        tree = {file: File(text.encode()) for file, text in texts.items() if text is not None}
        return apply.apply_series(Upstream("", release.version, commit, tree, part_of=release.line), series)

    def _began(
        self, question: Hashable, until: str, paths: Sequence[str], answer: Callable[[str], bool]
    ) -> Commit | None:
        """paths: the relevant files. Commits that change one are judged, each content only once."""

        def holds(commit: str) -> bool:
            key = (question, *(self.repository.blob_id(commit, path) for path in paths))
            if key not in self._known:
                self._known[key] = answer(commit)
            return self._known[key]

        try:
            return culprit(self.repository, until, paths, holds) if holds(until) else None
        except EmptyRange:
            return None


def _files_of(series: Sequence[Patch]) -> list[str]:
    sites = [site for patch in series for site in patch.sites]
    return sorted({site.file_of(anchor) for site in sites for anchor in site.anchors})


# --- a part of the series --------------------------------------------------------------------------------------


def without(series: Sequence[Patch], sites: Collection[str]) -> tuple[Patch, ...]:
    """The series without the sites of these ids."""
    return tuple(replace(patch, sites=tuple(each for each in patch.sites if each.id not in sites)) for patch in series)


def stopped_sites(upstream: Upstream, series: Sequence[Patch]) -> set[str]:
    """The ids of the sites that stop."""
    return {each.id for each in apply.apply_series(upstream, series).sites if each.stops}


def fitting(upstream: Upstream, series: Sequence[Patch]) -> tuple[Patch, ...]:
    """The series without the sites that stop, and without those that stop once these are left out."""
    found = tuple(series)
    while stopped := stopped_sites(upstream, found):
        found = without(found, stopped)
    return found


def refused(upstream: Upstream, series: Sequence[Patch]) -> tuple[GateResult, ...]:
    """The gates that refuse the fitting sites."""
    return tuple(gate for gate in pipeline.check_upstream(upstream, fitting(upstream, series)).gates if not gate.ok)
