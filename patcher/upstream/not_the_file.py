"""Refuse files without their real content (pointers, encrypted files, unfinished merges) and unsafe names."""

import json
import re

from patcher import javascript
from patcher.errors import ConflictMarkers, NameNotUtf8, NotTheFile, UnsafePath
from patcher.upstream.directory import UNSAFE
from patcher.upstream.travels import DEEPEST

_POINTER = 1024  # maximum size of a pointer, in bytes
_STANDS_FOR = (
    (
        rb"version https?://(git-lfs\.github\.com|hawser\.github\.com|git-media\.io)/[^\n]*\n(.*\n)*oid sha256:",
        "a Git LFS pointer to it",
        "`git lfs pull` in a checkout brings the files; then give the checkout as a directory",
    ),
    (
        rb"/annex/objects/",
        "a git-annex pointer to it",
        "`git annex get .` in a checkout brings the files; then give the checkout as a directory",
    ),
    (
        rb"\0GITCRYPT\0",
        "what git-crypt made of it",
        "`git-crypt unlock` in a checkout decrypts the files; then give the checkout as a directory",
    ),
)
_JSON = (".json", ".webmanifest")
_PROGRAMS = (".js", ".cjs", ".mjs", ".jsx", ".ts", ".cts", ".mts", ".tsx")
_CONFLICT = (rb"<{7,}( |$)", rb"([=|%+])\1{6,}( |$)", rb">{7,}( |$)")
"""Beginnings of the marker lines of a conflict, in order, of git, Mercurial, Subversion and Jujutsu."""


def refuse_content(path: str, data: bytes, where: str) -> None:
    """Raises `NotTheFile` or `ConflictMarkers` where the content is not the real content of the file.

    A program with conflict markers in a string or a comment parses, and is accepted.
    """
    if data.startswith((b"version http", b"/annex/", b"\0GIT")):
        for pattern, found, hint in _STANDS_FOR:
            if re.match(pattern, data[:_POINTER]) and (len(data) < _POINTER or data[0] == 0):
                raise NotTheFile(f"expected the content of {path}, found {found}", where=where, hint=hint)
    if b"<<<<<<<" in data and b">>>>>>>" in data and path.endswith((*_JSON, *_PROGRAMS)):
        line = _conflict(data)
        if line and not _parses(path, data):
            message = f"expected code that parses in {path}, found the markers of a merge conflict at line {line}"
            hint = "give a commit or a tree in which that merge is finished"
            raise ConflictMarkers(message, where=where, hint=hint)


def _conflict(data: bytes) -> int:
    """The line, from 1, at which the first complete conflict begins; 0 for none."""
    begins, awaited = 0, 0
    for number, line in enumerate(data.splitlines(), 1):
        if re.match(_CONFLICT[0], line):
            begins, awaited = number, 1
        elif awaited and re.match(_CONFLICT[awaited], line):
            if awaited == 2:
                return begins
            awaited = 2
    return 0


def _parses(path: str, data: bytes) -> bool:
    text = data.decode("utf-8", "replace")
    if not path.endswith(_JSON):
        return not javascript.syntax_errors(javascript.parse(text, javascript.language_of(path)))
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def refuse_name(path: str, where: str) -> None:
    """Raises `NameNotUtf8`, or `UnsafePath` for a name that leaves the tree on some operating system."""
    try:
        path.encode()
    except UnicodeEncodeError as error:
        shown = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        hint = "rename the file upstream, or give a tree without it"
        raise NameNotUtf8(f"expected names in UTF-8, found '{shown}'", where=where, hint=hint) from error
    names = path.split("/")
    odd = {"", ".", ".."}.intersection(names) or "\\" in path or "\0" in path or path[1:2] == ":"
    if odd or len(names) > DEEPEST:
        raise UnsafePath(f"the member {path!r} leaves the tree", where=where, hint=UNSAFE)
