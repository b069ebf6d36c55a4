"""The window of a site at a ref, for every report: the reviewed statements, and the blocks around them."""

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

    around: the text before the brace of each enclosing block, outermost first. statement: first and last line, from 0
    in `text`, of the statement that the anchor matches in; None without a match, where `text` is the beginning of the
    scope. matched: half-open offsets in `text` of the match. indent: the white space before the first line.
    """

    ref: str
    text: str
    line: int = 0
    around: tuple[str, ...] = ()
    statement: tuple[int, int] | None = None
    matched: tuple[int, int] | None = None
    indent: str = ""


def window_at(ref: str, result: SiteResult) -> Window | None:
    """The window of a site; without a match the beginning of its scope; None without the scope."""
    return window_of(ref, result.text, result.located, result.finding.file) or _scope_beginning(ref, result)


def window_of(ref: str, text: str, located: Located, file: str) -> Window | None:
    """The window at the first match in the text of a file; None without a match."""
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


def _scope_beginning(ref: str, result: SiteResult) -> Window | None:
    scope, language = result.located.anchor.scope, javascript.language_of(result.finding.file)
    scopes = javascript.scopes_named(result.text, scope, language) if scope != MODULE else []
    if not scopes:
        return None
    lines = scopes[0].text().split("\n")
    more = [f"… {len(lines) - _MAX_SCOPE_LINES} more lines"] if len(lines) > _MAX_SCOPE_LINES else []
    return Window(ref, "\n".join([*lines[:_MAX_SCOPE_LINES], *more]), javascript.line_of(scopes[0]))


def _headers(text: str, statement: SgNode) -> Iterator[str]:
    """The text before the brace of each enclosing block of a statement, outermost first, each on one line."""
    path = [statement, *statement.ancestors()]
    blocks = [node for node in reversed(path[1:]) if node.kind() in {"statement_block", "switch_body", "class_body"}]
    for block in blocks:
        outer = javascript.statement_of(block.parent() or block)
        header = " ".join(text[javascript.span(outer)[0] : javascript.span(block)[0] + 1].split())
        yield header if len(header) <= _MAX_HEADER else f"{header[:_MAX_HEADER]}…"
