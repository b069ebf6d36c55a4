"""Stage 1: an upstream spec becomes a tree of bytes in memory, with an identity."""

import gzip
import io
import json
import os
import posixpath
import stat
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from patcher import git
from patcher.errors import ClientMissing, NotThisPackage, UnsafePath, UpstreamUnreadable
from patcher.model import File, Upstream
from patcher.resources import BUILTIN_SIDECAR

PACKAGE = "agent-dashboard"
BUILTIN = "builtin"
_ALWAYS = ("server", "scripts", "bin", "package.json", "LICENSE")
NEVER = frozenset({"node_modules", "client", "docs", ".git", "__tests__", "__pycache__", ".DS_Store"})
CLIENT = "client"
_CLIENT_NEVER = NEVER - {"client", "docs"}
_DATABASES = (".db", ".db-wal", ".db-shm", ".db-journal")  # of a sidecar that ran in its checkout
_ARCHIVES = (".tgz", ".tar.gz")
_DANGLING = "upstream-dangling-link"
_SPECS = "`builtin`, a directory, a .tgz, or REPOSITORY@REF"


def materialize(spec: str, *, client: bool = False) -> Upstream:
    """Read the upstream that `spec` names: `builtin`, a directory, a `.tgz`, or `<git url or path>@<ref>`.

    What travels is what the server needs to run: `server/`, `scripts/`, `bin/`, `package.json`, `LICENSE`, and
    what else the package's own `files` names; never `node_modules`, `client/`, docs or tests.
    client: the client's sources travel too, without what is built or installed there.

    Raises `UpstreamUnreadable` (nothing there, truncated, unreadable), `UnsafePath` (a member leaves the tree),
    `NotThisPackage`, `ClientMissing`.
    """
    if spec == BUILTIN:
        return identified(_read_directory(BUILTIN_SIDECAR, spec, client=client), BUILTIN, spec, client=client)
    if os.path.isdir(spec):
        return identified(_read_directory(spec, spec, client=client), "directory", spec, client=client)
    if spec.endswith(_ARCHIVES):
        if not os.path.isfile(spec):
            raise UpstreamUnreadable("there is no such archive", where=spec, hint=f"give {_SPECS}")
        return identified(_read_archive(spec), "archive", spec, client=client)
    repository, at, ref = spec.rpartition("@")
    if not at or not ref or not repository:
        problem = "this is a file, not a directory" if os.path.exists(spec) else "there is no such directory"
        raise UpstreamUnreadable(problem, where=spec, hint=f"give {_SPECS}")
    tree, archive = git.archive(
        repository, ref, lambda package: names_that_travel(description(package, spec), client=client)
    )
    try:
        upstream = identified(_members(archive, spec), ref, spec, client=client)
    except UpstreamUnreadable as error:
        if error.code != _DANGLING:
            raise
        _, archive = git.archive(repository, ref, lambda _: ["*"])  # a link to what does not travel: read it all
        upstream = identified(_members(archive, spec), ref, spec, client=client)
    return replace(upstream, source=f"git-tree:{tree}")


def identified(everything: Iterator[tuple[str, File]], ref: str, spec: str, *, client: bool = False) -> Upstream:
    """What travels of a whole tree, with its identity. Raises `NotThisPackage`, `ClientMissing`."""
    tree = dict(everything)
    manifest = tree.get("package.json")
    package = description(manifest.data if manifest else None, spec)
    wanted = names_that_travel(package, client=client)
    if client and f"{CLIENT}/package.json" not in tree:
        hint = "leave `--client` out, or give a checkout or a git ref: what npm publishes has no client sources"
        raise ClientMissing(f"expected {CLIENT}/package.json, found no such file", where=spec, hint=hint)
    travels = {path: file for path, file in sorted(tree.items()) if does_travel(path, wanted, client=client)}
    version = package.get("version")
    return Upstream(PACKAGE, "" if version is None else str(version), ref, travels, spec=spec)


def description(package_json: bytes | None, where: str) -> Mapping[str, object]:
    """The package's own description. Raises `NotThisPackage`, so that a wrong tree is refused before it is read."""
    hint = f"point --upstream at a tree of {PACKAGE}, or leave it out for the builtin sidecar"
    if package_json is None:
        raise NotThisPackage(f"expected {PACKAGE}, found a tree without a package.json", where=where, hint=hint)
    try:
        package = json.loads(package_json)
    except ValueError as error:
        raise NotThisPackage(f"package.json is not JSON: {error}", where=where, hint=hint) from error
    name = package.get("name") if isinstance(package, dict) else None
    if name != PACKAGE:
        raise NotThisPackage(f"expected {PACKAGE}, found {name!r} in package.json", where=where, hint=hint)
    return dict(package)


def names_that_travel(package: Mapping[str, object], *, client: bool = False) -> list[str]:
    """Paths, and patterns of paths, of what the server needs to run and of what else the package names."""
    named = package.get("files")
    names = [posixpath.normpath(str(name)).strip("/") for name in (named if isinstance(named, list) else ())]
    more = [CLIENT] if client else []
    return [*_ALWAYS, *more, *(name for name in names if name not in {"", "."})]


def does_travel(path: str, wanted: list[str], *, client: bool = False) -> bool:
    """Whether a file of the tree is one of those, and no test, document, client (but for `client`) or database."""
    top, *rest = path.split("/")
    if client and top == CLIENT and rest:
        return not _CLIENT_NEVER.intersection(rest) and rest[0] != "dist"
    if NEVER.intersection([top, *rest]) or path.endswith(_DATABASES):
        return False
    return any(fnmatchcase(path, name) or fnmatchcase(path, f"{name}/*") for name in wanted)


