"""Every module that our code requires or imports is there, and exports the names that we take from it."""

import posixpath
from collections.abc import Iterator

from ast_grep_py import SgNode

from patcher import javascript
from patcher.gates import es_imports
from patcher.gates.problem import Problem
from patcher.model import Build, File

NODE_MODULES = frozenset(
    """
    assert async_hooks buffer child_process crypto dgram diagnostics_channel dns events fs fs/promises http http2 https
    module net os path perf_hooks process querystring readline sqlite stream string_decoder timers timers/promises tls
    tty url util v8 vm worker_threads zlib
    """.split()  # noqa: SIM905
)


def check(build: Build) -> Iterator[Problem]:
    """Look at each `require` of an added file or a payload, and at each `import` of those in TypeScript.

    Ours take nothing from npm, and nothing that the client does not have already.
    """
    endings = (".js", ".ts", ".tsx")
    sources = [(path, path, file.data.decode()) for path, file in build.added.items() if path.endswith(endings)]
    sources += [(name, name.partition(" ")[0], text) for name, text in build.payloads.items()]
    for where, importer, text in sources:
        if javascript.language_of(importer) != javascript.JAVASCRIPT:
            yield from es_imports.problems(build, where, importer, text)
            continue
        for call in javascript.parse(text).find_all(pattern="require($MODULE)"):
            yield from _problems(build, f"{where}:{javascript.line_of(call)}", importer, call)


def _problems(build: Build, where: str, importer: str, call: SgNode) -> Iterator[Problem]:
    argument = call.get_match("MODULE")
    if argument is None or argument.kind() != "string":
        yield Problem(where, f"`{call.text()}` does not name a module")
        return
    name = javascript.string_value(argument)
    if not name.startswith("."):
        if name.removeprefix("node:") not in NODE_MODULES:
            yield Problem(where, f"`{name}` is neither a file of the tree nor one of Node's own modules")
        return
    target = _resolve(build, importer, name)
    if target is None:
        yield Problem(where, f"`{name}` is not in the generated tree")
        return
    exported = _exports(build.tree[target])
    for used in _used(call):
        if used not in exported:
            yield Problem(where, f"`{target}` does not export `{used}`")


def _resolve(build: Build, importer: str, name: str) -> str | None:
    path = posixpath.normpath(posixpath.join(posixpath.dirname(importer), name))
    return next((each for each in (path, f"{path}.js", f"{path}/index.js") if each in build.tree), None)


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


def _exports(file: File) -> set[str]:
    """Names that a CommonJS module exports: from an object literal, or one by one."""
    root = javascript.parse(file.data.decode())
    names = {node.get_match("NAME") for node in root.find_all(pattern="exports.$NAME = $VALUE")}
    names |= {node.get_match("NAME") for node in root.find_all(pattern="module.exports.$NAME = $VALUE")}
    found = {name.text() for name in names if name is not None}
    for node in root.find_all(pattern="module.exports = $VALUE"):
        value = node.get_match("VALUE")
        for child in value.children() if value is not None and value.kind() == "object" else ():
            key = child.field("key") or child.field("name") or child
            found.add(javascript.string_value(key) if key.kind() == "string" else key.text())
    return found
