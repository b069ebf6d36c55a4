"""A program as a syntax tree. A file's ending chooses the grammar; offsets count characters of the decoded text."""

import re
from functools import lru_cache

from ast_grep_py import Config, SgNode, SgRoot

JAVASCRIPT = "javascript"
ENDINGS = (".js", ".cjs", ".mjs", ".jsx", ".ts", ".mts", ".cts", ".tsx")
"""Of the files that are programs."""
_LANGUAGES = {
    ".tsx": "tsx",
    ".ts": "typescript",
    ".mts": "typescript",
    ".cts": "typescript",
    ".json": "json",
    ".css": "css",
    ".html": "html",
    ".htm": "html",
}
DATA = frozenset({"json", "css", "html"})
"""The grammars of files that are no programs."""
WITHOUT_COMMENTS = frozenset({"json", "html"})
"""Those of files that cannot have our markers, or not everywhere: the manifest says what was put into them."""

_BROKEN_OR_EMPTY: Config = {"rule": {"any": [{"kind": "ERROR"}, {"regex": "^$"}]}}
COMMENTS = frozenset({"comment", "html_comment", "hash_bang_line"})
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_STARTS_NODE = re.compile(rb"#!.*\bnode\b")


def is_program(path: str, data: bytes = b"") -> bool:
    """Whether a file is JavaScript or TypeScript: by its ending, or where it has none, by a first line that runs Node.

    There is no grammar for anything else: `language_of` would take it for JavaScript.
    """
    name = path.rpartition("/")[2]
    return path.endswith(ENDINGS) or ("." not in name and _STARTS_NODE.match(data) is not None)


def has_grammar(path: str, data: bytes = b"") -> bool:
    """Whether a file is one whose lists and items we know: a program, JSON, CSS or HTML."""
    return is_program(path, data) or language_of(path) in DATA


def has_markers(path: str, data: bytes = b"") -> bool:
    """Whether a file is one of those that have our markers: a program, or CSS."""
    return is_program(path, data) or language_of(path) in DATA - WITHOUT_COMMENTS


def language_of(path: str) -> str:
    """The grammar for a file of this name: `tsx`, `typescript`, `json`, `css`, `html`, or `javascript` (with JSX)."""
    return next((name for ending, name in _LANGUAGES.items() if path.endswith(ending)), JAVASCRIPT)


def parse(text: str, language: str = JAVASCRIPT) -> SgNode:
    """The syntax tree's root. Never fails: what does not parse becomes `ERROR` nodes (see `syntax_errors`).

    Remembered: layers, gates and the second build look at the same texts again and again.
    """
    return _parsed(text, language)


@lru_cache(maxsize=128)  # more than a build has texts: files after each layer, with and without comments, and payloads
def _parsed(text: str, language: str) -> SgNode:
    return SgRoot(text, language).root()


def span(node: SgNode) -> tuple[int, int]:
    """Start and end of the node, in characters."""
    where = node.range()
    return where.start.index, where.end.index


def line_of(node: SgNode) -> int:
    """The node's first line, counted from 1."""
    return node.range().start.line + 1


def syntax_errors(root: SgNode) -> list[int]:
    """Lines (from 1) with an `ERROR` node, or with a token that the parser had to invent."""
    found = root.find_all(_BROKEN_OR_EMPTY)  # a token that had to be invented is a leaf without text
    broken = [node for node in found if node.kind() == "ERROR" or (node.is_leaf() and node.kind() != "program")]
    return sorted(line_of(node) for node in broken)


def string_value(node: SgNode) -> str:
    """A string literal's text between its quotes, escaped quotes made plain: quote style does not count."""
    return _ESCAPE.sub(lambda found: found[1] if found[1] in "'\"" else found[0], node.text()[1:-1])
