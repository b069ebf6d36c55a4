"""Who moved it: the commit from which on a site stops, or a gate refuses, found by a walk of the files' history."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from patcher import apply
from patcher.bump.model import Culprit
from patcher.bump.trial import refused
from patcher.bump.variants import closure, without
from patcher.errors import EmptyRange, PatcherError
from patcher.model import File, Patch, Site, Tree, Upstream
from patcher.upstream import git, history


@dataclass
class Walk:
    """Asks commits of one repository. ends: a site is fine at a commit when it is fine as one of these upstreams.

    What `package.json` says between two releases does not help: code comes before its version number.
    """

    repository: history.Repository
    series: tuple[Patch, ...]
    until: str
    ends: tuple[Upstream, ...]
    _known: dict[object, bool] = field(default_factory=dict)

    def of_site(self, site: Site, *, alone: bool) -> Culprit | None:
        """The commit from which on this site stops. alone: no other payload stands around it.

        None where it has stopped since its file is there, or stops for no change of its files.
        """
        series = closure(self.series, site.patch)
        if alone:
            series = without(series, [each.id for patch in series for each in patch.sites if each.id != site.id])
        sites = [each for patch in series for each in patch.sites]
        files = sorted({each.file_of(anchor) for each in sites for anchor in each.anchors})

        def stops(commit: str) -> bool:
            key = (site.id, *(self.repository.blob_id(commit, file) for file in files))
            if key not in self._known:
                tree = self._files(commit, files)
                self._known[key] = all(self._stops(tree, end, series, site.id) for end in self.ends)
            return self._known[key]

        return self._named(files, stops)

    def _stops(self, tree: Tree, end: Upstream, series: Sequence[Patch], site: str) -> bool:
        found = apply.apply_series(Upstream("", end.version, "", tree, part_of=end.line), series).sites
        return all(each.stops for each in found if each.id == site)

    def _files(self, commit: str, files: Sequence[str]) -> Tree:
        texts = {file: self.repository.text(commit, file) for file in files}
        return {file: File(text.encode()) for file, text in texts.items() if text is not None}

    def of_gate(self, gate: str, version: str) -> Culprit | None:
        """The commit from which on this gate refuses what goes in."""

        def stops(commit: str) -> bool:
            key = (gate, *(self.repository.blob_id(commit, path) for path in self.repository.sources))
            if key not in self._known:
                self._known[key] = self._refuses(commit, gate, version)
            return self._known[key]

        return self._named(self.repository.sources, stops)

    def _refuses(self, commit: str, gate: str, version: str) -> bool:
        try:
            upstream = replace(self.repository.upstream(commit), version=version)
            return gate in {each.id for each in refused(upstream, self.series)}
        except PatcherError:
            return False  # no tree of ours yet

    def _named(self, paths: Sequence[str], stops: Callable[[str], bool]) -> Culprit | None:
        try:
            found = self.repository.culprit(self.until, paths, stops)
        except EmptyRange:
            return None
        return described(self.repository, found, self.until) if found else None


def described(repository: history.Repository, found: history.Commit, until: str) -> Culprit:
    """A commit as a report names it, with the merge that brought it to the first-parent line of `until`."""
    brought = _brought_by(repository, found.id, repository.commit_id(until))
    merge = repository.commit(brought) if brought else None
    return Culprit(
        found.id,
        found.date,
        found.subject,
        found.author,
        Culprit(merge.id, merge.date, merge.subject, merge.author) if merge else None,
    )


def _brought_by(repository: history.Repository, commit: str, until: str) -> str:
    line = git.run(repository.path, "rev-list", "--first-parent", until).decode().split()
    if commit in line:
        return ""
    after = set(git.run(repository.path, "rev-list", "--ancestry-path", f"{commit}..{until}").decode().split())
    return next((each for each in reversed(line) if each in after), "")
