"""Upstream's files in a directory. File names are decoded as UTF-8 whatever the locale. Leaf module."""

import os
import stat
from hashlib import sha256

from patcher.errors import DANGLING, UnsafePath, UpstreamUnreadable
from patcher.resources import content
from patcher.upstream.travels import modules_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from patcher.upstream.travels import Travels

_MODULES = ".gitmodules"
UNSAFE = "check where this tree comes from; nothing was written"


class Directory:
    """The files of a directory. A symlink to a file inside is read as that file."""

    def __init__(self, path: str) -> None:
        self._root = os.path.realpath(os.fsencode(path))

    def package_json(self) -> bytes | None:
        """The content of `package.json`; None where there is none. Raises what `read` raises."""
        return self.read("package.json")[0] if os.path.lexists(self._at("package.json")) else None

    def paths(self, travels: "Travels") -> "Iterable[str]":
        """Every file in the folders that may have copied files. Bytes that are not UTF-8 become surrogates in names.

        Raises `UnsafePath` (such a folder is a symlink), `UpstreamUnreadable`.
        """
        found, waiting = [], [""]
        while waiting:
            prefix = waiting.pop()
            try:
                with os.scandir(self._at(prefix)) as entries:
                    listed = [(prefix + _shown(entry.name), entry.is_dir(), entry) for entry in entries]
            except OSError as error:
                raise self._unreadable(error, prefix) from error
            for path, is_folder, entry in listed:
                if not is_folder:
                    found.append(path)
                elif travels.may_be_below(path):
                    if entry.is_symlink():
                        message = f"a directory is a symlink to {_shown(os.path.realpath(entry.path))}"
                        raise UnsafePath(message, where=path, hint=UNSAFE)
                    waiting.append(f"{path}/")
        return found

    def submodules(self) -> "Iterable[str]":
        """The submodules that were not fetched: empty folders that `.gitmodules` names."""
        if not os.path.isfile(self._at(_MODULES)):
            return []
        folders = (path for path in modules_of(self.read(_MODULES)[0]) if os.path.isdir(self._at(path)))
        return [path for path in folders if not os.listdir(self._at(path))]

    def read(self, path: str) -> tuple[bytes, bool]:
        """The content of a file, and whether its owner may execute it. Raises `UnsafePath`, `UpstreamUnreadable`."""
        file = self._at(path)
        try:
            mode = os.lstat(file).st_mode
            if stat.S_ISLNK(mode):
                link, file = file, self._follow_link(file)
                if not os.path.exists(file):
                    message = f"{path!r} is a link to {_shown(os.readlink(link))!r}, which is not a file that travels"
                    raise UpstreamUnreadable(message, where=_shown(self._root), hint=UNSAFE, code=DANGLING)
                mode = os.stat(file).st_mode
            if not stat.S_ISREG(mode):  # checked before it is opened: opening a pipe would block
                raise UpstreamUnreadable("expected a file, found something else", where=_shown(file))
            return content(file), bool(mode & stat.S_IXUSR)
        except OSError as error:
            raise self._unreadable(error, path) from error

    def _at(self, path: str) -> bytes:
        return os.path.join(self._root, path.encode("utf-8", "surrogateescape"))

    def _follow_link(self, link: bytes) -> bytes:
        real = os.path.realpath(link)
        if os.path.commonpath([self._root, real]) != self._root:
            message = f"a symlink leaves the tree: it points at {_shown(real)}"
            raise UnsafePath(message, where=_shown(link), hint=UNSAFE)
        return real

    def _unreadable(self, error: OSError, path: str) -> UpstreamUnreadable:
        where = _shown(self._at(path))
        hint = "check its permissions, or give another tree; nothing was written"
        return UpstreamUnreadable(f"cannot be read: {error.strerror}", where=where, hint=hint)


def _shown(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def digest(directory: Directory, travels: "Travels") -> str:
    """`model.tree_digest` of the copied files. Raises what reading raises, and `UnicodeError`."""
    lines = []
    for path in sorted(path for path in directory.paths(travels) if travels.has(path)):
        data, executable = directory.read(path)
        lines.append(f"{path}\0{int(executable)}\0{sha256(data).hexdigest()}\n")
    return sha256("".join(lines).encode()).hexdigest()
