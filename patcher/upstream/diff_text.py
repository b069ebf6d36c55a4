"""What a diff says that `git apply` passes over without a word, or puts in the wrong place."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from patcher.errors import DiffUnusable

_GIT = b"diff --git "
_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_PREFIXED = re.compile(rb'"?[^/ ]+/(.+?)"?[ \0]"?[^/ ]+/\1"?')
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_UTF_8 = b"\xef\xbb\xbf"
_AGAIN = "as does `git diff --binary --no-color UPSTREAM MINE`; nothing was written"
_PASSED_OVER = (
    (
        re.compile(rb"diff --(?:cc|combined) (.+)"),
        "a combined diff of {}, which belongs to a merge",
        f"make it against one tree, {_AGAIN}",
    ),
    (
        re.compile(rb"(?:new (?:file )?mode|index [0-9a-f]+\.\.[0-9a-f]+) 160000()|Submodule (\S+) [0-9a-f]+\.\."),
        "a submodule {}, whose files are in another repository",
        "leave it out, as does `git diff --binary --ignore-submodules UPSTREAM MINE`; nothing was written",
    ),
    (
        re.compile(rb"content-transfer-encoding:\s*(quoted-printable|base64)", re.IGNORECASE),
        "a mail, encoded as {}",
        f"`git am` decodes and applies it; then make a diff without a mail around it, {_AGAIN}",
    ),
)
_NAMED_ONLY = re.compile(rb"Only in ([^:]+: .+)|(?:Binary f|F)iles .+ and (.+) differ")


class _Hunk(NamedTuple):
    """A hunk. line: in the diff, from 1. start: its first line in the old file, from 1. old: the number of those."""

    line: int
    start: int
    old: int
    has_context: bool


class DiffText(NamedTuple):
    """The content of a diff. level: as in `git apply -p`, 1 where names begin with `a/` and `b/`, else 0."""

    data: bytes
    level: int


def checked(data: bytes, where: str) -> DiffText:
    """The diff, without a byte order mark. Raises `DiffUnusable` for what git would leave out or misplace."""
    if data.startswith(_UTF_16):
        hint = "PowerShell's `>` writes UTF-16; `git diff --binary --output=FILE` does not; nothing was written"
        raise DiffUnusable("expected a diff in UTF-8, found UTF-16", where=where, hint=hint)
    data = data.removeprefix(_UTF_8)
    heads: list[tuple[int, bytes]] = []
    for each in _parts(data.split(b"\n")):
        if isinstance(each, _Hunk):
            _refuse_placeless(each, where)
        else:
            heads.append(each)
    _refuse_passed_over(heads, where)
    converted = [number for number, head in heads if head.startswith((_GIT, b"+++ ")) and head.endswith(b"\r")]
    if converted:
        message = f"its own lines end with CRLF (line {converted[0]}): something has converted it"
        raise DiffUnusable(message, where=where, hint=f"keep the line endings that git wrote, {_AGAIN}")
    return DiffText(data, _level([head for _, head in heads], where))


def _parts(lines: list[bytes]) -> Iterator[tuple[int, bytes] | _Hunk]:
    """The hunks of a diff, and each other line with its number, from 1."""
    at = 0
    while at < len(lines):
        begins, found = at, _HUNK.match(lines[at])
        at += 1
        if found is None:
            yield at, lines[begins]
            continue
        old, new = (int(count) if count else 1 for count in found.group(2, 3))
        left = [old, new]
        has_context = False
        while at < len(lines) and max(left) > 0 and lines[at][:1] in {b"", b" ", b"+", b"-", b"\\"}:
            sign = lines[at][:1] or b" "  # some editors strip the blank of an empty line
            left = [left[0] - (sign in b" -"), left[1] - (sign in b" +")]
            has_context = has_context or sign == b" "
            at += 1
        yield _Hunk(begins + 1, int(found[1]), old, has_context)


def _refuse_placeless(hunk: _Hunk, where: str) -> None:
    """Git puts a hunk without context at the end of the file, or where the same lines happen to be."""
    if hunk.start > (1 if hunk.old else 0) and not hunk.has_context:
        message = f"the hunk at line {hunk.line} has no line of context: nothing says where it goes"
        raise DiffUnusable(message, where=where, hint=f"make it without `-U0`, {_AGAIN}")


def _refuse_passed_over(heads: list[tuple[int, bytes]], where: str) -> None:
    for number, head in heads:
        for pattern, found, hint in _PASSED_OVER:
            match = pattern.match(head)
            if match:
                name = b"".join(filter(None, match.groups())).decode("utf-8", "backslashreplace").strip()
                message = f"expected a diff of files, found {found.format(name)}".replace(" ,", ",")
                raise DiffUnusable(f"{message} (line {number})", where=where, hint=hint)
    if any(head.startswith(_GIT) for _, head in heads):
        return  # git has no such lines, but a message of a commit may
    for number, head in heads:
        named = _NAMED_ONLY.match(head)
        if named:
            name = (named[1] or named[2]).decode("utf-8", "backslashreplace").replace(": ", "/")
            message = f"it names {name} without its content (line {number})"
            hint = "`diff -ruN A B` has new files, `git diff --no-index --binary A B` all of them; nothing was written"
            raise DiffUnusable(message, where=where, hint=hint)


def _level(heads: list[bytes], where: str) -> int:
    pairs = [head.removeprefix(_GIT) for head in heads if head.startswith(_GIT)]
    old = b""
    for head in heads:
        if head.startswith(b"+++ ") and old:
            names = old, head[4:].split(b"\t")[0].rstrip()
            pairs += [b"\0".join(names)] if b"/dev/null" not in names else []
        old = head[4:].split(b"\t")[0].rstrip() if head.startswith(b"--- ") else b""
    same = [pair for pair in pairs if pair[: len(pair) // 2] == pair[len(pair) // 2 + 1 :]]
    if same and any(_PREFIXED.fullmatch(pair) for pair in pairs if pair not in same):
        message = "some of its names begin with `a/` and `b/`, and others do not"
        raise DiffUnusable(message, where=where, hint=f"make one diff with one prefix, {_AGAIN}")
    return 0 if same else 1
