"""The tokens that a pin is made of: what a formatter changes does not count."""

import re
from collections.abc import Iterator
from hashlib import sha256

from ast_grep_py import SgNode

from patcher.javascript import jsx
from patcher.javascript.statements import STATEMENT_LISTS
from patcher.javascript.tree import COMMENTS, span, string_value

_CONTAINERS = STATEMENT_LISTS | {"switch_body", "class_body", "object"}
_CLAUSES = frozenset({"statement_block", "else_clause", "catch_clause", "finally_clause", "switch_body", "class_body"})
_CLOSING = frozenset({")", "]", "}"})
_REDUNDANT_PARENTHESES = frozenset({"return_statement", "throw_statement", "arrow_function", "ternary_expression"})
_NEEDS_PARENTHESES = frozenset(
    {
        "sequence_expression",
        "assignment_expression",
        "arrow_function",
        "ternary_expression",
        "yield_expression",
        "object",
    }
)
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*\Z")


def window_digest(window: list[SgNode], scope: SgNode) -> str:
    """SHA-256 over the tokens of the window and of the headers between it and its scope's name.

    What a formatter changes does not count: white space, comments, quotes, semicolons, trailing commas, the
    parentheses of a lone arrow parameter or around a returned expression.
    """
    stream = [*_headers(window[0], scope), "\x1e"]
    for node in window:
        stream += [*tokens(node), "\x1e"]
    return sha256("\x1f".join(stream).encode()).hexdigest()


def tokens(node: SgNode) -> Iterator[str]:
    """The node's tokens, without what a formatter may add, drop or respell."""
    kind = node.kind()
    if kind in COMMENTS or kind == "empty_statement" or jsx.is_comment(node):
        return
    if kind == "string":
        yield _string_token(node)
    elif kind == "regex" or node.is_leaf():
        text = node.text()
        if text:
            yield text.replace("\r\n", "\n")
    else:
        yield from _inner_tokens(node, kind)


def _inner_tokens(node: SgNode, kind: str) -> Iterator[str]:
    if kind == "jsx_element":
        for piece in jsx.pieces(node.children()):
            yield from [piece] if isinstance(piece, str) else tokens(piece)
        return
    children = [child for child in node.children() if child.kind() not in COMMENTS]
    if _has_optional_parentheses(node, kind, children):
        children = children[1:-1]
    for index, child in enumerate(children):
        symbol = child.kind()
        if symbol == ";" and kind != "for_statement" and not _in_for_header(node):
            continue
        if symbol == "," and _is_trailing(children, index):
            continue
        yield from tokens(child)


def _string_token(node: SgNode) -> str:
    value = string_value(node)
    parent = node.parent()
    is_key = parent is not None and parent.kind() == "pair" and span(parent)[0] == span(node)[0]
    if is_key and _IDENTIFIER.match(value):
        return value
    return f'"{value}"'


def _has_optional_parentheses(node: SgNode, kind: str, children: list[SgNode]) -> bool:
    parent = node.parent()
    if parent is None or len(children) != 3:
        return False
    if kind == "formal_parameters":
        return parent.kind() == "arrow_function" and _is_bare_name(children[1])
    if kind == "parenthesized_expression" and children[1].kind() in jsx.ELEMENTS:
        return True
    return (
        kind == "parenthesized_expression"
        and parent.kind() in _REDUNDANT_PARENTHESES
        and children[1].kind() not in _NEEDS_PARENTHESES
    )


def _is_bare_name(parameter: SgNode) -> bool:
    """`x`, which TypeScript's grammar wraps; `x: number` and `x?` need their parentheses."""
    inner = parameter.children() if parameter.kind() == "required_parameter" else [parameter]
    return len(inner) == 1 and inner[0].kind() == "identifier"


def _in_for_header(node: SgNode) -> bool:
    parent = node.parent()
    return parent is not None and parent.kind() == "for_statement" and parent.field("body") != node


def _is_trailing(children: list[SgNode], index: int) -> bool:
    if index + 1 >= len(children) or index == 0:
        return False
    is_hole = children[index - 1].kind() in {"[", ","}
    return children[index + 1].kind() in _CLOSING and not is_hole


def _headers(node: SgNode, scope: SgNode) -> Iterator[str]:
    """Tokens of everything that is said on the way from the scope's name to the window, outside in."""
    start, end = span(scope)
    path = [node]
    for parent in node.ancestors():
        left, right = span(parent)
        if left < start or right > end:
            break
        path.append(parent)
    for parent, child in zip(reversed(path), reversed(path[:-1]), strict=False):
        yield from _header(parent, child)


def _is_bare(block: SgNode) -> bool:
    """Whether a block is a statement of its own; the braces of a `case` are not."""
    parent = block.parent()
    return parent is not None and parent.kind() in {"program", "statement_block"}


def _header(parent: SgNode, child: SgNode) -> Iterator[str]:
    kind = parent.kind()
    if kind in {"switch_case", "switch_default"}:
        value = parent.field("value")
        yield "case"
        yield from tokens(value) if value is not None else ()
    if kind == "statement_block" and _is_bare(parent):
        yield "{"
    if kind in _CONTAINERS or (kind == "parenthesized_expression" and child.kind() in jsx.ELEMENTS):
        return
    inside = span(child)
    for part in parent.children():
        if jsx.is_child(part) and span(part) != inside:
            continue  # a neighbour, as other statements of a block are
        if part.kind() in COMMENTS or part.kind() == ";":
            continue
        if span(part) == inside:
            yield "\x1d"
        elif part.kind() not in _CLAUSES:
            yield from tokens(part)
