"""Scopes by name: functions, methods and routes."""

from collections.abc import Iterator
from functools import lru_cache

from ast_grep_py import Config, Rule, SgNode

from patcher.javascript.statements import statement_of
from patcher.javascript.tree import COMMENTS, DATA, JAVASCRIPT, parse, string_value
from patcher.model import Scope

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
_ROUTE_VERBS = frozenset({"get", "post", "put", "patch", "delete", "options", "head", "all", "use"})


def named_scopes(text: str, language: str = JAVASCRIPT) -> list[tuple[Scope, SgNode]]:
    """Every function and route of a program that has a name, with its node. Names may repeat."""
    return [] if language in DATA else list(_remembered_scopes(text, language))


@lru_cache(maxsize=128)
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


def _route(call: SgNode) -> Scope | None:
    target, arguments = call.field("function"), call.field("arguments")
    if target is None or arguments is None or target.kind() != "member_expression":
        return None
    verb = target.field("property")
    given = [child for child in arguments.children() if child.is_named() and child.kind() not in COMMENTS]
    if verb is None or verb.text() not in _ROUTE_VERBS or given[0].kind() != "string":
        return None
    return Scope("route", f"{verb.text().upper()} {string_value(given[0])}")


def enclosing_function(node: SgNode) -> SgNode | None:
    """The nearest function around the node; none at module top level."""
    return next((parent for parent in node.ancestors() if parent.kind() in FUNCTION_KINDS), None)
