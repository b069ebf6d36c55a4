"""What the `imports` gate knows of TypeScript: `import … from`, what a module exports, and the client's packages."""

import json
import posixpath
from collections.abc import Iterator

from ast_grep_py import SgNode

from patcher import javascript
from patcher.gates.problem import Problem
from patcher.model import Build, Tree

PACKAGE = "client/package.json"
_ENDINGS = ("", ".ts", ".tsx", "/index.ts", "/index.tsx", ".js", ".json")


def problems(build: Build, where: str, importer: str, text: str) -> Iterator[Problem]:
    """Each `import` that is no module of the tree, no package of the client's, or takes what is not there."""
    for statement in javascript.parse(text, javascript.language_of(importer)).find_all(kind="import_statement"):
        source = statement.field("source")
        name = javascript.string_value(source) if source is not None else ""
        place = f"{where}:{javascript.line_of(statement)}"
        if not name.startswith("."):
            if _package(name) not in _packages(build.tree):
                yield Problem(place, f"`{name}` is neither a file of the tree nor a package of {PACKAGE}")
            continue
        target = _resolve(build.tree, importer, name)
        if target is None:
            yield Problem(place, f"`{name}` is not in the client's sources")
            continue
        exported = _exports(build.tree[target].data.decode(), target)
        for used in _names_of(statement):
            if used not in exported:
                yield Problem(place, f"`{target}` does not export `{used}`")


def _package(name: str) -> str:
    return "/".join(name.split("/")[: 2 if name.startswith("@") else 1])


def _packages(tree: Tree) -> set[str]:
    described = json.loads(tree[PACKAGE].data) if PACKAGE in tree else {}
    return set(described.get("dependencies") or {})


def _resolve(tree: Tree, importer: str, name: str) -> str | None:
    path = posixpath.normpath(posixpath.join(posixpath.dirname(importer), name))
    return next((f"{path}{ending}" for ending in _ENDINGS if f"{path}{ending}" in tree), None)


def _names_of(statement: SgNode) -> Iterator[str]:
    """The names that an import takes, as the other module calls them."""
    for specifier in statement.find_all(kind="import_specifier"):
        name = specifier.field("name")
        yield from [name.text()] if name is not None else []
    for clause in statement.find_all(kind="import_clause"):
        yield from ("default" for child in clause.children() if child.kind() == "identifier")


def _exports(text: str, path: str) -> set[str]:
    """Names that a module exports: declarations, lists, and `default`."""
    found: set[str] = set()
    for statement in javascript.parse(text, javascript.language_of(path)).find_all(kind="export_statement"):
        declared = statement.field("declaration")
        name = declared.field("name") if declared is not None else None
        found |= {name.text()} if name is not None else set()
        for kind in ("variable_declarator", "export_specifier"):
            holder = declared if kind == "variable_declarator" else statement
            for node in holder.find_all(kind=kind) if holder is not None else ():
                inner = node.field("alias") or node.field("name")
                found |= {inner.text()} if inner is not None else set()
        if any(child.kind() == "default" for child in statement.children()):
            found.add("default")
    return found
