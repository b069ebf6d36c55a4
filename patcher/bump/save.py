"""Several files replaced as one: whole at any instant, and completed by the next run when this one is killed.

Guaranteed: each file is the old one or the new one, never a part of either. Before the journal is in place nothing has
changed, and the next run clears up; from then on the change is decided, and the next run completes it.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256

from patcher.errors import DeclarationsChanged, DeclarationsReadOnly

JOURNAL = ".bump-journal"
_STAGED = ".bump-staged"


def save(folder: str, files: Mapping[str, tuple[str, str]]) -> None:
    """Replace files of a folder, all or none. files: the old and the new text by name.

    Raises `DeclarationsChanged` (a file is not the old text any more), `DeclarationsReadOnly`.
    """
    try:
        with _locked(folder):
            _complete(folder)
            for name, (old, _) in files.items():
                _expect(folder, name, old)
            for name, (_, new) in files.items():
                _write(_staged(folder, name), new.encode())
            digests = {name: sha256(new.encode()).hexdigest() for name, (_, new) in files.items()}
            _write(_staged(folder, JOURNAL), json.dumps(digests).encode())
            os.replace(_staged(folder, JOURNAL), os.path.join(folder, JOURNAL))
            _sync(folder)
            _complete(folder)
    except OSError as error:
        hint = "nothing is half written; make the directory writable and run it again"
        raise DeclarationsReadOnly(f"cannot be written: {error.strerror}", where=folder, hint=hint) from error


def recover(folder: str) -> bool:
    """Complete what a killed run had decided, and clear up what it had not. Whether there was anything to do."""
    if not os.path.isdir(folder) or not _left(folder):
        return False
    try:
        with _locked(folder):
            _complete(folder)
    except OSError as error:
        raise DeclarationsReadOnly(f"cannot be written: {error.strerror}", where=folder) from error
    return True


def _left(folder: str) -> list[str]:
    return [name for name in os.listdir(folder) if name == JOURNAL or name.endswith(_STAGED)]


def _complete(folder: str) -> None:
    journal = os.path.join(folder, JOURNAL)
    if os.path.exists(journal):
        with open(journal, "rb") as stream:
            digests = json.loads(stream.read())
        for name, digest in digests.items():
            staged = _staged(folder, name)
            if os.path.exists(staged) and _digest(staged) == digest:
                os.replace(staged, os.path.join(folder, name))
        _sync(folder)
        os.unlink(journal)
    for name in _left(folder):
        os.unlink(os.path.join(folder, name))
    _sync(folder)


def _expect(folder: str, name: str, old: str) -> None:
    path = os.path.join(folder, name)
    if not os.path.exists(path) or _digest(path) != sha256(old.encode()).hexdigest():
        message = "this declaration was edited while the bump ran"
        raise DeclarationsChanged(message, where=path, hint="run it again; nothing was written")


def _staged(folder: str, name: str) -> str:
    return os.path.join(folder, f".{name.removeprefix('.')}{_STAGED}")


def _digest(path: str) -> str:
    with open(path, "rb") as stream:
        return sha256(stream.read()).hexdigest()


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _sync(folder: str) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _locked(folder: str) -> Iterator[None]:
    """One bump at a time; the lock is the directory's own and ends with the process."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
