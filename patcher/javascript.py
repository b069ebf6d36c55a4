"""JavaScript and TypeScript seen through ast-grep: scopes by name, statements, and the tokens that a pin is made of.

Between the tags of JSX, elements are what statements are elsewhere (`patcher/jsx.py`). A file's ending chooses the
grammar: `language_of`. Offsets count characters of the decoded text, as ast-grep's do; never bytes.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256

from ast_grep_py import Config, Rule, SgNode, SgRoot

from patcher import jsx
from patcher.model import Scope

JAVASCRIPT = "javascript"
ENDINGS = (".js", ".cjs", ".mjs", ".jsx", ".ts", ".mts", ".cts", ".tsx")
"""Of the files that are programs."""
_LANGUAGES = {".tsx": "tsx", ".ts": "typescript", ".mts": "typescript", ".cts": "typescript"}

FUNCTION_KINDS = frozenset(
    {
        "function_declaration",
        "generator_function_declaration",
        "function_expression",
        "generator_function",
        "arrow_function",
        "method_definition",
    }
)
_FUNCTION_VALUES: list[Rule] = [
    {"kind": kind} for kind in ("arrow_function", "function_expression", "generator_function")
]
_CALL_WITH_A_FUNCTION: Config = {
    "rule": {"kind": "call_expression", "has": {"field": "arguments", "has": {"any": _FUNCTION_VALUES}}}
}
_BOUND_TO_A_FUNCTION: Config = {
    "rule": {
        "kind": "variable_declarator",
        "has": {"field": "value", "any": [*_FUNCTION_VALUES, _CALL_WITH_A_FUNCTION["rule"]]},
    }
}
_NAMED: Config = {
    "rule": {
        "any": [
            {"kind": "function_declaration"},
            {"kind": "generator_function_declaration"},
            {"kind": "method_definition"},
            _BOUND_TO_A_FUNCTION["rule"],
            _CALL_WITH_A_FUNCTION["rule"],
        ]
    }
}
_BROKEN_OR_EMPTY: Config = {"rule": {"any": [{"kind": "ERROR"}, {"regex": "^$"}]}}
_COMMENTS = frozenset({"comment", "html_comment", "hash_bang_line"})
_STATEMENT_LISTS = frozenset({"program", "statement_block", "switch_case", "switch_default", "class_static_block"})
_CONTAINERS = _STATEMENT_LISTS | {"switch_body", "class_body", "object"}
_CLAUSES = frozenset({"statement_block", "else_clause", "catch_clause", "finally_clause", "switch_body", "class_body"})
_ROUTE_VERBS = frozenset({"get", "post", "put", "patch", "delete", "options", "head", "all", "use"})
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
_NOT_A_LINE_BREAK = re.compile(r"[^\r\n\u2028\u2029]")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_STARTS_NODE = re.compile(rb"#!.*\bnode\b")


def is_program(path: str, data: bytes = b"") -> bool:
    """Whether a file is JavaScript or TypeScript: by its ending, or where it has none, by a first line that runs Node.

    Of anything else there is no grammar here: `language_of` would take it for JavaScript.
    """
    name = path.rpartition("/")[2]
    return path.endswith(ENDINGS) or ("." not in name and _STARTS_NODE.match(data) is not None)


def language_of(path: str) -> str:
    """The grammar for a file of this name: `tsx`, `typescript`, or `javascript` (which knows JSX too)."""
    return next((name for ending, name in _LANGUAGES.items() if path.endswith(ending)), JAVASCRIPT)


@lru_cache(maxsize=32)
def parse(text: str, language: str = JAVASCRIPT) -> SgNode:
    """The syntax tree's root. Never fails: what does not parse becomes `ERROR` nodes (see `syntax_errors`).

    Remembered: layers, gates and the second build look at the same few texts again and again.
    """
    return SgRoot(text, language).root()


def span(node: SgNode) -> tuple[int, int]:
    """Start and end of the node, in characters."""
    where = node.range()
    return where.start.index, where.end.index


def line_of(node: SgNode) -> int:
    """The node's first line, counted from 1."""
    return node.range().start.line + 1


def syntax_errors(root: SgNode) -> list[int]:
    """Lines (from 1) with an `ERROR` node, or with a token that the parser had to invent."""
    found = root.find_all(_BROKEN_OR_EMPTY)  # a token that had to be invented is a leaf without text
    broken = [node for node in found if node.kind() == "ERROR" or (node.is_leaf() and node.kind() != "program")]
    return sorted(line_of(node) for node in broken)


def string_value(node: SgNode) -> str:
    """A string literal's text between its quotes, escaped quotes made plain: quote style does not count."""
    return _ESCAPE.sub(lambda found: found[1] if found[1] in "'\"" else found[0], node.text()[1:-1])


# --- scopes ----------------------------------------------------------------------------------------------------


