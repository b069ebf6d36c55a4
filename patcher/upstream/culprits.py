"""Find the commit at which something began in the history of upstream: by a walk, or by bisection."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from patcher.upstream import git
from patcher.upstream.history import Commit, Repository


@dataclass(frozen=True)
class Bisected:
    """The result of a bisection.

    skipped: ids of commits that could not be judged, and may be the culprit too (as in `git bisect skip`).
    """

    commit: Commit
    skipped: tuple[str, ...] = ()


def culprit(repository: Repository, ref: str, paths: Sequence[str], stops: Callable[[str], bool]) -> Commit | None:
    """The commit since which `stops` is true, up to `ref`: it is false at all parents of the commit.

    paths: only commits that change one of these files are judged. stops: called with commit ids. None where it is true
    since the first such commit. Sides of a merge whose changes are not in `ref` are ignored.
    """
    known = {commit.id: commit for commit in repository.commits(paths, until=ref, connected=True)}
    order = {commit: number for number, commit in enumerate(known)}
    waiting, visited, found = [list(known)[-1]], set(), []
    while waiting:
        commit = waiting.pop()
        if commit in visited:
            continue
        visited.add(commit)
        parents = [parent for parent in known[commit].parents if parent in known]
        stopping = [parent for parent in parents if stops(parent)]
        waiting += stopping
        if parents and not stopping:
            found.append(commit)
    return known[min(found, key=order.__getitem__)] if found else None


def bisect(
    repository: Repository, good: str, bad: str, paths: Sequence[str], holds: Callable[[str], bool | None]
) -> Bisected | None:
    """The commit since which `holds` is true, by about log2(n) calls, for the n commits that change one of the paths.

    holds: called with commit ids; returns None for a commit that cannot be judged. It must be true at `bad` and false
    at `good`, which is not checked. None where no commit between them changes a path. Raises `NoSuchRef`.
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
    """The possible culprits, the best one to judge next first; at the end `last`, or the last that has a path."""
    excluded = [f"^{each}" for each in rest]
    lines = git.run(repository.path, "rev-list", "--bisect-all", last, *excluded, "--", *paths).decode().splitlines()
    return [line.split()[0] for line in lines]
