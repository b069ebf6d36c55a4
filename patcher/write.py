"""Stage 7: the generated tree onto the disk. At any instant the target is the whole old tree or the whole new one.

Everything is staged beside the target and then swapped in by one system call where the system has one (Linux
`renameat2`, macOS `renamex_np`). Elsewhere it takes two renames, and the next build repairs what a kill between them
left behind.

The working directory is never swapped: the shell in it would be left in a deleted directory. An empty one is filled, by
one rename for each entry, the manifest last; a kill in between leaves no manifest, and the next build moves the entries
back. One that has a tree in it is refused.
"""

import contextlib
import errno
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from patcher.errors import ManifestUnreadable, OutputNotOurs, OutputTampered, OutputUnwritable
from patcher.generated import differences, on_disk, read
from patcher.model import Tree
from patcher.resources import MANIFEST
from patcher.runtime import DATA, carry_data_over, keep_node_modules

_SHOWN = 10


@contextlib.contextmanager
def target(out: str, waiting: Callable[[str], None] = lambda _: None) -> Iterator[str]:
    """Lock the output directory, repair it after a killed build, and check it; yields its absolute path.

    waiting: called once, with the path, when another build has the lock; then this one waits.
    Raises `OutputNotOurs`, `OutputTampered`, `OutputUnwritable`.
    """
    out = os.path.abspath(out)
    parent, name = os.path.split(out)
    try:
        _make_parents(parent)
        with _lock(os.path.join(parent, f".{name}.lock"), out, waiting):
            _repair(parent, name)
            refuse_foreign(out)
            _refuse_working_directory(out)
            yield out
    except OSError as error:
        raise _unwritable(error, out) from error


def _make_parents(folder: str) -> None:
    """Make all missing folders or none. `os.makedirs` would recurse too deeply on a long path."""
    missing, made = [], []
    while not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    try:
        for each in reversed(missing):
            with contextlib.suppress(FileExistsError):  # another build made it meanwhile
                os.mkdir(each)
                made.append(each)
    except OSError:
        for each in reversed(made):
            with contextlib.suppress(OSError):
                os.rmdir(each)
        raise


def refuse_foreign(out: str) -> None:
    """Raise unless the directory is missing, empty, or an unedited generated tree."""
    if not os.path.lexists(out):
        return
    if not os.path.isdir(out) or os.path.islink(out):
        raise OutputNotOurs("expected a directory of ours or nothing, found a file or link", where=out, hint=ELSEWHERE)
    if not os.listdir(out):
        return
    if not os.path.lexists(os.path.join(out, MANIFEST)):
        message = f"the directory has files, and no {MANIFEST}: it is not a generated tree"
        raise OutputNotOurs(message, where=out, hint=ELSEWHERE)
    edited = [f"{path} ({what})" for what, path in differences(out, read(out)["files"])]
    if edited:
        more = f" and {len(edited) - _SHOWN} more" if len(edited) > _SHOWN else ""
        message = f"tampered: a person has changed the generated tree: {', '.join(edited[:_SHOWN])}{more}"
        hint = f"`sidecar-patcher verify {out}` lists them; keep what you need elsewhere, delete the directory, build"
        raise OutputTampered(message, where=out, hint=hint)


def _refuse_working_directory(out: str) -> None:
    """Raise where the working directory is in the output: replacing it would delete the shell's directory."""
    here = os.path.join(_working_directory(), "")
    if here.startswith(os.path.join(os.path.realpath(out), "")) and os.path.lexists(out) and os.listdir(out):
        message = "cannot be replaced: it contains your shell's working directory, which would be deleted"
        raise OutputUnwritable(message, where=out, hint="`cd` out of it and type the command again with its path")


def _working_directory() -> str:
    try:
        return os.path.realpath(os.getcwd())
    except FileNotFoundError:  # it has been removed
        return ""


ELSEWHERE = "give another --out, or move the directory away yourself; nothing was touched"


def write(tree: Tree, out: str, before_swap: Callable[[str], None] = lambda _: None) -> None:
    """Stage `tree` beside `out`, call `before_swap` with the staged directory, and swap it in.

    Call it inside `target`. When anything raises, `out` is as it was and the stage is gone.
    """
    parent, name = os.path.split(out)
    stage = os.path.join(parent, f".{name}.stage")
    try:
        _stage(tree, stage)
        before_swap(stage)
        if os.path.lexists(os.path.join(out, DATA)):
            carry_data_over(out, stage, {entry["path"] for entry in read(out)["files"]})
        _swap(stage, out)
    except OSError as error:
        raise _unwritable(error, out) from error
    finally:
        keep_node_modules(stage, out)
        _remove(stage)


def _stage(tree: Tree, stage: str) -> None:
    _remove(stage)
    os.makedirs(stage)
    os.chmod(stage, 0o755)  # noqa: S103 - the umask must not show in what we ship
    made = {stage}
    for path in sorted(tree):
        target_path = on_disk(stage, path)
        _make_folder(os.path.dirname(target_path), made)
        with open(target_path, "wb") as stream:
            stream.write(tree[path].data)
            os.fchmod(stream.fileno(), 0o755 if tree[path].executable else 0o644)


