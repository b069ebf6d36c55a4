"""Stage 4: payloads, handlers and overlay files, from Jinja2 templates with comment-shaped delimiters."""

import os
from collections.abc import Hashable
from functools import cache
from typing import TYPE_CHECKING

from patcher.resources import DELIMITERS, TEMPLATES

if TYPE_CHECKING:
    import jinja2


@cache
def environment() -> "jinja2.Environment":
    """The one Jinja2 environment. A template is valid JavaScript to an editor: its delimiters are comments."""
    import jinja2  # a fifth of a cold build: only where a template asks for something

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
    """The text of the file `template`, a path below `templates/`. Only a `.j2` is rendered; any other is copied.

    Raises `jinja2.UndefinedError` for a parameter that is missing: a payload is never silently empty.
    """
    if template.endswith(".j2"):
        return environment().get_template(template).render(**params)
    return _text_of(template)


@cache
def _text_of(name: str) -> str:
    with open(os.path.join(TEMPLATES, *name.split("/")), encoding="utf-8", newline="\n") as stream:
        return stream.read()
