"""Make the standard streams usable when the caller left them closed, full, non-blocking or not in UTF-8.

Leaf module with few imports: an up-to-date build uses it as well.
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
    """A stream on which writing never raises, because the work is already done. `failure`: the first error, or None."""

    failure: OSError | None = None

    def write(self, text: str) -> int:
        """As `TextIOWrapper.write`; what the encoding cannot represent is escaped."""
        try:
            return super().write(text)
        except OSError as error:
            self.failure = self.failure or error
            return len(text)

    def flush(self) -> None:
        """As `TextIOWrapper.flush`."""
        try:
            super().flush()
        except OSError as error:
            self.failure = self.failure or error


def prepare() -> None:
    """Call this before any file is opened: that file could otherwise get a closed descriptor, and then our messages.

    Restarts the process in UTF-8 mode where the locale's encoding is not UTF-8: file names are always read as UTF-8.
    """
    if os.name != "posix":
        return
    for descriptor, name in enumerate(_NAMES):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: those below are open by now
            os.set_inheritable(descriptor, True)  # noqa: FBT003 - it has no keyword
        if getattr(sys, name) is None:  # Python found it closed
            raw = io.FileIO(descriptor, "r" if name == "stdin" else "w", closefd=False)
            setattr(sys, name, io.TextIOWrapper(io.BufferedReader(raw) if name == "stdin" else io.BufferedWriter(raw)))
    _restart_in_utf_8()
    sys.stdout = _output(sys.stdout, line_buffering=sys.stdout.isatty())
    sys.stderr = _output(sys.stderr, line_buffering=True)


def finish(code: int) -> int:
    """Flush both streams; returns the exit code of the process: `code`, or `EXIT_IO` where writing to stdout failed.

    A closed pipe on stdout is not an error, and neither is any failure of stderr.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    failure = sys.stdout.failure if isinstance(sys.stdout, _Output) else None
    if failure is None or failure.errno == errno.EPIPE:
        return code
    sys.stderr.write(f"error[stdout-unwritable]: {failure.strerror}; the exit code without this is {code}\n")
    sys.stderr.flush()
    return code or EXIT_IO


def _restart_in_utf_8() -> None:
    if sys.getfilesystemencoding() == "utf-8" or not sys.executable or not sys.orig_argv:
        return
    os.environ.setdefault("PYTHONIOENCODING", f"{sys.stdout.encoding}:backslashreplace")  # a terminal keeps its own
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606 - ourselves


def _output(stream: "TextIO", *, line_buffering: bool) -> _Output:
    os.set_blocking(stream.fileno(), True)
    buffer = io.BufferedWriter(io.FileIO(stream.fileno(), "w", closefd=False))
    return _Output(buffer, stream.encoding, "backslashreplace", line_buffering=line_buffering)
