"""Every patched or added file of JavaScript runs in the kind of module that the nearest `package.json` makes of it.

What is looked at is ours: a file that we add, and in upstream's files the payloads. The names that only one kind binds,
where a payload uses them, are the business of `free_identifiers`.
"""

from collections.abc import Iterator

from ast_grep_py import SgNode

from patcher import javascript
from patcher.gates import verified
from patcher.gates.free_identifiers import COMMONJS_NAMES, free_names
from patcher.gates.package_json import COMMONJS, HINT, MODULE, Kind, kind_of
from patcher.gates.problem import Problem
from patcher.model import Build, File, Layer

_WORDS = {COMMONJS: ("import", "export", "await"), MODULE: ("return", "with", "0")}
"""What each obstacle has in its text, so that a payload without them needs no look at the tree."""
_NOT_A_PACKAGE = "this `package.json` is upstream's: mend it there, or build from another ref"


def check(build: Build) -> Iterator[Problem]:
    """Files of ours and payloads that do not run where they land; each message says which `package.json` decides."""
    for path, file in build.added.items():
        if javascript.is_program(path, file.data) and javascript.language_of(path) == javascript.JAVASCRIPT:
            kind = kind_of(build.tree, path)
            yield from _refused(path, kind, _added(path, file, kind.name))
    for layer in build.layers:
        is_program = javascript.is_program(layer.file, layer.before[:128].encode())
        if is_program and javascript.language_of(layer.file) == javascript.JAVASCRIPT:
            kind = kind_of(build.tree, layer.file)
            yield from _refused(layer.file, kind, _spliced(layer, kind.name))


def _refused(path: str, kind: Kind, obstacles: Iterator[tuple[int, str]]) -> Iterator[Problem]:
    if kind.problem:
        yield Problem(path, f"Node loads nothing here: {kind.problem}", _NOT_A_PACKAGE)
        return
    first: dict[str, int] = {}
    for line, what in sorted(obstacles):
        first.setdefault(what, line)
    if first:
        found = ", ".join(f"{what} in line {line}" for what, line in first.items())
        message = f"expected what runs in {kind.said}, which this file is ({kind.by}); found {found}"
        yield Problem(f"{path}:{min(first.values())}", message, HINT)


def _added(path: str, file: File, kind: str) -> Iterator[tuple[int, str]]:
    known = verified.facts(path, file)
    if known is None or kind not in known.kinds:
        text = file.data.decode()
        for node, what in obstacles(javascript.parse(text), kind):
            yield javascript.line_of(node), what
        if kind == MODULE:
            yield from ((_line_of_name(text, name), f"`{name}`") for name in sorted(unbound_names(text)))


def kinds_of(text: str) -> frozenset[str]:
    """The kinds of module that a text of JavaScript runs in."""
    root = javascript.parse(text)
    fit = {kind for kind in (COMMONJS, MODULE) if not any(True for _ in obstacles(root, kind))}
    return frozenset(fit - ({MODULE} if unbound_names(text) else set()))


def unbound_names(text: str) -> set[str]:
    """Names of a CommonJS module that the text uses. What it asks for with `typeof` it can do without."""
    return free_names(text, only=COMMONJS_NAMES)


def _line_of_name(text: str, name: str) -> int:
    used = [node for node in javascript.parse(text).find_all(kind="identifier") if node.text() == name]
    return min((javascript.line_of(node) for node in used), default=1)


def _spliced(layer: Layer, kind: str) -> Iterator[tuple[int, str]]:
    """The same of the payloads in a file. What stands around them was upstream's before us."""
    suspects = [place for *place, splice in layer.placed() if any(word in splice.text for word in _WORDS[kind])]
    if not suspects:
        return
    for node, what in obstacles(javascript.parse(layer.after), kind):
        first, last = javascript.span(node)
        if any(start <= first and last <= end for start, end in suspects):
            yield javascript.line_of(node), what


def obstacles(root: SgNode, kind: str) -> Iterator[tuple[SgNode, str]]:
    """Syntax that the other kind of module has and this one has not. Names are not looked at."""
    if kind == COMMONJS:
        for name in ("import_statement", "export_statement"):
            yield from ((node, f"`{name.partition('_')[0]}`") for node in root.find_all(kind=name))
        yield from ((node, "`import.meta`") for node in root.find_all(pattern="import.meta"))
        for node in (*root.find_all(kind="await_expression"), *root.find_all(kind="for_in_statement")):
            waits = any(child.kind() == "await" for child in node.children())
            if waits and javascript.enclosing_function(node) is None:
                yield node, "`await` outside of a function"
        return
    for node in root.find_all(kind="return_statement"):
        if javascript.enclosing_function(node) is None:
            yield node, "`return` outside of a function"
    yield from ((node, "`with`") for node in root.find_all(kind="with_statement"))
    for node in root.find_all(kind="number"):
        if node.text()[:1] == "0" and node.text()[1:].isdigit():
            yield node, f"the octal number `{node.text()}`"
