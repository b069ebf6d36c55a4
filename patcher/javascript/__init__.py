"""JavaScript and TypeScript seen through ast-grep: scopes by name, statements, and the tokens that a pin is made of."""

from patcher.javascript.digest import tokens, window_digest
from patcher.javascript.named import scopes_named
from patcher.javascript.patterns import comment_starts, matching
from patcher.javascript.scopes import FUNCTION_KINDS, enclosing_function, named_scopes
from patcher.javascript.statements import STATEMENT_LISTS, neighbours, statement_of
from patcher.javascript.tree import (
    COMMENTS,
    DATA,
    ENDINGS,
    JAVASCRIPT,
    WITHOUT_COMMENTS,
    has_grammar,
    has_markers,
    is_program,
    language_of,
    line_of,
    parse,
    span,
    string_value,
    syntax_errors,
)

__all__ = [
    "COMMENTS",
    "DATA",
    "ENDINGS",
    "FUNCTION_KINDS",
    "JAVASCRIPT",
    "STATEMENT_LISTS",
    "WITHOUT_COMMENTS",
    "comment_starts",
    "enclosing_function",
    "has_grammar",
    "has_markers",
    "is_program",
    "language_of",
    "line_of",
    "matching",
    "named_scopes",
    "neighbours",
    "parse",
    "scopes_named",
    "span",
    "statement_of",
    "string_value",
    "syntax_errors",
    "tokens",
    "window_digest",
]
