"""PNG files as small as they get without losing anything: pixels packed again, in as few bytes as they need."""

import struct
import zlib
from collections.abc import Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {2: 3, 6: 4}
_OPAQUE = 255


def smaller(data: bytes) -> bytes:
    """The same picture: with a palette where it has at most 256 colours, else packed harder.

    Takes 8-bit RGB and RGBA without interlacing, which is what Chromium writes. Raises `ValueError` for others.
    """
    chunks = list(_chunks(data))
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    if depth != 8 or colour not in _CHANNELS or interlaced:  # noqa: PLR2004 - bits
        raise ValueError(f"expected 8-bit RGB or RGBA, found depth {depth}, colour type {colour}")
    packed = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    rows = list(_rows(packed, width * _CHANNELS[colour], height, _CHANNELS[colour]))
    return min(_candidates(rows, width, height, _CHANNELS[colour], packed, colour), key=len)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += length + 12


def _rows(packed: bytes, stride: int, height: int, step: int) -> Iterator[bytes]:
    """The lines of pixels, without the filters of the PNG specification, section 9."""
    above = bytes(stride)
    for number in range(height):
        start = number * (stride + 1)
        line = bytearray(packed[start + 1 : start + 1 + stride])
        _unfilter(packed[start], line, above, step)
        above = bytes(line)
        yield above


def _unfilter(kind: int, line: bytearray, above: bytes, step: int) -> None:
    for at in range(len(line)):
        left = line[at - step] if at >= step else 0
        corner = above[at - step] if at >= step else 0
        predicted = (0, left, above[at], (left + above[at]) // 2, _paeth(left, above[at], corner))[kind]
        line[at] = (line[at] + predicted) & 255


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min((left, above, corner), key=lambda value: abs(guess - value))


def _candidates(rows: list[bytes], width: int, height: int, step: int, packed: bytes, colour: int) -> Iterator[bytes]:
    yield _png(width, height, colour, packed)
    yield _png(width, height, colour, b"".join(b"\0" + row for row in rows))
    pixels = [[row[at : at + step] for at in range(0, len(row), step)] for row in rows]
    colours = sorted({pixel for line in pixels for pixel in line})
    opaque = all(pixel[3:] in {b"", bytes([_OPAQUE])} for pixel in colours)
    if len(colours) <= 256 and opaque:  # noqa: PLR2004 - what a byte can tell apart
        index = {pixel: number for number, pixel in enumerate(colours)}
        lines = b"".join(b"\0" + bytes(index[pixel] for pixel in line) for line in pixels)
        yield _png(width, height, 3, lines, b"".join(pixel[:3] for pixel in colours))


def _png(width: int, height: int, colour: int, lines: bytes, palette: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    body = [
        (b"IHDR", header),
        *([(b"PLTE", palette)] if palette else []),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    ]
    return _SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in body
    )
