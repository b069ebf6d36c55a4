"""What a person names to be written: refused at once where it cannot be, or where it would overwrite what is read."""

import argparse
import os
import stat
from collections.abc import Iterator

from patcher.errors import PatcherError, ReportUnwritable, UsageError
from patcher.resources import BUILTIN_SIDECAR
from patcher.series.where import CODEX, directory_of
from patcher.upstream import spec as specs
from patcher.upstream.travels import Travels, description

FORMS = ("report", "html", "markdown", "sbom")
_UPSTREAM = "upstream"


def reports_of(options: argparse.Namespace) -> dict[str, str]:
    """The paths of the reports that were asked for, by form. Raises `UsageError`, `ReportUnwritable`."""
    found = {form: path for form in FORMS if (path := getattr(options, form, None)) is not None}
    for form, path in found.items():
        if not _is_written_through(path):
            _refuse_overwriting(form, path, options)
            _refuse_shared(form, found)
            _refuse_unwritable(path)
    return found


def refuse_overlap(options: argparse.Namespace) -> None:
    """Raises `UsageError` where the output would be written into what it is made from, or the other way round."""
    out = getattr(options, "out", None)
    if out is None:
        return
    for what, path, read in _sources(options):
        if read is not None and _is_within(out, read):
            raise UsageError(f"the output is inside {what} ({path})", where=out, hint="give an --out beside it")
        if _is_within(path, out):
            hint = "give another --out: what is there is replaced as a whole"
            raise UsageError(f"{what} ({path}) is inside the output", where=out, hint=hint)


def write_whole(path: str, text: str) -> None:
    """Write a report. A file is replaced, whole or not at all, and keeps its mode; what else there is is written to.

    A link stays a link; what it names is written. Raises `OSError`.
    """
    data = text.encode()
    there = _status(path)
    if there is None or (stat.S_ISREG(there.st_mode) and _descriptor_of(there) is None):
        _replace(os.path.realpath(path), data, None if there is None else stat.S_IMODE(there.st_mode))
        return
    held = _descriptor_of(there)
    descriptor = os.open(path, os.O_WRONLY) if held is None else os.dup(held)
    try:
        with open(descriptor, "wb", buffering=0) as stream:
            while data:
                data = data[stream.write(data) or 0 :]
    except BrokenPipeError:
        return  # the reader has gone: not an error


def _replace(path: str, data: bytes, mode: int | None) -> None:
    temporary = os.path.join(os.path.dirname(path), f".sidecar-patcher.{os.urandom(8).hex()}.tmp")
    try:
        with open(temporary, "xb") as stream:
            stream.write(data)
            if mode is not None:
                os.fchmod(stream.fileno(), mode)
        os.replace(temporary, path)
    except BaseException:
        if os.path.lexists(temporary):
            os.unlink(temporary)
        raise


# --- what is there ---------------------------------------------------------------------------------------------


def _status(path: str) -> os.stat_result | None:
    """What stands there, behind links; None for nothing, also behind a link. Raises `OSError` for a loop of links."""
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _descriptor_of(there: os.stat_result) -> int | None:
    """Our descriptor that has this file open, as in `--report /dev/stdout >file`: replacing it would lose the rest."""
    listed = next((folder for folder in ("/proc/self/fd", "/dev/fd") if os.path.isdir(folder)), None)
    descriptors = [1, 2] if listed is None else sorted(map(int, os.listdir(listed)))
    return next((each for each in descriptors if _is_open_to_write(each, there)), None)


def _is_open_to_write(descriptor: int, there: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), there) and os.write(descriptor, b"") == 0
    except OSError:  # closed by now, or open to read only
        return False


def _is_written_through(path: str) -> bool:
    try:
        there = _status(path)
    except OSError as error:
        raise ReportUnwritable(str(error.strerror), where=path, hint=_ELSEWHERE) from error
    if there is None or stat.S_ISDIR(there.st_mode):
        return False
    return not stat.S_ISREG(there.st_mode) or _descriptor_of(there) is not None


