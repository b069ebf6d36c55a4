"""Who ended it: for each run of refs on which a patch stops, the commit that began the run."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from patcher import apply, pipeline
from patcher.errors import EmptyRange, PatcherError
from patcher.matrix.model import Judged, Span, Stop
from patcher.model import Patch, Upstream
from patcher.upstream.history import Commit, Repository


def spans(refs: Sequence[Judged], is_in: Callable[[Judged], bool]) -> list[Span]:
    """The runs of neighbours that are in."""
    found: list[Span] = []
    open_run = False
    for judged in refs:
        if not is_in(judged):
            open_run = False
        elif open_run:
            found[-1] = replace(found[-1], until=judged)
        else:
            found.append(Span(judged, judged))
            open_run = True
    return found


def stops(repository: Repository, refs: Sequence[Judged], series: Sequence[Patch]) -> Iterator[Stop]:
    """Every run of stops, patch by patch in the order of the series, then what only gates refuse."""
    for patch in series:
        walk = _PatchWalk(repository, series, patch)
        for span in spans(refs, lambda judged, name=patch.id: judged.stops(name)):  # type: ignore[misc]
            yield _stop(refs, Stop(patch.id, span), lambda judged, name=patch.id: not judged.stops(name), walk)  # type: ignore[misc]
    for span in spans(refs, lambda judged: judged.gates_refuse):
        yield _stop(refs, Stop("", span), lambda judged: judged.supported, _GateWalk(repository, series))


class _PatchWalk:
    """Asks commits whether a patch stops there. `paths` are the files that decide it."""

    def __init__(self, repository: Repository, series: Sequence[Patch], patch: Patch) -> None:
        self.repository = repository
        self._patch = patch.id
        needed = _with_requirements(series, patch)
        self._series = [each for each in series if each.id in needed]
        edited = {site.file for each in self._series for site in each.sites}
        self.paths = sorted(edited | {overlay.path for overlay in patch.overlays} | {"package.json"})
        self._known: dict[tuple[object, ...], bool] = {}

    def stops(self, commit: str, at: Judged) -> bool:
        """Whether the patch stops, judged as the version and the line of `at`: code comes before its number."""
        files = [path for path in self.paths if path != "package.json"]
        key = (at.version, at.line, *(self.repository.blob_id(commit, path) for path in files))
        if key not in self._known:
            try:
                upstream = self.repository.upstream(commit)
                tree = {path: upstream.tree[path] for path in files if path in upstream.tree}
                build = apply.apply_series(
                    Upstream(upstream.name, at.version, commit, tree, part_of=at.line), self._series
                )
                self._known[key] = any(each.verdict.stops for each in build.findings if each.patch == self._patch)
            except PatcherError:
                self._known[key] = True
        return self._known[key]


class _GateWalk:
    """Asks commits whether the series as a whole is refused there."""

    def __init__(self, repository: Repository, series: Sequence[Patch]) -> None:
        self.repository = repository
        self._series = series
        self.paths = list(repository.sources)

    def stops(self, commit: str, at: Judged) -> bool:
        """Whether an anchor or a gate refuses."""
        try:
            upstream = replace(self.repository.upstream(commit), version=at.version)
            return not pipeline.check_upstream(upstream, self._series).ok
        except PatcherError:
            return True


def _with_requirements(series: Sequence[Patch], patch: Patch) -> set[str]:
    needed = {patch.id}
    for each in reversed(series):
        if each.id in needed:
            needed.update(each.requires)
    return needed


def _stop(refs: Sequence[Judged], stop: Stop, fits: Callable[[Judged], bool], walk: _PatchWalk | _GateWalk) -> Stop:
    first, last = refs.index(stop.span.since), refs.index(stop.span.until)
    before = next((judged for judged in reversed(refs[:first]) if fits(judged)), None)
    after = next((judged for judged in refs[last + 1 :] if fits(judged)), None)
    found = _culprit(walk, stop.span.since, wanted=True)
    if found is not None:
        return replace(stop, good=(before or after or stop.span.since).ref if before or after else "", guilty=found)
    ended = _culprit(walk, after, wanted=False) if after else None
    return replace(stop, good=(before or after).ref if before or after else "", fits_since=ended)  # type: ignore[union-attr]


def _culprit(walk: _PatchWalk | _GateWalk, at: Judged, *, wanted: bool) -> Commit | None:
    def is_so(commit: str) -> bool:
        return walk.stops(commit, at) is wanted

    if not is_so(at.commit):  # it stops there only for what stands around it
        return None
    try:
        return walk.repository.culprit(at.commit, walk.paths, is_so)
    except EmptyRange:
        return None
