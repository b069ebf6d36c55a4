"""An upstream spec taken apart: `builtin`, a directory, an archive, or REPOSITORY@REF. Leaf module."""

import os
import re

BUILTIN = "builtin"
ARCHIVES = (".tgz", ".tar.gz")
FORMS = "`builtin`, a directory, a .tgz, or REPOSITORY@REF"
_LONGEST_PATH = 4096  # of every system: a longer prefix of a spec is not a directory


def is_local(repository: str) -> bool:
    """Whether the repository is a path and not a URL (`https://…`, `user@host:path`)."""
    return not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://|[\w.-]+@[\w.-]+:", repository)


def split(spec: str) -> tuple[str, str]:
    """The repository and the ref of REPOSITORY@REF. Both may have an `@` of their own.

    The repository is the longest path that is a git repository, else the longest that is a directory. For a URL, and
    where nothing is there, it ends at the first `@` in the path that comes after a name: `host/@scope/name@REF`.
    The ref is empty where there is none, and then the repository is the whole spec.
    """
    places = [place for place, sign in enumerate(spec) if sign == "@" and 0 < place < _LONGEST_PATH]
    if is_local(spec):
        directories = [place for place in reversed(places) if os.path.isdir(spec[:place])]
        repositories = (place for place in directories if is_repository(spec[:place]))
        place = next(repositories, directories[0] if directories else -1)
    else:
        place = -1
    if place < 0:
        place = _behind_a_name(spec, places)
    return (spec, "") if place < 0 else (spec[:place], spec[place + 1 :])


def _behind_a_name(spec: str, places: list[int]) -> int:
    """The first `@` of a path that can end a repository; -1 where there is none."""
    begins = 0
    if not is_local(spec):  # the `@` after a user is not that of a ref
        host = spec.find("://") + 3 if "://" in spec else 0
        begins = spec.find("/", host) if host else spec.find(":")
    ended = spec.find(".git@", max(begins, 0))
    if begins >= 0 and ended >= 0:
        return ended + len(".git")
    return next((place for place in places if 0 <= begins < place and spec[place - 1] not in "/:"), -1)


def is_repository(path: str) -> bool:
    """Whether the directory looks like a git repository: a checkout, a linked work tree, or a bare one."""
    return any(os.path.exists(os.path.join(path, name)) for name in (".git", "HEAD"))


def repository_of(spec: str, ref: str) -> str:
    """The local repository of a spec whose ref is known; empty for every other kind of spec."""
    repository = spec.removesuffix(f"@{ref}")
    return repository if repository not in {spec, ""} and is_local(repository) else ""


def readable(text: str) -> str:
    r"""A word of the command line as text: UTF-8, whatever the locale; what is none is shown as `\xNN`."""
    return os.fsencode(text).decode("utf-8", "backslashreplace")