def _is_within(path: str, folder: str) -> bool:
    """Whether a path is this folder or somewhere in it, by what is on the disk: links, or a second name for it."""
    path, folder = os.path.realpath(path), os.path.realpath(folder)
    while not _is_same(path, folder):
        path, below = os.path.dirname(path), path
        if path == below:
            return False
    return True


def _is_same(path: str, other: str) -> bool:
    try:
        return path == other or os.path.samefile(path, other)
    except OSError:
        return False


# --- refusals --------------------------------------------------------------------------------------------------

_ELSEWHERE = "name another file"


def _refuse_unwritable(path: str) -> None:
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    if os.path.isdir(target) or path.endswith(os.sep):
        raise ReportUnwritable("expected a file, found a directory", where=path, hint=_ELSEWHERE)
    if not os.path.isdir(folder):
        what = "is not a directory" if os.path.lexists(folder) else "does not exist"
        raise ReportUnwritable(f"its directory {what}: {folder}", where=path, hint="make the directory first")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ReportUnwritable(f"no permission to write into {folder}", where=path, hint=_ELSEWHERE)


def _refuse_shared(form: str, reports: dict[str, str]) -> None:
    for other, path in reports.items():
        if other != form and _is_same(os.path.realpath(path), os.path.realpath(reports[form])):
            raise UsageError(
                f"--{form} and --{other} are the same file", where=path, hint="give each a file of its own"
            )


def _refuse_overwriting(form: str, path: str, options: argparse.Namespace) -> None:
    for name in ("out", "directory", "tree"):
        tree = getattr(options, name, None)
        if tree is not None and _is_within(path, tree):
            message = f"--{form} is inside the generated tree ({tree}), where it would count as edited"
            raise UsageError(message, where=path, hint=f"name a file outside of {tree}")
    for what, source, read in _sources(options):
        if read is not None and _is_within(path, read) and (what != _UPSTREAM or _travels(path, source)):
            raise UsageError(f"--{form} would overwrite {what} ({source})", where=path, hint=_ELSEWHERE)


def _travels(path: str, upstream: str) -> bool:
    """Whether a file is one of upstream's that a build reads, or would become one."""
    if not os.path.isdir(upstream):
        return True
    inside = os.path.relpath(os.path.realpath(path), os.path.realpath(upstream)).replace(os.sep, "/")
    try:
        with open(os.path.join(upstream, "package.json"), "rb") as stream:
            return Travels(description(stream.read(), upstream), client=True).has(inside)
    except (OSError, PatcherError):
        return False


def _sources(options: argparse.Namespace) -> Iterator[tuple[str, str, str | None]]:
    """What is read: what it is, its path, and the part of it in which nothing may be written."""
    spec = getattr(options, "upstream", None)
    if spec == "builtin":
        yield "the builtin sidecar", BUILTIN_SIDECAR, BUILTIN_SIDECAR
    elif spec is not None:
        repository = spec if options.verb in {"matrix", "bump"} else specs.split(spec)[0]
        if options.verb not in {"matrix", "bump"} and os.path.exists(spec):
            yield _UPSTREAM, spec, spec
        elif repository and os.path.isdir(repository):
            yield "upstream's repository", repository, _git_directory(repository)
    if options.verb == "revert":
        yield "the generated tree", options.directory, options.directory
    for word in getattr(options, "series", None) or ():
        directory = directory_of(word) if word != CODEX else None
        if directory:
            yield "a series", word, directory
    node = getattr(options, "node", None)
    if node is not None and os.path.isfile(node):
        yield "the Node of --node", node, node


def _git_directory(repository: str) -> str | None:
    """Where a clone keeps what it is; its working tree is not read."""
    inside = os.path.join(repository, ".git")
    if os.path.isdir(inside):
        return inside
    return repository if os.path.isdir(os.path.join(repository, "objects")) else None
