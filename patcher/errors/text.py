"""Text of messages: without the secrets in URLs, valid UTF-8, and with the name that was probably meant."""

import re
from collections.abc import Iterable

_SECRETS = (
    (r"((?:https?|ftps?)://)[^/\s@]{0,999}(?:@[^/\s@]{0,999})*@", r"\1***@"),  # a user alone may be a token
    (r"(://[^/\s@:]{0,99}):[^/\s@]{0,999}(?:@[^/\s@]{0,999})*@", r"\1:***@"),
    (r"(://[^/\s@:\[]{0,99}):(?!\d*(?:[/\s?#@'\"`]|$))[^\s@]{0,999}@", r"\1:***@"),  # a `/` in the password
    (r"(://[^\s?]{0,999})\?[^\s'\"`@]+", r"\1?***"),
)


def without_secret(text: str) -> str:
    """The text with `***` in place of the secrets in its URLs: user and password, and the query."""
    if "://" in text:
        for pattern, instead in _SECRETS:
            text = re.sub(pattern, instead, text, flags=re.IGNORECASE)
    return text


def printable(text: str) -> str:
    r"""The text for streams and reports: without secrets, and with `\xNN` for a byte that is not UTF-8."""
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a surrogate pair, from JSON
        data = text.encode("utf-8", "backslashreplace")
    return without_secret(data.decode("utf-8", "backslashreplace"))


def did_you_mean(name: str, known: Iterable[str], before: str = "") -> str:
    """The question for the most similar known name, with `before` in front; empty where none is similar."""
    from difflib import get_close_matches  # slow to import, and only an error needs it

    close = get_close_matches(name, list(known), n=1)
    return f"{before}did you mean `{close[0]}`?" if close else ""
