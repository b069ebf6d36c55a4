"""The oracle: is each payload where it has to be in a generated tree, and is every other byte upstream's?

It is told the right places by whoever made the mutant. It knows markers and the words of the payloads, and nothing of how
the patcher finds a place.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from patcher.model import Position, Tree
from tests.lab.drift import blocks
from tests.lab.drift.changes import Span
from tests.lab.drift.reference import Spot, squeezed_lines

_BEHIND = re.compile(r"[;)\s]*(?:/\*(?:[^*\n]|\*(?!/))*\*/[ \t]*)*(?://[^\r\n]*)?")


@dataclass(frozen=True)
class Expected:
    """Where one payload has to be in a mutant: offsets in the mutant's own text; None where it has no right place."""

    spot: Spot
    statement: Span | None
    target: Span | None


def judge(mutant: Tree, result: Tree, expected: Sequence[Expected], added: frozenset[str]) -> list[str]:
    """What is wrong with the result; nothing when it is right. `added`: the files that may be in it besides the mutant's."""
    files: dict[str, list[Expected]] = {}
    for each in expected:
        files.setdefault(each.spot.file, []).append(each)
    problems = [f"{path} is not in the result" for path in mutant if path not in result]
    problems += [f"{path} was added" for path in result if path not in mutant and path not in added]
    for path, file in mutant.items():
        if path in files and path in result:
            problems += _judge_file(file.data, result[path].data, files[path], path)
        elif path in result and path not in added and result[path] != file:
            problems.append(f"{path} has changed, and nothing belongs there")
    return problems


def _judge_file(mutant: bytes, result: bytes, expected: Sequence[Expected], path: str) -> Iterator[str]:
    generated, text = result.decode(), mutant.decode()
    try:
        found = blocks.scan(generated)
    except blocks.Unreadable as error:
        yield f"{path}: {error}"
        return
    removed = blocks.remove(generated, found)
    if removed.text != text:
        yield f"{path}: {_first_difference(text, removed.text)}"
    kinds = _line_endings(text) or {"\n"}
    wanted = {each.spot.id: each for each in expected}
    seen: list[str] = []
    for block, stood in removed.stood:
        yield from _judge_outermost(block, stood, generated, text, wanted, seen)
        if not _line_endings(generated[slice(*blocks.with_line(generated, block))]) <= kinds:
            yield f"{block.id} has line endings that the file does not have"
    for name in sorted(wanted.keys() | set(seen)):
        if seen.count(name) != (name in wanted):
            yield f"{path}: {name} is there {seen.count(name)} times"


def _judge_outermost(
    block: blocks.Block, stood: Span, generated: str, text: str, wanted: Mapping[str, Expected], seen: list[str]
) -> Iterator[str]:
    seen.append(block.id)
    each = wanted.get(block.id)
    if each is not None:
        if each.spot.inside:
            yield f"{block.id} does not stand in {each.spot.inside}"
        else:
            yield from _judge_place(each, stood, text)
        yield from _judge_words(each, block, generated, text, stood)
    yield from _judge_inner(block, generated, text, wanted, seen)


def _judge_inner(
    outer: blocks.Block, generated: str, text: str, wanted: Mapping[str, Expected], seen: list[str]
) -> Iterator[str]:
    for block in outer.inside:
        seen.append(block.id)
        each = wanted.get(block.id)
        if each is not None:
            above = squeezed_lines(blocks.prefix(generated, outer, block))
            if (each.spot.inside, each.spot.above) != (outer.id, above):
                yield f"{block.id} stands at the wrong place in {outer.id}"
            yield from _judge_words(each, block, generated, text, (0, 0))
        yield from _judge_inner(block, generated, text, wanted, seen)


def _judge_place(each: Expected, stood: Span, text: str) -> Iterator[str]:
    if each.statement is None or each.target is None:
        yield f"{each.spot.id} went in at {_shown(text, stood[0])}, and has no right place"
        return
    start, end = each.statement
    right = {
        Position.BEFORE: stood[0] <= start and not text[stood[0] : start].strip(),
        Position.AFTER: stood[0] >= end and _BEHIND.fullmatch(text, end, stood[0]) is not None,
        Position.REPLACE: stood == each.target,
    }[each.spot.edit.position]
    if not right:
        place = f"{each.spot.edit.position} {_shown(text, start)}"
        yield f"{each.spot.id} went in at {_shown(text, stood[0])}; expected {place}"


def _judge_words(each: Expected, block: blocks.Block, generated: str, text: str, stood: Span) -> Iterator[str]:
    wanted = squeezed_lines(each.spot.payload(text, stood))
    if block.place != each.spot.edit.position or squeezed_lines(blocks.own_text(generated, block)) != wanted:
        yield f"{block.id} is not the payload that was to go in"


def _line_endings(text: str) -> set[str]:
    return set(re.findall(r"\r*\n|\r", text))


def _first_difference(before: str, after: str) -> str:
    at = next((i for i, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), len(before))
    return f"bytes outside the payloads have changed, at {_shown(before, at)}"


def _shown(text: str, position: int) -> str:
    line = text.count("\n", 0, position) + 1
    return f"line {line} `{text[position : position + 40].splitlines()[0] if text[position:].strip() else ''}`"
