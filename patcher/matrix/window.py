"""The window of a site at a ref: the reviewed statements, and the blocks around them. One shape for every report."""

from collections.abc import Iterator
from dataclasses import dataclass

from ast_grep_py import SgNode

from patcher import javascript
from patcher.javascript.similarity import node_at
from patcher.model import MODULE, Located, SiteResult

_MAX_HEADER = 160
_MAX_SCOPE_LINES = 40


@dataclass(frozen=True)
class Window:
    """The statements of a window at a ref. line: where they begin in upstream's file, from 1.

    around: the text before the braces of each block around them, outermost first. statement: first and last line of
    the statement that the anchor matches in, from 0 in `text`; None where it is not found, and `text` is the beginning
    of the scope. matched: what its pattern matches, as half-open offsets in `text`. indent: the white space before the
    first line.
    """

    ref: str
    text: str
    line: int = 0
    around: tuple[str, ...] = ()
    statement: tuple[int, int] | None = None
    matched: tuple[int, int] | None = None
    indent: str = ""


def window_at(ref: str, there: SiteResult) -> Window | None:
    """The window of a site, or the beginning of its scope where nothing matches; None without that scope."""
    return window_of(ref, there.text, there.located, there.finding.file) or _scope_beginning(ref, there)


def window_of(ref: str, text: str, located: Located, file: str) -> Window | None:
    """The window of what was located in the text of a file, at the first match; None where nothing matches."""
    if not located.matches:
        return None
    match = located.matches[0]
    node = node_at(text, match.statement_start, match.statement_end, javascript.language_of(file))
    around = tuple(_headers(text, node)) if node is not None and located.anchor.scope != MODULE else ()
    first = text.count("\n", match.window_start, match.statement_start)
    last = text.count("\n", match.window_start, match.statement_end)
    before = text[: match.window_start].rpartition("\n")[2]
    return Window(
        ref,
        text[match.window_start : match.window_end],
        match.line - first,
        around,
        (first, last),
        (match.start - match.window_start, match.end - match.window_start),
        "" if before.strip() else before,
    )


def _scope_beginning(ref: str, there: SiteResult) -> Window | None:
    scope, language = there.located.anchor.scope, javascript.language_of(there.finding.file)
    scopes = javascript.scopes_named(there.text, scope, language) if scope != MODULE else []
    if not scopes:
        return None
    lines = scopes[0].text().split("\n")
    more = [f"… {len(lines) - _MAX_SCOPE_LINES} more lines"] if len(lines) > _MAX_SCOPE_LINES else []
    return Window(ref, "\n".join([*lines[:_MAX_SCOPE_LINES], *more]), javascript.line_of(scopes[0]))


def _headers(text: str, statement: SgNode) -> Iterator[str]:
    """The text before the braces of each block around a statement, outermost first, each on one line."""
    path = [statement, *statement.ancestors()]
    blocks = [node for node in reversed(path[1:]) if node.kind() in {"statement_block", "switch_body", "class_body"}]
    for block in blocks:
        outer = javascript.statement_of(block.parent() or block)
        header = " ".join(text[javascript.span(outer)[0] : javascript.span(block)[0] + 1].split())
        yield header if len(header) <= _MAX_HEADER else f"{header[:_MAX_HEADER]}…"
