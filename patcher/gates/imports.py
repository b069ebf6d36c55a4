"""Every module that our code requires or imports is there, and exports the names that we take from it."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Protocol

from patcher import javascript
from patcher.gates import commonjs, es_imports, verified
from patcher.gates.es_imports import Import
from patcher.gates.problem import Problem
from patcher.model import Build, File, Tree


class _Flavour(Protocol):
    """What the two kinds of modules differ in; `commonjs` and `es_imports` are such."""

    HOME: str

    def imports(self, text: str, language: str) -> Iterator[Import]: ...
    def exports(self, text: str, path: str) -> frozenset[str]: ...
    def outside(self, module: str, tree: Tree, importer: str) -> str: ...
    def resolve(self, tree: Tree, importer: str, taken: Import) -> str | None: ...


def check(build: Build) -> Iterator[Problem]:
    """Look at each `require` and `import` of an added file or a payload.

    Ours take nothing from npm, and nothing that the client does not have already.
    """
    for path, file in build.added.items():
        if javascript.is_program(path, file.data) and not _is_known_to_fit(build.tree, path, file):
            yield from _problems(build.tree, path, path, file.data.decode())
    for name, text in build.payloads.items():
        if not javascript.is_program(name.partition(" ")[0]):
            continue
        yield from _problems(build.tree, name, name.partition(" ")[0], text)


def _is_known_to_fit(tree: Tree, path: str, file: File) -> bool:
    """Whether all that the text is known to take is in this tree. If not, the text itself can say where it stands."""
    known = verified.facts(path, file)
    if known is None:
        return False
    taken = (Import(module, names) for module, names in known.requires.items())
    return not any(True for each in taken for _ in _wrong(tree, path, each))


def _problems(tree: Tree, where: str, importer: str, text: str) -> Iterator[Problem]:
    for taken in _flavour(importer).imports(text, javascript.language_of(importer)):
        for message in _wrong(tree, importer, taken):
            yield Problem(f"{where}:{taken.line}", message)


def _flavour(importer: str) -> _Flavour:
    return commonjs if javascript.language_of(importer) == javascript.JAVASCRIPT else es_imports


def _wrong(tree: Tree, importer: str, taken: Import) -> Iterator[str]:
    flavour = _flavour(importer)
    if not taken.module:
        yield f"`{taken.shown}` does not name a module"
        return
    if not taken.module.startswith("."):
        reason = flavour.outside(taken.module, tree, importer)
        yield from [f"`{taken.module}` is neither a file of the tree {reason}"] if reason else []
        return
    target = flavour.resolve(tree, importer, taken)
    if target is None:
        yield f"`{taken.module}` is not in {flavour.HOME}"
        return
    if not javascript.is_program(target, tree[target].data):
        return  # JSON or CSS: the whole of it is taken
    exported = _exports(flavour, target, tree[target]) | ({"default"} if taken.exact else frozenset())
    yield from (f"`{target}` does not export `{name}`" for name in taken.names if name not in exported)


def _exports(flavour: _Flavour, path: str, file: File) -> frozenset[str]:
    known = verified.facts(path, file)
    return _parsed_exports(flavour.exports, path, file.data.decode()) if known is None else known.exports


@lru_cache(maxsize=32)
def _parsed_exports(exports: Callable[[str, str], frozenset[str]], path: str, text: str) -> frozenset[str]:
    return exports(text, path)
