"""What the `imports` gate knows of TypeScript: `import … from`, what a module exports, and the client's packages."""

import posixpath
from collections.abc import Iterator
from typing import NamedTuple

from ast_grep_py import SgNode

from patcher import javascript
from patcher.model import Tree
from patcher.upstream.travels import dependencies

HOME = "the client's sources"
PACKAGE = "client/package.json"
SOURCES = "client/src/"
_ENDINGS = ("", ".ts", ".tsx", "/index.ts", "/index.tsx", ".js", ".json")


class Import(NamedTuple):
    """One `require` or `import`: the module as it is written, the names that are taken from it, and where.

    module: empty where the code names none. line: from 1. shown: the code, for messages.
    exact: an `import` that Node runs: the path is the file's whole path, and any module has a `default`.
    """

    module: str
    names: tuple[str, ...]
    line: int = 0
    shown: str = ""
    exact: bool = False


def imports(text: str, language: str) -> Iterator[Import]:
    """Each `import` of the text."""
    for statement in javascript.parse(text, language).find_all(kind="import_statement"):
        source = statement.field("source")
        module = javascript.string_value(source) if source is not None else ""
        yield Import(module, tuple(_names_of(statement)), javascript.line_of(statement), statement.text())


def outside(module: str, tree: Tree, importer: str) -> str:
    """Why a module that is no file of the tree may not be imported; empty for a package of the nearest `package.json`.

    What is beside the client's sources builds them, or runs in Node: Node's own modules are there.
    """
    if module.startswith("node:") and not importer.startswith(SOURCES):
        return ""
    package = _package_above(tree, importer)
    kinds = ("dependencies",) if importer.startswith(SOURCES) else ("dependencies", "devDependencies")
    return "" if package_of(module) in _packages(tree, package, *kinds) else f"nor a package of {package}"


def _package_above(tree: Tree, importer: str) -> str:
    folder = importer
    while folder:
        folder = folder.rpartition("/")[0]
        package = f"{folder}/package.json" if folder else "package.json"
        if package in tree:
            return package
    return PACKAGE


def package_of(name: str) -> str:
    """The npm package that a module is of: the name without a path in it."""
    return "/".join(name.split("/")[: 2 if name.startswith("@") else 1])


def _packages(tree: Tree, package: str, *kinds: str) -> set[str]:
    return set(dependencies(tree[package].data, package, *kinds)) if package in tree else set()


def resolve(tree: Tree, importer: str, taken: Import) -> str | None:
    """The path of the file that `importer` gets; None where there is none."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(importer), taken.module))
    source = path.removesuffix(".js")  # TypeScript may name what it will be compiled to
    found = (f"{path}{ending}" for ending in _ENDINGS)
    sources = (f"{source}{ending}" for ending in (".ts", ".tsx")) if source != path else ()
    return next((each for each in (*found, *sources) if each in tree), None)


def _names_of(statement: SgNode) -> Iterator[str]:
    """The names that an import takes, as the other module calls them."""
    for specifier in statement.find_all(kind="import_specifier"):
        name = specifier.field("name")
        yield from [name.text()] if name is not None else []
    for clause in statement.find_all(kind="import_clause"):
        yield from ("default" for child in clause.children() if child.kind() == "identifier")


def exports(text: str, path: str) -> frozenset[str]:
    """Names that a module exports: declarations, lists, and `default`."""
    found: set[str] = set()
    for statement in javascript.parse(text, javascript.language_of(path)).find_all(kind="export_statement"):
        declared = statement.field("declaration")
        variables = (
            [child for child in declared.children() if child.kind() == "variable_declarator"] if declared else []
        )
        for node in [*([declared] if declared else []), *variables, *statement.find_all(kind="export_specifier")]:
            name = node.field("alias") or node.field("name")
            found |= {name.text()} if name is not None else set()
        if any(child.kind() == "default" for child in statement.children()):
            found.add("default")
    return frozenset(found)
