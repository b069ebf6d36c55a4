"""Stage 4: payloads, handlers and overlay files, from Jinja2 templates with comment-shaped delimiters."""

from functools import cache
from typing import Any

import jinja2

from patcher.resources import DELIMITERS, TEMPLATES


@cache
def environment() -> jinja2.Environment:
    """The one Jinja2 environment. A template is valid JavaScript to an editor: its delimiters are comments."""
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


def render(template: str, **params: Any) -> str:
    """Render the file `template` (a path below `templates/`) to text.

    Raises `jinja2.UndefinedError` for a parameter that is missing: a payload is never silently empty.
    """
    return environment().get_template(template).render(**params)
