"""Parse an upstream spec: `builtin`, a directory, an archive, or REPOSITORY@REF. Leaf module."""

import os
import re

BUILTIN = "builtin"
ARCHIVES = (".tgz", ".tar.gz")
FORMS = "`builtin`, a directory, a .tgz, or REPOSITORY@REF"
_LONGEST_PATH = 4096  # on every system; a longer prefix of a spec cannot be a directory


def is_local(repository: str) -> bool:
    """Whether the repository is a path and not a URL (`https://…`, `user@host:path`)."""
    return not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://|[\w.-]+@[\w.-]+:", repository)


def split(spec: str) -> tuple[str, str]:
    """The repository and the ref of REPOSITORY@REF. Both may contain an `@`.

    The repository is the longest path that is a git repository, else the longest that is a directory. For a URL, and
    for a path that does not exist, it ends at the first `@` after a name in the path: `host/@scope/name@REF`.
    Without a ref, the ref is empty and the repository is the whole spec.
    """
    positions = [position for position, sign in enumerate(spec) if sign == "@" and 0 < position < _LONGEST_PATH]
    if is_local(spec):
        directories = [position for position in reversed(positions) if os.path.isdir(spec[:position])]
        repositories = (position for position in directories if is_repository(spec[:position]))
        position = next(repositories, directories[0] if directories else -1)
    else:
        position = -1
    if position < 0:
        position = _end_of_repository(spec, positions)
    return (spec, "") if position < 0 else (spec[:position], spec[position + 1 :])


def _end_of_repository(spec: str, positions: list[int]) -> int:
    """The position of the first `@` that can end a repository; -1 without one."""
    begins = 0
    if not is_local(spec):  # the `@` after a user name is not the one before the ref
        host = spec.find("://") + 3 if "://" in spec else 0
        begins = spec.find("/", host) if host else spec.find(":")
    ended = spec.find(".git@", max(begins, 0))
    if begins >= 0 and ended >= 0:
        return ended + len(".git")
    return next((position for position in positions if 0 <= begins < position and spec[position - 1] not in "/:"), -1)


def is_repository(path: str) -> bool:
    """Whether the directory looks like a git repository: a checkout, a linked work tree, or a bare one."""
    return any(os.path.exists(os.path.join(path, name)) for name in (".git", "HEAD"))


def repository_of(spec: str, ref: str) -> str:
    """The local repository of a spec whose ref is known; empty for every other kind of spec."""
    repository = spec.removesuffix(f"@{ref}")
    return repository if repository not in {spec, ""} and is_local(repository) else ""


def readable(text: str) -> str:
    r"""A command-line argument as text: decoded as UTF-8 whatever the locale, with `\xNN` for other bytes."""
    return os.fsencode(text).decode("utf-8", "backslashreplace")
