"""Where something began in the history of upstream: by walking it, or by bisection."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from patcher.upstream import git
from patcher.upstream.history import Commit, Repository


@dataclass(frozen=True)
class Bisected:
    """What a bisection found.

    skipped: ids of commits that could not be judged, and may be the culprit too (as in `git bisect skip`).
    """

    commit: Commit
    skipped: tuple[str, ...] = ()


def culprit(repository: Repository, ref: str, paths: Sequence[str], stops: Callable[[str], bool]) -> Commit | None:
    """Where it began: the commit from which on, up to `ref`, `stops` holds, and did not hold in any parent.

    paths: the files that decide. stops: asked with commit ids. None where it has been so since the first commit
    that touches a path. Sides of a merge that `ref` did not take over do not count.
    """
    known = {commit.id: commit for commit in repository.commits(paths, until=ref, connected=True)}
    order = {commit: number for number, commit in enumerate(known)}
    waiting, seen, found = [list(known)[-1]], set(), []
    while waiting:
        commit = waiting.pop()
        if commit in seen:
            continue
        seen.add(commit)
        parents = [parent for parent in known[commit].parents if parent in known]
        stopping = [parent for parent in parents if stops(parent)]
        waiting += stopping
        if parents and not stopping:
            found.append(commit)
    return known[min(found, key=order.__getitem__)] if found else None


def bisect(
    repository: Repository, good: str, bad: str, paths: Sequence[str], holds: Callable[[str], bool | None]
) -> Bisected | None:
    """Where something that takes long to ask began to hold, in about log2 of the commits that touch a path.

    holds: asked with commit ids; None where it cannot be told. It holds at `bad` and does not at `good`: both are
    taken as said. None where no commit between them touches a path. Raises `NoSuchRef`.
    """
    last, rest, skipped = repository.commit_id(bad), [repository.commit_id(good)], list[str]()
    while found := _halves(repository, last, rest, paths):
        asked = next((each for each in found[:-1] if each not in skipped), "")
        if not asked:
            return Bisected(repository.commit(found[-1]), tuple(each for each in skipped if each in found))
        answer = holds(asked)
        if answer is None:
            skipped.append(asked)
        elif answer:
            last = asked
        else:
            rest.append(asked)
    return None


def _halves(repository: Repository, last: str, rest: Sequence[str], paths: Sequence[str]) -> list[str]:
    """What may be the culprit, by how much an answer would tell; at the end `last`, or the last with a path."""
    excluded = [f"^{each}" for each in rest]
    lines = git.run(repository.path, "rev-list", "--bisect-all", last, *excluded, "--", *paths).decode().splitlines()
    return [line.split()[0] for line in lines]
