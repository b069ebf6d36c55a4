"""Both sides: the pristine upstream, and the same as somebody has changed it. All of their files, travelling or not."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from patcher.errors import AnotherVersion, UpstreamUnreadable
from patcher.model import File, Upstream
from patcher.resources import BUILTIN_SIDECAR, MANIFEST
from patcher.upstream import diff as diffs
from patcher.upstream import git
from patcher.upstream import spec as specs
from patcher.upstream.archive import Archive
from patcher.upstream.directory import Directory
from patcher.upstream.materialize import Source, materialize
from patcher.upstream.travels import Travels, description
from patcher.upstream.trees import CommitTree, Trees

GENERATED = "edited-generated-tree"
"""Code of an `UpstreamUnreadable`: the edited tree has our payloads in it."""
_NEVER = frozenset({"node_modules", ".git", "__pycache__", ".venv"})
_MADE = ("client/dist/", "data/")
_MOST_OF_IT = 0.3
"""Of the files that travel: when more than that differ, and the version too, it is another upstream."""


@dataclass(frozen=True)
class Sides:
    """The upstream, and every file of both sides by its path. A side never has what is installed or built."""

    upstream: Upstream
    pristine: Mapping[str, File]
    edited: Mapping[str, File]
    travels: Travels

    @property
    def changed(self) -> list[str]:
        """The files that differ, or that only one side has."""
        return [
            path for path in sorted({*self.pristine, *self.edited}) if self.pristine.get(path) != self.edited.get(path)
        ]


class _Whole(Travels):
    """Every file but those that npm installs and git keeps."""

    def has(self, path: str) -> bool:
        return not _NEVER.intersection(path.split("/")) and not path.startswith(_MADE) and not path.endswith(".db")

    def may_be_below(self, folder: str) -> bool:
        return self.has(folder) and f"{folder}/" not in _MADE


class _Folder(Directory):
    def file(self, path: str) -> File:
        return File(*self.read(path))


def sides(spec: str, *, edited: str | None, diff: str | None, client: bool) -> Sides:
    """Read both sides. edited: a directory, or else diff: a file.

    Raises what `materialize` raises, `NotThisPackage` and `AnotherVersion` for an edited tree of something else, and
    `DiffUnusable`.
    """
    upstream = materialize(spec, client=client)
    with _opened(spec) as source:
        package = description(source.package_json(), spec)
        pristine = {**_files(source, _Whole({})), **upstream.tree}
    travels = Travels(package, client=client)
    if diff is not None:
        return Sides(upstream, pristine, diffs.patched(pristine, diff), travels)
    there = _edited(edited or "", upstream.version)
    found = Sides(upstream, pristine, there, travels)
    _refuse_another(found, edited or "")
    return found


def _edited(directory: str, version: str) -> dict[str, File]:
    folder = _Folder(directory)
    hint = f"give a checkout of the same upstream ({version}), with your changes in it; nothing was written"
    if not os.path.isdir(directory):
        problem = "this is a file, not a directory" if os.path.exists(directory) else "there is no such directory"
        raise UpstreamUnreadable(problem, where=directory, hint=hint)
    try:
        description(folder.package_json(), directory)
    except UpstreamUnreadable as error:
        raise type(error)(error.message, where=error.where, hint=hint) from error
    if os.path.lexists(os.path.join(directory, MANIFEST)):
        message = f"expected a tree that people have changed, found one that was built: it has {MANIFEST}"
        hint = "`sidecar-patcher revert DIR --out DIR2` takes our payloads out; change that; nothing was written"
        raise UpstreamUnreadable(message, where=directory, hint=hint, code=GENERATED)
    return _files(folder, _Whole({}))


def _refuse_another(found: Sides, directory: str) -> None:
    package = description(found.edited["package.json"].data, directory)
    version = str(package.get("version", ""))
    if version == found.upstream.version:
        return
    common = [path for path in found.upstream.tree if path in found.edited]
    differ = sum(found.upstream.tree[path].data != found.edited[path].data for path in common)
    if common and differ > len(common) * _MOST_OF_IT:
        message = (
            f"expected edits of {found.upstream.label}, found {version or 'no version'}, "
            f"and {differ} of {len(common)} files differ"
        )
        hint = "name the upstream that it was made from: `--upstream REPOSITORY@REF`; nothing was written"
        raise AnotherVersion(message, where=directory, hint=hint)


def _files(source: Source, whole: Travels) -> dict[str, File]:
    found = {}
    for path in source.paths(whole):
        if whole.has(path):
            file = _file(source, path)
            if file is not None:
                found[path] = file
    return found


def _file(source: Source, path: str) -> File | None:
    """None for a link to nothing, or out of the tree: no file of either side."""
    try:
        return source.file(path)
    except UpstreamUnreadable:
        return None


@contextmanager
def _opened(spec: str) -> Iterator[Source]:
    """The source that a spec names; it was read before, and is what it says."""
    repository, ref = specs.split(spec)
    if spec == specs.BUILTIN or os.path.isdir(spec):
        yield _Folder(BUILTIN_SIDECAR if spec == specs.BUILTIN else spec)
    elif spec.endswith(specs.ARCHIVES) and os.path.isfile(spec):
        yield Archive(spec)
    elif specs.is_local(repository):
        with git.Objects(git.local(repository)) as objects:
            yield CommitTree(Trees(repository, objects), ref, spec)
    else:
        with git.fetched(repository, ref) as scratch, git.Objects(scratch) as objects:
            yield CommitTree(Trees(scratch, objects), "FETCH_HEAD", spec)
