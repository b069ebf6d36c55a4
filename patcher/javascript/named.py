"""Scopes beyond functions and routes: callbacks, members, variables, classes, types, and those of CSS, JSON, HTML."""

import re
from collections.abc import Iterator
from functools import lru_cache

from ast_grep_py import SgNode

from patcher.javascript.scopes import named_scopes
from patcher.javascript.statements import statement_of
from patcher.javascript.tree import JAVASCRIPT, parse, span, string_value
from patcher.model import Scope

_FUNCTIONS = frozenset({"arrow_function", "function_expression", "generator_function"})
_VALUES = _FUNCTIONS | {"object", "array"}
_TYPES = frozenset({"interface_declaration", "type_alias_declaration", "enum_declaration"})
_LONGEST = 40
_CSS_KINDS = ("rule_set", "media_statement", "supports_statement", "keyframes_statement", "at_rule", "keyframe_block")
_BLANKS = re.compile(r"\s+")
_KINDS = {
    "javascript": ("call_expression", "pair", "field_definition", "jsx_attribute", "assignment_expression",
                   "variable_declarator", "class_declaration"),
    "css": _CSS_KINDS,
    "json": ("pair",),
    "html": ("element",),
}  # fmt: skip
_TYPESCRIPT = ("call_expression", "pair", "public_field_definition", "jsx_attribute", "assignment_expression",
               "variable_declarator", "class_declaration", *sorted(_TYPES))  # fmt: skip
FUNCTION_SCOPES = frozenset({"function", "route"})


@lru_cache(maxsize=128)
def all_scopes(text: str, language: str) -> tuple[tuple[Scope, SgNode], ...]:
    """Every scope that has a name, without what is around it, and its node. Names may repeat."""
    return (*named_scopes(text, language), *_others(text, language))


def scopes_named(text: str, scope: Scope, language: str = JAVASCRIPT) -> list[SgNode]:
    """The nodes of this scope; the root for the module and for the whole file."""
    if scope.kind in {"module", "file"}:
        return [parse(text, language)]
    alone = Scope(scope.kind, scope.name)
    known = named_scopes(text, language) if scope.kind in FUNCTION_SCOPES else all_scopes(text, language)
    found = [node for each, node in known if each == alone]
    if scope.within is None:
        return found
    outer = [span(node) for node in scopes_named(text, scope.within, language)]
    return [node for node in found if any(_is_inside(span(node), place) for place in outer)]


def around(text: str, place: tuple[int, int], language: str) -> list[tuple[Scope, SgNode]]:
    """The scopes that hold these characters, the innermost first."""
    found = [(scope, node) for scope, node in all_scopes(text, language) if _holds(span(node), place)]
    return sorted(found, key=lambda each: span(each[1])[1] - span(each[1])[0])


def _holds(outer: tuple[int, int], inner: tuple[int, int]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _is_inside(inner: tuple[int, int], outer: tuple[int, int]) -> bool:
    return _holds(outer, inner) and inner != outer


def _others(text: str, language: str) -> Iterator[tuple[Scope, SgNode]]:
    kinds = _KINDS.get(language, _TYPESCRIPT)
    if language not in {"tsx", "javascript"}:
        kinds = tuple(kind for kind in kinds if kind != "jsx_attribute")
    if not text.strip():
        return
    for node in parse(text, language).find_all({"rule": {"any": [{"kind": kind} for kind in kinds]}}):
        yield from _SCOPES_IN.get(language, _in_a_program)(node)


def _in_a_program(node: SgNode) -> Iterator[tuple[Scope, SgNode]]:
    kind = node.kind()
    if kind == "call_expression":
        arguments = node.field("arguments")
        for argument in arguments.children() if arguments is not None else ():
            if argument.kind() in _FUNCTIONS:
                yield Scope("callback", _called(node)), argument
    elif kind in _TYPES or kind == "class_declaration":
        name = node.field("name")
        if name is not None:
            yield Scope("class" if kind == "class_declaration" else "type", name.text()), node
    elif kind == "variable_declarator":
        name, value = node.field("name"), _value(node.field("value"))
        if name is not None and value is not None and value.kind() in {"object", "array"}:
            yield Scope("variable", _short(name.text())), statement_of(node)
    else:
        name = node.field("key") or node.field("property") or node.field("name") or node.field("left")
        name = name or next(iter(node.children()), None)
        value = _value(node.field("value") or node.field("right") or _of_attribute(node))
        if name is not None and value is not None and value.kind() in _VALUES:
            text = string_value(name) if name.kind() == "string" else name.text()
            yield Scope("member", _short(text)), statement_of(node) if kind == "assignment_expression" else node


def _of_attribute(node: SgNode) -> SgNode | None:
    children = node.children() if node.kind() == "jsx_attribute" else []
    inner = [child for child in (children[-1].children() if children else []) if child.is_named()]
    return inner[0] if inner else None


def _value(node: SgNode | None) -> SgNode | None:
    """The value itself, or a function that it is made of: `useCallback(() => {})`, `{…} as const`."""
    while node is not None and node.kind() in {"as_expression", "satisfies_expression", "parenthesized_expression"}:
        node = next((child for child in node.children() if child.is_named()), None)
    return node


def _called(call: SgNode) -> str:
    function = call.field("function")
    if function is None or function.kind() == "parenthesized_expression":
        return "()"
    text = _BLANKS.sub("", function.text())
    if function.kind() == "member_expression" and ("(" in text or len(text) > _LONGEST):
        name = function.field("property")
        return name.text() if name is not None else text
    return text[:_LONGEST]


def _short(text: str) -> str:
    return _BLANKS.sub(" ", text)[:_LONGEST]


def _in_css(node: SgNode) -> Iterator[tuple[Scope, SgNode]]:
    before, brace, _ = node.text().partition("{")
    if brace:
        yield Scope("rule", _BLANKS.sub(" ", re.sub(r"/\*.*?\*/", "", before, flags=re.DOTALL)).strip()), node


def _in_json(node: SgNode) -> Iterator[tuple[Scope, SgNode]]:
    names: list[str] = []
    child = node
    for each in [node, *node.ancestors()]:
        if each.kind() == "pair":
            key = each.field("key")
            names.append(string_value(key).replace("~", "~0").replace("/", "~1") if key is not None else "")
        elif each.kind() == "array":
            values = [span(item) for item in each.children() if item.is_named()]
            names.append(str(values.index(span(child))))
        child = each
    yield Scope("pointer", "".join(f"/{name}" for name in reversed(names))), node


def _in_html(node: SgNode) -> Iterator[tuple[Scope, SgNode]]:
    tag = next(iter(node.children()), None)
    name = next((child for child in tag.children() if child.kind() == "tag_name"), None) if tag is not None else None
    if tag is not None and name is not None:
        found = re.search(r"""\bid=["']?([\w-]+)""", tag.text())
        yield Scope("element", name.text()), node
        if found:
            yield Scope("element", f"{name.text()}#{found[1]}"), node


_SCOPES_IN = {"css": _in_css, "json": _in_json, "html": _in_html}
