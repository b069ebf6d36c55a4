"""What decides which code runs under the name of a scope.

JavaScript takes a second function, member or route of one name without a word: of functions and members the later one
runs, of routes the earlier one answers. So a payload in the right code may still be in code that never runs.
"""

import re
from collections.abc import Iterator

from ast_grep_py import Config, Relation, Rule, SgNode

from patcher import javascript
from patcher.javascript import span
from patcher.javascript.named import FUNCTION_SCOPES, scopes_named
from patcher.model import Scope

_HOMES = javascript.FUNCTION_KINDS | {"class_body", "object"}
_BLOCKS = frozenset({"statement_block", "for_statement", "for_in_statement", "switch_body"})
_ASSIGNMENTS = frozenset({"assignment_expression", "augmented_assignment_expression"})
_DECLARATION: Config = {"rule": {"any": [{"kind": "variable_declarator"}, {"kind": "function_declaration"}]}}
_REBINDINGS: list[Rule] = [
    {"kind": kind} for kind in (*sorted(_ASSIGNMENTS), "for_in_statement", "variable_declarator")
]


def definitions(text: str, scope: Scope, near: SgNode, language: str = javascript.JAVASCRIPT) -> list[SgNode]:
    """Everything that defines the scope's name where `near`, one of its scopes, does; in text order.

    Besides functions and routes of the name: assignments to it and a `var` of it, also when they take something apart,
    a field beside a method, a property beside a method of an object, and a route whose handler is only named.
    A namesake in another function or class is somebody else.
    """
    if scope.kind in {"module", "file"}:
        return [near]
    if scope.within is not None or scope.kind not in FUNCTION_SCOPES:
        return scopes_named(text, scope, language)
    found = {span(node): node for node in javascript.scopes_named(text, scope, language)}
    if scope.kind == "route":
        found.update({span(node): node for node in _registrations(text, scope, language)})
        return [found[place] for place in sorted(found)]
    home = _home(near)
    found = {place: node for place, node in found.items() if _home(node) == home}
    if text.count(scope.name) > 1:
        root = javascript.parse(text, language)
        members = (node for node in _members(root, scope.name, language) if _home(node) == home)
        bound = (node for node in _rebindings(root, scope.name) if _home_of_name(node, scope.name, near) == home)
        found.update({span(node): node for node in (*members, *bound) if span(node) not in found})
    if sorted(_accessor(node) for node in found.values()) == ["get", "set"]:
        return [near]  # one property, read and written
    return [found[place] for place in sorted(found)]


def _home(node: SgNode) -> tuple[int, int]:
    """The function, class or object that a name belongs to; the whole file for one at the top."""
    return next((span(parent) for parent in node.ancestors() if parent.kind() in _HOMES), (0, 0))


def _home_of_name(node: SgNode, name: str, near: SgNode) -> tuple[int, int]:
    """The home of what is assigned to: the nearest function around it that has the name, or the file.

    For the variable of a block in which `near` is not, the block.
    """
    for parent in node.ancestors():
        if parent.kind() in javascript.FUNCTION_KINDS and name in _names_of(parent):
            return span(parent)
        if parent.kind() in _BLOCKS and name in _names_in_block(parent) and not _holds(parent, near):
            return span(parent)
    return (0, 0)


def _holds(outer: SgNode, inner: SgNode) -> bool:
    (start, end), (first, last) = span(outer), span(inner)
    return start <= first and last <= end


def _names_of(function: SgNode) -> set[str]:
    """The names that belong to a function: its parameters, and what is declared in it."""
    parameters = function.field("parameters") or function.field("parameter")
    declared = (
        name
        for node in function.find_all(_DECLARATION)
        if _home(node) == span(function)
        for name in _bound(node.field("name"))
    )
    return {*(javascript.tokens(parameters) if parameters is not None else ()), *declared}


def _names_in_block(block: SgNode) -> set[str]:
    """The names that `let` and `const` bind in a block or in the head of a loop."""
    names: set[str] = set()
    for statement in block.children():
        if statement.kind() == "lexical_declaration":
            names.update(*(_bound(child.field("name")) for child in statement.children()))
        elif statement.kind() in {"let", "const"}:  # for (const name of …)
            names |= _bound(block.field("left"))
    return names


