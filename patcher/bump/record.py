"""What a bump writes: anchors into the declarations of the series, then pins into the record of what was reviewed.

Pins come last. A kill in between leaves anchors without their pins, a tree that refuses; the next run completes it.
"""

import fcntl
import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from patcher.bump import ranges
from patcher.bump.anchors import with_anchors
from patcher.bump.model import Bump, Candidate, Kind, SiteReport
from patcher.bump.variants import new_anchor
from patcher.errors import DeclarationsChanged, DeclarationsReadOnly, DeclarationUnclear
from patcher.model import Patch, Pin, Series, patches_of, version_key
from patcher.patches import pins as records
from patcher.resources import PACKAGE
from patcher.series.where import CODEX

FOLDER = os.path.join(PACKAGE, "patches")
_INSTALLED = os.path.join(PACKAGE, "_data")
_STAGED = ".staged"

Files = Mapping[str, tuple[str, str]]
"""The old and the new text of each file that changes, by its path in the folder; that of the pins is the last."""
_PACKAGES = frozenset({"site-packages", "dist-packages"})


def refuse_unless_writable(series: Sequence[Series]) -> None:
    """Raises `DeclarationsReadOnly` where none of these series can be written."""
    refused = [error for each in series if (error := _read_only(each))]
    if refused and len(refused) == len(series):
        raise refused[-1]


def _read_only(series: Series) -> DeclarationsReadOnly | None:
    """Why a series cannot be written; None for one that can."""
    try:
        if series.name == CODEX:
            refuse_unless_ours(series.home)
            return None
    except DeclarationsReadOnly as error:
        return error
    hint = f"name the directory that {series.name} is written in, and make it writable"
    if _PACKAGES.intersection(os.path.realpath(series.home).split(os.sep)):
        return DeclarationsReadOnly("this series is an installed package", where=series.home, hint=hint)
    if not os.access(series.home, os.W_OK):
        return DeclarationsReadOnly("this directory cannot be written", where=series.home, hint=hint)
    return None


def refuse_unless_ours(folder: str = FOLDER) -> None:
    """Raises `DeclarationsReadOnly` where the declarations are no checkout of ours that can be written."""
    hint = "run it in a checkout of sidecar-patcher: `python3 .dev run sidecar-patcher bump …`"
    root = os.path.dirname(os.path.dirname(folder))
    if os.path.isdir(_INSTALLED) or not os.path.isfile(os.path.join(root, "pyproject.toml")):
        message = "the declarations are part of an installed sidecar-patcher; `--write` changes a checkout"
        raise DeclarationsReadOnly(message, where=folder, hint=hint)
    if not os.access(folder, os.W_OK):
        raise DeclarationsReadOnly("this directory cannot be written", where=folder, hint=hint)


# --- what changes ----------------------------------------------------------------------------------------------


def changed(bump: Bump, series: Sequence[Series]) -> dict[str, Files]:
    """The files that change, by the directory of their series; nothing for none.

    A series that cannot be written is left as it is, unless something of it was accepted.
    Raises `DeclarationsReadOnly`, `PinsUnreadable`, `DeclarationUnclear`, also where what would be written does not
    declare what was proven.
    """
    found = {}
    for each in series:
        read_only = _read_only(each)
        ids = {patch.id for patch in each.patches_for(client=True)}
        if read_only and any(_chosen(bump, site) for site in bump.sites if site.patch in ids):
            raise read_only
        files = {} if read_only else _changed(bump, each, ids)
        if files:
            found[each.home] = files
    return found


def _changed(bump: Bump, series: Series, ids: Collection[str]) -> Files:
    files: dict[str, tuple[str, str]] = {}
    for patch in (each for each in bump.series if each.id in ids):
        name = os.path.relpath(patch.origin.source, series.home)
        added = {each.site.name: new_anchor(each.site, candidate) for each, candidate in _new_anchors(bump, patch.id)}
        if not added and not any(each.patch == patch.id for each in bump.sites):
            continue
        old = _text(series.home, name)
        new = with_anchors(files.get(name, (old, old))[1], added, patch.origin.source) if added else old
        _expect(new, patch)
        if new != old:
            files[name] = (old, new)
    known = {site.id for patch in patches_of([series], client=True) for site in patch.sites}
    name = os.path.relpath(series.pins, series.home)
    old = _text(series.home, name) if os.path.lexists(series.pins) else ""
    record = records.parsed(old, known, series.pins) if old else {}
    mine = [each for each in bump.sites if each.patch in ids]
    new = records.written(_with_reviews(bump, mine, record))
    if new != old and (old or any(record.values()) or new != records.written({})):
        files[name] = (old, new)
    return files


