"""Apply a diff to a tree in memory, by git."""

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from tempfile import TemporaryDirectory

from patcher.errors import DiffUnusable
from patcher.model import File
from patcher.upstream.diff_text import checked
from patcher.upstream.git_command import command, environment
from patcher.upstream.on_disk import write_files

_HINT = "make it against exactly this upstream, with `git diff --binary --no-color`; nothing was written"
_SHOWN = 3


def patched(
    tree: Mapping[str, File], diff: str, read: Callable[[str], dict[str, File]]
) -> tuple[dict[str, File], tuple[str, ...]]:
    """The tree with the diff in the file `diff`, and notes on hunks that are not where the diff has them.

    read: returns the files of a directory. Raises `DiffUnusable` where it does not apply, or changes nothing.
    """
    try:
        with open(diff, "rb") as stream:  # once, whole: it may be a pipe
            data = stream.read()
    except OSError as error:
        raise DiffUnusable(f"cannot be read: {error.strerror}", where=diff, hint="name the file of a diff") from error
    text = checked(data, diff)
    with TemporaryDirectory(prefix="sidecar-patcher-") as folder:
        write_files(tree, folder)
        arguments = [*command(folder), "apply", "--whitespace=nowarn", "--verbose", f"-p{text.level}"]
        done = subprocess.run(arguments, input=text.data, capture_output=True, env=environment(folder), check=False)
        output = done.stderr.decode("utf-8", "replace")
        if done.returncode != 0:
            raise DiffUnusable(_why(output), where=diff, hint=_HINT)
        found = read(folder)
    if found == dict(tree):
        raise DiffUnusable("expected a diff, found nothing that changes a file", where=diff, hint=_HINT)
    return found, tuple(_notes(output))


def _notes(output: str) -> Iterator[str]:
    path = ""
    for line in output.splitlines():
        checking = re.fullmatch(r"Checking patch (.+?)\.\.\.", line)
        path = checking[1] if checking else path
        moved = re.fullmatch(r"Hunk #(\d+) succeeded at (\d+) \(offset (-?\d+) lines?\)\.", line)
        if moved:
            by = f"{moved[3].lstrip('-')} lines {'above' if moved[3].startswith('-') else 'below'}"
            yield f"{path}:{moved[2]}: hunk {moved[1]} is {by} its line in the diff: is that the right place?"


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
