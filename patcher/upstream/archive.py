"""Upstream's files in a tar archive, gzipped or not."""

import gzip
import io
import posixpath
import stat
import tarfile
import zlib
from collections.abc import Iterable
from itertools import islice

from patcher.errors import DANGLING, UnsafePath, UpstreamUnreadable
from patcher.model import File, digest
from patcher.upstream.directory import UNSAFE
from patcher.upstream.travels import LARGEST, MOST_FILES, Travels, is_apple_double, modules_of

_DAMAGED = (tarfile.TarError, EOFError, OSError, ValueError, OverflowError, MemoryError, zlib.error)

_PART = 1 << 22


class Archive:
    """An archive in memory. If all its files are in one top folder, as npm's `package/`, paths are relative to that."""

    def __init__(self, path: str) -> None:
        """Raises `UpstreamUnreadable`, and `UnsafePath` for a member that leaves the tree."""
        self._where = path
        self._read = 0
        try:
            with open(path, "rb") as stream:
                data = stream.read()
        except OSError as error:
            raise UpstreamUnreadable(f"cannot be read: {error.strerror}", where=path) from error
        self.identity = f"archive:{digest(data)}"
        try:
            plain = self._unpacked(data) if data.startswith(b"\x1f\x8b") else data
            self._tar = tarfile.TarFile(fileobj=io.BytesIO(plain), encoding="utf-8", errors="surrogateescape")
            everything = {self._safe(member.name): member for member in islice(self._tar, MOST_FILES + 1)}
        except _DAMAGED as error:
            raise self._damaged(error) from error
        if len(self._tar.getmembers()) > MOST_FILES:
            raise self._too_large(f"{MOST_FILES:,} members")
        self._members = {path: member for path, member in everything.items() if not member.isdir()}
        self._folders = everything.keys() - self._members.keys()
        tops = {path.partition("/")[0] for path in self._members if not is_apple_double(path)}
        alone = len(tops) == 1 and "package.json" not in self._members
        self._prefix = f"{tops.pop()}/" if alone else ""

    def package_json(self) -> bytes | None:
        """The content of `package.json`; None where there is none. Raises what `file` raises."""
        return self.file("package.json").data if f"{self._prefix}package.json" in self._members else None

    def paths(self, travels: Travels) -> Iterable[str]:
        """Every file and link. Bytes that are not UTF-8 become surrogates in the names."""
        del travels
        return [path.removeprefix(self._prefix) for path in self._members]

    def submodules(self) -> Iterable[str]:
        """Empty folders that `.gitmodules` names: an archive of git has no files of a submodule."""
        modules = modules_of(self.file(".gitmodules").data) if f"{self._prefix}.gitmodules" in self._members else []
        empty = (path for path in modules if self._prefix + path in self._folders)
        return [path for path in empty if not any(each.startswith(f"{self._prefix}{path}/") for each in self._members)]

    def file(self, path: str) -> File:
        """A file, links followed. Raises `UnsafePath`, `UpstreamUnreadable`."""
        member = self._follow_links(self._prefix + path)
        if not member.isfile():
            raise UpstreamUnreadable(f"the member {member.name!r} is neither file nor link", where=self._where)
        self._read += member.size
        if self._read > LARGEST:
            raise self._too_large(f"{LARGEST:,} bytes")
        try:
            stream = self._tar.extractfile(member)
            return File(stream.read() if stream else b"", bool(member.mode & stat.S_IXUSR))
        except _DAMAGED as error:
            raise self._damaged(error) from error

    def _unpacked(self, data: bytes) -> bytes:
        """The unpacked data; reading to the end also checks the checksum."""
        parts, size = [], 0
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            while part := stream.read(_PART):
                parts.append(part)
                size += len(part)
                if size > LARGEST:
                    raise self._too_large(f"{LARGEST:,} bytes")
        return b"".join(parts)

    def _too_large(self, most: str) -> UpstreamUnreadable:
        hint = "check where this archive comes from; nothing was written"
        return UpstreamUnreadable(f"expected at most {most}, found more when unpacked", where=self._where, hint=hint)

    def _safe(self, name: str) -> str:
        path = posixpath.normpath(name)
        if path.startswith(("/", "../")) or path == ".." or path[1:2] == ":" or "\\" in path:
            raise UnsafePath(f"the member {name!r} leaves the tree", where=self._where, hint=UNSAFE)
        return path

    def _damaged(self, error: BaseException) -> UpstreamUnreadable:
        hint = "the archive is truncated or not a gzipped tar; fetch it again"
        return UpstreamUnreadable(f"cannot be unpacked: {error}", where=self._where, hint=hint)

    def _follow_links(self, path: str) -> tarfile.TarInfo:
        """The member at the end of a chain of links. Raises `UnsafePath` where one leaves the tree."""
        member, visited = self._members[path], {path}
        while member.issym() or member.islnk():
            folder = posixpath.dirname(path) if member.issym() else ""
            target = posixpath.normpath(posixpath.join(folder, member.linkname))
            if member.islnk():
                self._safe(member.linkname)
            elif member.linkname.startswith("/") or target == ".." or target.startswith("../"):
                message = f"{member.name!r} is a symlink to {member.linkname!r}"
                raise UnsafePath(message, where=self._where, hint=UNSAFE)
            if target in visited or target not in self._members:
                message = f"{path!r} is a link to {member.linkname!r}, which is not a file that travels"
                raise UpstreamUnreadable(message, where=self._where, hint=UNSAFE, code=DANGLING)
            path = target
            visited.add(path)
            member = self._members[path]
        return member
