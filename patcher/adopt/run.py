"""The whole of `adopt`: read both sides, adopt each file, write a series, check that it reproduces the edited bytes."""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from tempfile import TemporaryDirectory

from patcher import pipeline
from patcher.adopt import files, writing
from patcher.adopt.edited import Sides, sides
from patcher.adopt.files import Adopted
from patcher.adopt.writing import Known, Written
from patcher.errors import DiskFailed, PatcherError, SeriesNotAdoptable
from patcher.model import Build, Pin, Series
from patcher.patches import pins as records
from patcher.series.load import load
from patcher.series.where import ENTRY, PINS, is_ours

Bar = Callable[[int | None], AbstractContextManager[Callable[[str, int], None]]]
_INDEX = f"{writing.PATCHES}/__init__.py"


@dataclass(frozen=True)
class Result:
    """The result for each changed file, the build that checks it, and the changed files of the series.

    build: None where nothing was adopted. unchanged: number of files of the series that were written the same again.
    """

    both: Sides
    files: tuple[Adopted, ...]
    build: Build | None
    written: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: int

    @property
    def is_whole(self) -> bool:
        """Whether the series expresses every change in a file that a build copies."""
        return all(each.status in files.EXPRESSED for each in self.files)


def run(spec: str, directory: str, *, edited: str | None, diff: str | None, client: bool, bar: Bar) -> Result:
    """Adopt. Writes the series only after all of it was made and checked.

    Raises what `edited.sides` raises, `SeriesNotAdoptable`, `SeriesError`, `SeriesNotLoaded`, `DiskFailed`, `OSError`.
    """
    known = _known(directory)
    both = sides(spec, edited=edited, diff=diff, client=client)
    changed = both.changed
    with bar(len(changed) + 1) as step:
        found = []
        for path in changed:
            step(path, 0)
            found.append(files.adopt(path, both))
            step(path, 1)
        step("proving", 0)
        with _staged(directory) as stage:
            made = writing.written(found, both.upstream.label, known)
            _write(stage, directory, made)
            build = (
                _build(stage, directory, both, client=client)
                if any(each.payloads or each.file for each in found)
                else None
            )
            proven = tuple(_proven(found, both, build))
            changes = _changes(stage, directory)
            _sync(directory, changes)
        step("proven", 1)
    written = tuple(path for path, new in changes.items() if new is not None)
    removed = tuple(path for path, new in changes.items() if new is None)
    return Result(both, proven, build, written, removed, len(made.files) - sum(each in made.files for each in written))


def _known(directory: str) -> Known:
    """The patches of an earlier run. Raises `SeriesNotAdoptable` for a directory that is not such a series."""
    if os.path.lexists(directory) and not os.path.isdir(directory):
        message = "expected a directory, or none yet, for the series; found a file"
        raise SeriesNotAdoptable(message, where=directory, hint="name a new directory; nothing was written")
    if is_ours(_name_of(directory)):
        message = f"expected the name of a series of yours, found {_name_of(directory)}, which is one of ours"
        raise SeriesNotAdoptable(message, where=directory, hint="name another directory; nothing was written")
    if not os.path.isdir(directory) or not os.listdir(directory):
        return Known()
    if not os.path.isfile(os.path.join(directory, ENTRY)):
        message = f"expected a series, or no such directory; found one without {ENTRY}"
        raise SeriesNotAdoptable(message, where=directory, hint="name a new directory; nothing was written")
    try:
        series = load(directory)
    except PatcherError:  # left by a killed run; an error of the author's own is reported by the next build
        return Known()
    with open(os.path.join(directory, ENTRY), encoding="utf-8") as stream:
        if not re.search(r"\badopted\b", stream.read()):
            hint = (
                "in it, write `from .patches import adopted`, and `*adopted.PATCHES` and `*adopted.CLIENT_PATCHES` "
                "into `patches` and `client_patches`; in `patches/adopted/__init__.py`, `PATCHES = CLIENT_PATCHES = ()`"
            )
            message = "expected a series that lists what is adopted, found one that does not"
            raise SeriesNotAdoptable(message, where=os.path.join(directory, ENTRY), hint=hint)
    ours = [patch for patch in series.patches_for(client=True) if _is_adopted(patch.origin.source, directory)]
    patches = {patch.sites[0].file: patch.id for patch in ours if patch.sites}
    anchors = {patch.id: {site.name: site.anchors[0] for site in patch.sites} for patch in ours}
    return Known(patches, anchors)


def _is_adopted(source: str, directory: str) -> bool:
    return os.path.abspath(source).startswith(os.path.join(os.path.abspath(directory), *writing.PATCHES.split("/"), ""))


def _name_of(directory: str) -> str:
    """The name of a new series there."""
    name = re.sub(r"[^a-z0-9_-]+", "-", os.path.basename(os.path.abspath(directory)).lower()).strip("-_")
    return name if name[:1].isalpha() else f"series-{name}".strip("-")


@contextmanager
def _staged(directory: str) -> Iterator[str]:
    """A copy of the series, in which the new version is written and checked before the series itself changes."""
    with TemporaryDirectory(prefix="sidecar-patcher-adopt-") as folder:
        stage = os.path.join(folder, "series")
        if os.path.isdir(directory):
            shutil.copytree(directory, stage, ignore=shutil.ignore_patterns("__pycache__", ".git"))
        else:
            os.makedirs(stage)
        yield stage


