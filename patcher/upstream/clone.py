"""The kind of a clone (bare, shallow, partial, dirty), and the errors for missing objects and refs."""

import re
from shlex import quote

from patcher.errors import IncompleteClone, NoSuchRef, UpstreamUnreadable
from patcher.upstream import git

_PARTIAL = re.compile(
    rb"(remote\..+\.(promisor|partialclonefilter)|extensions\.partialclone)\n(?!false$)", re.IGNORECASE
)
_FILTER = re.compile(r"filter\.(.+)\.(clean|smudge|process|required)", re.DOTALL)
_OBJECT_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_AS_A_WHOLE = "clone it again without `--filter`"
_EVERY_CODE = range(256)


def is_bare(path: str) -> bool:
    """Whether it has no work tree."""
    return git.run(path, "rev-parse", "--is-bare-repository").strip() == b"true"


def is_shallow(path: str) -> bool:
    """Whether older commits of the history are missing."""
    return git.run(path, "rev-parse", "--is-shallow-repository").strip() == b"true"


def is_partial(path: str) -> bool:
    """Whether objects were left out when it was cloned, to be fetched when they are needed."""
    return any(_PARTIAL.match(setting) for setting in git.run(path, "config", "--list", "-z").split(b"\0"))


def is_dirty(path: str) -> bool:
    """Whether the work tree has uncommitted changes of tracked files, which are not read.

    To compare contents, git could run a filter that the clone configures; every filter is overridden to be none.
    """
    if is_bare(path):
        return False
    names = git.run(path, "config", "--list", "--name-only", "-z").decode("utf-8", "surrogateescape").split("\0")
    filters = {found[1] for name in names if (found := _FILTER.fullmatch(name))}
    settings = {f"filter.{name}.{key}": "" for name in filters for key in ("clean", "smudge", "process")}
    settings |= {f"filter.{name}.required": "false" for name in filters}
    status = ("status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all")
    return bool(git.run(path, *status, settings=settings, accept=_EVERY_CODE))


def refuse_incomplete(path: str) -> None:
    """Raises `IncompleteClone` where history or contents are missing and would have to be fetched."""
    if is_shallow(path):
        hint = f"{_deepen(path)} (GitHub's checkout action: `fetch-depth: 0`)"
        raise IncompleteClone("expected the whole history, found a shallow clone", where=path, hint=hint)
    if is_partial(path):
        message = "expected every object, found a partial clone; what it lacks is never fetched unasked"
        raise IncompleteClone(message, where=path, hint=_AS_A_WHOLE)


def missing(path: str, name: str) -> UpstreamUnreadable:
    """The error for a missing object; of a partial clone `IncompleteClone`."""
    if is_partial(path):
        message = f"expected every object, found a partial clone without {name}; it is never fetched unasked"
        return IncompleteClone(message, where=path, hint=_AS_A_WHOLE)
    return UpstreamUnreadable(f"the object {name} is not in the repository", where=path, hint=git.broken(path))


def no_such_ref(path: str, ref: str, kind: str) -> UpstreamUnreadable:
    """The error for a ref that has no commit. kind: of the object that it names instead, as `blob`; empty for none."""
    if not kind and (lost := _lost(path, ref)):
        return missing(path, lost)
    instead = f": it names a {kind}" if kind else ""
    hint = f"`git -C {quote(path)} tag` lists the tags"
    if not kind:
        fetch = _deepen(path) if is_shallow(path) else f"`git -C {quote(path)} fetch --tags`"
        hint += f"; {fetch} brings {'what this shallow clone lacks' if is_shallow(path) else 'new ones'}"
    return NoSuchRef(f"there is no ref {ref!r} with a commit{instead}", where=path, hint=hint)


def _lost(path: str, ref: str) -> str:
    """The id of a missing object that a ref names; empty where there is no such ref."""
    if not ref or ref.startswith("-") or "\0" in ref or _OBJECT_ID.fullmatch(ref):
        return ""
    found = git.run(path, "rev-parse", "--verify", "--quiet", ref, accept=_EVERY_CODE).decode().strip()
    return found if _OBJECT_ID.fullmatch(found) else ""


def _deepen(path: str) -> str:
    return f"`git -C {quote(path)} fetch --unshallow --tags`"
