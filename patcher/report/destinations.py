"""The output paths that the user names: refused at once if not writable, or if they would overwrite an input."""

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
    """The paths of the requested reports, by form (see `FORMS`). Raises `UsageError`, `ReportUnwritable`."""
    found = {form: path for form in FORMS if (path := getattr(options, form, None)) is not None}
    for form, path in found.items():
        if not _is_written_through(path):
            _refuse_overwriting(form, path, options)
            _refuse_shared(form, found)
            _refuse_unwritable(path)
    return found


def refuse_overlap(options: argparse.Namespace) -> None:
    """Raises `UsageError` where the output is inside one of its inputs, or an input is inside the output."""
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
    """Write a report. A regular file is replaced atomically and keeps its mode; a pipe or device is written to.

    Of a link, the target is written. Raises `OSError`.
    """
    data = text.encode()
    status = _status(path)
    if status is None or (stat.S_ISREG(status.st_mode) and _descriptor_of(status) is None):
        _replace(os.path.realpath(path), data, None if status is None else stat.S_IMODE(status.st_mode))
        return
    descriptor = _descriptor_of(status)
    descriptor = os.open(path, os.O_WRONLY) if descriptor is None else os.dup(descriptor)
    try:
        with open(descriptor, "wb", buffering=0) as stream:
            while data:
                data = data[stream.write(data) or 0 :]
    except BrokenPipeError:
        return  # the reader closed the pipe: not an error


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


# --- the existing file -----------------------------------------------------------------------------------------


def _status(path: str) -> os.stat_result | None:
    """The status of the file, links followed; None if there is none. Raises `OSError` for a loop of links."""
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _descriptor_of(status: os.stat_result) -> int | None:
    """Our open descriptor of this file, as in `--report /dev/stdout >file`: replacing the file would lose the rest."""
    listed = next((folder for folder in ("/proc/self/fd", "/dev/fd") if os.path.isdir(folder)), None)
    descriptors = [1, 2] if listed is None else sorted(map(int, os.listdir(listed)))
    return next((each for each in descriptors if _is_open_to_write(each, status)), None)


def _is_open_to_write(descriptor: int, status: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), status) and os.write(descriptor, b"") == 0
    except OSError:  # closed by now, or open to read only
        return False


def _is_written_through(path: str) -> bool:
    try:
        status = _status(path)
    except OSError as error:
        raise ReportUnwritable(str(error.strerror), where=path, hint=_ELSEWHERE) from error
    if status is None or stat.S_ISDIR(status.st_mode):
        return False
    return not stat.S_ISREG(status.st_mode) or _descriptor_of(status) is not None


def _is_within(path: str, folder: str) -> bool:
    """Whether a path is this folder or inside it, with links and other names of the same folder resolved."""
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
    """Whether a build would read this path as a file of upstream's."""
    if not os.path.isdir(upstream):
        return True
    inside = os.path.relpath(os.path.realpath(path), os.path.realpath(upstream)).replace(os.sep, "/")
    try:
        with open(os.path.join(upstream, "package.json"), "rb") as stream:
            return Travels(description(stream.read(), upstream), client=True).has(inside)
    except (OSError, PatcherError):
        return False


def _sources(options: argparse.Namespace) -> Iterator[tuple[str, str, str | None]]:
    """The inputs of the command: a description, the path, and the part in which nothing may be written (or None)."""
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
    for name in getattr(options, "series", None) or ():
        directory = directory_of(name) if name != CODEX else None
        if directory:
            yield "a series", name, directory
    node = getattr(options, "node", None)
    if node is not None and os.path.isfile(node):
        yield "the Node of --node", node, node


def _git_directory(repository: str) -> str | None:
    """The git directory of a clone: of a clone only this is read, not its working tree."""
    inside = os.path.join(repository, ".git")
    if os.path.isdir(inside):
        return inside
    return repository if os.path.isdir(os.path.join(repository, "objects")) else None
