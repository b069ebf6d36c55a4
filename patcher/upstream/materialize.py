"""Stage 1: an upstream spec becomes a tree of bytes in memory, with an identity."""

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Protocol

from patcher.errors import ClientMissing, NoSuchRef, SubmoduleThere, UnsafePath, UpstreamUnreadable
from patcher.errors.text import printable
from patcher.model import File, Tree, Upstream
from patcher.resources import BUILTIN_SIDECAR
from patcher.upstream import git
from patcher.upstream import spec as specs
from patcher.upstream.directory import UNSAFE, Directory
from patcher.upstream.not_the_file import refuse_content, refuse_name
from patcher.upstream.spec import BUILTIN
from patcher.upstream.travels import CLIENT, PACKAGE, Travels, description, is_apple_double
from patcher.upstream.trees import CommitTree, Trees

_SHOWN = 3


class Source(Protocol):
    """A source of files: a directory, an archive, or the tree of a commit. Paths are relative and POSIX.

    identity: see `Upstream.source`; empty for a directory, whose files must be read for it.
    """

    identity: str

    def package_json(self) -> bytes | None:
        """The content of `package.json`; None without one."""

    def paths(self, travels: Travels) -> Iterable[str]:
        """The paths of the files, at least in the folders that may have copied files."""

    def file(self, path: str) -> File:
        """The file at one of these paths, links followed. Raises `UpstreamUnreadable`, `UnsafePath`."""

    def submodules(self) -> Iterable[str]:
        """The folders, of those that were read, whose files are in another repository."""


class Files(Directory):
    """A directory as a source."""

    identity = ""

    def file(self, path: str) -> File:
        """The file at a path."""
        return File(*self.read(path))


def materialize(spec: str, *, client: bool = False) -> Upstream:
    """Read the upstream that `spec` names: `builtin`, a directory, a `.tgz`, or `<git url or path>@<ref>`.

    Only the files that the server needs to run are copied (`patcher/upstream/travels.py`).
    client: copy the client's sources too, except built and installed files.

    Raises `UpstreamUnreadable` (nothing there, truncated, unreadable), `UnsafePath` (a member leaves the tree),
    `NotThisPackage`, `ClientMissing`, `NoSuchRef`, `IncompleteClone`; and for a file without its real content
    `NotTheFile`, `SubmoduleThere`, `ConflictMarkers`, `NameNotUtf8`.
    """
    _refuse_unnameable(spec)
    with opened(spec) as (source, ref):
        return identified(source, ref, spec, client=client)


@contextmanager
def opened(spec: str) -> Iterator[tuple[Source, str]]:
    """The source that a spec names, and its ref for reports. Raises `UpstreamUnreadable`, `NoSuchRef`."""
    if spec == BUILTIN or os.path.isdir(spec):
        yield Files(BUILTIN_SIDECAR if spec == BUILTIN else spec), BUILTIN if spec == BUILTIN else "directory"
    elif spec.endswith(specs.ARCHIVES) and os.path.isfile(spec):
        from patcher.upstream.archive import Archive  # tarfile, which no other kind of spec needs

        yield Archive(spec), "archive"
    else:
        repository, ref = specs.split(spec)
        if not ref:
            raise _names_nothing(spec, repository)
        with ExitStack() as stack:
            is_local = specs.is_local(repository)
            path = git.local(repository) if is_local else stack.enter_context(git.fetched(repository, ref))
            objects = stack.enter_context(git.Objects(path))
            yield CommitTree(Trees(path, objects), ref if is_local else "FETCH_HEAD", spec), specs.readable(ref)


def _refuse_unnameable(spec: str) -> None:
    """Raises for text that cannot be a path or an argument: half of a surrogate pair, or in a URL a NUL character."""
    try:
        unnameable = b"\0" in os.fsencode(spec) and not specs.is_local(spec)  # a local path is reported as missing
    except UnicodeEncodeError:
        unnameable = True
    if unnameable:
        message = f"expected {specs.FORMS}, found text that no path or URL can have: {spec!a}"
        raise UpstreamUnreadable(message, where=spec, hint=f"give {specs.FORMS}")


def _names_nothing(spec: str, repository: str) -> UpstreamUnreadable:
    hint = f"give {specs.FORMS}"
    if not specs.is_local(spec):
        return NoSuchRef("expected a ref after the URL, found none", where=spec, hint="give URL@REF")
    if spec.endswith(specs.ARCHIVES):
        return UpstreamUnreadable("there is no such archive", where=spec, hint=hint)
    if repository != spec and os.path.isdir(repository):
        return NoSuchRef("expected a ref after the `@`, found none", where=spec, hint="give PATH@REF")
    problem = "this is a file, not a directory" if os.path.exists(spec) else "there is no such directory"
    return UpstreamUnreadable(problem, where=spec, hint=hint)


def identified(source: Source, ref: str, spec: str, *, client: bool = False) -> Upstream:
    """The copied files of a source, with their identity. ref: for reports. Raises what `materialize` raises."""
    package_json = source.package_json()
    if package_json is not None:
        refuse_content("package.json", package_json, spec)
    package = description(package_json, spec)
    travels = Travels(package, client=client)
    paths = sorted(source.paths(travels))
    _refuse_submodules(source, travels, spec)
    if client and f"{CLIENT}/package.json" not in paths:
        hint = "leave `--client` out, or give a checkout or a git ref: what npm publishes has no client sources"
        raise ClientMissing(f"expected {CLIENT}/package.json, found no such file", where=spec, hint=hint)
    version = package.get("version")
    found = Upstream(
        name=PACKAGE,
        version="" if version is None else printable(str(version)),
        ref=ref,
        tree=_tree(source, [path for path in paths if travels.has(path)], spec),
        spec=printable(spec),
        notes=_notes([path for path in paths if is_apple_double(path)]),
    )
    return replace(found, source=source.identity or ("" if ref == BUILTIN else f"directory:{found.tree_sha256}"))


def _tree(source: Source, paths: list[str], spec: str) -> Tree:
    folders = {path[:end] for path in paths for end, sign in enumerate(path) if sign == "/"}
    tree = {}
    for path in paths:
        refuse_name(path, spec)
        if path in folders:
            raise UnsafePath(f"{path!r} is a file and a folder", where=spec, hint=UNSAFE)
        tree[path] = source.file(path)
        refuse_content(path, tree[path].data, spec)
    return tree


def _refuse_submodules(source: Source, travels: Travels, spec: str) -> None:
    empty = sorted(path for path in source.submodules() if travels.needs(path))
    if empty:
        hint = "in a checkout `git submodule update --init --recursive`; then give the checkout as a directory"
        message = f"expected files in {empty[0]}/, found a submodule: its files are in another repository"
        raise SubmoduleThere(message, where=spec, hint=hint)


def _notes(left_out: list[str]) -> tuple[str, ...]:
    if not left_out:
        return ()
    more = f" and {len(left_out) - _SHOWN} more" if len(left_out) > _SHOWN else ""
    shown = ", ".join(printable(path) for path in left_out[:_SHOWN])
    return (f"left out, as macOS made it and not upstream: {shown}{more}",)
