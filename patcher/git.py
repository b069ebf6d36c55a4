"""Git as a reader of upstream: `cat-file` and `archive`, never a checkout, never the user's settings."""

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
    if ref.startswith("-") or "\n" in ref:
        raise UpstreamUnreadable(f"{ref!r} is not a ref", where=repository)
    if is_local(repository):
        return _archive(_local(repository), ref, wanted)
    with tempfile.TemporaryDirectory(prefix="sidecar-patcher-git-") as scratch:
        try:
            _run(scratch, "init", "--quiet", "--bare", ".")
            _run(scratch, "fetch", "--quiet", "--depth=1", "--no-tags", "--", repository, ref)
            return _archive(scratch, "FETCH_HEAD", wanted)
        except UpstreamUnreadable as error:
            if error.where != scratch:
                raise
            raise UpstreamUnreadable(error.message, where=repository, hint=error.hint) from error


def _archive(repository: str, ref: str, wanted: Callable[[bytes | None], Iterable[str]]) -> tuple[str, bytes]:
    tree, there, package = _look(repository, ref)
    tops = dict.fromkeys(name.split("/")[0] for name in wanted(package))
    names = [name for name in there if any(fnmatchcase(name, top) for top in tops)]
    return tree, _run(repository, "archive", "--format=tar", tree, "--", *names) if names else b""


def _look(repository: str, ref: str) -> tuple[str, list[str], bytes | None]:
    """The tree's object id, its top-level names and its `package.json`, all from one `git cat-file --batch`."""
    asked = f"{ref}^{{tree}}\n{ref}:package.json\n".encode()
    head, _, rest = _run(repository, "cat-file", "--batch", stdin=asked).partition(b"\n")
    if head.split(b" ")[1:2] != [b"tree"]:
        hint = f"`git -C {repository} tag` lists the tags"
        raise UpstreamUnreadable(f"there is no ref {ref!r} with a tree", where=repository, hint=hint)
    tree, size = head.split(b" ")[0].decode(), int(head.split(b" ")[2])
    second, _, content = rest[size + 1 :].partition(b"\n")
    is_file = second.split(b" ")[1:2] == [b"blob"]
    package = content[: int(second.split(b" ")[2])] if is_file else None
    return tree, _names(rest[:size], len(tree) // 2), package


def _names(tree: bytes, id_length: int) -> list[str]:
    """The names in a raw tree object: entries of mode, blank, name, a zero byte, and the binary object id."""
    names, position = [], 0
    while position < len(tree):
        end = tree.index(b"\0", position)
        names.append(tree[position:end].split(b" ", 1)[1].decode("utf-8", "surrogateescape"))
        position = end + 1 + id_length
    return names


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


def _run(repository: str, *arguments: str, stdin: bytes = b"") -> bytes:
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
    command = ["git", *_SETTINGS, "-c", f"safe.directory={os.path.abspath(repository)}", "-C", repository, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, env=environment, check=False, input=stdin)
    except FileNotFoundError as error:
        hint = "install git, or give a directory or a .tgz instead"
        raise UpstreamUnreadable("git is not on this machine", code=_NO_GIT, hint=hint) from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ") or f"exit {done.returncode}"
        raise UpstreamUnreadable(f"git {arguments[0]} failed: {said}", where=repository)
    return done.stdout
