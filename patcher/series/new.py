"""Write a first series that builds into a new directory: one patch with its pins, templates and contract."""

import os
import re

from patcher.errors import DiskFailed, UsageError
from patcher.render import render
from patcher.resources import CODEX
from patcher.series.checked import NAME

_FILES = {
    "README.md": "README.md.j2",
    "series.py": "series.py.j2",
    "pins.json": "pins.json.j2",
    "patches/{name}_greeting.py": "patches/greeting.py.j2",
    "contracts/{name}_greets.py": "contracts/greets.py.j2",
    "templates/payload/{name}_greeting.js": "templates/payload/greeting.js.j2",
    "templates/overlay/{name}-greeting.js.j2": "templates/overlay/greeting.js.j2.j2",
}


def write_new(directory: str, name: str = "") -> list[str]:
    """Write a series into an empty or new directory; returns the paths of its files, relative to the directory.

    name: of the series (default: that of the directory). Raises `UsageError`, `DiskFailed`.
    """
    chosen = name or re.sub(r"\W+", "_", os.path.basename(os.path.abspath(directory)).casefold(), flags=re.ASCII)
    if not NAME.fullmatch(chosen) or "-" in chosen or chosen == CODEX:
        message = f"expected a name of small letters, digits and `_` that is not {CODEX}, found {chosen!r}"
        raise UsageError(message, hint="give it one: `--name NAME`")
    try:
        if os.path.isdir(directory) and os.listdir(directory):
            raise UsageError("has files already", where=directory, hint="name a directory that is empty or not there")
        for path, template in _FILES.items():
            file = os.path.join(directory, *path.format(name=chosen).split("/"))
            os.makedirs(os.path.dirname(file), exist_ok=True)
            with open(file, "x", encoding="utf-8", newline="\n") as stream:
                stream.write(render(f"series/{template}", name=chosen))
    except OSError as error:
        message = f"cannot be written: {error.strerror}"
        raise DiskFailed(message, where=directory, hint="name a directory that you may write") from error
    return [path.format(name=chosen) for path in _FILES]
