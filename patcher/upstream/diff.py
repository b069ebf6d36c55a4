"""Apply a diff to a tree in memory, by git."""

import os
import subprocess
from collections.abc import Mapping
from tempfile import TemporaryDirectory

from patcher.errors import DiffUnusable
from patcher.model import File
from patcher.upstream.git_command import command, environment
from patcher.upstream.on_disk import read_files, write_files

_HINT = "make it against exactly this upstream, with `git diff --binary --no-color`; nothing was written"
_SHOWN = 3


def patched(tree: Mapping[str, File], diff: str) -> dict[str, File]:
    """The tree with the diff in the file `diff`. Raises `DiffUnusable` where it does not apply, or changes nothing."""
    try:
        with open(diff, "rb") as stream:
            stream.read(1)
    except OSError as error:
        raise DiffUnusable(f"cannot be read: {error.strerror}", where=diff, hint="name the file of a diff") from error
    with TemporaryDirectory(prefix="sidecar-patcher-") as folder:
        write_files(tree, folder)
        arguments = [*command(folder), "apply", "--whitespace=nowarn", "--verbose", os.path.abspath(diff)]
        done = subprocess.run(arguments, capture_output=True, env=environment(folder), check=False)
        output = done.stderr.decode("utf-8", "replace")
        if done.returncode != 0:
            raise DiffUnusable(_why(output), where=diff, hint=_HINT)
        found = dict(read_files(folder))
    if found == dict(tree):
        raise DiffUnusable("expected a diff, found nothing that changes a file", where=diff, hint=_HINT)
    return found


def _why(output: str) -> str:
    errors = [line.removeprefix("error: ") for line in output.splitlines() if line.startswith("error: ")]
    errors = [line for line in errors if not line.startswith("while searching for")]
    if any("binary patch" in line for line in errors):
        names = [line for line in errors if "binary patch" in line]
        return f"it names a binary file without its content: {names[0]}"
    if any("No valid patches" in line for line in errors):
        return "expected a diff, found none in it"
    more = f" and {len(errors) - _SHOWN} more" if len(errors) > _SHOWN else ""
    return f"it does not apply to this upstream: {'; '.join(errors[:_SHOWN]) or output.strip()[:200]}{more}"
