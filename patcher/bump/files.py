"""Write several files of a series: each atomically, in their order, and only if none was edited in the meantime."""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from patcher.errors import DeclarationsChanged, DeclarationsReadOnly

_STAGED = ".staged"

Files = Mapping[str, tuple[str, str]]
"""The old and the new text of each changed file, by its path in the folder; the pins come last."""


def write(files: Files, folder: str) -> None:
    """Replace files of the folder, each atomically, in their order.

    Raises `DeclarationsChanged` (a file no longer has the old text; nothing is written), `DeclarationsReadOnly`.
    """
    try:
        with _locked(folder):
            for inner in sorted({os.path.dirname(os.path.join(folder, name)) for name in files}):
                for name in os.listdir(inner):
                    if name.endswith(_STAGED):  # left by a killed run
                        os.unlink(os.path.join(inner, name))
            for name, (old, _) in files.items():
                _expect_text(folder, name, old)
            for name, (_, new) in files.items():
                _replace(folder, name, new)
    except OSError as error:
        hint = "no file is half written; make the directory writable and run it again"
        raise DeclarationsReadOnly(f"cannot be written: {error.strerror}", where=folder, hint=hint) from error


def text_of(folder: str, name: str) -> str:
    """The text of a file with its own line endings. Raises `OSError`."""
    with open(os.path.join(folder, name), encoding="utf-8", newline="") as stream:
        return stream.read()


def _expect_text(folder: str, name: str, old: str) -> None:
    path = os.path.join(folder, name)
    if (text_of(folder, name) if os.path.exists(path) else "") != old:  # a record that does not exist yet has no text
        message = "this file was edited in the meantime"
        raise DeclarationsChanged(message, where=path, hint="run it again; nothing was written")


def _replace(folder: str, name: str, text: str) -> None:
    folder, name = os.path.split(os.path.join(folder, name))
    staged = os.path.join(folder, f".{name}{_STAGED}")
    with open(staged, "w", encoding="utf-8", newline="") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(staged, os.path.join(folder, name))
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _locked(folder: str) -> Iterator[None]:
    """Hold a lock on the directory itself: one writer at a time. The system releases it when the process ends."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
