"""Every name that a payload uses is bound where it lands: a renamed variable is caught here, before anything runs."""

import re
from collections.abc import Iterator

from ast_grep_py import SgNode

from patcher import javascript
from patcher.gates.engines import least_node, names_of
from patcher.gates.es_imports import SOURCES
from patcher.gates.package_json import HINT, MODULE, Kind, kind_of
from patcher.gates.problem import Problem
from patcher.javascript import FUNCTION_KINDS, jsx
from patcher.model import Build, Layer, Splice, Tree

_GLOBALS = frozenset(
    """
    undefined NaN Infinity globalThis console setTimeout clearTimeout setInterval clearInterval queueMicrotask arguments
    Array ArrayBuffer BigInt Boolean DataView Date Error Function JSON Map Math Number Object Promise Proxy RangeError
    Reflect RegExp Set String Symbol SyntaxError TypeError Uint8Array URL URLSearchParams TextDecoder TextEncoder
    WeakMap WeakSet decodeURIComponent encodeURIComponent isFinite isNaN parseFloat parseInt
    """.split()  # noqa: SIM905 - a page of quotes reads worse
)
COMMONJS_NAMES = frozenset({"require", "module", "exports", "__dirname", "__filename"})
"""What Node binds in a CommonJS module, and not in an ES module."""
GLOBALS = _GLOBALS | COMMONJS_NAMES | {"global", "process", "Buffer", "setImmediate", "clearImmediate"}
"""What Node binds."""
BROWSER_GLOBALS = _GLOBALS | {
    *("window", "document", "location", "navigator", "localStorage", "fetch", "AbortController", "Event"),
    *("requestAnimationFrame", "cancelAnimationFrame", "alert", "confirm", "prompt", "sessionStorage", "navigator"),
    *("history", "performance", "crypto", "structuredClone", "matchMedia", "getComputedStyle", "Image", "Audio"),
    *("WebSocket", "EventSource", "Headers", "Request", "Response", "FormData", "Blob", "File", "FileReader"),
    *("CustomEvent", "KeyboardEvent", "MouseEvent", "HTMLElement", "HTMLInputElement", "Element", "Node"),
    *(
        "ResizeObserver",
        "IntersectionObserver",
        "MutationObserver",
        "Notification",
        "DOMParser",
        "Intl",
        "atob",
        "btoa",
    ),
    *("requestIdleCallback", "AbortSignal", "indexedDB", "BroadcastChannel", "Worker", "caches", "self"),
}
"""What a browser binds, of what a payload in the client may want."""
_BLOCK_SCOPED = frozenset({"lexical_declaration", "class_declaration"})
_REFERENCES = ("identifier", "shorthand_property_identifier")
_NAMED = frozenset({"function_declaration", "generator_function_declaration", "class_declaration", "enum_declaration"})
_SIGNATURES = frozenset(
    {"function_type", "constructor_type", "method_signature", "call_signature", "construct_signature"}
)
_DECLARED = re.compile(rb"\bdeclare\s+(?:const|let|var|function|class)\s+([\w$]+)")
_LOOPS = frozenset({"for_statement", "for_in_statement"})


def check(build: Build) -> Iterator[Problem]:
    """Names used by a payload that neither it, nor Node or the browser, nor the code around it binds.

    Names of types are not looked at: the compiler of the client does that, when it is built.
    """
    for layer in build.layers:
        if not javascript.is_program(layer.file, layer.before[:128].encode()):
            continue
        language = javascript.language_of(layer.file)
        kind = kind_of(build.tree, layer.file) if language == javascript.JAVASCRIPT else None
        known = _known(kind) | (names_of(least_node(build.tree)) if kind else frozenset())
        if kind is None and not layer.file.startswith(SOURCES):
            known |= GLOBALS  # what is beside the client's sources builds them, in Node
        root = javascript.parse(layer.after, language)
        yield from _parts(layer, build.tree, known, kind)
        shift = 0
        for splice in sorted(layer.splices, key=lambda each: each.order):
            if splice.part:
                shift += len(splice.text) - len(splice.was)
                continue
            position = splice.start + shift + splice.text.index("/*")
            shift += len(splice.text) - len(splice.was)
            line = layer.after.count("\n", 0, position) + 1
            bound = known | visible_names(root, position)
            unbound = free_names(splice.payload, language) - bound
            if unbound & COMMONJS_NAMES:  # it may ask for them before it uses them
                unbound -= COMMONJS_NAMES - free_names(splice.payload, language, only=COMMONJS_NAMES)
            for name in sorted(unbound):
                hint = HINT if kind and name in COMMONJS_NAMES else ""
                yield Problem(f"{layer.file}:{line}", _unbound(splice, name, kind), hint)


