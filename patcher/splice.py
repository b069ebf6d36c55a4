"""Stage 5: payloads into texts, between markers. Offsets always refer to the text that was located in."""

import re
from collections.abc import Sequence
from itertools import pairwise

from patcher.errors import OverlappingSplices
from patcher.markers import begin_marker, end_marker
from patcher.model import Layer, Match, Position, Site, Splice

_REST_OF_LINE = re.compile(r"[ \t]*//[^\r\n]*")


def make_splice(text: str, site: Site, match: Match, payload: str) -> Splice:
    """The splice that puts `payload` where the match is, in the file's own line ending and indentation."""
    eol, indent = line_ending(text), _indentation(text, match.statement_start)
    start, end = _span(text, site.position, match)
    was = text[start:end]
    inner = _indented(payload, indent, eol)
    begin = begin_marker(site.id, site.position, jsx=match.jsx)
    finish = end_marker(site.id, was, jsx=match.jsx)
    blank = "" if match.jsx else " "  # between tags a space would be text
    spliced = {
        Position.BEFORE: f"{begin}{eol}{inner}{eol}{indent}{finish}{eol}{indent}",
        Position.AFTER: f"{eol}{indent}{begin}{eol}{inner}{eol}{indent}{finish}",
        Position.REPLACE: f"{begin}{blank}{inner.lstrip()}{blank}{finish}",
    }[site.position]
    return Splice(start, end, spliced, was, site.patch, site.id, site.position, payload)


def apply(text: str, splices: Sequence[Splice], where: str = "") -> str:
    """All splices into the text at once. Raises `OverlappingSplices`, naming both patches."""
    ordered = sorted(splices, key=lambda splice: splice.order)
    for left, right in pairwise(ordered):
        if right.start < left.end or (left.start, left.end) == (right.start, right.end):
            message = f"{left.patch} and {right.patch} both want characters {right.start} to {left.end}"
            hint = "let one patch `require` the other, so that it is located in the other's result"
            raise OverlappingSplices(message, where=where, hint=hint)
    out = text
    for splice in reversed(ordered):
        out = out[: splice.start] + splice.text + out[splice.end :]
    return out


def source_offset(layer: Layer, offset: int) -> int:
    """Where a character of the layer's result stood in the text before it; a payload stands where it was put."""
    shift = 0
    for splice in sorted(layer.splices, key=lambda each: each.order):
        start = splice.start + shift
        if offset < start:
            break
        if offset < start + len(splice.text):
            return splice.start
        shift += len(splice.text) - len(splice.was)
    return offset - shift


def line_ending(text: str) -> str:
    """The line ending that most lines of the text have."""
    crlf = text.count("\r\n")
    return "\r\n" if crlf > text.count("\n") - crlf else "\n"


def _span(text: str, position: Position, match: Match) -> tuple[int, int]:
    if position is Position.REPLACE:
        return match.start, match.end
    if position is Position.BEFORE:
        return match.statement_start, match.statement_start
    rest = None if match.jsx else _REST_OF_LINE.match(text, match.statement_end)  # between tags `//` is text
    end = rest.end() if rest else match.statement_end
    return end, end


def _indentation(text: str, start: int) -> str:
    line = text[text.rfind("\n", 0, start) + 1 : start]
    return line[: len(line) - len(line.lstrip(" \t"))]  # other white space would not be taken out again


def _indented(payload: str, indent: str, eol: str) -> str:
    lines = payload.replace("\r\n", "\n").strip("\n").split("\n")  # what a payload keeps of upstream may have CRLF
    return eol.join(f"{indent}{line}" if line else "" for line in lines)
