"""Only the scopes that a patch declares have changed, and those that hold them."""

from collections.abc import Iterator

from ast_grep_py import SgNode

from patcher import javascript
from patcher.gates.problem import Problem
from patcher.model import Build


def check(build: Build) -> Iterator[Problem]:
    """Compare the texts of all named scopes before and after each layer."""
    for layer in build.layers:
        language = javascript.language_of(layer.file)
        before, after = _scopes(layer.before, language), _scopes(layer.after, language)
        declared = {str(splice.scope) for splice in layer.splices}
        allowed = declared | {outer for name in declared for outer in after.get(name, ([], []))[1]}
        payloads = [javascript.named_scopes(splice.payload, language) for splice in layer.splices]
        brought = {str(scope) for scopes in payloads for scope, _ in scopes}
        allowed |= brought - before.keys()
        for name in sorted({*before, *after}):
            if before.get(name, ([], []))[0] != after.get(name, ([], []))[0] and name not in allowed:
                yield Problem(layer.file, f"{name} has changed, and no patch declares it")


def _scopes(text: str, language: str) -> dict[str, tuple[list[str], list[str]]]:
    """Per scope name: the texts of its nodes, and the names of the scopes around them."""
    nodes = [(str(scope), node) for scope, node in javascript.named_scopes(text, language)]
    found: dict[str, tuple[list[str], list[str]]] = {}
    for name, node in nodes:
        texts, around = found.setdefault(name, ([], []))
        texts.append(node.text())
        around += [other for other, outer in nodes if other != name and _holds(outer, node)]
    return found


def _holds(outer: SgNode, inner: SgNode) -> bool:
    (start, end), (first, last) = javascript.span(outer), javascript.span(inner)
    return start <= first and last <= end
