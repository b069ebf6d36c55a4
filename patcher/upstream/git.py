"""Read upstream's objects with git, without checkouts, archives, filters and the settings of the user."""

import os
import re
import stat
import subprocess
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from shlex import quote
from types import MappingProxyType
from typing import NamedTuple, Self

from patcher.errors import NoSuchRef, UpstreamUnreadable
from patcher.upstream.git_command import READ_ONLY, command, environment
from patcher.upstream.spec import is_repository

_NO_GIT = "git-missing"
_NOTHING: Mapping[str, str] = MappingProxyType({})
_NO_CLONE = "give the path of a clone; a directory without history is read without `@REF`, and has nothing to bump"
_MODE = re.compile(r"[0-7]{1,6}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NO_NAME = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|^[-+/]|\.$")  # `git check-ref-format`
_FOUND = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64}) (commit|tree|blob|tag) ([0-9]+)\n")


class Entry(NamedTuple):
    """An entry of a tree object. mode: as in `stat`; `MODULE` for a submodule."""

    mode: int
    name: str
    id: str

    @property
    def is_tree(self) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.mode)

    @property
    def is_link(self) -> bool:
        """Whether it is a symlink; its blob is the target path."""
        return stat.S_ISLNK(self.mode)

    @property
    def is_module(self) -> bool:
        """Whether it is a submodule; its id is that of a commit in another repository."""
        return stat.S_IFMT(self.mode) == MODULE


MODULE = 0o160000


def entries(tree: bytes, id_length: int) -> list[Entry]:
    """The entries of a raw tree object: mode, space, name, a zero byte and the binary object id, repeated.

    Bytes that are not UTF-8 become surrogates in names. Raises `ValueError` for an invalid tree object.
    """
    found, position = [], 0
    while position < len(tree):
        end = tree.index(b"\0", position)
        mode, space, name = tree[position:end].decode("utf-8", "surrogateescape").partition(" ")
        position = end + 1 + id_length
        if not space or position > len(tree):
            raise ValueError("cut short")
        if not _MODE.fullmatch(mode):
            raise ValueError(f"{mode!r} is not a mode")
        found.append(Entry(int(mode, 8), name, tree[end + 1 : position].hex()))
    return found


def local(repository: str) -> str:
    """The same path, if it is that of a repository, checkout or bare. Raises `UpstreamUnreadable` otherwise."""
    if not os.path.isdir(repository):
        raise UpstreamUnreadable("there is no such repository", where=repository, hint="give PATH@REF or URL@REF")
    if not is_repository(repository):
        raise UpstreamUnreadable("this directory is not a git repository", where=repository, hint=_NO_CLONE)
    return repository


@contextmanager
def fetched(url: str, ref: str) -> Iterator[str]:
    """A scratch repository whose `FETCH_HEAD` is the ref of a URL. Raises `NoSuchRef`, `UpstreamUnreadable`."""
    import tempfile  # slow to import, and not needed for a local repository

    if not ref or _NO_NAME.search(ref):
        hint = f"`git ls-remote {quote(url)}` lists the refs"
        raise NoSuchRef(f"{ref!r} is not a ref that can be fetched", where=url, hint=hint)
    with tempfile.TemporaryDirectory(prefix="sidecar-patcher-git-") as scratch:
        try:
            _run(scratch, "init", "--quiet", "--bare", "--template=", ".")
            _run(scratch, "fetch", "--quiet", "--depth=1", "--no-tags", "--", url, ref)
        except UpstreamUnreadable as error:
            if error.where != scratch:
                raise
            kind = NoSuchRef if "couldn't find remote ref" in error.message else UpstreamUnreadable
            hint = f"`git ls-remote {quote(url)}` lists the refs"
            raise kind(error.message, where=url, hint=hint) from error
        yield scratch


class Object(NamedTuple):
    """One object of a repository. kind: `commit`, `tree`, `blob` or `tag`."""

    id: str
    kind: str
    data: bytes


class Objects:
    """One `git cat-file --batch` process, which reads objects by any name in about 30 microseconds each.

    A context manager. A missing object is never fetched.
    """

    def __init__(self, repository: str) -> None:
        self._repository = repository
        self._error = ""  # git's message, after it has ended; nothing more can be read then
        arguments = [*command(repository), "cat-file", "--batch"]
        self._process = _started(arguments, {**environment(repository), **READ_ONLY})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def get(self, name: str) -> Object | None:
        """The object of this name; None without one. Raises `UpstreamUnreadable` when git ends with an error."""
        if (
            not name
            or name.startswith("-")
            or _CONTROL.search(name)
            or self._process.stdin is None
            or self._process.stdout is None
        ):
            return None
        if self._error:
            raise self._gave_up(name)
        try:
            self._process.stdin.write(name.encode("utf-8", "surrogateescape") + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._gave_up(name) from None
        head = self._process.stdout.readline()
        if not head:
            raise self._gave_up(name)
        found = _FOUND.fullmatch(head)
        if found is None:  # `NAME missing`; the name may contain anything
            return None
        size = int(found[3])
        data = self._process.stdout.read(size + 1)
        if len(data) != size + 1:
            raise self._gave_up(name)
        return Object(found[1].decode(), found[2].decode(), data[:-1])

    def _gave_up(self, name: str) -> UpstreamUnreadable:
        if not self._error:
            output = self._process.communicate()[1].decode(errors="replace").strip().removeprefix("fatal: ")
            self._error = output or "it ended"
        message = f"git cannot read {name}: {self._error}"
        return UpstreamUnreadable(message, where=self._repository, hint=broken(self._repository))


def broken(repository: str) -> str:
    """The hint for a damaged repository."""
    return f"`git -C {quote(repository)} fsck` shows what is broken; a fresh clone repairs it"


def _started(arguments: list[str], variables: dict[str, str]) -> "subprocess.Popen[bytes]":
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(  # in its own group, so that Ctrl-C reaches only us
            arguments, stdin=pipe, stdout=pipe, stderr=pipe, env=variables, start_new_session=True
        )
    except FileNotFoundError as error:
        raise _git_is_missing() from error


def run(
    repository: str, *arguments: str, settings: Mapping[str, str] = _NOTHING, accept: Container[int] = (0,)
) -> bytes:
    """The output of a git command that only reads. Raises `UpstreamUnreadable`, with git's message, when it fails.

    settings: of this call (`-c`). accept: exit codes that are not failures.
    """
    more = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return _run(repository, *more, *arguments, variables=READ_ONLY, accept=accept)


def _git_is_missing() -> UpstreamUnreadable:
    hint = "install git, or give a directory or a .tgz instead"
    return UpstreamUnreadable("git is not on this machine", code=_NO_GIT, hint=hint)


def _run(
    repository: str, *arguments: str, variables: Mapping[str, str] = _NOTHING, accept: Container[int] = (0,)
) -> bytes:
    try:
        done = subprocess.run(
            [*command(repository), *arguments],
            capture_output=True,
            env={**environment(repository), **variables},
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError as error:
        raise _git_is_missing() from error
    if done.returncode not in accept:
        output = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ") or f"exit {done.returncode}"
        verb = next(word for word in arguments if word[0] != "-" and "=" not in word)
        raise UpstreamUnreadable(f"git {verb} failed: {output}", where=repository, hint=broken(repository))
    return done.stdout