def _write(stage: str, directory: str, made: Written) -> None:
    entry = os.path.join(stage, ENTRY)
    old = _record(stage, directory)
    for folder in (writing.PATCHES, writing.TEMPLATES):
        shutil.rmtree(os.path.join(stage, *folder.split("/")), ignore_errors=True)
    for path, data in made.files.items():
        target = os.path.join(stage, *path.split("/"))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as stream:
            stream.write(data)
    if not os.path.isfile(entry):
        with open(entry, "wb") as stream:
            stream.write(writing.series_module(_name_of(directory), "What somebody has changed in upstream, adopted"))
    kept = {site: pins for site, pins in old.items() if site not in made.pins and not _was_adopted(site, directory)}
    with open(os.path.join(stage, PINS), "wb") as stream:
        stream.write(records.written({**kept, **_with_older(old, made)}).encode())


def _record(stage: str, directory: str) -> Mapping[str, Sequence[Pin]]:
    path = os.path.join(stage, PINS)
    if not os.path.isfile(path):
        return {}
    with open(path, encoding="utf-8") as stream:
        text = stream.read()
    try:
        sites = list(json.loads(text))
    except (ValueError, TypeError):
        sites = []  # `parsed` raises for it, below
    return records.parsed(text, sites, os.path.join(directory, PINS))


def _was_adopted(site: str, directory: str) -> bool:
    patch = site.rpartition(".")[0]
    return os.path.isfile(os.path.join(directory, *writing.PATCHES.split("/"), f"{patch}.py"))


def _with_older(old: Mapping[str, Sequence[Pin]], made: Written) -> dict[str, tuple[Pin, ...]]:
    """The new pins, with those of an earlier run for the same site; of equal ones the earlier one is kept."""
    found = {}
    for site, new in made.pins.items():
        before = tuple(old.get(site, ()))
        same = [pin for pin in before if (pin.tokens, pin.text) == (new[0].tokens, new[0].text)]
        found[site] = before if same else (*before, *new)
    return found


def _build(stage: str, directory: str, both: Sides, *, client: bool) -> Build:
    try:
        series: Series = load(stage)
    except PatcherError as error:  # its path is that of the copy
        where = error.where.replace(stage, directory)
        raise type(error)(error.message, where=where, hint=error.hint) from error
    return pipeline.check_upstream(both.upstream, series.patches_for(client=client))


def _proven(found: Sequence[Adopted], both: Sides, build: Build | None) -> Iterator[Adopted]:
    """The files; one that the build does not reproduce becomes `partial`, with the reason."""
    for each in found:
        if not (each.payloads or each.file) or each.status in {files.PARTIAL, files.NOT_EXPRESSED}:
            yield each
            continue
        if build is not None and build.plain.get(each.path) == both.edited[each.path]:
            yield each
            continue
        stops = [stop for stop in (build.stops if build else ()) if stop.file == each.path]
        if stops:
            why = f"a build would stop: {stops[0].message}"
        elif build is not None and build.stopped:
            why = f"nothing comes out: {build.stops[0].patch} stops, {build.stops[0].message}"
        else:
            why = "what comes out differs from the edited file"
        yield replace(each, status=files.PARTIAL, reason=why, adopted=0)


def _changes(stage: str, directory: str) -> dict[str, bytes | None]:
    """The new content of each changed file of the series; None for one to be deleted."""
    new, old = dict(_all(stage)), dict(_all(directory)) if os.path.isdir(directory) else {}
    gone: dict[str, bytes | None] = {path: None for path in old.keys() - new.keys() if _is_ours(path)}
    return {**{path: data for path, data in new.items() if old.get(path) != data}, **gone}


def _is_ours(path: str) -> bool:
    return path.startswith((f"{writing.PATCHES}/", f"{writing.TEMPLATES}/"))


def _all(directory: str) -> Iterator[tuple[str, bytes]]:
    for folder, folders, names in os.walk(directory):
        folders[:] = [name for name in folders if name not in {"__pycache__", ".git"}]
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as stream:
                yield os.path.relpath(path, directory).replace(os.sep, "/"), stream.read()


def _sync(directory: str, changes: Mapping[str, bytes | None]) -> None:
    """Write the changed files: all of them beside the old ones, and only then each in its place.

    So a full disk leaves the series as it was. Files that list other files come last.
    """
    directory = os.path.abspath(directory)
    top = directory if os.path.isdir(directory) else os.path.dirname(directory)
    last = (_INDEX, PINS, ENTRY)
    new = [path for path in sorted(changes, key=lambda each: (each in last, each)) if changes[path] is not None]
    targets = [os.path.join(directory, *path.split("/")) for path in new]
    try:
        for path, target in zip(new, targets, strict=True):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(f"{target}.new", "wb") as stream:
                stream.write(changes[path] or b"")
    except BaseException as error:
        for target in targets:
            with suppress(OSError):  # it was not written
                os.remove(f"{target}.new")
            _remove_empty(os.path.dirname(target), top)
        if isinstance(error, OSError):
            message = f"cannot be written: {error.strerror}; the series is as it was"
            raise DiskFailed(message, where=directory, hint="is there space, and permission?") from error
        raise
    for target in targets:
        os.replace(f"{target}.new", target)
    for path in (path for path, data in changes.items() if data is None):
        target = os.path.join(directory, *path.split("/"))
        os.remove(target)
        _remove_empty(os.path.dirname(target), directory)


def _remove_empty(folder: str, top: str) -> None:
    """Remove a folder, and those above it as long as they are below `top`, if they are empty."""
    while folder != top and os.path.isdir(folder) and not os.listdir(folder):
        os.rmdir(folder)
        folder = os.path.dirname(folder)
