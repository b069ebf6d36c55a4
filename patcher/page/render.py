"""The templates of `templates/report/`, filled with a report."""

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from patcher import __version__, render
from patcher.page import items as shapes
from patcher.page.rows import as_diff

if TYPE_CHECKING:
    import jinja2


def to_html(content: Mapping[str, Any]) -> str:
    """One HTML page: no script, style, font or image from anywhere else, and a policy that forbids them."""
    return _environment(escape=True).get_template("report/page.html.j2").render(_names(content))


def to_markdown(content: Mapping[str, Any]) -> str:
    """The same for a pull request, as GitHub renders it."""
    return _environment(escape=False).get_template("report/page.md.j2").render(_names(content)).strip() + "\n"


def _names(content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "content": content,
        "title": shapes.title(content),
        "headline": shapes.headline(content),
        "items": shapes.items(content),
        "anchors": shapes.stop_anchors(content),
        "version": __version__,
    }


@cache
def _environment(*, escape: bool) -> "jinja2.Environment":
    import jinja2

    environment = render.environment().overlay(autoescape=escape, undefined=jinja2.Undefined)  # fields are optional
    filters = {
        "tone": shapes.tone,
        "mark": shapes.mark,
        "short": shapes.short,
        "cell": _cell,
        "fence": _fence,
        "as_diff": as_diff,
    }
    environment.filters = {**environment.filters, **filters}
    return environment


def _cell(text: str) -> str:
    """Text for a cell of a Markdown table, on one line."""
    return " ".join(str(text).split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def _fence(text: str) -> str:
    """A code fence that is longer than any in the text."""
    longest = max((len(run) for run in re.findall("`+", str(text))), default=0)
    return "`" * max(3, longest + 1)
