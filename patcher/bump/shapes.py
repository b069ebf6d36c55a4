"""How alike two pieces of code are, and patterns made from a statement. Likeness ranks, and never applies anything."""

import re
from collections import Counter
from collections.abc import Iterator
from difflib import SequenceMatcher
from functools import lru_cache

from ast_grep_py import SgNode

from patcher import javascript

_WORD = re.compile(r"[A-Za-z_$][\w$]*|\d[\w.]*|[^\s\w]")
_COMMENT = re.compile(r"/\*.*?\*/|(?<![:\"'`])//[^\n]*", re.DOTALL)
LONGEST_PATTERN = 88
"""Characters; a longer one would not fit on a line of a declaration, and would quote too much of upstream."""


@lru_cache(maxsize=4096)
def words(text: str) -> tuple[str, ...]:
    """Names, numbers and signs of a text, comments left out: close to its tokens, and quick."""
    return tuple(_WORD.findall(_COMMENT.sub(" ", text)))


def likeness(one: str, other: str) -> float:
    """0 to 1: how much of the words of two statements is the same, in the same order."""
    left, right = words(one), words(other)
    if not left or not right:
        return 0.0
    return (
        SequenceMatcher(None, left, right, autojunk=False).ratio()
        if max(len(left), len(right)) < 400
        else overlap(one, other)
    )


def overlap(one: str, other: str) -> float:
    """0 to 1: how much of the words of two scopes is the same, in any order (Dice over multisets)."""
    left, right = Counter(words(one)), Counter(words(other))
    total = left.total() + right.total()
    return 2 * (left & right).total() / total if total else 0.0


def covered(old: str, new: str) -> float:
    """0 to 1: how much of the words of `old` is in `new`."""
    left, right = Counter(words(old)), Counter(words(new))
    return (left & right).total() / left.total() if left else 0.0


def node_at(text: str, start: int, end: int, language: str = javascript.JAVASCRIPT) -> SgNode | None:
    """The outermost node with exactly this span; None where no node has it."""
    node = javascript.parse(text, language)
    while javascript.span(node) != (start, end):
        inside = [child for child in node.children() if _holds(child, start, end)]
        if not inside:
            return None
        node = inside[0]
    return node


def _holds(node: SgNode, start: int, end: int) -> bool:
    first, last = javascript.span(node)
    return first <= start and end <= last


def patterns_for(node: SgNode) -> Iterator[str]:
    """Patterns that match the node, the most telling first: its own text on one line, then with its long parts open."""
    text = _plain(node.text())
    if _is_usable(text):
        yield text
    yield from (pattern for pattern in _opened(node) if _is_usable(pattern))


def _plain(text: str) -> str:
    return " ".join(_COMMENT.sub(" ", text).split()).removesuffix(";").rstrip()


def _is_usable(pattern: str) -> bool:
    return bool(pattern) and len(pattern) <= LONGEST_PATTERN and ";" not in pattern and "\n" not in pattern


def _opened(node: SgNode) -> Iterator[str]:
    kind = node.kind()
    inner = node.child(0) if kind == "expression_statement" else node
    if inner is None:
        return
    kind = inner.kind()
    if kind in {"lexical_declaration", "variable_declaration"}:
        yield from _opened_declaration(inner)
    elif kind == "assignment_expression":
        left = inner.field("left")
        yield from [f"{_plain(left.text())} = $VALUE"] if left is not None else []
    elif kind == "call_expression":
        called = inner.field("function")
        yield from [f"{_plain(called.text())}($$$ARGUMENTS)"] if called is not None else []
    elif kind == "if_statement":
        condition = inner.field("condition")
        yield from [f"if {_plain(condition.text())} $THEN"] if condition is not None else []
    elif kind == "return_statement":
        yield "return $VALUE"


def _opened_declaration(node: SgNode) -> Iterator[str]:
    word = node.child(0)
    for declarator in node.children():
        name = declarator.field("name") if declarator.kind() == "variable_declarator" else None
        if name is not None and word is not None:
            yield f"{word.text()} {_plain(name.text())} = $VALUE"
