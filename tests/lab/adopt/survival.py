"""Whether an edit goes in at a later tag: by its anchor, and beside it by `git apply` on the same hunk."""

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from tempfile import TemporaryDirectory

from patcher.adopt.files import Adopted, Payload
from patcher.javascript import language_of, syntax_errors
from patcher.javascript.tree import parse
from patcher.locate import locate

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? ")
PLACED, STOPPED, BROKEN = "placed", "stopped", "broken"


@dataclass(frozen=True)
class Hunk:
    """A hunk of `diff -U3`. ours: whether every edit in it has its place at a later tag; git: whether `git apply` has."""

    ours: bool
    git: bool
    broken: bool = False


def hunks(found: Adopted, before: str, after: str, later: str) -> Iterator[Hunk]:
    """What becomes of each hunk of a file in a later text of it: by our anchors, and by `git apply` of it alone."""
    placed = [(_lines(before, payload, found.path), of_edit(found.path, payload, later)) for payload in found.payloads]
    with TemporaryDirectory() as folder:
        for (first, last), hunk in _hunks(folder, before, after):
            mine = [what for (start, end), what in placed if start <= last + 1 and first - 1 <= end]
            yield Hunk(
                ours=bool(mine) and all(what == PLACED for what in mine),
                git=_takes(folder, hunk, later),
                broken=BROKEN in mine,
            )


def _lines(before: str, payload: Payload, path: str) -> tuple[int, int]:
    """The lines, from 1, that an edit begins and ends in."""
    match = locate(before, payload.anchor, language_of(path)).matches[0]
    return before.count("\n", 0, match.start) + 1, before.count("\n", 0, match.end) + 1


def of_edit(path: str, payload: Payload, later: str) -> str:
    """What becomes of one edit in a later text of its file."""
    language = language_of(path)
    located = locate(later, payload.anchor, language)
    if not located.is_unique or located.matches[0].tokens != payload.anchor.pins[0].tokens:
        return STOPPED
    match = located.matches[0]
    after = later[: match.start] + payload.text + later[match.end :]
    if syntax_errors(parse(after, language)) and not syntax_errors(parse(later, language)):
        return BROKEN
    return PLACED


def _hunks(folder: str, before: str, after: str) -> Iterator[tuple[tuple[int, int], str]]:
    for name, text in (("a", before), ("b", after)):
        with open(os.path.join(folder, name), "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
    words = ["git", "diff", "--no-index", "--no-color", "-U3", "a", "b"]
    diff = subprocess.run(words, cwd=folder, capture_output=True, check=False).stdout.decode()
    lines = diff.split("\n")
    starts = [number for number, line in enumerate(lines) if line.startswith("@@ ")]
    if not starts:
        return
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        found = _HUNK.match(lines[start])
        assert found is not None
        changed = [number for number, line in enumerate(_old_lines(lines[start + 1 : end])) if line]
        first = int(found[1]) + (changed[0] if changed else 0)
        last = int(found[1]) + (changed[-1] if changed else 0)
        text = "\n".join(["--- a/file", "+++ b/file", *lines[start:end]])
        yield (first, last), text if text.endswith("\n") else f"{text}\n"


def _old_lines(lines: Sequence[str]) -> Iterator[bool]:
    """For each line of the old side, whether it or what follows it changes."""
    for number, line in enumerate(lines):
        if line[:1] in " -" and line:
            yield line[0] == "-" or lines[number + 1 : number + 2] != [] and lines[number + 1][:1] == "+"


def _takes(folder: str, hunk: str, later: str) -> bool:
    for name, text in (("file", later), ("hunk.diff", hunk)):
        with open(os.path.join(folder, name), "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": os.path.dirname(folder)}
    words = ["git", "apply", "--check", "hunk.diff"]
    return subprocess.run(words, cwd=folder, capture_output=True, env=environment, check=False).returncode == 0
