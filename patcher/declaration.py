"""Where a patch is declared, so that an annotation stands on the line that a person has to change."""

import inspect

from patcher.model import Patch
from patcher.patches import module_of


def declared_at(patch: Patch) -> tuple[str, int]:
    """Path in this repository, and the line of `PATCH = Patch(`, from 1."""
    lines = inspect.getsource(module_of(patch)).splitlines()
    line = next(number for number, text in enumerate(lines, 1) if text.startswith("PATCH = "))
    return f"patcher/patches/{patch.id}.py", line
