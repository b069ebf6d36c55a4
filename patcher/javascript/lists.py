"""What can be edited, in every grammar that we know: the items of lists, the gaps between them, and headers.

A list is a node with items: a block with statements, an object with properties, a call with arguments, a JSX element
with children, a CSS block with declarations. The header of an item is what is left of it without the lists inside. Both
are seen as a row of pieces: items, lists, tokens, blanks and comments, in text order, with nothing between them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache

from ast_grep_py import SgNode

from patcher.javascript import jsx
from patcher.javascript.tree import COMMENTS, parse, span
from patcher.model import ListKind

_JAVASCRIPT = {
    "program": ListKind.STATEMENTS,
    "statement_block": ListKind.STATEMENTS,
    "switch_body": ListKind.STATEMENTS,
    "switch_case": ListKind.STATEMENTS,
    "switch_default": ListKind.STATEMENTS,
    "class_static_block": ListKind.STATEMENTS,
    "object": ListKind.PROPERTIES,
    "object_pattern": ListKind.PROPERTIES,
    "class_body": ListKind.MEMBERS,
    "arguments": ListKind.ARGUMENTS,
    "array": ListKind.ELEMENTS,
    "array_pattern": ListKind.ELEMENTS,
    "formal_parameters": ListKind.PARAMETERS,
    "named_imports": ListKind.IMPORTS,
    "export_clause": ListKind.IMPORTS,
}
_TYPES = {
    "interface_body": ListKind.MEMBERS,
    "object_type": ListKind.MEMBERS,
    "enum_body": ListKind.MEMBERS,
    "tuple_type": ListKind.ELEMENTS,
}
_JSX = {
    "jsx_opening_element": ListKind.ATTRIBUTES,
    "jsx_self_closing_element": ListKind.ATTRIBUTES,
    "jsx_element": ListKind.CHILDREN,
}
_OWNERS = {
    "javascript": _JAVASCRIPT | _JSX,
    "typescript": _JAVASCRIPT | _TYPES,
    "tsx": _JAVASCRIPT | _TYPES | _JSX,
    "json": {"object": ListKind.PAIRS, "array": ListKind.ELEMENTS},
    "css": {
        "stylesheet": ListKind.RULES,
        "block": ListKind.RULES,
        "keyframe_block_list": ListKind.RULES,
    },
    "html": {
        "document": ListKind.CHILDREN,
        "element": ListKind.CHILDREN,
        "start_tag": ListKind.ATTRIBUTES,
        "self_closing_tag": ListKind.ATTRIBUTES,
    },
}
_ROOTS = frozenset({"program", "stylesheet", "document"})
_CASES = frozenset({"switch_case", "switch_default"})
_JSX_TAGS = frozenset({"jsx_opening_element", "jsx_self_closing_element"})
_HTML_TAGS = frozenset({"start_tag", "self_closing_tag"})
_ATOMS = frozenset({"string", "template_string", "regex", "jsx_text", "jsx_closing_element", "raw_text", "doctype"})
_ATTRIBUTES = frozenset({"jsx_attribute", "jsx_expression", "attribute"})
_TAG_ENDS = frozenset({">", "/>", "/"})


class What(StrEnum):
    """What a piece is."""

    ITEM = "item"
    LIST = "list"
    TOKEN = "token"  # noqa: S105 - of a program
    BLANK = "blank"
    COMMENT = "comment"


@dataclass(frozen=True)
class Piece:
    """The characters `[start, end)`. node: of an item or a token. inner: the list that is this piece of a header."""

    start: int
    end: int
    what: What
    node: SgNode | None = None
    inner: "ItemList | None" = None


@dataclass(frozen=True)
class ItemList:
    """A list, by its node: the characters between its delimiters are `[start, end)`."""

    kind: ListKind
    node: SgNode
    start: int
    end: int
    text: str
    language: str

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """Items, and between them separators, blanks and comments."""
        return tuple(_filled(self.text, self.start, self.end, _listed(self.node, self.start, self.end)))

    @cached_property
    def items(self) -> tuple[int, ...]:
        """The pieces that are items, by index."""
        return tuple(index for index, piece in enumerate(self.pieces) if piece.what is What.ITEM)

    def node_at(self, index: int) -> SgNode:
        """The item that a piece is."""
        node = self.pieces[index].node
        if node is None:
            raise ValueError("this piece is not an item")
        return node


def owners(language: str) -> dict[str, ListKind]:
    """The kinds of nodes that own a list in a grammar, and the kind of list."""
    return _OWNERS[language]


def list_of(text: str, node: SgNode, language: str) -> ItemList | None:
    """The list that a node owns; None for one that owns none, or one without items."""
    kind = owners(language).get(node.kind())
    inside = _inside(text, node) if kind is not None else None
    if kind is None or inside is None:
        return None
    found = ItemList(kind, node, *inside, text, language)
    return found if any(_is_item(child, *inside) for child in node.children()) else None


@lru_cache(maxsize=32)
def root_list(text: str, language: str) -> ItemList | None:
    """The list of the top level. Of JSON, the list of the value that the file is."""
    root = parse(text, language)
    if language == "json":
        root = next((child for child in root.children() if child.is_named()), root)
    return list_of(text, root, language)


@lru_cache(maxsize=128)
def lists_of_kind(text: str, kind: ListKind, language: str) -> tuple[ItemList, ...]:
    """Every list of this kind in a file, in text order."""
    names = [name for name, found in owners(language).items() if found is kind]
    if not names:
        return ()
    root = parse(text, language)
    nodes = [root, *root.find_all({"rule": {"any": [{"kind": name} for name in names]}})]
    found = {span(node): each for node in nodes if (each := list_of(text, node, language)) is not None}
    return tuple(each for each in found.values() if each.kind is kind)


def header_of(text: str, item: SgNode, language: str) -> tuple[Piece, ...]:
    """The pieces of an item: tokens, and a piece for each list that has items."""
    start, end = span(item)
    return tuple(_filled(text, start, end, _said(text, item, language)))


def _said(text: str, node: SgNode, language: str) -> Iterator[Piece]:
    kind = node.kind()
    start, end = span(node)
    if start == end:
        return
    if _is_comment(node):
        yield Piece(*_comment_span(text, node), What.COMMENT, node)
        return
    children = node.children()
    if not children or kind in _ATOMS:
        yield Piece(start, end, What.TOKEN, node)
        return
    if kind in _JSX_TAGS | _HTML_TAGS:  # `</*` would end a tag: the name stays with its `<`
        opened = (_inside(text, node) or (end, end))[0]
        yield Piece(start, opened, What.TOKEN, node)
        children = [child for child in children if span(child)[0] >= opened]
    own = list_of(text, node, language)
    done = False
    for child in children:
        if own is not None and own.start <= span(child)[0] and span(child)[1] <= own.end and span(child)[0] < own.end:
            if not done:
                yield Piece(own.start, own.end, What.LIST, node, own)
                done = True
        else:
            yield from _said(text, child, language)


def _listed(node: SgNode, start: int, end: int) -> Iterator[Piece]:
    for child in node.children():
        first, last = span(child)
        if first < start or last > end or first == last:
            continue
        if _is_comment(child):
            yield Piece(first, last, What.COMMENT, child)
        elif _is_item(child, start, end):
            yield Piece(first, last, What.ITEM, child)
        elif child.kind() != "jsx_text":
            yield Piece(first, last, What.TOKEN, child)


def _filled(text: str, start: int, end: int, pieces: Iterator[Piece]) -> Iterator[Piece]:
    """The pieces, with blanks where there is nothing. The line break behind a `//` belongs to the comment.

    So a marker can stand between any two pieces.
    """
    at = start
    for piece in pieces:
        if piece.start > at:
            yield Piece(at, piece.start, What.BLANK)
        if piece.end <= at:
            continue
        last = piece.end
        if piece.what is What.COMMENT and text.startswith(("//", "#!"), piece.start) and text[last - 1] != "\n":
            broken = text.find("\n", last, end)
            last = broken + 1 if broken >= 0 and not text[last:broken].strip() else last
        yield Piece(max(piece.start, at), last, piece.what, piece.node, piece.inner)
        at = last
    if at < end:
        yield Piece(at, end, What.BLANK)


def _comment_span(text: str, node: SgNode) -> tuple[int, int]:
    del text
    return span(node)


def _is_comment(node: SgNode) -> bool:
    return node.kind() in COMMENTS or jsx.is_comment(node)


def _is_item(node: SgNode, start: int, end: int) -> bool:
    first, last = span(node)
    if first < start or last > end or first == last or not node.is_named() or _is_comment(node):
        return False
    return node.kind() != "jsx_text" or jsx.counts(node)


def _inside(text: str, node: SgNode) -> tuple[int, int] | None:
    """The characters between the delimiters of a node that owns a list; None where it has none."""
    kind, children = node.kind(), node.children()
    if kind in _ROOTS:
        return 0, len(text)
    if not children:
        return None
    if kind in _CASES:
        colon = next((child for child in children if child.kind() == ":"), None)
        return (span(colon)[1], span(node)[1]) if colon is not None else None
    if kind in _JSX_TAGS | _HTML_TAGS:
        return _behind_name(children)
    if len(children) < 2 or (kind == "element" and children[-1].kind() != "end_tag"):
        return None
    return span(children[0])[1], span(children[-1])[0]


def _behind_name(children: list[SgNode]) -> tuple[int, int] | None:
    """The characters of a tag between its name and its end."""
    named = [child for child in children if child.is_named() and not _is_comment(child)]
    names = [child for child in named if child.kind() not in _ATTRIBUTES]
    close = next((child for child in reversed(children) if child.kind() in _TAG_ENDS), None)
    close = next((child for child in children if child.kind() == "/" and close is not None), close)
    return (span(names[-1])[1], span(close)[0]) if names and close is not None else None
