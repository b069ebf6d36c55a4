"""The refs from one version to the next."""

from patcher.errors import EmptyRange
from patcher.upstream.history import Repository


def refs_between(repository: Repository, since: str, until: str) -> list[str]:
    """Both ends and the version tags between them, oldest first, each commit once.

    since: empty for every version tag in the history of `until`. If `until` is the older one, only both ends.
    Raises `NoSuchRef`, `UnrelatedHistories`.
    """
    ends = {repository.commit_id(ref) for ref in (since, until) if ref}
    older = (tag for tag in repository.tags() if repository.merge_base(tag, until) == repository.commit_id(tag))
    between = _between(repository, since, until) if since else older
    inner = [ref for ref in between if repository.commit_id(ref) not in ends]
    return [*([since] if len(ends) > 1 else []), *inner, until]


def _between(repository: Repository, since: str, until: str) -> list[str]:
    try:
        return repository.refs([f"{since}..{until}"])
    except EmptyRange:
        return []