def named_scopes(text: str, language: str = JAVASCRIPT) -> list[tuple[Scope, SgNode]]:
    """Every function and route that has a name, with its node. Names may repeat."""
    return list(_remembered_scopes(text, language))


@lru_cache(maxsize=32)
def _remembered_scopes(text: str, language: str) -> tuple[tuple[Scope, SgNode], ...]:
    return tuple(_find_scopes(parse(text, language)))


def _find_scopes(root: SgNode) -> Iterator[tuple[Scope, SgNode]]:
    for node in root.find_all(_NAMED):  # one walk over the tree for all kinds
        kind = node.kind()
        if kind == "call_expression":
            path = _route(node)
            if path is not None:
                yield path, statement_of(node)
            continue
        name = node.field("name")
        if name is not None and kind != "variable_declarator":
            yield Scope("function", name.text()), node
        elif name is not None and name.kind() == "identifier":
            yield Scope("function", name.text()), statement_of(node)


def scopes_named(text: str, scope: Scope, language: str = JAVASCRIPT) -> list[SgNode]:
    """The nodes of this scope; the root for the module scope."""
    if scope.kind == "module":
        return [parse(text, language)]
    return [node for found, node in named_scopes(text, language) if found == scope]


def _route(call: SgNode) -> Scope | None:
    target, arguments = call.field("function"), call.field("arguments")
    if target is None or arguments is None or target.kind() != "member_expression":
        return None
    verb = target.field("property")
    given = [child for child in arguments.children() if child.is_named() and child.kind() not in _COMMENTS]
    if verb is None or verb.text() not in _ROUTE_VERBS or given[0].kind() != "string":
        return None
    return Scope("route", f"{verb.text().upper()} {string_value(given[0])}")


def enclosing_function(node: SgNode) -> SgNode | None:
    """The nearest function around the node; none at module top level."""
    return next((parent for parent in node.ancestors() if parent.kind() in FUNCTION_KINDS), None)


# --- patterns --------------------------------------------------------------------------------------------------


def matching(text: str, node: SgNode, pattern: str, language: str = JAVASCRIPT) -> list[SgNode]:
    """The nodes below `node`, of the tree of `text`, that match, in text order, comments inside them or not.

    ast-grep compares a comment like any other node; people write them between two arguments. So the nodes that hold a
    comment are looked for once more in the text without comments, where everything stands at the same offsets.
    """
    found = {span(each): each for each in node.find_all(pattern=pattern)}
    commented = _nodes_with_comments(text, node, _kind_of(pattern, language), language)
    if commented:
        bare = parse(_without_comments(text, language), language)
        for place in map(span, bare.find_all(pattern=pattern)):
            if place in commented:
                found.setdefault(place, commented[place])
    return [found[place] for place in sorted(found)]


def _kind_of(pattern: str, language: str) -> str:
    statement = parse(pattern, language).child(0)
    inner = statement.child(0) if statement is not None and statement.kind() == "expression_statement" else statement
    return inner.kind() if inner is not None else ""


@lru_cache(maxsize=32)
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
    """Whether the first comment that begins behind `place`'s start ends before its end."""
    index = bisect_left(comments, place)
    return index < len(comments) and comments[index][1] <= place[1]


@lru_cache(maxsize=32)
def _without_comments(text: str, language: str) -> str:
    """The text with blanks in place of its comments; line breaks in them stay."""
    pieces, done = [], 0
    for first, last in _comments(text, language):
        pieces += [text[done:first], _NOT_A_LINE_BREAK.sub(" ", text[first:last])]
        done = last
    return "".join([*pieces, text[done:]])


# --- statements ------------------------------------------------------------------------------------------------


def statement_of(node: SgNode) -> SgNode:
    """The statement that holds the node: its ancestor, or itself, that stands directly in a list of statements.

    Inside JSX, the child of an element that holds it: whichever list is nearer.
    """
    current = node
    for parent in node.ancestors():
        if parent.kind() in _STATEMENT_LISTS or jsx.is_child(current):
            return current
        current = parent
    return current


def neighbours(statement: SgNode, before: int, after: int) -> list[SgNode]:
    """The statement with up to `before` statements above it and `after` below it, comments and layout left out."""
    above = [node for node in statement.prev_all() if _is_neighbour(node)]
    below = [node for node in statement.next_all() if _is_neighbour(node)]
    return [*reversed(above[:before]), statement, *below[:after]]


def _is_neighbour(node: SgNode) -> bool:
    return node.is_named() and node.kind() not in _COMMENTS and jsx.counts(node)


# --- tokens ----------------------------------------------------------------------------------------------------


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
    if kind in _COMMENTS or kind == "empty_statement" or jsx.is_comment(node):
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
    children = [child for child in node.children() if child.kind() not in _COMMENTS]
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
        if part.kind() in _COMMENTS or part.kind() == ";":
            continue
        if span(part) == inside:
            yield "\x1d"
        elif part.kind() not in _CLAUSES:
            yield from tokens(part)
