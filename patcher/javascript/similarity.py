"""How alike two pieces of code are. Likeness ranks, and never applies anything."""

import re
from collections import Counter
from difflib import SequenceMatcher
from functools import lru_cache

from ast_grep_py import SgNode

from patcher import javascript

_WORD = re.compile(r"[A-Za-z_$][\w$]*|\d[\w.]*|[^\s\w]")
_COMMENT = re.compile(r"/\*.*?\*/|(?<![:\"'`])//[^\n]*", re.DOTALL)


@lru_cache(maxsize=4096)
def words(text: str) -> tuple[str, ...]:
    """Names, numbers and signs of a text, comments left out: close to its tokens, and quick."""
    return tuple(_WORD.findall(without_comments(text)))


def without_comments(text: str) -> str:
    """The text with a space for each comment: quick, and wrong where a string holds what looks like one."""
    return _COMMENT.sub(" ", text)


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