# --- directories -----------------------------------------------------------------------------------------------


def _read_directory(root: str, spec: str, *, client: bool) -> Iterator[tuple[str, File]]:
    """What travels of a directory. `package.json` is read first: a wrong directory is refused before it is walked.

    A symlink that stays inside becomes the file it names; one that leaves is an error.
    """
    root = os.path.realpath(root)
    try:
        there = os.path.lexists(os.path.join(root, "package.json"))
        package = _read_file(root, os.path.join(root, "package.json"))[1].data if there else None
        tops = {name.split("/")[0] for name in names_that_travel(description(package, spec), client=client)}
        for name in sorted(os.listdir(root)):
            path = os.path.join(root, name)
            if (name in NEVER and not (client and name == CLIENT)) or not any(fnmatchcase(name, top) for top in tops):
                continue
            if os.path.isdir(path):
                yield from _walk(root, path, _CLIENT_NEVER if name == CLIENT else NEVER)
            else:
                yield _read_file(root, path)
    except OSError as error:
        raise UpstreamUnreadable(f"cannot be read: {error.strerror}", where=error.filename or root) from error


def _walk(root: str, top: str, never: frozenset[str]) -> Iterator[tuple[str, File]]:
    _refuse_symlink(root, top)
    for folder, folders, names in os.walk(top, onerror=_raise):
        folders[:] = sorted(name for name in folders if name not in never)
        for name in folders:
            _refuse_symlink(root, os.path.join(folder, name))
        for name in sorted(names):
            yield _read_file(root, os.path.join(folder, name))


def _raise(error: OSError) -> None:
    raise error


def _read_file(root: str, path: str) -> tuple[str, File]:
    real = os.path.realpath(path)
    if os.path.commonpath([root, real]) != root:
        raise UnsafePath(f"a symlink leaves the tree: it points at {real}", where=path, hint=_UNSAFE)
    mode = os.stat(real).st_mode
    if not stat.S_ISREG(mode):  # looked at before it is opened: opening a pipe would wait for its other end
        raise UpstreamUnreadable("expected a file, found something else", where=path)
    with open(real, "rb") as stream:
        return os.path.relpath(path, root).replace(os.sep, "/"), File(stream.read(), bool(mode & stat.S_IXUSR))


def _refuse_symlink(root: str, path: str) -> None:
    if os.path.islink(path):
        target = os.path.realpath(path)
        raise UnsafePath(f"a directory is a symlink to {target}", where=os.path.relpath(path, root), hint=_UNSAFE)


_UNSAFE = "check where this tree comes from; nothing was written"


# --- archives --------------------------------------------------------------------------------------------------


def _read_archive(path: str) -> Iterator[tuple[str, File]]:
    try:
        with open(path, "rb") as stream:
            data = stream.read()
    except OSError as error:
        raise UpstreamUnreadable(f"cannot be read: {error.strerror}", where=path) from error
    yield from _members(data, path, strip=True)


def _members(data: bytes, where: str, *, strip: bool = False) -> Iterator[tuple[str, File]]:
    """The files of a tar archive. `strip`: leave out the one folder that holds everything, as npm's `package/`."""
    try:
        with tarfile.open(fileobj=io.BytesIO(_unzipped(data))) as archive:
            members = {_safe(member.name, where): member for member in archive if not member.isdir()}
            files = {path: _content(archive, members, path, where) for path in members}
    except (tarfile.TarError, EOFError, OSError, ValueError, zlib.error) as error:
        hint = "the archive is truncated or not a gzipped tar; fetch it again"
        raise UpstreamUnreadable(f"cannot be unpacked: {error}", where=where, hint=hint) from error
    top = {path.split("/", 1)[0] for path in files}
    prefix = f"{top.pop()}/" if strip and len(top) == 1 and "package.json" not in files else ""
    yield from ((path.removeprefix(prefix), file) for path, file in files.items())


def _unzipped(data: bytes) -> bytes:
    """All of it at once: `tarfile` stops at the last member and never looks at the checksum behind it."""
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


def _safe(name: str, where: str) -> str:
    path = posixpath.normpath(name)
    if path.startswith(("/", "../")) or path == ".." or (len(path) > 1 and path[1] == ":") or "\\" in path:
        raise UnsafePath(f"the member {name!r} leaves the tree", where=where, hint=_UNSAFE)
    return path


def _content(archive: tarfile.TarFile, members: Mapping[str, tarfile.TarInfo], path: str, where: str) -> File:
    member = _behind_links(members, path, where)
    if not member.isfile():
        raise UpstreamUnreadable(f"the member {member.name!r} is neither file nor link", where=where)
    stream = archive.extractfile(member)
    return File(stream.read() if stream else b"", bool(member.mode & stat.S_IXUSR))


def _behind_links(members: Mapping[str, tarfile.TarInfo], path: str, where: str) -> tarfile.TarInfo:
    """The member that a chain of links ends in. Raises `UnsafePath` where one leaves the tree."""
    member, seen = members[path], {path}
    while member.issym() or member.islnk():
        folder = posixpath.dirname(path) if member.issym() else ""
        target = posixpath.normpath(posixpath.join(folder, member.linkname))
        if member.islnk():
            _safe(member.linkname, where)
        elif member.linkname.startswith("/") or target == ".." or target.startswith("../"):
            raise UnsafePath(f"{member.name!r} is a symlink to {member.linkname!r}", where=where, hint=_UNSAFE)
        if target in seen or target not in members:
            message = f"{path!r} is a link to {member.linkname!r}, which is no file that travels"
            raise UpstreamUnreadable(message, where=where, hint=_UNSAFE, code=_DANGLING)
        path = target
        seen.add(path)
        member = members[path]
    return member