def _parts(layer: Layer, tree: Tree, known: frozenset[str], kind: Kind | None) -> Iterator[Problem]:
    """The same for payloads that are parts of a statement: they can be read only where they stand.

    A name that upstream's own file uses and does not bind is bound by somebody else: it is no news.
    """
    language = javascript.language_of(layer.file)
    root, before = javascript.parse(layer.after, language), javascript.parse(layer.before, language)
    parts = [(start, end, splice) for start, end, splice in layer.placed() if splice.part and splice.marked]
    if not parts:
        return
    ambient = _ambient(tree)
    used = [(javascript.span(node)[0], node) for kind in _REFERENCES for node in root.find_all(kind=kind)]
    for start, end, splice in parts:
        wanted: dict[str, list[int]] = {}
        for at, node in used:
            if (
                start <= at < end
                and not _is_tag(node)
                and not _names_for_types(node)
                and not _asked_for(node)
                and node.text() not in known
            ):
                wanted.setdefault(node.text(), []).append(at)
        bound = visible_names(root, start) | ambient if wanted else set()
        for name, places in sorted(wanted.items()):
            if name in bound or all(name in visible_names(root, at) for at in places) or _is_free_in(before, name):
                continue
            line = layer.after.count("\n", 0, places[0]) + 1
            hint = HINT if kind and name in COMMONJS_NAMES else ""
            yield Problem(f"{layer.file}:{line}", _unbound(splice, name, kind), hint)


def _ambient(tree: Tree) -> set[str]:
    """The names that declaration files of the client say somebody else binds: `declare const NAME: …`."""
    texts = (file.data for path, file in tree.items() if path.endswith(".d.ts") and path.startswith(SOURCES))
    return {name.decode() for text in texts for name in _DECLARED.findall(text)}


def _names_for_types(node: SgNode) -> bool:
    """Whether it is a parameter in the type of a function: it says what it is for, and binds nothing."""
    above = [parent.kind() for parent in node.ancestors()][:4]
    is_parameter = bool(_SIGNATURES.intersection(above)) and "formal_parameters" in above
    return is_parameter or above[:1] == ["index_signature"]


def _is_free_in(root: SgNode, name: str) -> bool:
    """Whether a program uses this name somewhere and does not bind it there."""
    found = root.find_all({"rule": {"kind": "identifier", "regex": f"^{re.escape(name)}$"}})
    return any(name not in visible_names(root, javascript.span(node)[0]) for node in found)


def _known(kind: Kind | None) -> frozenset[str]:
    """What is bound everywhere: by Node in this kind of module, or where there is none by a browser."""
    if kind is None:
        return BROWSER_GLOBALS
    return GLOBALS - COMMONJS_NAMES if kind.name == MODULE else GLOBALS


def _unbound(splice: Splice, name: str, kind: Kind | None) -> str:
    message = f"the payload of {splice.patch} uses `{name}`, which is not bound in {splice.scope} at this place"
    return f"{message}: the file is {kind.said} ({kind.by})" if kind and name in COMMONJS_NAMES else message


def free_names(payload: str, language: str = javascript.JAVASCRIPT, only: frozenset[str] | None = None) -> set[str]:
    """Names that the payload reads or writes and does not bind itself where it does so.

    only: look at these names alone, and at none that the payload asks for with `typeof`: it can do without.
    """
    if language in javascript.DATA:
        return set()
    root = javascript.parse(payload, language)
    used = [node for kind in _REFERENCES for node in root.find_all(kind=kind) if not _is_tag(node)]
    if only is not None:
        wanted = only - {name for node in used if (name := _asked_for(node))}
        used = [node for node in used if node.text() in wanted]
    return {node.text() for node in used if node.text() not in visible_names(root, javascript.span(node)[0])}


