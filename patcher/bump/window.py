"""The reviewed statements and what stands around them, for people."""

from collections.abc import Iterator

from ast_grep_py import SgNode

from patcher import javascript
from patcher.bump.model import Window
from patcher.javascript.similarity import node_at
from patcher.model import MODULE, Located

_LONGEST = 160


def window_of(ref: str, text: str, located: Located, language: str) -> Window:
    """The window at a ref: of its one match, or of the first of several. language: see `javascript.language_of`."""
    match = located.matches[0]
    scope = located.anchor.scope
    node = node_at(text, match.statement_start, match.statement_end, language)
    around = tuple(_headers(text, node)) if node is not None and scope != MODULE else ()
    first = text.count("\n", match.window_start, match.statement_start)
    last = text.count("\n", match.window_start, match.statement_end)
    line = match.line - first
    matched = (match.start - match.window_start, match.end - match.window_start)
    start = match.window_start - len(text[: match.window_start].rpartition("\n")[2])
    indent = text[start : match.window_start]
    return Window(
        ref,
        text[match.window_start : match.window_end],
        line,
        around,
        (first, last),
        matched,
        indent if not indent.strip() else "",
    )


def _headers(text: str, statement: SgNode) -> Iterator[str]:
    """What is said before the braces of each block around a statement, outside in, each on one line."""
    path = [statement, *statement.ancestors()]
    blocks = [node for node in reversed(path[1:]) if node.kind() in {"statement_block", "switch_body", "class_body"}]
    for block in blocks:
        outer = javascript.statement_of(block.parent() or block)
        header = " ".join(text[javascript.span(outer)[0] : javascript.span(block)[0] + 1].split())
        yield header if len(header) <= _LONGEST else f"{header[:_LONGEST]}…"
