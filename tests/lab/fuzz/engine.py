"""Inputs for one reader until its time is over. Each ends in a result or in an error of ours, or it is a failure.

A failure is: an exception that is not a `PatcherError`, exit code 70, more than `LONGEST` seconds, more memory than
`MEMORY`, a file written outside of the scratch directory, or a temporary file that is left. Hypothesis makes the inputs
and shrinks one that fails; it is kept, as a Python literal, for `--input`.
"""

import faulthandler
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

LONGEST = 5.0  # seconds of CPU for one input
PATIENCE = 30.0  # seconds by the clock: a process that it waits for may hang, and the machine may be busy
MEMORY = 3 << 30  # bytes of address space; the modules themselves take less than one
BATCH = 500
SECRET = "what no input may bring out of the scratch directory"
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_PATHS = {  # audit events of Python: which argument is a path that is written, which the descriptor it is relative to
    "os.mkdir": (0, 2), "os.remove": (0, 1), "os.rmdir": (0, 1), "os.symlink": (1, 2), "os.link": (1, 3),
    "os.chmod": (0, 2), "os.truncate": (0, None), "os.rename": (1, 3),
}  # fmt: skip


@dataclass(frozen=True)
class Reader:
    """read: takes an input, in an empty working directory, and says how it ended: `done`, or codes of errors."""

    inputs: SearchStrategy[Any]
    read: Callable[[Any], Iterable[str]]


@dataclass
class Found:
    """What came of all inputs. failures: of each that is new its signature and the file of its smallest input."""

    inputs: int = 0
    seconds: float = 0.0
    crashes: int = 0
    hangs: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)


class Broken(Exception):
    """What an input must not do."""


class _Hung(BaseException):
    """Too long; not an `Exception`, which a reader might catch."""


class Room:
    """A scratch directory: `case` is the working directory of an input, `given` what every input finds."""

    def __init__(self, root: str) -> None:
        self.root = Path(os.path.realpath(root))
        self.case, self.given, self.temporary = (self.root / name for name in ("case", "given", "tmp"))
        for folder in (self.given, self.temporary, self.root / "home"):
            folder.mkdir()
        (self.root / "secret.txt").write_text(SECRET)
        os.environ.update(HOME=str(self.root / "home"), TMPDIR=str(self.temporary))
        tempfile.tempdir = None
        self._watching = False
        self._outside: list[str] = []
        sys.addaudithook(self._audit)

    def attempt(self, reader: Reader, value: Any) -> list[str]:
        """How an input ended. Raises `Broken`, or what the reader raises."""
        self.case.mkdir()
        os.chdir(self.case)
        self._outside.clear()
        try:
            with _limited():
                self._watching = True
                try:
                    ends = list(reader.read(value))
                finally:
                    self._watching = False
        except _Hung as error:
            raise Broken(f"hang: more than {LONGEST:.0f} s of CPU, or {PATIENCE:.0f} s") from error
        finally:
            left = [*os.listdir(self.temporary), *_left(self.case)]
            os.chdir(self.root)
            for folder in (self.case, self.temporary):
                shutil.rmtree(folder)
            self.temporary.mkdir()
        if self._outside:
            raise Broken(f"written outside of the scratch directory: {self._outside[0]}")
        if left:
            raise Broken(f"left behind: {left[0]}")
        return ends

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._watching:
            return
        if event == "open":
            path, descriptor = arguments[0] if (arguments[2] or 0) & _WRITING else None, -1
        elif event in _PATHS:
            at, folder = _PATHS[event]
            path, descriptor = arguments[at], -1 if folder is None else arguments[folder]
        else:
            return
        if isinstance(path, str | bytes) and path not in {os.devnull, os.devnull.encode()}:
            base = os.getcwd() if descriptor == -1 else os.readlink(f"/proc/self/fd/{descriptor}")
            parent, name = os.path.split(os.path.join(base, os.fsdecode(path)))
            real = Path(os.path.realpath(parent), name)
            if not any(real.is_relative_to(allowed) for allowed in (self.case, self.temporary)):
                self._outside.append(f"{event} {real}")


def _left(folder: Path) -> Iterator[str]:
    for _, folders, names in os.walk(folder):
        yield from (each for each in (*folders, *names) if each.endswith((".stage", ".previous", ".tmp")))


@contextmanager
def _limited() -> Iterator[None]:
    """The soft limit is a signal; where no Python runs to see it, the hard one ends the process."""
    timers = {signal.ITIMER_PROF: (signal.SIGPROF, LONGEST), signal.ITIMER_REAL: (signal.SIGALRM, PATIENCE)}
    for timer, (by, seconds) in timers.items():
        signal.signal(by, _hung)
        signal.setitimer(timer, seconds)
    faulthandler.dump_traceback_later(2 * PATIENCE, exit=True)
    try:
        yield
    finally:
        for timer in timers:
            signal.setitimer(timer, 0)
        faulthandler.cancel_dump_traceback_later()


def _hung(number: int, frame: object) -> None:
    raise _Hung


def hunt(make: Callable[[Path], Reader], seconds: float, seed: int, keep: Path) -> Found:
    """Try inputs for so many seconds. keep: a directory for those that fail. For a process of its own."""
    keep.mkdir(parents=True, exist_ok=True)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    found = Found()
    with tempfile.TemporaryDirectory(prefix="sidecar-fuzz-") as root:
        room = Room(root)
        reader = make(room.given)
        began = time.monotonic()
        while time.monotonic() < began + seconds:
            _batch(room, reader, seed, began + seconds, keep, found)
            seed += 1
        found.seconds = time.monotonic() - began
        os.chdir("/")
    return found


def _batch(room: Room, reader: Reader, seed: int, until: float, keep: Path, found: Found) -> None:
    failing: list[Any] = []

    @hypothesis.seed(seed)
    @settings(
        max_examples=BATCH, database=None, deadline=None, report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(reader.inputs)
    def one(value: Any) -> None:
        if found.inputs and time.monotonic() > until and not failing:
            return
        (keep / "current.txt").write_text(ascii(value))  # who ends the process is in here
        found.inputs += 1
        try:
            found.ends.update(room.attempt(reader, value))
        except Exception as error:
            if _signature(error) in found.failures:
                return
            failing[:] = [value, error]
            raise

    try:
        one()
    except Exception:
        if not failing:
            raise
        value, error = failing
        kind = "hangs" if str(error.args[:1]).startswith("('hang") else "crashes"
        setattr(found, kind, getattr(found, kind) + 1)
        path = keep / f"{seed}.txt"
        path.write_text(ascii(value))
        path.with_suffix(".traceback").write_text("".join(traceback.format_exception(error)), errors="replace")
        found.failures[_signature(error)] = str(path)


def _signature(error: BaseException) -> str:
    """Failures with the same signature are the same fault, nearly always: the exception, and where in the package."""
    if isinstance(error, Broken):
        return str(error.args[0])[:200]
    frames = [each for each in traceback.extract_tb(error.__traceback__) if "/patcher/" in each.filename]
    place = f"{frames[-1].filename.rpartition('/patcher/')[2]}:{frames[-1].lineno}" if frames else "tests"
    return f"{type(error).__name__} at {place}"
