"""Git as a reader of upstream: `git archive` and `git rev-parse`, never a checkout, never the user's settings."""

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase

from patcher.errors import UpstreamUnreadable

_URL = re.compile(r"[a-z+]+://|[\w.-]+@[\w.-]+:")
_SETTINGS = ("-c", "core.autocrlf=false", "-c", "core.quotepath=false", "-c", "tar.umask=0022")


def archive(repository: str, ref: str, wanted: Callable[[bytes | None], Iterable[str]]) -> tuple[str, bytes]:
    """The object id of the tree of `ref`, and what is wanted of it, as an uncompressed tar.

    `wanted` gets the bytes of `package.json` (None where there is none) and says which top-level names to bring:
    reading the rest (images, clients, documents) costs more than all other stages together.
    A URL is fetched at depth 1 into a scratch repository first.

    Raises `UpstreamUnreadable` when there is no git, no repository or no such ref.
    """
    if ref.startswith("-"):
        raise UpstreamUnreadable(f"{ref!r} is not a ref", where=repository)
    if is_local(repository):
        return _archive(_local(repository), tree_id(repository, ref), wanted)
    with tempfile.TemporaryDirectory(prefix="sidecar-patcher-git-") as scratch:
        try:
            _run(scratch, "init", "--quiet", "--bare", ".")
            _run(scratch, "fetch", "--quiet", "--depth=1", "--no-tags", "--", repository, ref)
            return _archive(scratch, tree_id(scratch, "FETCH_HEAD"), wanted)
        except UpstreamUnreadable as error:
            if error.where != scratch:
                raise
            raise UpstreamUnreadable(error.message, where=repository, hint=error.hint) from error


def _archive(repository: str, tree: str, wanted: Callable[[bytes | None], Iterable[str]]) -> tuple[str, bytes]:
    there = _run(repository, "ls-tree", "-z", "--name-only", tree).decode("utf-8", "surrogateescape").split("\0")
    package = _run(repository, "cat-file", "blob", f"{tree}:package.json") if "package.json" in there else None
    tops = dict.fromkeys(name.split("/")[0] for name in wanted(package))
    names = [name for name in there if name and any(fnmatchcase(name, top) for top in tops)]
    return tree, _run(repository, "archive", "--format=tar", tree, "--", *names) if names else b""


def tree_id(repository: str, ref: str) -> str:
    """The object id of the ref's tree, in a local repository: the cheapest identity of what `archive` gives."""
    if ref.startswith("-"):
        raise UpstreamUnreadable(f"{ref!r} is not a ref", where=repository)
    try:
        return _run(_local(repository), "rev-parse", "--verify", "--quiet", f"{ref}^{{tree}}").decode().strip()
    except UpstreamUnreadable as error:
        if error.code == _NO_GIT:
            raise
        hint = f"`git -C {repository} tag` lists the tags"
        raise UpstreamUnreadable(f"there is no ref {ref!r} with a tree", where=repository, hint=hint) from error


def is_local(repository: str) -> bool:
    """Whether the repository is a path and not a URL."""
    return not _URL.match(repository)


_NO_GIT = "git-missing"


def _local(repository: str) -> str:
    if not os.path.isdir(repository):
        raise UpstreamUnreadable("there is no such repository", where=repository, hint="give PATH@REF or URL@REF")
    for folder in (repository, os.path.join(repository, ".git")):
        if os.path.isfile(os.path.join(folder, "HEAD")):
            return repository
    if not os.path.exists(os.path.join(repository, ".git")):
        raise UpstreamUnreadable("this directory is not a git repository", where=repository, hint="give PATH@REF")
    return repository


def _run(repository: str, *arguments: str) -> bytes:
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
    command = ["git", *_SETTINGS, "-c", f"safe.directory={os.path.abspath(repository)}", "-C", repository, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, env=environment, check=False, stdin=subprocess.DEVNULL)
    except FileNotFoundError as error:
        hint = "install git, or give a directory or a .tgz instead"
        raise UpstreamUnreadable("git is not on this machine", code=_NO_GIT, hint=hint) from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ") or f"exit {done.returncode}"
        raise UpstreamUnreadable(f"git {arguments[0]} failed: {said}", where=repository)
    return done.stdout
