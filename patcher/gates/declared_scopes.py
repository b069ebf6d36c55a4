"""Only the scopes that a patch declares have changed, and those that hold them."""

import json
from collections.abc import Iterator, Mapping

from ast_grep_py import SgNode

from patcher import javascript
from patcher.gates.problem import Problem
from patcher.model import Build, Layer


def check(build: Build) -> Iterator[Problem]:
    """Compare the texts of all named scopes before and after each layer."""
    for layer in build.layers:
        if not javascript.is_program(layer.file, layer.before[:128].encode()):
            continue
        language = javascript.language_of(layer.file)
        before, after = _scopes(layer.before, language), _scopes(layer.after, language)
        declared = {str(splice.scope) for splice in layer.splices}
        payloads = [javascript.named_scopes(splice.payload, language) for splice in layer.splices]
        brought = {str(scope) for scopes in payloads for scope, _ in scopes}
        allowed = declared | _around(declared, after) | (brought - before.keys()) | _of_items(layer, before, after)
        for name in sorted({*before, *after}):
            if _texts(before, name) != _texts(after, name) and name not in allowed:
                yield Problem(layer.file, *_undeclared(layer, name, after))


def _undeclared(layer: Layer, name: str, after: Mapping[str, list[SgNode]]) -> tuple[str, str]:
    """The message, and what to write: the site whose payload stands in this scope must name it."""
    shift = 0
    for splice in sorted(layer.splices, key=lambda each: each.order):
        start = splice.start + shift
        shift += len(splice.text) - len(splice.was)
        for node in after.get(name, []):
            first, last = javascript.span(node)
            if first <= start < last:
                kind, _, rest = name.partition(" ")
                words = rest.split(" ") if kind == "route" else [rest]
                scope = f"{kind}({', '.join(json.dumps(word) for word in words)})"
                message = (
                    f"{name} has changed, and no patch declares it: {splice.site} stands in it and says {splice.scope}"
                )
                hint = f"write `scope={scope}` in the anchor of {splice.site}"
                return message, f"{hint}, and pin it again: a pin reaches to the scope"
    return f"{name} has changed, and no patch declares it", ""


def _of_items(layer: Layer, before: Mapping[str, list[SgNode]], after: Mapping[str, list[SgNode]]) -> set[str]:
    """The names of scopes that a payload stands in, is part of, or replaces, where an item says where it goes."""
    old = [(splice.start, splice.end) for splice in layer.splices if splice.by_item]
    new = [(start, end) for start, end, splice in layer.placed() if splice.by_item]
    found = {name for name, nodes in before.items() for node in nodes if _touches(node, old)}
    return found | {name for name, nodes in after.items() for node in nodes if _touches(node, new)}


def _touches(node: SgNode, places: list[tuple[int, int]]) -> bool:
    start, end = javascript.span(node)
    return any((start <= first and last <= end) or (first <= start and end <= last) for first, last in places)


def _scopes(text: str, language: str) -> Mapping[str, list[SgNode]]:
    found: dict[str, list[SgNode]] = {}
    for scope, node in javascript.named_scopes(text, language):
        found.setdefault(str(scope), []).append(node)
    return found


def _texts(scopes: Mapping[str, list[SgNode]], name: str) -> list[str]:
    return [node.text() for node in scopes.get(name, [])]


def _around(names: set[str], scopes: Mapping[str, list[SgNode]]) -> set[str]:
    """The names of the scopes that hold one of these."""
    inner = [node for name in names for node in scopes.get(name, [])]
    return {name for name, nodes in scopes.items() for outer in nodes for node in inner if _holds(outer, node)}


def _holds(outer: SgNode, inner: SgNode) -> bool:
    (start, end), (first, last) = javascript.span(outer), javascript.span(inner)
    return start <= first and last <= end
