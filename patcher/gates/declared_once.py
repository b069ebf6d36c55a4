"""What a payload brings into a list is not there already: two functions, imports or members of one name.

JavaScript takes the second function of a name without a word, and JSON the second pair; of an interface or an import
nobody knows before it is compiled or run. It happens where upstream has brought in the meantime what the patch brings.
"""

from collections.abc import Iterator

from ast_grep_py import SgNode

from patcher import javascript
from patcher.gates.free_identifiers import declared_names
from patcher.gates.problem import Problem
from patcher.javascript.lists import ItemList, list_of, owners, root_list
from patcher.model import Build, Layer, ListKind

_KINDS = (
    ListKind.STATEMENTS,
    ListKind.IMPORTS,
    ListKind.MEMBERS,
    ListKind.PROPERTIES,
    ListKind.ATTRIBUTES,
    ListKind.PAIRS,
)
_MAY_BE_TWICE = frozenset(
    {
        "spread_element",
        "jsx_expression",
        "function_signature",
        "method_signature",
        "method_definition",
        "call_signature",
    }
)
_HINT = "upstream has it now: take it out of the payload, or take the site out of the patch"


def check(build: Build) -> Iterator[Problem]:
    """For each item that a payload brings, whether its list has another of the name."""
    for layer in build.layers:
        is_program = javascript.is_program(layer.file, layer.before[:128].encode())
        if is_program or javascript.language_of(layer.file) == "json":
            yield from _twice(layer)


def _twice(layer: Layer) -> Iterator[Problem]:
    parts = [(start, end, splice) for start, end, splice in layer.placed() if splice.part]
    if not parts:
        return
    language = javascript.language_of(layer.file)
    root = javascript.parse(layer.after, language)
    for start, end, splice in parts:
        inside = _list_at(layer.after, root, start, end, language)
        if inside is None:
            continue
        items = [inside.node_at(index) for index in inside.items]
        ours = [node for node in items if start <= javascript.span(node)[0] and javascript.span(node)[1] <= end]
        others = {name for node in items if node not in ours for name in _names(node, inside)}
        for name in sorted({name for node in ours for name in _names(node, inside)} & others):
            line = layer.after.count("\n", 0, start) + 1
            message = f"{splice.site} brings `{name}`, and the {inside.kind} that it goes into have one already"
            yield Problem(f"{layer.file}:{line}", message, _HINT)


def _list_at(text: str, root: SgNode, start: int, end: int, language: str) -> ItemList | None:
    """The innermost list that holds these characters between its delimiters."""
    node, found = root, root_list(text, language)
    while True:
        inner = next((child for child in node.children() if _holds(child, start, end)), None)
        if inner is None:
            return found
        owned = list_of(text, inner, language) if inner.kind() in owners(language) else None
        if owned is not None and owned.start <= start and end <= owned.end:
            found = owned
        node = inner


def _holds(node: SgNode, start: int, end: int) -> bool:
    first, last = javascript.span(node)
    return first <= start and end <= last


def _names(node: SgNode, inside: ItemList) -> set[str]:
    """The names that an item declares in its list; none for one that may be there twice."""
    if inside.kind not in _KINDS or node.kind() in _MAY_BE_TWICE:
        return set()
    if inside.kind is ListKind.STATEMENTS:
        return declared_names(node)
    name = node.field("alias") or node.field("name") or node.field("key") or next(iter(node.children()), None)
    return {name.text()} if name is not None else set()
