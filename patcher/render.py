"""Stage 4: payloads, handlers and overlay files, from Jinja2 templates with comment-shaped delimiters.

Loading Jinja2 and compiling with it takes a sixth of a cold build. A template that asks for nothing but values and
parts, as all of the series do, is filled in here; what asks for more is Jinja2's to render. Tests hold the two to the
same text.
"""

import json
import os
import re
from collections.abc import Hashable, Mapping
from functools import cache
from typing import TYPE_CHECKING

from patcher.resources import DELIMITERS, TEMPLATES

if TYPE_CHECKING:
    import jinja2


@cache
def environment() -> "jinja2.Environment":
    """The one Jinja2 environment. A template is valid JavaScript to an editor: its delimiters are comments."""
    import jinja2  # only where a template asks for more than `_filled` has

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - JavaScript, not HTML; values go through `tojson`
        variable_start_string=DELIMITERS[0],
        variable_end_string=DELIMITERS[1],
        block_start_string=DELIMITERS[2],
        block_end_string=DELIMITERS[3],
        comment_start_string=DELIMITERS[4],
        comment_end_string=DELIMITERS[5],
    )


def render(template: str, **params: Hashable) -> str:
    """Render the file `template` (a path below `templates/`) to text.

    Raises `jinja2.UndefinedError` for a parameter that is missing: a payload is never silently empty.
    """
    text = _filled(template, params)
    return environment().get_template(template).render(**params) if text is None else text


_ASKS = re.compile(
    r"/\*= (?P<name>\w+)(?:\.(?P<field>\w+))?(?P<json> \| tojson)? =\*/"  # a value
    r'|/\*%- include "(?P<part>[^"]+)" %\*/\n?'  # a part, as `trim_blocks` has it
)
_ESCAPED = re.compile("[<>&']")  # what Jinja2's `tojson` escapes


def _filled(template: str, params: Mapping[str, Hashable]) -> str | None:
    """The text of a template that asks for nothing but values and parts; None for any other."""
    pieces = _pieces(template)
    if pieces is None:
        return None
    made = [piece if isinstance(piece, str) else _answer(piece, params) for piece in pieces]
    texts = [text for text in made if text is not None]
    return "".join(texts) if len(texts) == len(made) else None


def _answer(asks: re.Match[str], params: Mapping[str, Hashable]) -> str | None:
    """The value or part; None for what is missing, for a value that is no text, and for JSON that would be escaped."""
    if asks["part"]:
        return _filled(asks["part"], params)
    value: object = params.get(asks["name"])
    if asks["field"]:
        value = getattr(value, asks["field"], None)
    if asks["json"] and value is not None:
        text = json.dumps(value, sort_keys=True)
        return None if _ESCAPED.search(text) else text
    return value if type(value) is str else None


@cache
def _pieces(template: str) -> tuple[str | re.Match[str], ...] | None:
    try:
        with open(os.path.join(TEMPLATES, *template.split("/")), encoding="utf-8", newline="") as stream:
            return _split(stream.read())
    except OSError:
        return None


def _split(text: str) -> tuple[str | re.Match[str], ...] | None:
    """What a template asks for, and the text between; None where it asks for more, or has line ends Jinja2 changes."""
    pieces: list[str | re.Match[str]] = []
    position = 0
    for asks in _ASKS.finditer(text):
        before = text[position : asks.start()]
        pieces += [before.rstrip() if asks["part"] else before, asks]  # what the `-` means
        position = asks.end()
    pieces.append(text[position:])
    plain = "\n".join(piece for piece in pieces if isinstance(piece, str))
    return None if "\r" in text or any(delimiter in plain for delimiter in DELIMITERS) else tuple(pieces)
