"""Where a patch is declared, so that an annotation stands on the line that a person has to change."""

import inspect

from patcher.model import Patch
from patcher.patches import CLIENT_DECLARED, DECLARED, module_of


def declared_at(patch: Patch) -> tuple[str, int]:
    """Path in this repository, and the line of `PATCH = Patch(`, from 1."""
    lines = inspect.getsource(module_of(patch)).splitlines()
    line = next(number for number, text in enumerate(lines, 1) if text.startswith("PATCH = "))
    return f"patcher/patches/{patch.id}.py", line


def declared_by(name: str) -> tuple[str, int] | None:
    """The same for the patch of this name; None where the series has none."""
    return next((declared_at(patch) for patch in (*DECLARED, *CLIENT_DECLARED) if patch.id == name), None)


def patches_of(path: str) -> list[str]:
    """The patches that edit or bring a file of the generated tree."""
    return [
        patch.id
        for patch in (*DECLARED, *CLIENT_DECLARED)
        if path in {*(site.file for site in patch.sites), *(overlay.path for overlay in patch.overlays)}
    ]
