"""What kind of clone a git repository is, and whether all of it is on this machine."""

import re

from patcher import git
from patcher.errors import IncompleteClone

_PARTIAL = re.compile(
    rb"(remote\..+\.(promisor|partialclonefilter)|extensions\.partialclone)\n(?!false$)", re.IGNORECASE
)


def is_bare(path: str) -> bool:
    """Whether there is no work tree."""
    return git.run(path, "rev-parse", "--is-bare-repository").strip() == b"true"


def is_shallow(path: str) -> bool:
    """Whether the history ends before its beginning."""
    return git.run(path, "rev-parse", "--is-shallow-repository").strip() == b"true"


def is_partial(path: str) -> bool:
    """Whether objects were left out when it was cloned, to be fetched when somebody looks at them."""
    return any(_PARTIAL.match(setting) for setting in git.run(path, "config", "--list", "-z").split(b"\0"))


def is_dirty(path: str) -> bool:
    """Whether the work tree has changes to files that git knows: a person should be told that nobody reads them."""
    return not is_bare(path) and bool(git.run(path, "status", "--porcelain", "--untracked-files=no"))


def refuse_incomplete(path: str) -> None:
    """Raise `IncompleteClone` where history or contents would have to be fetched."""
    if is_shallow(path):
        hint = f"`git -C {path} fetch --unshallow --tags` (GitHub's checkout action: `fetch-depth: 0`)"
        raise IncompleteClone("expected the whole history, found a shallow clone", where=path, hint=hint)
    if is_partial(path):
        message = "expected every object, found a partial clone; what it lacks is never fetched unasked"
        raise IncompleteClone(message, where=path, hint="clone it again without `--filter`")
