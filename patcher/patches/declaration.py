"""Find the declaration of a patch, so that an annotation can be on the line that must be changed."""

import os
import re
from collections.abc import Iterable

from patcher.model import Patch
from patcher.patches import CLIENT_DECLARED, DECLARED, placed
from patcher.resources import PACKAGE


def declared_at(patch: Patch) -> tuple[str, int] | None:
    """The file, and the line of `PATCH = Patch(`, from 1; None for a patch that is not of a loaded series.

    The path of our file is relative to this repository, that of another series absolute.
    """
    path = patch.origin.source
    if not path:
        return None
    with open(path, encoding="utf-8") as stream:
        lines = stream.read().splitlines()
    begins = [number for number, text in enumerate(lines, 1) if re.match(r"\w+\s*(:.*)?=\s*Patch\(", text)]
    named = [number for number, text in enumerate(lines, 1) if re.search(rf"""["']{re.escape(patch.id)}["']""", text)]
    line = max((number for number in begins if not named or number <= named[0]), default=(*named, *begins, 1)[0])
    ours = os.path.relpath(path, os.path.dirname(PACKAGE)).replace(os.sep, "/")
    return (ours if ours.startswith("patcher/patches/") else path), line


_LOADED: dict[str, Patch] = {}
"""The loaded patches of other series, by id."""


def remember(patches: Iterable[Patch]) -> None:
    """Register loaded patches, so that a report can find them by id."""
    _LOADED.update({patch.id: patch for patch in patches})


def declared_by(name: str) -> tuple[str, int] | None:
    """The same for the patch with this id; None where no loaded series has it."""
    found = next((placed(each) for each in (*DECLARED, *CLIENT_DECLARED) if each.id == name), _LOADED.get(name))
    return declared_at(found) if found else None


def patches_of(path: str) -> list[str]:
    """The ids of the patches that edit or add a file of the generated tree."""
    return [
        patch.id
        for patch in _known()
        if path in {*(site.file for site in patch.sites), *(overlay.path for overlay in patch.overlays)}
    ]


def proven_by(contract: str) -> list[str]:
    """The patches that name a contract."""
    return [patch.id for patch in _known() if contract in patch.contracts]


def _known() -> tuple[Patch, ...]:
    return (*DECLARED, *CLIENT_DECLARED, *_LOADED.values())
