"""The statement that holds a node, and those beside it. Between the tags of JSX, elements are what statements are."""

from ast_grep_py import SgNode

from patcher.javascript import jsx
from patcher.javascript.tree import COMMENTS

STATEMENT_LISTS = frozenset({"program", "statement_block", "switch_case", "switch_default", "class_static_block"})


def statement_of(node: SgNode) -> SgNode:
    """The statement that holds the node: its ancestor, or itself, that stands directly in a list of statements.

    Inside JSX, the child of an element that holds it: whichever list is nearer.
    """
    current = node
    for parent in node.ancestors():
        if parent.kind() in STATEMENT_LISTS or jsx.is_child(current):
            return current
        current = parent
    return current


def neighbours(statement: SgNode, before: int, after: int) -> list[SgNode]:
    """The statement with up to `before` statements above it and `after` below it, comments and layout left out."""
    above = [node for node in statement.prev_all() if _is_neighbour(node)]
    below = [node for node in statement.next_all() if _is_neighbour(node)]
    return [*reversed(above[:before]), statement, *below[:after]]


def _is_neighbour(node: SgNode) -> bool:
    return node.is_named() and node.kind() not in COMMENTS and jsx.counts(node)
