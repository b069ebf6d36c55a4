"""The standard streams of the process, whatever the caller made of them: closed, full, non-blocking, not UTF-8.

Leaf module: an up-to-date build goes through here as well.
"""

import errno
import io
import os
import sys

from patcher.errors import EXIT_IO

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` takes long
    from typing import TextIO

_NAMES = ("stdin", "stdout", "stderr")  # by descriptor


class _Output(io.TextIOWrapper):
    """A stream whose writing never raises: the work is done all the same. `failure` is the first error."""

    failure: OSError | None = None

    def write(self, text: str) -> int:
        """As of any stream. What a terminal cannot show is escaped."""
        try:
            return super().write(text)
        except OSError as error:
            self.failure = self.failure or error
            return len(text)

    def flush(self) -> None:
        """As of any stream."""
        try:
            super().flush()
        except OSError as error:
            self.failure = self.failure or error


def prepare() -> None:
    """Call this before any file is opened: a closed descriptor would go to the next file, and get our messages.

    Begins the process again where the locale's encoding is not UTF-8: names of files are UTF-8 whatever the locale.
    """
    if os.name != "posix":
        return
    for descriptor, name in enumerate(_NAMES):
        _open_if_closed(descriptor)
        if getattr(sys, name) is None:  # Python found it closed
            raw = io.FileIO(descriptor, "r" if name == "stdin" else "w", closefd=False)
            setattr(sys, name, io.TextIOWrapper(io.BufferedReader(raw) if name == "stdin" else io.BufferedWriter(raw)))
    _speak_utf_8()
    sys.stdout = _output(sys.stdout, line_buffering=sys.stdout.isatty())
    sys.stderr = _output(sys.stderr, line_buffering=True)


def finish(code: int) -> int:
    """Flush, and return the exit code of the process, which is `code` unless stdout could not take what it got.

    A reader that has gone is not an error, and neither is a stderr that takes nothing.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    failure = sys.stdout.failure if isinstance(sys.stdout, _Output) else None
    if failure is None or failure.errno == errno.EPIPE:
        return code
    sys.stderr.write(f"error[stdout-unwritable]: {failure.strerror}; the exit code without this is {code}\n")
    sys.stderr.flush()
    return code or EXIT_IO


def _open_if_closed(descriptor: int) -> None:
    try:
        os.fstat(descriptor)
    except OSError:
        os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: those below are open by now
        os.set_inheritable(descriptor, True)  # noqa: FBT003 - it takes no keyword


def _speak_utf_8() -> None:
    if sys.getfilesystemencoding() == "utf-8" or not sys.executable or not sys.orig_argv:
        return
    os.environ.setdefault("PYTHONIOENCODING", f"{sys.stdout.encoding}:backslashreplace")  # a terminal keeps its own
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606 - ourselves


def _output(stream: "TextIO", *, line_buffering: bool) -> _Output:
    os.set_blocking(stream.fileno(), True)
    buffer = io.BufferedWriter(io.FileIO(stream.fileno(), "w", closefd=False))
    return _Output(buffer, stream.encoding, "backslashreplace", line_buffering=line_buffering)
