"""Check that a pattern can match: that it is code, and one statement or expression."""

from typing import NamedTuple

from patcher import javascript

MAX_EXCERPT = 80


class Problem(NamedTuple):
    """found: what the pattern is instead, as the end of a message. hint: what to do about it."""

    found: str
    hint: str


def problem_of(pattern: str, language: str) -> Problem | None:
    """Why a pattern never matches; None for one that may."""
    text = " ".join(pattern.split())
    shown = f"`{text if len(text) <= MAX_EXCERPT else text[:MAX_EXCERPT] + '…'}`"
    if not pattern.strip():
        return Problem(
            "expected code, found nothing", "write the statement that it is to find, `$NAME` for what varies"
        )
    root = javascript.parse(pattern, language)
    statements = [each for each in root.named_children() if each.kind() not in javascript.COMMENTS]
    if javascript.syntax_errors(root):
        return Problem(
            f"expected code, found {shown}, which does not parse", "a pattern is whole code: close what it opens"
        )
    if len(statements) != 1:
        many = "only a comment" if not statements else f"{len(statements)} of them, {shown}"
        hint = "name one; its neighbours are `before=` and `after=`, and another place is a site of its own"
        return Problem(f"expected one statement or expression, found {many}", hint)
    try:
        root.find_all(pattern=pattern)
    except BaseException as error:  # ast-grep raises with a Rust backtrace, or panics
        if isinstance(error, KeyboardInterrupt):
            raise
        return Problem(f"expected code, found {shown}, of which ast-grep makes no pattern", "write it as whole code")
    return None
