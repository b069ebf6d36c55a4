"""What the `imports` gate knows of JavaScript that Node runs: `require`, `import`, exports, and Node's own modules."""

import posixpath
from collections.abc import Iterator

from ast_grep_py import SgNode

from patcher import javascript
from patcher.gates import es_imports
from patcher.gates.es_imports import Import
from patcher.model import Tree
from patcher.upstream.travels import dependencies

HOME = "the generated tree"
PACKAGE = "package.json"
NODE_MODULES = frozenset(
    """
    assert async_hooks buffer child_process crypto dgram diagnostics_channel dns events fs fs/promises http http2 https
    module net os path perf_hooks process querystring readline sqlite stream string_decoder timers timers/promises tls
    tty url util v8 vm worker_threads zlib
    """.split()  # noqa: SIM905
)


def imports(text: str, language: str) -> Iterator[Import]:
    """Each `require` of the text, and each `import`, which an ES module has."""
    yield from (taken._replace(exact=True) for taken in es_imports.imports(text, language))
    for call in javascript.parse(text, language).find_all(pattern="import($MODULE)"):
        argument = call.get_match("MODULE")
        if argument is not None and argument.kind() == "string":
            yield Import(javascript.string_value(argument), (), javascript.line_of(call), call.text(), exact=True)
    for call in javascript.parse(text, language).find_all(pattern="require($MODULE)"):
        argument = call.get_match("MODULE")
        named = argument is not None and argument.kind() == "string"
        module = javascript.string_value(argument) if argument is not None and named else ""
        yield Import(module, tuple(_used(call)), javascript.line_of(call), call.text())


def outside(module: str, tree: Tree, importer: str) -> str:
    """Why a module that is not a file of the tree may not be required; empty for Node's own, and for a dependency."""
    del importer
    if module.removeprefix("node:") in NODE_MODULES or es_imports.package_of(module) in _packages(tree, "dependencies"):
        return ""
    for kind, what in (("optionalDependencies", "optional"), ("devDependencies", "for development only")):
        if es_imports.package_of(module) in _packages(tree, kind):
            return (
                f"nor one of Node's own modules; it is a dependency of {PACKAGE} that is {what}, and may not be there"
            )
    return f"nor one of Node's own modules, nor a dependency of {PACKAGE}"


def _packages(tree: Tree, kind: str) -> set[str]:
    return set(dependencies(tree[PACKAGE].data, PACKAGE, kind)) if PACKAGE in tree else set()


def resolve(tree: Tree, importer: str, taken: Import) -> str | None:
    """The path of the file that `importer` gets; None where there is none."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(importer), taken.module))
    found = (path,) if taken.exact else (path, f"{path}.js", f"{path}.json", f"{path}/index.js")
    return next((each for each in found if each in tree), None)


def exports(text: str, path: str) -> frozenset[str]:
    """Names that a module exports: a CommonJS one in an object literal or one by one, an ES one by declarations."""
    root = javascript.parse(text, javascript.JAVASCRIPT)  # as everybody else says it: the cache minds
    names = {node.get_match("NAME") for node in root.find_all(pattern="exports.$NAME = $VALUE")}
    names |= {node.get_match("NAME") for node in root.find_all(pattern="module.exports.$NAME = $VALUE")}
    found = {name.text() for name in names if name is not None}
    for node in root.find_all(pattern="module.exports = $VALUE"):
        value = node.get_match("VALUE")
        if value is not None and value.kind() == "identifier":  # module.exports = router
            found |= _set_on(root, value.text())
        children = value.named_children() if value is not None and value.kind() == "object" else []
        for child in (child for child in children if child.kind() != "comment"):
            key = child.field("key") or child.field("name") or child
            found.add(javascript.string_value(key) if key.kind() == "string" else key.text())
    return frozenset(found) | es_imports.exports(text, path)


def _set_on(root: SgNode, name: str) -> set[str]:
    """The names that are set on a variable: `router.stop = stop`."""
    names = (node.get_match("NAME") for node in root.find_all(pattern=f"{name}.$NAME = $VALUE"))
    return {each.text() for each in names if each is not None}


def _used(call: SgNode) -> list[str]:
    parent = call.parent()
    if parent is not None and parent.kind() == "member_expression":
        member = parent.field("property")
        return [member.text()] if member is not None else []
    name = parent.field("name") if parent is not None and parent.kind() == "variable_declarator" else None
    if name is None or name.kind() != "object_pattern":
        return []
    keys = [child.field("key") or child for child in name.children() if child.is_named()]
    return [
        key.text() for key in keys if key.kind() in {"shorthand_property_identifier_pattern", "property_identifier"}
    ]
