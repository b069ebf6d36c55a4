"""Payloads found in a generated text by their markers. Written against the form of the markers, not with `patcher.markers`."""

import json
import re
from dataclasses import dataclass, field

from tests.lab.drift.changes import Span

_MARKER = re.compile(
    r"/\* sidecar-patcher:(?:begin (?P<id>[\w-]+\.\w+) \((?P<place>\w+)\)"
    r"|end (?P<ended>[\w-]+\.\w+)(?: was (?P<was>\"(?:[^\"\\]|\\.)*\"))?) \*/"
)


class Unreadable(Exception):
    """Markers that do not pair up."""


@dataclass
class Block:
    """One payload in a text. outer: from marker to marker; inner: between them. inside: the payloads within it."""

    id: str
    place: str
    outer: Span
    inner: Span
    was: str = ""
    inside: list["Block"] = field(default_factory=list)


@dataclass(frozen=True)
class Removed:
    """What is left of a text without its payloads, and where each of the outermost stood in that: a span for `replace`."""

    text: str
    stood: list[tuple[Block, Span]]


def scan(text: str) -> list[Block]:
    """The outermost payloads of a text, those within them inside. Raises `Unreadable`."""
    top: list[Block] = []
    open_blocks: list[Block] = []
    for found in _MARKER.finditer(text):
        if found["id"]:
            block = Block(found["id"], found["place"], found.span(), (found.end(), found.end()))
            (open_blocks[-1].inside if open_blocks else top).append(block)
            open_blocks.append(block)
            continue
        if not open_blocks or open_blocks[-1].id != found["ended"]:
            raise Unreadable(f"the end of {found['ended']} has no beginning")
        block = open_blocks.pop()
        block.inner, block.outer = (block.inner[0], found.start()), (block.outer[0], found.end())
        block.was = json.loads(found["was"]) if found["was"] else ""
    if open_blocks:
        raise Unreadable(f"the payload {open_blocks[-1].id} has no end")
    return top


def remove(text: str, blocks: list[Block]) -> Removed:
    """Take the blocks out of the text, with the line that each of them came with."""
    out, position, length = [], 0, 0
    stood = []
    for block in blocks:
        start, end = with_line(text, block)
        kept = text[position:start]
        out += [kept, block.was]
        length += len(kept)
        stood.append((block, (length, length + len(block.was))))
        length += len(block.was)
        position = end
    return Removed("".join([*out, text[position:]]), stood)


def own_text(text: str, block: Block) -> str:
    """What stands in a block, without the payloads that stand in it."""
    return remove(text[: block.inner[1]], block.inside).text[block.inner[0] :]


def prefix(text: str, block: Block, child: Block) -> str:
    """What stands in a block above one of the payloads in it."""
    above = [each for each in block.inside if each.outer[0] < child.outer[0]]
    end = with_line(text, child)[0]
    return remove(text[:end], above).text[block.inner[0] :]


def with_line(text: str, block: Block) -> Span:
    """The block with the line break that came with it."""
    start, end = block.outer
    if block.place == "after":
        above = re.search(r"\r?\n[ \t]*\Z", text[max(0, start - 400) : start])
        start -= len(above[0]) if above else 0
    elif block.place == "before":
        below = re.match(r"\r?\n[ \t]*", text[end:])
        end += len(below[0]) if below else 0
    return start, end
