"""Where a pattern, which is code itself, matches."""

import re
from bisect import bisect_left
from functools import lru_cache

from ast_grep_py import SgNode

from patcher.javascript.tree import JAVASCRIPT, parse, span

_WORD = re.compile(r"(?<![\w$])[A-Za-z_]\w*")  # not of `$NAME`, which stands for anything
_NOT_A_LINE_BREAK = re.compile(r"[^\r\n\u2028\u2029]")


def matching(text: str, node: SgNode, pattern: str, language: str = JAVASCRIPT) -> list[SgNode]:
    """The nodes below `node`, of the tree of `text`, that match, in text order, comments inside them or not.

    ast-grep compares a comment like any other node; people write them between two arguments. So the nodes that hold a
    comment are looked for once more in the text without comments, where everything stands at the same offsets.
    """
    if not pattern:  # an item of a list, which no pattern finds
        return []
    found = {span(each): each for each in node.find_all(pattern=pattern)}
    kind = _kind_of(pattern, language)
    nodes = _nodes_with_comments(text, node, kind, language)
    commented = {place: each for place, each in nodes.items() if _may_be(text[place[0] : place[1]], kind, pattern)}
    if commented:
        bare = parse(_without_comments(text, language), language)
        for place in map(span, bare.find_all(pattern=pattern)):
            if place in commented:
                found.setdefault(place, commented[place])
    return [found[place] for place in sorted(found)]


def _may_be(text: str, kind: str, pattern: str) -> bool:
    """Whether a node may match: it has the words of the pattern, and a call begins with the first of them.

    Parsing the whole text once more takes longer than all of this.
    """
    words = _WORD.findall(pattern)
    if kind == "call_expression" and words and pattern.startswith(words[0]) and not text.startswith(words[0]):
        return False
    return all(word in text for word in words)


def _kind_of(pattern: str, language: str) -> str:
    statement = parse(pattern, language).child(0)
    inner = statement.child(0) if statement is not None and statement.kind() == "expression_statement" else statement
    return inner.kind() if inner is not None else ""


@lru_cache(maxsize=128)
def _comments(text: str, language: str) -> tuple[tuple[int, int], ...]:
    """Start and end of each comment, in text order."""
    return tuple(sorted(map(span, parse(text, language).find_all(kind="comment"))))


def comment_starts(text: str, language: str = JAVASCRIPT) -> frozenset[int]:
    """Where the comments of the text begin."""
    return frozenset(start for start, _ in _comments(text, language))


def _nodes_with_comments(text: str, node: SgNode, kind: str, language: str) -> dict[tuple[int, int], SgNode]:
    """The nodes of this kind below `node` that hold a comment, by span."""
    comments = _comments(text, language)
    if not kind or not comments:
        return {}
    nodes = {span(each): each for each in node.find_all(kind=kind)}
    return {place: each for place, each in nodes.items() if _hold_one(comments, place)}


def _hold_one(comments: tuple[tuple[int, int], ...], place: tuple[int, int]) -> bool:
    """Whether the first comment that begins after the start of `place` ends before its end."""
    index = bisect_left(comments, place)
    return index < len(comments) and comments[index][1] <= place[1]


@lru_cache(maxsize=128)
def _without_comments(text: str, language: str) -> str:
    """The text with spaces in place of its comments; line breaks in them stay."""
    pieces, done = [], 0
    for first, last in _comments(text, language):
        pieces += [text[done:first], _NOT_A_LINE_BREAK.sub(" ", text[first:last])]
        done = last
    return "".join([*pieces, text[done:]])
