"""Tar archives: members of every kind, headers with odd fields and a right checksum, and damage to the bytes."""

import contextlib
import gzip
import io
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st

from patcher.errors import PatcherError
from patcher.upstream import archive
from patcher.upstream.materialize import materialize
from tests.lab.fuzz.engine import Reader
from tests.lab.fuzz.mutations import damaged
from tests.support import SMALL, to_bytes

_NAMES = (
    *(f"package/{path}" for path in SMALL.files), "package", "package/server", "package/bin/x.sh", "package/.gitmodules",
    "package/server/sub", "package/._app.js", "../out.js", "/abs.js", "package/../../up.js", "package/server/../app.js",
    "C:/x", "package\\x", "", ".", "..", "package//server///app.js", "package/server/" + "long/" * 60 + "x.js",
    "package/server/" + "d/" * 150 + "x", "package/server/\udcff.js", "pax_global_header", "package/client/package.json",
)  # fmt: skip
_TARGETS = (*_NAMES, "app.js", "../package.json", "../../x", "server/app.js", "app.js/x", "/etc/passwd", "./", "\udcff")
_TYPES = b"0125346791SLKgxXDMNVA\0"
_PAX = {
    "path": _TARGETS, "linkpath": _TARGETS, "size": ("-1", "0", "99999999999999", "x", "1" * 5000), "mtime": ("nan", "inf", "-1"),
    "hdrcharset": ("BINARY", "utf-9"), "GNU.sparse.major": ("1", "x"), "GNU.sparse.minor": ("0",), "GNU.sparse.realsize": ("9" * 14,),
    "GNU.sparse.map": ("0,1", "1,2,3", "-5,9", "x,y"), "GNU.sparse.size": ("9" * 14, "-1"), "GNU.sparse.name": _TARGETS,
    "GNU.sparse.numblocks": ("1", "999999999"), "GNU.sparse.offset": ("0",), "uid": ("-9", "z"), "\udcff": ("\udcff",),
}  # fmt: skip
_FIELDS = (0, 100, 108, 124, 136, 156, 157, 257, 263, 329, 345, 386, 482, 483)
_VALUES = (
    b"\x80" + b"\0" * 7 + b"\1\0\0\0", b"\xff" * 12, b"77777777777\0", b"-0000001\0", b"0x10\0", b"\0" * 12, b"../../x\0", b"ustar  \0",
    *(bytes([kind]) for kind in _TYPES), b"\1", b"\x80", b"99999999\0",
)  # fmt: skip
_LARGEST = 8 << 20
_BEHIND = (b"", b"x", b"\x1f\x8b", gzip.compress(bytes(8 * _LARGEST), 1))  # the last is a bomb


def make(given: Path) -> Reader:
    patch.object(archive, "LARGEST", _LARGEST).start()  # so that a bomb costs little here
    pax = st.sampled_from(sorted(_PAX)).flatmap(lambda key: st.tuples(st.just(key), st.sampled_from(_PAX[key])))
    member = st.tuples(
        st.sampled_from(_NAMES) | st.text(max_size=6), st.sampled_from(_TYPES), st.sampled_from(_TARGETS),
        st.sampled_from([0o644, 0o755, 0o7777, 0]), st.binary(max_size=20) | st.just(b'[submodule "x"]\npath = server/sub\n'),
        st.lists(pax, max_size=2),
    )  # fmt: skip
    field = st.tuples(
        st.integers(0, 30), st.sampled_from(_FIELDS), st.sampled_from(_VALUES) | st.binary(min_size=1, max_size=8)
    )
    form = st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
    plain = damaged(
        st.builds(_tar, st.lists(member, max_size=4), st.booleans(), form, st.lists(field, max_size=2)), most=1
    )
    plain = st.builds(
        lambda data, cut: data[: len(data) - cut], plain, st.sampled_from([0] * 9 + [512, 1000, 1024, 9000])
    )
    packed = st.builds(
        lambda data, more: gzip.compress(data, 1) + _BEHIND[more], plain, st.sampled_from([0] * 40 + [1, 2, 3])
    )
    return Reader(st.one_of(plain, plain, packed, damaged(packed, most=2)), _read)


def _tar(members: Sequence[Any], whole: bool, form: int, fields: Sequence[tuple[int, int, bytes]]) -> bytes:
    stream = io.BytesIO()
    with tarfile.TarFile(fileobj=stream, mode="w", format=form, encoding="utf-8", errors="surrogateescape") as made:
        for name, content in SMALL.files.items():
            made.addfile(_member(f"package/{name}", len(content)), io.BytesIO(to_bytes(content)))
        for name, kind, target, mode, content, pax in members if not whole else ():
            info = _member(name, len(content))
            info.type, info.linkname, info.mode, info.pax_headers = bytes([kind]), target, mode, dict(pax)
            with contextlib.suppress(ValueError):  # what this format cannot hold
                made.addfile(info, io.BytesIO(content))
    data = bytearray(stream.getvalue())
    headers = [at for at in range(0, len(data), 512) if data[at + 257 : at + 262] == b"ustar"]
    for which, at, value in fields:
        begin = headers[which % len(headers)]
        data[begin + at : begin + min(at + len(value), 512)] = value[: 512 - at]
        data[begin + 148 : begin + 156] = b" " * 8
        data[begin + 148 : begin + 156] = b"%06o\0 " % sum(data[begin : begin + 512])
    return bytes(data)


def _member(name: str, size: int) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.size = size
    return made


def _read(data: bytes) -> Iterable[str]:
    path = Path("a.tgz")
    path.write_bytes(data)
    for client in (False, True):
        try:
            yield "done" if materialize(str(path), client=client).tree else "empty"
        except PatcherError as error:
            yield error.code
