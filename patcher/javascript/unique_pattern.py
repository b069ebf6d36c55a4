"""A pattern that matches one statement and no other: as much of its text as that takes, and no more."""

import re
from collections.abc import Callable, Iterator
from itertools import count
from typing import NamedTuple

from ast_grep_py import SgNode

from patcher import javascript
from patcher.javascript.similarity import without_comments, words

_MAX_PATTERN, _MAX_GROWTH = 88, 40
"""Characters, and by how many more an old pattern may grow: a longer one would quote too much of upstream."""
_OPEN = re.compile(r"\$+_?[A-Z]*\w*")
_AFTER_OPENING, _BEFORE_CLOSING = re.compile(r"([(\[])\s*\n\s*"), re.compile(r",?\s*\n\s*([)\]])")
_VALUES = {"variable_declarator": "value", "assignment_expression": "right"}
_BLOCKS = frozenset({"statement_block", "class_body", "switch_body"})
_MAX_PARTS = 12
_MIN_WORD = 4


class Shape(NamedTuple):
    """A pattern, and a word that what it matches must contain; empty for none."""

    pattern: str
    containing: str = ""


Others = Callable[[Shape], "list[str] | None"]
"""The texts of all that a shape matches besides the node; None where it does not match the node exactly once."""


def shape_for(node: SgNode, like: Shape, language: str, others: Others) -> Shape | None:
    """The best shape that matches the node and nothing else; None where there is none.

    The old shape in the spelling of this node; else the node's own text; else the node with its parts open, and closed
    again one by one, or with a word that only this node has; else its own text, however long. like: the old shape.
    """
    shapes = (shape for shape in _shapes(node, like, language, others) if ";" not in shape.pattern)
    return next((shape for shape in shapes if others(shape) == []), None)


def _shapes(node: SgNode, like: Shape, language: str, others: Others) -> Iterator[Shape]:
    text, first = _plain(node.text()), respelled(like.pattern, node, language)
    kept = like.containing if like.containing in node.text() else ""
    if len(first) <= max(_MAX_PATTERN, len(like.pattern) + _MAX_GROWTH):
        yield Shape(first, kept)
    if len(text) <= _MAX_PATTERN:
        yield Shape(text)
    for shape in _closing(node, others):
        if len(shape.pattern) <= _MAX_PATTERN:
            yield shape
            yield from _with_a_word(node, shape, others(shape) or [])
    yield Shape(text)


def _plain(text: str) -> str:
    """On one line, without comments and without the last `;`."""
    joined = _BEFORE_CLOSING.sub(r"\1", _AFTER_OPENING.sub(r"\1", without_comments(text)))
    return " ".join(joined.split()).removesuffix(";").rstrip()


# --- the old pattern -------------------------------------------------------------------------------------------


def respelled(pattern: str, node: SgNode, language: str) -> str:
    """The pattern rewritten to match the node: its `$A` stay, everything else is spelled as in the node."""
    return _plain(_respelled(_unwrapped(javascript.parse(pattern, language)), _unwrapped(node)))


def _unwrapped(node: SgNode) -> SgNode:
    while node.kind() in {"program", "expression_statement"} and node.child(0) is not None:
        node = node.children()[0]
    return node


def _respelled(old: SgNode, new: SgNode) -> str:
    if _OPEN.fullmatch(old.text()):
        return old.text()
    if old.is_leaf() or old.kind() != new.kind():
        return new.text()
    then, now = _parts(old), _parts(new)
    gap = next((index for index, each in enumerate(then) if each.text().startswith("$$$")), -1)
    if gap < 0 and len(then) == len(now):
        return _replaced(
            new, [(*javascript.span(each), _respelled(one, each)) for one, each in zip(then, now, strict=True)]
        )
    rest = len(then) - gap - 1
    if gap >= 0 and len(now) >= gap + rest:
        pairs = [*zip(then[:gap], now[:gap], strict=True), *zip(then[gap + 1 :], now[len(now) - rest :], strict=True)]
        middle = now[gap : len(now) - rest]
        opened = [(*_between(middle), then[gap].text())] if middle else []
        return _replaced(new, [*((*javascript.span(each), _respelled(one, each)) for one, each in pairs), *opened])
    return new.text()


def _between(nodes: list[SgNode]) -> tuple[int, int]:
    return javascript.span(nodes[0])[0], javascript.span(nodes[-1])[1]


def _parts(node: SgNode) -> list[SgNode]:
    return [each for each in node.children() if each.kind() not in {"comment", ";"}]


def _replaced(node: SgNode, texts: list[tuple[int, int, str]]) -> str:
    """The text of a node with other texts for some spans of the file inside it."""
    start, text = javascript.span(node)[0], node.text()
    for first, last, new in sorted(texts, reverse=True):
        text = text[: first - start] + new + text[last - start :]
    return text


# --- parts of a statement --------------------------------------------------------------------------------------


def _closing(node: SgNode, others: Others) -> Iterator[Shape]:
    """The node with every part open, then with one more part closed each time: the one that rules out most matches."""
    parts = list(_openable(_unwrapped(node)))[:_MAX_PARTS]
    closed: list[SgNode] = []
    while True:
        yield Shape(_with_open(node, parts, closed))
        tried = {each: others(Shape(_with_open(node, parts, [*closed, each]))) for each in parts if each not in closed}
        rest = [(len(found), len(each.text()), each) for each, found in tried.items() if found is not None]
        if not rest:
            return
        closed.append(min(rest, key=lambda one: one[:2])[2])


def _openable(node: SgNode) -> Iterator[SgNode]:
    """Arguments of calls, values, blocks: the outermost ones."""
    kind = node.kind()
    if kind in _BLOCKS:
        yield node
        return
    if kind == "arguments":
        yield from (each for each in node.children() if each.is_named() and each.kind() != "comment")
        return
    value = node.field(_VALUES[kind]) if kind in _VALUES else None
    inside = [part for each in node.children() for part in _openable(each)]
    yield from inside or ([value] if value is not None else [])
    if kind == "return_statement" and not inside:
        yield from node.children()[1:2]


def _with_open(node: SgNode, parts: list[SgNode], closed: list[SgNode]) -> str:
    """The pattern of a node in which all parts but the closed ones are open: `$A`, and for a block `{ $$$B }`."""
    names = (chr(ord("A") + number) for number in count())
    opened = [
        (*javascript.span(each), f"{{ $$${name} }}" if each.kind() in _BLOCKS else f"${name}")
        for each, name in zip(parts, names, strict=False)
        if each not in closed
    ]
    return _plain(_replaced(node, opened))


def _with_a_word(node: SgNode, shape: Shape, others: list[str]) -> Iterator[Shape]:
    """The shape with a word that none of its other matches contains."""
    long = {word for word in words(node.text()) if len(word) >= _MIN_WORD and word.isidentifier()}
    found = [word for word in long if not any(word in text for text in others)]
    yield from [Shape(shape.pattern, max(found, key=lambda word: (len(word), word)))] if found else []
