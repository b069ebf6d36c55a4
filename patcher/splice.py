"""Stage 5: put payloads into texts, between markers. All offsets refer to the text before the splices.

A file that cannot have comments everywhere gets no markers: the manifest lists its payloads.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from patcher.errors import OverlappingSplices
from patcher.javascript import JAVASCRIPT, WITHOUT_COMMENTS, comment_starts
from patcher.markers import begin_marker, end_marker
from patcher.model import FILE, Layer, ListKind, Located, Match, Position, Site, Splice

_REST_OF_LINE = re.compile(r"[ \t]*//[^\r\n]*")
_COMMA = re.compile(r"\s*,")
_SEPARATOR = re.compile(r"[ \t]*[;,]")
_BLANK_LINE_END = re.compile(r"[ \t]*(?:\r?\n|\Z)")
_WITH_COMMAS = frozenset(
    {
        *(ListKind.PROPERTIES, ListKind.ARGUMENTS, ListKind.ELEMENTS),
        *(ListKind.PARAMETERS, ListKind.IMPORTS, ListKind.PAIRS),
    }
)
_IN_A_ROW = _WITH_COMMAS | {ListKind.ATTRIBUTES}


class _Shape(NamedTuple):
    """The replacement of `[start, end)`: `head`, begin marker, `inner`, end marker, `tail`.

    was: the replaced text, as the end marker keeps it. plain: the replacement without markers, a part of
    `head + inner + tail`.
    """

    start: int
    end: int
    inner: str
    was: str
    plain: str
    head: str = ""
    tail: str = ""


def make_splice(text: str, site: Site, match: Match, payload: str, language: str = JAVASCRIPT) -> Splice:
    """The splice that puts `payload` at the match, with the line ending and the indentation of the file."""
    shape = _shape(text, site.position, match, payload)
    marked = language not in WITHOUT_COMMENTS and all(anchor.scope != FILE for anchor in site.anchors)
    if marked:
        begin = begin_marker(site.id, site.position, jsx=match.jsx)
        finish = end_marker(site.id, shape.was, jsx=match.jsx)
        before, after = f"{shape.head}{begin}", f"{finish}{shape.tail}"
        body = shape.inner + _guard(shape.inner, language, exact=match.exact)
        spliced = before + body + after
        at = len(before) + shape.inner.index(shape.plain)
    else:
        spliced, at = shape.plain, 0
    return Splice(
        shape.start,
        shape.end,
        spliced,
        text[shape.start : shape.end],
        site.patch,
        site.id,
        site.position,
        payload,
        plain=shape.plain,
        plain_at=at,
        exact=match.exact,
        marked=marked,
        part=match.exact or match.list not in {None, ListKind.STATEMENTS},
        by_item=match.exact or match.list is not None,
    )


def _shape(text: str, position: Position, match: Match, payload: str) -> _Shape:
    if match.exact:
        return _Shape(match.start, match.end, payload, text[match.start : match.end], payload)
    if position is Position.DELETE:
        return _deletion(text, match)
    if match.list in _IN_A_ROW and position is not Position.REPLACE:
        return _in_a_row(text, position, match, payload)
    eol, indent = line_ending(text), _indentation(text, match.statement_start)
    inner = _indented(payload, indent, eol)
    space = "" if match.jsx else " "  # between tags a space would be text
    if position is Position.REPLACE:
        was = text[match.start : match.end]
        return _Shape(match.start, match.end, f"{space}{inner.lstrip()}{space}", was, inner.lstrip())
    if position is Position.BEFORE:
        at, plain = match.statement_start, f"{inner[len(indent) :]}{eol}{indent}"
        return _Shape(at, at, f"{eol}{inner}{eol}{indent}", "", plain, tail=f"{eol}{indent}")
    at = match.statement_end
    separator = _SEPARATOR.match(text, at) if match.list is ListKind.MEMBERS else None
    at = separator.end() if separator else at
    rest = None if match.jsx else _REST_OF_LINE.match(text, at)  # between tags `//` is text
    at = rest.end() if rest else at
    return _Shape(at, at, f"{eol}{inner}{eol}{indent}", "", f"{eol}{inner}", head=f"{eol}{indent}")


def _in_a_row(text: str, position: Position, match: Match, payload: str) -> _Shape:
    """The insertion of an item into a list of items on one or several lines: properties, arguments, attributes."""
    eol, indent = line_ending(text), _indentation(text, match.statement_start)
    comma = "," if match.list in _WITH_COMMAS else ""
    own_line = not text[text.rfind("\n", 0, match.statement_start) + 1 : match.statement_start].strip()
    gap = f"{eol}{indent}" if own_line else " "
    item = _indented(payload.strip().removesuffix(","), indent, eol).removeprefix(indent)
    if position is Position.BEFORE:
        at = match.statement_start
        return _Shape(at, at, f"{item}{comma}{gap}", "", f"{item}{comma}{gap}")
    follows = _COMMA.match(text, match.statement_end) if comma else None
    at = follows.end() if follows else match.statement_end
    inner = f"{gap}{item}{comma}" if follows else f"{comma}{gap}{item}"
    return _Shape(at, at, inner, "", inner)


def _deletion(text: str, match: Match) -> _Shape:
    """The deletion of an item with its comma, and with its line where nothing else is on it."""
    start, end = match.statement_start, match.statement_end
    follows = _COMMA.match(text, end) if match.list in _WITH_COMMAS else None
    follows = _SEPARATOR.match(text, end) if match.list is ListKind.MEMBERS else follows
    if follows:
        end = follows.end()
    elif match.list in _WITH_COMMAS:
        before = text[:start].rstrip()
        start = len(before) - 1 if before.endswith(",") else start
    line = text.rfind("\n", 0, start) + 1
    rest = _BLANK_LINE_END.match(text, end)
    was = text[start:end]
    if text[line:start].strip() or rest is None or match.jsx:
        return _Shape(start, end, "", was, "")
    return _Shape(line, rest.end(), "", was, "", head=text[line:start], tail=text[end : rest.end()])


def _guard(inner: str, language: str, *, exact: bool) -> str:
    """The text needed between a payload and its end marker: a line break after `//`, a space after `/` and `<`."""
    if not exact or not inner:
        return ""
    if inner[-1] in "/<":
        return " "
    line = inner.rpartition("\n")[2]
    if "//" not in line or language == "css":
        return ""
    start = len(inner) - len(line)
    comments = comment_starts(inner, language)
    return "\n" if any(at >= start and inner.startswith("//", at) for at in comments) else ""


def apply(text: str, splices: Sequence[Splice], where: str = "") -> str:
    """Apply all splices to the text. Raises `OverlappingSplices`, which names both patches."""
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


def plain(layers: Sequence[Layer]) -> str:
    """The patched text of a file, without markers. layers: all of this file, in order, at least one."""
    cuts: list[tuple[int, int]] = []
    for layer in layers:
        kept = (cut for cut in cuts if not any(each.start < cut[1] and cut[0] < each.end for each in layer.splices))
        cuts = [_shifted(cut, layer) for cut in kept]
        for start, end, splice in layer.placed():
            first = start + splice.plain_at
            cuts += [(start, first), (first + len(splice.plain), end)]
    out, done = [], 0
    text = layers[-1].after
    for start, end in sorted(cuts):
        out.append(text[done : max(start, done)])
        done = max(done, end)
    return "".join([*out, text[done:]])


def _shifted(cut: tuple[int, int], layer: Layer) -> tuple[int, int]:
    shift = sum(len(each.text) - len(each.was) for each in layer.splices if each.end <= cut[0])
    return cut[0] + shift, cut[1] + shift


def source_offset(layer: Layer, offset: int) -> int:
    """The offset before the layer of a character in its result; for one in a payload, where the payload was put."""
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
    """The line ending of most lines of the text: LF or CRLF."""
    crlf = text.count("\r\n")
    return "\r\n" if crlf > text.count("\n") - crlf else "\n"


def _indentation(text: str, start: int) -> str:
    line = text[text.rfind("\n", 0, start) + 1 : start]
    return line[: len(line) - len(line.lstrip(" \t"))]  # `markers` removes only these two again


def _indented(payload: str, indent: str, eol: str) -> str:
    lines = payload.replace("\r\n", "\n").strip("\n").split("\n")  # a payload may quote code with CRLF
    return eol.join(f"{indent}{line}" if line else "" for line in lines)


def in_upstream_lines(applied: Sequence[Layer], path: str, text: str, located: Located) -> Located:
    """The same with the line numbers of upstream's file instead of those of the text that earlier layers made of it."""
    layers = [layer for layer in applied if layer.file == path]
    if not layers:
        return located
    lines = text.split("\n")

    def upstream_line(line: int) -> int:
        offset = sum(map(len, lines[: line - 1])) + line - 1
        for layer in reversed(layers):
            offset = source_offset(layer, offset)
        return layers[0].before.count("\n", 0, offset) + 1

    return replace(
        located,
        matches=tuple(replace(match, line=upstream_line(match.line)) for match in located.matches),
        scopes=tuple(map(upstream_line, located.scopes)),
        candidates=tuple(replace(each, line=upstream_line(each.line)) for each in located.candidates),
        without_target=tuple(map(upstream_line, located.without_target)),
    )