def _bound(target: SgNode | None) -> set[str]:
    """The names that a binding or an assignment sets: a name, in parentheses or not, or a pattern of names."""
    if target is None:
        return set()
    kind = target.kind()
    if kind in {"identifier", "shorthand_property_identifier_pattern"}:
        return {target.text()}
    if kind in {"assignment_pattern", "object_assignment_pattern"}:  # name = default
        return _bound(target.field("left"))
    if kind == "pair_pattern":
        return _bound(target.field("value"))
    if kind in {"parenthesized_expression", "array_pattern", "object_pattern", "rest_pattern"}:
        return {name for child in target.children() for name in _bound(child)}
    return set()


def _rebindings(root: SgNode, name: str) -> Iterator[SgNode]:
    """What sets a variable of the name: assignments, loops, and a `var` with a value."""
    rule: Rule = {"any": _REBINDINGS, "regex": re.escape(name)}
    for node in root.find_all({"rule": rule}):
        kind = node.kind()
        if kind != "variable_declarator":
            if name in _bound(node.field("left")) and (kind in _ASSIGNMENTS or not _declares_in_block(node)):
                yield node
        elif node.field("value") is not None and name in _bound(node.field("name")):
            statement = javascript.statement_of(node)
            if statement.kind() == "variable_declaration":
                yield statement


def _declares_in_block(loop: SgNode) -> bool:
    return any(child.kind() in {"let", "const"} for child in loop.children())


def _members(root: SgNode, name: str, language: str) -> Iterator[SgNode]:
    """Fields and properties of the name beside methods."""
    named = f"^{re.escape(name)}$"
    member: Relation = {"kind": "method_definition", "has": {"field": "name", "regex": named}}
    rules: list[Rule] = [
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
    yield from root.find_all({"rule": {"any": rules}})


def _accessor(node: SgNode) -> str:
    """`get` or `set` for a member that is one."""
    first = node.child(0) if node.kind() == "method_definition" else None
    return first.kind() if first is not None and first.kind() in {"get", "set"} else ""


def _registrations(text: str, scope: Scope, language: str) -> Iterator[SgNode]:
    """Statements that register a handler for the route's verb and path, however handler and path are written."""
    verb, _, path = scope.name.partition(" ")
    path = _as_express_compares(path)
    for call in javascript.parse(text, language).find_all(_calls_of(verb.lower(), "all")):
        receiver = _receiver(call)
        if receiver is None:
            continue
        given = _arguments(call)
        paths = _route_argument(receiver) if receiver.kind() == "call_expression" else None
        if paths is not None:  # router.route("/event").post(handler)
            is_one = bool(given) and path in _paths(paths)
        else:
            is_one = len(given) > 1 and path in _paths(given[0])
        if is_one:
            yield javascript.statement_of(call)


def _calls_of(*names: str) -> Config:
    """Calls of methods of these names: `router.post(…)`, `router["post"](…)`."""
    named = f"^[\"']?({'|'.join(map(re.escape, names))})[\"']?$"
    member: Rule = {"kind": "member_expression", "has": {"field": "property", "regex": named}}
    subscript: Rule = {"kind": "subscript_expression", "has": {"field": "index", "regex": named}}
    return {"rule": {"kind": "call_expression", "has": {"field": "function", "any": [member, subscript]}}}


def _route_argument(call: SgNode | None) -> SgNode | None:
    """The argument of `.route(…)` below a chain of calls; None where the chain begins with something else."""
    while call is not None and call.kind() == "call_expression":
        if _method(call) == "route":
            return next(iter(_arguments(call)), None)
        call = _receiver(call)
    return None


def _method(call: SgNode) -> str:
    function = call.field("function")
    name = function.field("property") or function.field("index") if function is not None else None
    if name is None:
        return ""
    return javascript.string_value(name) if name.kind() == "string" else name.text()


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
    texts = (javascript.string_value(each) for each in nodes if each.kind() in {"string", "template_string"})
    return {_as_express_compares(text) for text in texts}


def _as_express_compares(path: str) -> str:
    """By itself a router tells neither capital letters nor a slash at the end apart."""
    return path.lower().rstrip("/") or "/"
