"""Real drift, bumped by the printed commands alone: pull requests of upstream that its clone still has.

Each in a copy of this checkout: the command that a person begins with, then every command that it prints, then the one
that writes, and that one again. Contracts run on real sidecars, with real npm packages.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PULLS = ("175", "222", "268")
MOST_LINES = 60
_ROOT = Path(__file__).resolve().parents[3]
_COMMAND = re.compile(r"(?:\$ |`)(sidecar-patcher [^`\n]+)")
_STOP = re.compile(r"(?:drifted|missing|ambiguous|tampered|unreviewed)  \S+\.\w+  ")


@dataclass(frozen=True)
class Ended:
    """One command, and how it ended."""

    command: str
    code: int
    out: str
    seconds: float

    @property
    def works(self) -> bool:
        """Whether it did what it is for: 0; where it shows all of a bump that stops, that; where it refuses, why."""
        stops = self.command.endswith(" --all") and self.code in {3, 4}
        return self.code == 0 or stops or (self.code == 4 and "  why   " in self.out)


def show(repository: str, numbers: Sequence[str] = PULLS, *, write: bool = True) -> bool:
    """The figures of each pull request. Whether every command works, 70 is never seen, and the stops come first."""
    right = [_pull(repository, number, write=write) for number in numbers]
    return all(right)


def _pull(repository: str, number: str, *, write: bool) -> bool:
    ref = f"refs/pull/{number}/head"
    with checkout() as folder:
        began = run(folder, shlex.join(["sidecar-patcher", "bump", "--upstream", repository, "--to", ref]))
        until = until_the_last_stop(began.out)
        ended = [run(folder, each) for each in printed(began.out) if "--write" not in shlex.split(each)]
        writing = [each for each in printed(began.out) if "--write" in shlex.split(each)] if write else []
        before = _declarations(folder)
        written = [run(folder, each) for each in writing]
        after = _declarations(folder)
        again = [run(folder, each) for each in writing]
        changed_again = after != _declarations(folder)
    everything = [began, *ended, *written, *again]
    crashed = sum(each.code == 70 for each in everything)
    right = began.code in {0, 3, 4} and until <= MOST_LINES and not crashed and not changed_again
    right &= all(each.works for each in [*ended, *written, *again])
    print(f"{ref}: exit code {began.code}, {until} lines until the last stop, {began.out.count(chr(10))} lines in all")
    for each in [*ended, *written]:
        print(f"  {each.code}  {each.seconds:5.1f} s  {each.command}")
    for each in again:
        print(
            f"  {each.code}  {each.seconds:5.1f} s  the same again{', and it changed something' if changed_again else ''}"
        )
    print(f"  declarations that changed: {', '.join(_changed(before, after)) or 'none'}; exit code 70: {crashed} times")
    for each in written:
        for line in each.out.splitlines():
            if each.code and re.match(r"contract  |  (?:what|who|did|why) ", line):
                print(f"    {line}")
    return right


def printed(out: str) -> list[str]:
    """The commands that a person can type, each once, as they stand in the text."""
    return list(dict.fromkeys(each.strip() for each in _COMMAND.findall(out)))


def until_the_last_stop(out: str) -> int:
    """How many lines there are until the end of the last stop; 0 for none."""
    lines = out.splitlines()
    last = max((number for number, line in enumerate(lines) if _STOP.match(line)), default=-1)
    return next((number for number in range(last, len(lines)) if last >= 0 and not lines[number]), last + 1)


@contextmanager
def checkout() -> Iterator[Path]:
    """A copy of this checkout's code, for commands that write."""
    with tempfile.TemporaryDirectory(prefix="bump-pulls-") as made:
        for name in ("patcher", "templates", "fixtures"):
            shutil.copytree(_ROOT / name, Path(made, name), ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(_ROOT / "pyproject.toml", made)
        yield Path(made)


def run(folder: Path, command: str) -> Ended:
    """Type a command in a copy of the checkout."""
    words = shlex.split(command)
    assert words[0] == "sidecar-patcher", command
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "patcher", *words[1:]], cwd=folder, env=environment, capture_output=True, text=True
    )
    return Ended(command, done.returncode, done.stdout + done.stderr, time.monotonic() - began)


def _declarations(folder: Path) -> Mapping[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "patcher/patches").glob("*.py"))}


def _changed(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Iterator[str]:
    yield from (name for name in after if before.get(name) != after[name])
