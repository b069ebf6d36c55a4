"""What a bump writes: anchors into the declarations of the series, then pins into the record of what was reviewed.

Pins come last. A kill in between leaves anchors without their pins, a tree that refuses; the next run completes it.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from patcher.bump import ranges
from patcher.bump.anchors import with_anchors
from patcher.bump.model import Bump, Candidate, Kind, SiteReport
from patcher.bump.variants import new_anchor
from patcher.errors import DeclarationsChanged, DeclarationsReadOnly, DeclarationUnclear
from patcher.model import Patch, Pin, version_key
from patcher.patches import pins as records
from patcher.patches import series_for
from patcher.resources import PACKAGE

FOLDER = os.path.join(PACKAGE, "patches")
PINS = "pins.json"
_INSTALLED = os.path.join(PACKAGE, "_data")
_STAGED = ".staged"

Files = Mapping[str, tuple[str, str]]
"""The old and the new text of each file that changes, by its name in the folder; that of the pins is the last."""


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


def changed(bump: Bump, folder: str = FOLDER) -> Files:
    """The files that change; nothing for none.

    Raises `PinsUnreadable`, `DeclarationUnclear`, also where what would be written does not declare what was proven.
    """
    files = {}
    for patch in dict.fromkeys(each.patch for each in bump.sites):
        name = f"{patch}.py"
        old = _text(folder, name)
        added = {each.site.name: new_anchor(each.site, candidate) for each, candidate in _new_anchors(bump, patch)}
        new = with_anchors(old, added, os.path.join(folder, name)) if added else old
        _expect(new, next(each for each in bump.series if each.id == patch), os.path.join(folder, name))
        if new != old:
            files[name] = (old, new)
    known = {site.id for patch in series_for(client=True) for site in patch.sites}
    old = _text(folder, PINS)
    new = records.written(_with_reviews(bump, records.parsed(old, known, os.path.join(folder, PINS))))
    if new != old:
        files[PINS] = (old, new)
    return files


def _new_anchors(bump: Bump, patch: str) -> Iterator[tuple[SiteReport, Candidate]]:
    for each in bump.sites:
        candidate = _chosen(bump, each)
        if each.patch == patch and candidate is not None and candidate.kind is not Kind.PIN:
            yield each, candidate


def _chosen(bump: Bump, report: SiteReport) -> Candidate | None:
    rank = bump.chosen.get(report.id, 0)
    return next((each for each in report.candidates if rank and each.rank == rank), None)


def _with_reviews(bump: Bump, pins: records.Record) -> records.Record:
    """The record with a pin for each site that was accepted, and with the new version where a pin is met."""
    found = dict(pins)
    for each in bump.sites:
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


def _expect(source: str, patch: Patch, where: str) -> None:
    """What is written is what was proven: the new source must declare the same patch, but for its pins."""
    names: dict[str, object] = {"__name__": f"patcher.patches.{patch.id}"}
    exec(compile(source, where, "exec"), names)  # noqa: S102 - our own module, with an anchor more
    made = names["PATCH"]
    if not isinstance(made, Patch) or made != records.with_pins(patch, ()):
        hint = "this is a bug of ours; nothing was written"
        raise DeclarationUnclear("what would be written is not what was proven", where=where, hint=hint)


# --- files -----------------------------------------------------------------------------------------------------


def write(files: Files, folder: str = FOLDER) -> None:
    """Replace files of the folder, each at once, in their order.

    Raises `DeclarationsChanged` (a file is not the old text any more; nothing is written), `DeclarationsReadOnly`.
    """
    try:
        with _locked(folder):
            for name in os.listdir(folder):
                if name.endswith(_STAGED):  # of a run that was killed
                    os.unlink(os.path.join(folder, name))
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
    if not os.path.exists(path) or _text(folder, name) != old:
        message = "this file was edited in the meantime"
        raise DeclarationsChanged(message, where=path, hint="run it again; nothing was written")


def _replace(folder: str, name: str, text: str) -> None:
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
