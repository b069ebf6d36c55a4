"""A matrix from beginning to end: judge, then find out who ended what."""

from collections.abc import Iterator, Sequence

from patcher.matrix.blame import spans, stops
from patcher.matrix.judge import judging
from patcher.matrix.model import Judged, Matrix
from patcher.matrix.windows import with_windows
from patcher.model import Patch
from patcher.progress import progress
from patcher.upstream import clone
from patcher.upstream.history import Repository

DIRTY = "the work tree has changes that are not committed; refs are read, not the work tree"


def refs_of(repository: Repository, words: Sequence[str], *, by_commit: bool, touching: Sequence[str]) -> list[str]:
    """The refs that a command line asks for; `by_commit`: ids of the commits that touch a file, oldest first.

    Raises `NoSuchRef`, `EmptyRange`, `UnrelatedHistories`.
    """
    if not by_commit:
        return repository.refs(words)
    found: list[str] = []
    for word in words or ["HEAD"]:
        since, until = repository.ends(word) if ".." in word else ("", word)
        found += [repository.commit_id(since)] if since else []  # what the first commit is compared with
        found += [commit.id for commit in repository.commits(touching, since, until)]
    return list(dict.fromkeys(found))


def matrix(repository: Repository, refs: Sequence[str], series: Sequence[Patch], *, cores: int | None = None) -> Matrix:
    """Judge every ref, on all cores, with a progress bar.

    Raises `NoSuchRef`; a ref whose tree cannot be read is in the result.
    """
    found: dict[str, Judged] = {}
    with judging(repository, refs, series, cores) as results, progress(len(refs)) as advance:
        for some in results:
            found.update({judged.ref: judged for judged in some})
            advance(f"judged {some[-1].ref[:12]}", len(some))
        ordered = tuple(found[ref] for ref in refs)
        advance("looking for the commits that ended it", 0)
        blamed = [with_windows(repository, stop, series) for stop in stops(repository, ordered, series)]
    return Matrix(
        repository=repository.path,
        refs=ordered,
        commits=repository.described(refs),
        supported=tuple(spans(ordered, lambda judged: judged.supported)),
        stops=tuple(blamed),
        notes=tuple(_notes(repository, ordered)),
    )


def _notes(repository: Repository, refs: Sequence[Judged]) -> Iterator[str]:
    if clone.is_dirty(repository.path):
        yield DIRTY
    if repository.tags_without_commit:
        yield f"left out, as they name no commit: {', '.join(repository.tags_without_commit)}"
    for note in dict.fromkeys(note for judged in refs for note in judged.notes):
        where = [judged.ref for judged in refs if note in judged.notes]
        yield f"{where[0]}{f' and {len(where) - 1} more' if where[1:] else ''}: {note}"
