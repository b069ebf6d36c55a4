"""JavaScript for the corpus: statements, names and legal places for a comment, by ast-grep nodes."""

from collections.abc import Iterator

from ast_grep_py import SgNode, SgRoot

from tests.lab.drift.changes import Span

LISTS = frozenset({"program", "statement_block", "switch_case", "switch_default", "class_static_block"})
FUNCTIONS = frozenset(
    {
        "function_declaration",
        "generator_function_declaration",
        "function_expression",
        "generator_function",
        "arrow_function",
        "method_definition",
    }
)
NAMES = ("identifier", "shorthand_property_identifier", "shorthand_property_identifier_pattern")
_ATOMS = frozenset({"string", "template_string", "regex", "comment"})
_NO_BREAK_BEFORE = frozenset({"=>", "++", "--"})
_NO_BREAK_AFTER = frozenset({"return", "throw", "break", "continue", "yield", "async"})
_SHORTHAND = frozenset({"shorthand_property_identifier", "shorthand_property_identifier_pattern"})


def parse(text: str) -> SgNode:
    """The root of the syntax tree."""
    return SgRoot(text, "javascript").root()


def span(node: SgNode) -> Span:
    """Start and end in characters."""
    where = node.range()
    return where.start.index, where.end.index


def covering(root: SgNode, position: int) -> list[SgNode]:
    """The nodes below `root` that cover a character, outside in."""
    found: list[SgNode] = []
    node = root
    while True:
        inside = next((child for child in node.children() if span(child)[0] <= position < span(child)[1]), None)
        if inside is None:
            return found
        found.append(inside)
        node = inside


def statement_at(root: SgNode, position: int) -> SgNode:
    """The innermost statement in a list of statements that covers this character."""
    path = [root, *covering(root, position)]
    pairs = zip(path, path[1:], strict=False)
    return [root, *(node for parent, node in pairs if parent.kind() in LISTS and node.is_named())][-1]


def siblings(statement: SgNode) -> list[SgNode]:
    """The statements of the statement's list, itself among them, without comments."""
    parent = statement.parent()
    children = parent.children() if parent is not None else []
    value = parent.field("value") if parent is not None and parent.kind() == "switch_case" else None
    return [node for node in children if node.is_named() and node.kind() != "comment" and node != value]


def around(node: SgNode, outer: SgNode) -> list[SgNode]:
    """The ancestors of a node up to and with `outer`, inside out."""
    limit = span(outer)
    found = []
    for parent in node.ancestors():
        if span(parent)[0] < limit[0] or span(parent)[1] > limit[1]:
            break
        found.append(parent)
    return found


def leaves(node: SgNode) -> Iterator[SgNode]:
    """The tokens of a node without comments; a string, template or regular expression is one token."""
    kind = node.kind()
    if kind == "comment":
        return
    if kind in _ATOMS or node.is_leaf():
        if node.text():
            yield node
        return
    for child in node.children():
        yield from leaves(child)


def gaps(node: SgNode) -> list[tuple[int, bool]]:
    """Where a comment may stand between two tokens, and whether a line may end there."""
    tokens = list(leaves(node))
    return [
        (span(right)[0], left.text() not in _NO_BREAK_AFTER and right.text() not in _NO_BREAK_BEFORE)
        for left, right in zip(tokens, tokens[1:], strict=False)
    ]


def tokens_between(outer: SgNode, inner: Span) -> list[SgNode]:
    """The tokens of the headers from a scope down to a span in it, but for the very first: no other statement's."""
    found: list[SgNode] = []
    for parent in [outer, *covering(outer, inner[0])]:
        if parent.kind() in LISTS:
            continue
        for child in parent.children():
            start, end = span(child)
            if end <= inner[0] and child.kind() not in LISTS and not (start <= inner[0] < end):
                found += leaves(child)
    return found[1:]


def uses(node: SgNode, name: str) -> list[SgNode]:
    """The places where a name stands as a variable; members of that name do not count."""
    return [found for kind in NAMES for found in node.find_all(kind=kind) if found.text() == name]


def respelled(node: SgNode, new: str) -> str:
    """What to write in the place of a variable's name; a shorthand keeps its key."""
    return f"{node.text()}: {new}" if node.kind() in _SHORTHAND else new


def declared(statement: SgNode) -> set[str]:
    """Names that a statement binds in its list."""
    if statement.kind() in {"lexical_declaration", "variable_declaration"}:
        targets = [child.field("name") for child in statement.children() if child.kind() == "variable_declarator"]
    elif statement.kind() in FUNCTIONS or statement.kind() == "class_declaration":
        targets = [statement.field("name")]
    else:
        targets = []
    return {name for target in targets if target is not None for name in bound(target)}


def bound(pattern: SgNode) -> set[str]:
    """Names that a binding pattern binds. Defaults may add names that it reads: harmless here."""
    own = {pattern.text()} if pattern.kind() in {"identifier", "shorthand_property_identifier_pattern"} else set()
    kinds = ("identifier", "shorthand_property_identifier_pattern")
    return own | {node.text() for kind in kinds for node in pattern.find_all(kind=kind)}


def used_now(node: SgNode) -> set[str]:
    """Names that are read when a statement runs, not later in a function that it makes."""
    if node.kind() in FUNCTIONS:
        return set()
    if node.kind() in {"identifier", "shorthand_property_identifier"}:
        return {node.text()}
    return {name for child in node.children() for name in used_now(child)}


def binder(statement: SgNode, name: str) -> SgNode | None:
    """The innermost function around a statement that binds a name, else the program if that does."""
    for parent in statement.ancestors():
        if parent.kind() in FUNCTIONS and name in _own_names(parent):
            return parent
        if parent.kind() == "program" and any(name in declared(child) for child in parent.children()):
            return parent
    return None


def _own_names(function: SgNode) -> set[str]:
    fields = (function.field("parameters"), function.field("parameter"))
    names = {name for field in fields if field is not None for name in bound(field)}
    inside = function.field("body")
    return names | (_declared_inside(inside) if inside is not None else set())


def _declared_inside(node: SgNode) -> set[str]:
    names = set(declared(node))
    if node.kind() in {"for_in_statement", "catch_clause"}:
        target = node.field("left") or node.field("parameter")
        names |= bound(target) if target is not None else set()
    for child in node.children():
        if child.kind() not in FUNCTIONS:
            names |= _declared_inside(child)
        elif child.kind() == "function_declaration":
            names |= declared(child)
    return names


def indent_at(text: str, position: int) -> str:
    """The white space at the start of a character's line."""
    line = text[text.rfind("\n", 0, position) + 1 : position]
    return line[: len(line) - len(line.lstrip())]


def top_of_module(root: SgNode) -> int:
    """Where code may be put at the top of a file: behind a `#!` line and directives such as "use strict"."""
    position = 0
    for child in root.children():
        first = child.child(0)
        is_directive = child.kind() == "expression_statement" and first is not None and first.kind() == "string"
        if child.kind() == "hash_bang_line" or is_directive:
            position = span(child)[1]
        elif child.kind() != "comment":
            break
    return position
