"""Write a first series that builds into a new directory: one patch with its pins, templates and contract."""

import os
import re
import shutil

from patcher.errors import DiskFailed, UsageError
from patcher.render import render
from patcher.series.checked import NAME
from patcher.series.where import is_ours

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
    if not NAME.fullmatch(chosen) or "-" in chosen or is_ours(chosen):
        message = f"expected a name of small letters, digits and `_` that none of ours has, found {chosen!r}"
        raise UsageError(message, hint="give it one: `--name NAME`")
    is_there = os.path.isdir(directory)
    try:
        if is_there and os.listdir(directory):
            raise UsageError("has files already", where=directory, hint="name a directory that is empty or not there")
    except OSError as error:
        raise _unwritable(error, directory) from error
    try:
        for path, template in _FILES.items():
            file = os.path.join(directory, *path.format(name=chosen).split("/"))
            os.makedirs(os.path.dirname(file), exist_ok=True)
            with open(file, "x", encoding="utf-8", newline="\n") as stream:
                stream.write(render(f"series/{template}", name=chosen))
    except BaseException as error:
        _remove(directory, is_there=is_there)
        if isinstance(error, OSError):
            raise _unwritable(error, directory) from error
        raise
    return [path.format(name=chosen) for path in _FILES]


def _remove(directory: str, *, is_there: bool) -> None:
    """Remove what was written. is_there: the directory itself stays, empty as it was."""
    for name in os.listdir(directory) if is_there else ():
        path = os.path.join(directory, name)
        if os.path.isdir(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)
    if not is_there:
        shutil.rmtree(directory, ignore_errors=True)


def _unwritable(error: OSError, directory: str) -> DiskFailed:
    hint = "name a directory that you may write"
    return DiskFailed(f"cannot be written: {error.strerror}", where=directory, hint=hint)
