"""A whole matrix: judge each ref, then find the commit that began or ended each range of stops."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from patcher import apply
from patcher.errors import PatcherError
from patcher.matrix.blame import Walk
from patcher.matrix.judge import judging
from patcher.matrix.model import Matrix, RefRange, RefResult, Stop, StopWindow
from patcher.matrix.window import window_at
from patcher.model import Patch, SiteResult
from patcher.progress import progress
from patcher.render import payload_of
from patcher.upstream import clone
from patcher.upstream.history import Repository

DIRTY = "the work tree has changes that are not committed; refs are read, not the work tree"


def refs_of(repository: Repository, arguments: Sequence[str], *, by_commit: bool, touching: Sequence[str]) -> list[str]:
    """The refs that command-line arguments name; by_commit: the ids of the commits that change a file, oldest first.

    Raises `NoSuchRef`, `EmptyRange`, `UnrelatedHistories`.
    """
    if not by_commit:
        return repository.refs(arguments)
    found: list[str] = []
    for argument in arguments or ["HEAD"]:
        since, until = repository.ends(argument) if ".." in argument else ("", argument)
        found += [repository.commit_id(since)] if since else []  # to compare the first commit with
        found += [commit.id for commit in repository.commits(touching, since, until)]
    return list(dict.fromkeys(found))


def matrix(repository: Repository, refs: Sequence[str], series: Sequence[Patch], *, cores: int | None = None) -> Matrix:
    """Judge every ref, on all cores, with a progress bar.

    Raises `NoSuchRef`; a ref whose tree cannot be read is in the result.
    """
    found: dict[str, RefResult] = {}
    with judging(repository, refs, series, cores) as results, progress(len(refs)) as advance:
        for some in results:
            found.update({result.ref: result for result in some})
            advance(f"judged {some[-1].ref[:12]}", len(some))
        ordered = tuple(found[ref] for ref in refs)
        advance("looking for the commits that began it", 0)
        stops = tuple(_stops(repository, ordered, tuple(series)))
    return Matrix(
        repository=repository.path,
        refs=ordered,
        commits=repository.described(refs),
        supported=tuple(_ranges(ordered, lambda result: result.supported)),
        stops=stops,
        notes=tuple(_notes(repository, ordered)),
    )


def _ranges(refs: Sequence[RefResult], is_in: Callable[[RefResult], bool]) -> list[RefRange]:
    """The ranges of consecutive refs for which `is_in` is true."""
    found: list[RefRange] = []
    for before, result in zip([None, *refs], refs, strict=False):
        if is_in(result) and before is not None and is_in(before):
            found[-1] = replace(found[-1], until=result)
        elif is_in(result):
            found.append(RefRange(result, result))
    return found


def _notes(repository: Repository, refs: Sequence[RefResult]) -> Iterator[str]:
    if clone.is_dirty(repository.path):
        yield DIRTY
    if repository.tags_without_commit:
        yield f"left out, as they name no commit: {', '.join(repository.tags_without_commit)}"
    for note in dict.fromkeys(note for result in refs for note in result.notes):
        where = [result.ref for result in refs if note in result.notes]
        yield f"{where[0]}{f' and {len(where) - 1} more' if where[1:] else ''}: {note}"


# --- stops -----------------------------------------------------------------------------------------------------


def _stops(repository: Repository, refs: Sequence[RefResult], series: tuple[Patch, ...]) -> Iterator[Stop]:
    """Every range of stops, by patch in the order of the series, then the ranges where only gates refuse."""
    walk = Walk(repository, series)
    for patch in (*series, None):
        name = patch.id if patch else ""
        for span in _ranges(refs, lambda result: result.stops(name) if name else result.gates_refuse):  # noqa: B023
            yield _stop(walk, refs, span, patch)


def _stop(walk: Walk, refs: Sequence[RefResult], span: RefRange, patch: Patch | None) -> Stop:
    def began(at: RefResult, *, stops: bool) -> Any:
        if patch:
            return walk.patch(patch, at.commit, at, stops=stops)
        return walk.gate("", at.commit, at.version, refuses=stops)

    first, last = refs.index(span.since), refs.index(span.until)
    others = (*reversed(refs[:first]), *refs[last + 1 :])
    fitting = [each for each in others if (not each.stops(patch.id) if patch else each.supported)]
    after = next((each for each in refs[last + 1 :] if each in fitting), None)
    culprit = began(span.since, stops=True)
    ended = began(after, stops=False) if after and culprit is None else None
    good = fitting[0].ref if fitting else ""
    windows = tuple(_windows(walk, span.since.ref, good, patch)) if patch else ()
    return Stop(patch.id if patch else "", span, good, culprit, ended, windows)


def _windows(walk: Walk, ref: str, good: str, patch: Patch) -> Iterator[StopWindow]:
    """A window for each site of the patch that stops at a ref, with the same site at the good ref."""
    now, then = _sites(walk, ref), _sites(walk, good) if good else {}
    for number, site in enumerate(patch.sites):
        result, before = now.get(site.id), then.get(site.id)
        if result is None or not result.stops:
            continue
        reviewed, found = window_at(good, before) if before else None, window_at(ref, result)
        yield StopWindow(number, site, result.finding, payload_of(site), reviewed, found)


def _sites(walk: Walk, ref: str) -> dict[str, SiteResult]:
    try:
        return {each.id: each for each in apply.apply_series(walk.repository.upstream(ref), walk.series).sites}
    except PatcherError:
        return {}
