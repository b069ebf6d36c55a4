"""What decides which code runs under the name of a scope.

JavaScript takes a second function, member or route of one name without a word: of functions and members the later one
runs, of routes the earlier one answers. So a payload in the right code may still be in code that never runs.
"""

import re
from collections.abc import Iterator

from ast_grep_py import Config, Relation, Rule, SgNode

from patcher import javascript
from patcher.javascript import span
from patcher.model import Scope

_HOMES = javascript.FUNCTION_KINDS | {"class_body", "object"}
_DECLARATION: Config = {"rule": {"any": [{"kind": "variable_declarator"}, {"kind": "function_declaration"}]}}
_METHOD_CALL: Config = {"rule": {"kind": "call_expression", "has": {"field": "function", "kind": "member_expression"}}}


def definitions(text: str, scope: Scope, near: SgNode, language: str = javascript.JAVASCRIPT) -> list[SgNode]:
    """Everything that defines the scope's name where `near`, one of its scopes, does; in text order.

    Besides functions and routes of the name: assignments to it, a field beside a method, a property beside a method of
    an object, and a route whose handler is only named. A namesake in another function or class is somebody else.
    """
    if scope.kind == "module":
        return [near]
    found = {span(node): node for node in javascript.scopes_named(text, scope, language)}
    if scope.kind == "route":
        found.update({span(node): node for node in _registrations(text, scope, language)})
        return [found[place] for place in sorted(found)]
    home = _home(near)
    found = {place: node for place, node in found.items() if _home(node) == home}
    if text.count(scope.name) > 1:
        more = (node for node in _redefinitions(text, scope.name, language) if _home_of_name(node, scope.name) == home)
        found.update({span(node): node for node in more if span(node) not in found})
    if sorted(_accessor(node) for node in found.values()) == ["get", "set"]:
        return [near]  # one property, read and written
    return [found[place] for place in sorted(found)]


def _home(node: SgNode) -> tuple[int, int]:
    """The function, class or object that a name belongs to; the whole file for one at the top."""
    return next((span(parent) for parent in node.ancestors() if parent.kind() in _HOMES), (0, 0))


def _home_of_name(node: SgNode, name: str) -> tuple[int, int]:
    """The home of what an assignment assigns to: the nearest function around it that has the name, or the file."""
    if node.kind() != "assignment_expression":
        return _home(node)
    for parent in node.ancestors():
        if parent.kind() in javascript.FUNCTION_KINDS and name in _names_of(parent):
            return span(parent)
    return (0, 0)


def _names_of(function: SgNode) -> set[str]:
    """The names that belong to a function: its parameters, and what is declared in it."""
    parameters = function.field("parameters") or function.field("parameter")
    declared = (
        name.text()
        for node in function.find_all(_DECLARATION)
        if _home(node) == span(function) and (name := node.field("name")) is not None
    )
    return {*(javascript.tokens(parameters) if parameters is not None else ()), *declared}


def _redefinitions(text: str, name: str, language: str) -> Iterator[SgNode]:
    named = f"^{re.escape(name)}$"
    member: Relation = {"kind": "method_definition", "has": {"field": "name", "regex": named}}
    rules: list[Rule] = [
        {"kind": "assignment_expression", "has": {"field": "left", "regex": named}},
        {
            "kind": "pair",
            "has": {"field": "key", "regex": named},
            "inside": {"kind": "object", "has": member},
        },
    ]
    if language == javascript.JAVASCRIPT:
        rules.append({"kind": "field_definition", "has": {"field": "property", "regex": named}})
    else:
        rules.append({"kind": "public_field_definition", "has": {"field": "name", "regex": named}})
    yield from javascript.parse(text, language).find_all({"rule": {"any": rules}})


def _accessor(node: SgNode) -> str:
    """`get` or `set` for a member that is one."""
    first = node.child(0) if node.kind() == "method_definition" else None
    return first.kind() if first is not None and first.kind() in {"get", "set"} else ""


def _registrations(text: str, scope: Scope, language: str) -> Iterator[SgNode]:
    """Statements that register a handler for the route's verb and path, however handler and path are written."""
    verb, _, path = scope.name.partition(" ")
    verbs = {verb.lower(), "all"}
    for call in javascript.parse(text, language).find_all(_METHOD_CALL):
        method, receiver = _method(call), _receiver(call)
        if method not in verbs or receiver is None:
            continue
        given = _arguments(call)
        paths = _route_argument(receiver) if receiver.kind() == "call_expression" else None
        if paths is not None:  # router.route("/event").post(handler)
            is_one = bool(given) and path in _paths(paths)
        else:
            is_one = len(given) > 1 and path in _paths(given[0])
        if is_one:
            yield javascript.statement_of(call)


def _route_argument(call: SgNode | None) -> SgNode | None:
    """The argument of `.route(…)` below a chain of calls; None where the chain begins with something else."""
    while call is not None and call.kind() == "call_expression":
        if _method(call) == "route":
            return next(iter(_arguments(call)), None)
        call = _receiver(call)
    return None


def _method(call: SgNode) -> str:
    function = call.field("function")
    name = function.field("property") if function is not None else None
    return name.text() if name is not None else ""


def _receiver(call: SgNode) -> SgNode | None:
    function = call.field("function")
    return function.field("object") if function is not None else None


def _arguments(call: SgNode) -> list[SgNode]:
    arguments = call.field("arguments")
    nodes = arguments.children() if arguments is not None else []
    return [node for node in nodes if node.is_named() and node.kind() != "comment"]


def _paths(node: SgNode) -> set[str]:
    """The paths that the first argument of a route names: a string, or an array of them."""
    nodes = node.children() if node.kind() == "array" else [node]
    return {javascript.string_value(each) for each in nodes if each.kind() in {"string", "template_string"}}
