"""The record of the reviews: for each site, the digests of every state of the code that was reviewed.

People write anchors; the tool writes pins: those of upstream into `patches/pins.json`, those of the builtin sidecar
into `fixtures/pins.json`. A site without a pin is `unreviewed`, and stops the build.
"""

import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from patcher.errors import PinsUnreadable
from patcher.errors.text import did_you_mean
from patcher.model import Patch, Pin
from patcher.resources import BUILTIN_PINS, PACKAGE

UPSTREAM_PINS = os.path.join(PACKAGE, "patches", "pins.json")

Record = Mapping[str, Sequence[Pin]]
"""Pins by site id, the oldest first."""

_FIELDS = {"reviewed": str, "tokens": str, "text": str, "line": int}


def pinned(*groups: Sequence[Patch]) -> tuple[tuple[Patch, ...], ...]:
    """The patches of each group with the pins of both records. Raises `PinsUnreadable`."""
    known = {site.id for patches in groups for patch in patches for site in patch.sites}
    records = [read(path, known) for path in (UPSTREAM_PINS, BUILTIN_PINS)]
    return tuple(tuple(with_pins(patch, records) for patch in patches) for patches in groups)


def with_pins(patch: Patch, records: Sequence[Record]) -> Patch:
    """The patch with the pins of these records for its sites; without records, with none."""
    sites = (site.with_pins(tuple(pin for each in records for pin in each.get(site.id, ()))) for site in patch.sites)
    return replace(patch, sites=tuple(sites))


def read(path: str, known: Collection[str]) -> dict[str, tuple[Pin, ...]]:
    """Read a record. known: the ids of all sites. Raises `PinsUnreadable`, also for an unknown site."""
    try:
        with open(path, encoding="utf-8") as stream:
            return parsed(stream.read(), known, path)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise _unreadable(f"cannot be read: {reason}", path) from error


def parsed(text: str, known: Collection[str], path: str) -> dict[str, tuple[Pin, ...]]:
    """Parse a record. known, path: as in `read`, for errors. Raises `PinsUnreadable`."""
    try:
        content = json.loads(text)
    except ValueError as error:
        raise _unreadable(f"expected JSON, found {error}", path) from error
    if not isinstance(content, dict):
        raise _unreadable(f"expected pins by site, found {_short(content)}", path)
    for site in content:
        if site not in known:
            meant = did_you_mean(site, known, "; ")
            raise _unreadable(f"expected the site of a patch, found {site}{meant}", path)
    return {
        site: tuple(_pin(site, entry, path) for entry in _entries(site, each, path)) for site, each in content.items()
    }


def written(record: Record) -> str:
    """The record as text, one field per line, so that diffs are readable."""
    content = {
        site: [{name: getattr(pin, name) for name in _FIELDS} for pin in pins] for site, pins in record.items() if pins
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _entries(site: str, entries: Any, path: str) -> list[Any]:
    if not isinstance(entries, list) or not entries:
        raise _unreadable(f"{site}: expected a list of pins, found {_short(entries)}", path)
    return entries


def _pin(site: str, entry: Any, path: str) -> Pin:
    wanted = ", ".join(_FIELDS)
    if not isinstance(entry, dict) or entry.keys() != _FIELDS.keys():
        raise _unreadable(f"{site}: expected a pin with {wanted}, found {_short(entry)}", path)
    for name, kind in _FIELDS.items():
        if type(entry[name]) is not kind:
            raise _unreadable(f"{site}: expected `{name}` as {kind.__name__}, found {_short(entry[name])}", path)
    for name in ("tokens", "text"):
        if len(entry[name]) != 64 or set(entry[name]) - set("0123456789abcdef"):
            raise _unreadable(f"{site}: expected `{name}` as 64 hex digits, found {_short(entry[name])}", path)
    return Pin(**entry)


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:80]


def _unreadable(message: str, path: str) -> PinsUnreadable:
    hint = f"`git checkout {path}` brings the last one back; in an installed package, install it again"
    return PinsUnreadable(message, where=path, hint=hint)