def _asked_for(node: SgNode) -> str:
    """The name of `typeof name`; empty for any other node."""
    parent = node.parent()
    operator = parent.field("operator") if parent is not None and parent.kind() == "unary_expression" else None
    return node.text() if operator is not None and operator.text() == "typeof" else ""


def _is_tag(node: SgNode) -> bool:
    """Whether the name is that of an HTML element: `<div>` takes no variable, `<Card>` does."""
    parent = node.parent()
    in_a_tag = parent is not None and parent.kind() in {*jsx.TAGS, "jsx_self_closing_element"}
    return in_a_tag and node.text()[:1].islower()


def _parameters(node: SgNode) -> Iterator[SgNode]:
    for field in ("parameters", "parameter"):
        found = node.field(field)
        if found is not None:
            yield found


def _names(pattern: SgNode) -> Iterator[str]:
    """The names that a binding pattern binds; defaults and keys are not names."""
    kind = pattern.kind()
    if kind in {"identifier", "shorthand_property_identifier_pattern"}:
        yield pattern.text()
    elif kind in {"required_parameter", "optional_parameter"}:
        inner = pattern.field("pattern")
        yield from _names(inner) if inner is not None else ()
    elif kind in {"assignment_pattern", "object_assignment_pattern"}:
        left = pattern.field("left")
        yield from _names(left) if left is not None else ()
    elif kind == "pair_pattern":
        value = pattern.field("value")
        yield from _names(value) if value is not None else ()
    else:
        for child in pattern.named_children():
            yield from _names(child)


def visible_names(root: SgNode, position: int) -> set[str]:
    """Every name bound at this character of the text: by the blocks, loops, catches and functions around it.

    `let`, `const` and `class` of the same function count only when they stand above the position.
    """
    names: set[str] = set()
    same_function = True
    for node in _path(root, position):
        for declared in _bound_by(node, position, same_function=same_function):
            names |= set(_names(declared))
        if node.kind() in FUNCTION_KINDS:
            same_function = False
    return names


def _path(root: SgNode, position: int) -> list[SgNode]:
    path, node = [root], root
    while True:
        inside = next((child for child in node.children() if _covers(child, position)), None)
        if inside is None:
            return path[::-1]
        path.append(inside)
        node = inside


def _covers(node: SgNode, position: int) -> bool:
    start, end = javascript.span(node)
    return start <= position < end


def _bound_by(node: SgNode, position: int, *, same_function: bool) -> Iterator[SgNode]:
    kind = node.kind()
    if kind in {"program", "statement_block", "switch_case", "switch_default"}:
        for child in node.children():
            too_late = child.kind() in _BLOCK_SCOPED and same_function and javascript.span(child)[0] > position
            if not too_late:
                yield from _declared_by(child)
    elif kind in _LOOPS:
        yield from _declared_by(node.field("initializer")) if kind == "for_statement" else ()
        left = node.field("left")
        yield from [left] if left is not None else []
    elif kind == "catch_clause":
        parameter = node.field("parameter")
        yield from [parameter] if parameter is not None else []
    elif kind in FUNCTION_KINDS:
        yield from _parameters(node)
        name = node.field("name")
        yield from [name] if name is not None and name.kind() == "identifier" else []


def _declared_by(statement: SgNode | None) -> Iterator[SgNode]:
    if statement is None:
        return
    if statement.kind() == "export_statement":
        statement = statement.field("declaration")
        if statement is None:
            return
    kind = statement.kind()
    if kind in {"lexical_declaration", "variable_declaration"}:
        for child in statement.children():
            name = child.field("name") if child.kind() == "variable_declarator" else None
            if name is not None:
                yield name
    elif kind in _NAMED:
        name = statement.field("name")
        yield from [name] if name is not None else []
    elif kind == "import_statement":
        yield from _imported(statement)


def _imported(statement: SgNode) -> Iterator[SgNode]:
    for specifier in statement.find_all(kind="import_specifier"):
        name = specifier.field("alias") or specifier.field("name")
        yield from [name] if name is not None else []
    for kind in ("import_clause", "namespace_import"):
        for node in statement.find_all(kind=kind):
            yield from (child for child in node.children() if child.kind() == "identifier")


def declared_names(statement: SgNode) -> set[str]:
    """The names that a statement declares where it stands."""
    return {name for node in _declared_by(statement) for name in _names(node)}