def _new_anchors(bump: Bump, patch: str) -> Iterator[tuple[SiteReport, Candidate]]:
    for each in bump.sites:
        candidate = _chosen(bump, each)
        if each.patch == patch and candidate is not None and candidate.kind is not Kind.PIN:
            yield each, candidate


def _chosen(bump: Bump, report: SiteReport) -> Candidate | None:
    rank = bump.chosen.get(report.id, 0)
    return next((each for each in report.candidates if rank and each.rank == rank), None)


def _with_reviews(bump: Bump, sites: Sequence[SiteReport], pins: records.Record) -> records.Record:
    """The record with a pin for each site that was accepted, and with the new version where a pin is met."""
    found = dict(pins)
    for each in sites:
        candidate = _chosen(bump, each)
        own = found.get(each.id, ())
        if candidate is not None:
            found[each.id] = (*own, replace(candidate.anchor.pins[-1], reviewed=reviewed_for(bump)))
        elif not each.stops:
            found[each.id] = _extended(bump, each, own)
    return found


def unrecorded(bump: Bump) -> bool:
    """Whether `--write` would record of a site that goes through that it was read for the new version."""
    return any(_extended(bump, each, each.site.pins) != each.site.pins for each in bump.sites if not each.stops)


def _extended(bump: Bump, report: SiteReport, pins: Sequence[Pin]) -> tuple[Pin, ...]:
    """The pins, of which the one that is met has this version in it: its scope has been read up to here now."""
    ref = reviewed_for(bump)
    met = next((each for each in pins if each.tokens in report.finding.pins and ranges.refs(each.reviewed)), None)
    # a range of versions can only end at a version tag
    if met is None or ref != bump.until.ref or ranges.newest(met.reviewed) >= version_key(ref):
        return tuple(pins)
    gaps = bump.gaps(report.id, ranges.refs(met.reviewed)[-1], met.tokens)
    more = replace(met, reviewed=ranges.extended(met.reviewed, ref, gaps))
    return tuple(more if each is met else each for each in pins)


def reviewed_for(bump: Bump) -> str:
    """`v1.5.0`; for what is no version tag, `v1.4.8 at 0123456789ab`."""
    ref, version = bump.until.ref, bump.until.upstream.version
    return ref if ranges.refs(ref) == [ref] else f"v{version} at {bump.until.commit[:12]}"


def _expect(source: str, patch: Patch) -> None:
    """What is written is what was proven: the new source must declare the same patch, but for its pins."""
    where = patch.origin.source
    module = next((name for name, each in sys.modules.items() if getattr(each, "__file__", None) == where), "")
    names: dict[str, object] = {"__name__": module, "__package__": module.rpartition(".")[0], "__file__": where}
    exec(compile(source, where, "exec"), names)  # noqa: S102 - the module of a series, with an anchor more
    made = [each for each in names.values() if isinstance(each, Patch) and each.id == patch.id]
    if made != [records.with_pins(patch, ())]:
        hint = "this is a bug of ours; nothing was written"
        raise DeclarationUnclear("what would be written is not what was proven", where=where, hint=hint)


# --- files -----------------------------------------------------------------------------------------------------


def write(files: Files, folder: str = FOLDER) -> None:
    """Replace files of the folder, each at once, in their order.

    Raises `DeclarationsChanged` (a file is not the old text any more; nothing is written), `DeclarationsReadOnly`.
    """
    try:
        with _locked(folder):
            for inner in sorted({os.path.dirname(os.path.join(folder, name)) for name in files}):
                for name in os.listdir(inner):
                    if name.endswith(_STAGED):  # of a run that was killed
                        os.unlink(os.path.join(inner, name))
            for name, (old, _) in files.items():
                _expect_text(folder, name, old)
            for name, (_, new) in files.items():
                _replace(folder, name, new)
    except OSError as error:
        hint = "no file is half written; make the directory writable and run it again"
        raise DeclarationsReadOnly(f"cannot be written: {error.strerror}", where=folder, hint=hint) from error


def _text(folder: str, name: str) -> str:
    with open(os.path.join(folder, name), encoding="utf-8", newline="") as stream:
        return stream.read()


def _expect_text(folder: str, name: str, old: str) -> None:
    path = os.path.join(folder, name)
    there = _text(folder, name) if os.path.exists(path) else ""
    if there != old or (old and not there):
        message = "this file was edited in the meantime"
        raise DeclarationsChanged(message, where=path, hint="run it again; nothing was written")


def _replace(folder: str, name: str, text: str) -> None:
    folder, name = os.path.split(os.path.join(folder, name))
    staged = os.path.join(folder, f".{name}{_STAGED}")
    with open(staged, "w", encoding="utf-8", newline="") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(staged, os.path.join(folder, name))
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _locked(folder: str) -> Iterator[None]:
    """One writer at a time; the lock is the directory's own and ends with the process."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
