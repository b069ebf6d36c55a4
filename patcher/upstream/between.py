"""Which refs lie on the way from one version to the next."""

from patcher.errors import EmptyRange
from patcher.upstream.history import Repository


def refs_between(repository: Repository, since: str, until: str) -> list[str]:
    """Both ends and the version tags between them, oldest first, each commit once.

    since: empty where there is no beginning; then every version tag in the history of `until`. Where `until` is the
    older one, both ends and nothing else. Raises `NoSuchRef`, `UnrelatedHistories`.
    """
    ends = {repository.commit_id(ref) for ref in (since, until) if ref}
    between = _between(repository, since, until) if since else _leading_to(repository, until)
    inner = [ref for ref in between if repository.commit_id(ref) not in ends]
    return [*([since] if len(ends) > 1 else []), *inner, until]


def _between(repository: Repository, since: str, until: str) -> list[str]:
    try:
        return repository.refs([f"{since}..{until}"])
    except EmptyRange:
        return []


def _leading_to(repository: Repository, until: str) -> list[str]:
    return [tag for tag in repository.tags() if repository.merge_base(tag, until) == repository.commit_id(tag)]
