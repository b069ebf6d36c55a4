"""Git as a reader of upstream: `cat-file` and `archive`, never a checkout, never the user's settings."""

import os
import re
import subprocess
from collections.abc import Callable, Container, Iterable, Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import NamedTuple

from patcher.errors import UpstreamUnreadable

_URL = re.compile(r"[a-z+]+://|[\w.-]+@[\w.-]+:")
_SETTINGS = (
    "-c",
    "core.autocrlf=false",
    "-c",
    "core.quotepath=false",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "tar.umask=0022",
)
_NOTHING: Mapping[str, str] = MappingProxyType({})
_READ_ONLY = {"GIT_ALLOW_PROTOCOL": "", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0"}


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
        return _archive(local(repository), ref, wanted)
    import tempfile  # only here: not free, and a local repository needs none

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
    return [entry.name for entry in entries(tree, id_length)]


class Entry(NamedTuple):
    """An entry of a tree object. mode: `40000` a tree, `100644`, `100755` files, `120000` a link, `160000` a module."""

    mode: str
    name: str
    id: str


def entries(tree: bytes, id_length: int) -> list[Entry]:
    """The entries of a raw tree object: mode, blank, name, a zero byte and the binary object id, again and again."""
    found, position = [], 0
    while position < len(tree):
        end = tree.index(b"\0", position)
        mode, name = tree[position:end].decode("utf-8", "surrogateescape").split(" ", 1)
        position = end + 1 + id_length
        found.append(Entry(mode, name, tree[end + 1 : position].hex()))
    return found


def is_local(repository: str) -> bool:
    """Whether the repository is a path and not a URL."""
    return not _URL.match(repository)


_NO_GIT = "git-missing"


def local(repository: str) -> str:
    """The path of a repository, checkout or bare, as it was given. Raises `UpstreamUnreadable` where there is none."""
    if not os.path.isdir(repository):
        raise UpstreamUnreadable("there is no such repository", where=repository, hint="give PATH@REF or URL@REF")
    for folder in (repository, os.path.join(repository, ".git")):
        if os.path.isfile(os.path.join(folder, "HEAD")):
            return repository
    if not os.path.exists(os.path.join(repository, ".git")):
        raise UpstreamUnreadable("this directory is not a git repository", where=repository, hint="give PATH@REF")
    return repository


class Object(NamedTuple):
    """One object of a repository. kind: `commit`, `tree`, `blob` or `tag`."""

    id: str
    kind: str
    data: bytes


class Objects:
    """One long-lived `git cat-file --batch`: objects by any name that git knows, in some 30 microseconds each.

    A missing object is never fetched from anywhere (`GIT_NO_LAZY_FETCH`; older gits are allowed no protocol instead).
    """

    def __init__(self, repository: str) -> None:
        self._repository = repository
        command = [*_command(repository), "cat-file", "--batch"]
        environment = {**_environment(), **_READ_ONLY}
        self._process = _started(command, environment)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def get(self, name: str) -> Object | None:
        """The object of this name; None where there is none. Raises `UpstreamUnreadable` when git gives up."""
        if "\n" in name or self._process.stdin is None or self._process.stdout is None:
            return None
        try:
            self._process.stdin.write(name.encode("utf-8", "surrogateescape") + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._gave_up(name) from None
        head = self._process.stdout.readline().removesuffix(b"\n")
        if not head:
            raise self._gave_up(name)
        if head.endswith((b" missing", b" ambiguous")):
            return None
        found, kind, size = head.decode().split(" ")
        data = self._process.stdout.read(int(size) + 1)
        if len(data) != int(size) + 1:
            raise self._gave_up(name)
        return Object(found, kind, data[:-1])

    def _gave_up(self, name: str) -> UpstreamUnreadable:
        said = self._process.communicate()[1].decode(errors="replace").strip().removeprefix("fatal: ")
        return UpstreamUnreadable(f"git cannot read {name}: {said or 'it ended'}", where=self._repository)


def _started(command: list[str], environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(  # in a group of its own: Ctrl-C is for us to answer
            command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, start_new_session=True
        )
    except FileNotFoundError as error:
        raise _git_is_missing() from error


def run(repository: str, *arguments: str, accept: Container[int] = (0,)) -> bytes:
    """What a git command that only reads prints. Raises `UpstreamUnreadable`, with what git said, when it fails."""
    return _run(repository, *arguments, more=_READ_ONLY, accept=accept)


def missing(repository: str, name: str) -> UpstreamUnreadable:
    """The error for an object that must be there and is not."""
    hint = f"`git -C {repository} fsck` says what is broken; a fresh clone mends it"
    return UpstreamUnreadable(f"the object {name} is not in the repository", where=repository, hint=hint)


def _git_is_missing() -> UpstreamUnreadable:
    hint = "install git, or give a directory or a .tgz instead"
    return UpstreamUnreadable("git is not on this machine", code=_NO_GIT, hint=hint)


def _environment() -> dict[str, str]:
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }


def _command(repository: str) -> list[str]:
    return ["git", *_SETTINGS, "-c", f"safe.directory={os.path.abspath(repository)}", "-C", repository]


def _run(
    repository: str,
    *arguments: str,
    stdin: bytes = b"",
    more: Mapping[str, str] = _NOTHING,
    accept: Container[int] = (0,),
) -> bytes:
    environment = {**_environment(), **more}
    try:
        done = subprocess.run(
            [*_command(repository), *arguments], capture_output=True, env=environment, check=False, input=stdin
        )
    except FileNotFoundError as error:
        raise _git_is_missing() from error
    if done.returncode not in accept:
        said = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ") or f"exit {done.returncode}"
        raise UpstreamUnreadable(f"git {arguments[0]} failed: {said}", where=repository)
    return done.stdout