def _make_folder(folder: str, made: set[str]) -> None:
    if folder in made:
        return
    _make_folder(os.path.dirname(folder), made)
    os.mkdir(folder)
    os.chmod(folder, 0o755)  # noqa: S103
    made.add(folder)


def _swap(stage: str, out: str) -> None:
    is_free = not os.path.lexists(out) or not os.listdir(out)
    if is_free and os.path.realpath(out) == _working_directory():
        _fill(stage, out)
    elif is_free:
        os.replace(stage, out)
    elif not _exchange(stage, out):
        previous = _previous(out)
        _remove(previous)
        os.rename(out, previous)
        try:
            os.rename(stage, out)
        except BaseException:
            os.rename(previous, out)
            raise
        keep_node_modules(previous, out)
        _remove(previous)


def _fill(stage: str, out: str) -> None:
    """Move the staged entries into an empty directory, the manifest last: it is what makes a generated tree."""
    names = sorted(os.listdir(stage), key=lambda name: name == MANIFEST)
    try:
        for name in names:
            os.rename(os.path.join(stage, name), os.path.join(out, name))
    except BaseException:
        for name in names:
            if not os.path.lexists(os.path.join(stage, name)):
                os.rename(os.path.join(out, name), os.path.join(stage, name))
        raise


def _undo_fill(stage: str, out: str) -> None:
    """Undo a `_fill` that was killed: delete from the output the unedited files that the staged manifest names."""
    if not os.path.lexists(os.path.join(stage, MANIFEST)) or os.path.lexists(os.path.join(out, MANIFEST)):
        return
    try:
        files = read(stage)["files"]
    except ManifestUnreadable:  # killed during staging: nothing was moved
        return
    other = {path for _, path in differences(out, files)}
    moved = [entry["path"] for entry in files if entry["path"] not in other]
    for path in moved:
        os.unlink(on_disk(out, path))
    folders = {str(parent) for path in moved for parent in PurePosixPath(path).parents} - {"."}
    for folder in sorted(folders, key=len, reverse=True):
        with contextlib.suppress(OSError):  # it has other files
            os.rmdir(on_disk(out, folder))


def _exchange(left: str, right: str) -> bool:
    """Swap two directories in one system call. False where the system or the file system has no such call."""
    import ctypes  # slow to import, and most runs never swap

    library = ctypes.CDLL(None, use_errno=True)
    paths = os.fsencode(left), os.fsencode(right)
    if sys.platform == "linux" and hasattr(library, "renameat2"):
        at_cwd, exchange = -100, 2
        return bool(library.renameat2(at_cwd, paths[0], at_cwd, paths[1], exchange) == 0)
    if sys.platform == "darwin" and hasattr(library, "renamex_np"):
        return bool(library.renamex_np(*paths, 0x00000002) == 0)
    return False


def _previous(out: str) -> str:
    parent, name = os.path.split(out)
    return os.path.join(parent, f".{name}.previous")


def _repair(parent: str, name: str) -> None:
    """Clean up after a killed build: remove its stage, and move the old target back."""
    out = os.path.join(parent, name)
    previous = _previous(out)
    if os.path.lexists(previous):
        if not os.path.lexists(out):
            os.rename(previous, out)
        keep_node_modules(previous, out)
        _remove(previous)
    stage = os.path.join(parent, f".{name}.stage")
    if os.path.isdir(out):
        _undo_fill(stage, out)
    keep_node_modules(stage, out)
    _remove(stage)


def _remove(path: str) -> None:
    if os.path.islink(path) or os.path.isfile(path):
        os.unlink(path)
    elif os.path.lexists(path):
        shutil.rmtree(path)


@contextlib.contextmanager
def _lock(path: str, out: str, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold an advisory lock. The system releases it when the process ends, even by a kill."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _acquire(descriptor, out, waiting)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, out: str, waiting: Callable[[str], None]) -> None:
    try:
        import fcntl
    except ImportError:  # Windows: `msvcrt` locks block for ten seconds and then raise OSError
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined,unused-ignore]
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        waiting(out)
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _unwritable(error: OSError, out: str) -> OutputUnwritable:
    no_permission = ("no permission to write there", "give an --out that you may write to")
    mounted = ("it, or a directory in it, is a mount point or busy", f"give a directory in it: --out {out}/tree")
    reasons = {
        errno.ENOSPC: ("the disk is full", "free some space and build again"),
        errno.EROFS: ("the disk is read-only", "give an --out on a writable disk"),
        errno.EACCES: no_permission,
        errno.EPERM: no_permission,
        errno.EBUSY: mounted,
        errno.EXDEV: mounted,
    }
    reason, hint = reasons.get(error.errno or 0, (error.strerror or str(error), "give another --out"))
    return OutputUnwritable(f"cannot be written: {reason}; what was there is unchanged", where=out, hint=hint)
