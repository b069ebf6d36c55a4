"""The templates of `templates/report/`, filled with a report."""

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from patcher import __version__, render
from patcher.bump.reddened import in_short
from patcher.page import items as shapes
from patcher.page import said
from patcher.page.fitting import fitted
from patcher.page.rows import as_diff
from patcher.resources import TEMPLATES

if TYPE_CHECKING:
    import jinja2
    from markupsafe import Markup

_BLANK_LINES = re.compile(r"\n{3,}")


def to_html(content: Mapping[str, Any]) -> str:
    """One HTML page: no script, style, font or image from anywhere else, and a policy that forbids them."""
    return _environment(escape=True).get_template("report/page.html.j2").render(_names(content))


def to_markdown(content: Mapping[str, Any]) -> str:
    """The same for a pull request, as GitHub renders it, and no longer than it takes (`patcher.page.fitting`)."""
    template = _environment(escape=False).get_template("report/page.md.j2")
    return fitted(_names(content), lambda names: _BLANK_LINES.sub("\n\n", template.render(names)).strip() + "\n")


def _names(content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "content": content,
        "bump": content.get("bump") or {},
        "title": said.title(content),
        "headline": said.headline(content),
        "unproven": said.unproven(content),
        "next_steps": said.next_steps(content),
        "grid": shapes.grid(content),
        "groups": shapes.groups(content),
        "anchors": shapes.anchors(content),
        "red": shapes.red(content),
        "superseded": shapes.superseded(content),
        "errors": shapes.other_errors(content),
        "version": __version__,
    }


@cache
def _environment(*, escape: bool) -> "jinja2.Environment":
    import jinja2

    environment = render.environment().overlay(
        autoescape=escape,
        undefined=jinja2.Undefined,  # fields are optional
        loader=jinja2.FileSystemLoader(TEMPLATES),
    )
    filters = {
        "tone": shapes.tone,
        "mark": shapes.mark,
        "short": shapes.short,
        "cell": _cell,
        "code": _code,
        "fence": _fence,
        "as_diff": as_diff,
        "prose": _prose,
        "foldable": _foldable,
        "in_short": in_short,
    }
    environment.filters = {**environment.filters, **filters}
    return environment


def _prose(text: str) -> "Markup":
    """HTML of a message: what stands between back-ticks is code."""
    from markupsafe import Markup, escape

    return Markup(re.sub("(`+)(.+?)\\1(?!`)", r"<code>\2</code>", str(escape(text))))  # noqa: S704 - escaped


def _foldable(name: str) -> "Markup":
    """HTML of a name that may be broken behind its underscores."""
    from markupsafe import Markup, escape

    return Markup(str(escape(name)).replace("_", "_<wbr>"))  # noqa: S704 - escaped


def _cell(text: str) -> str:
    """Text for a cell of a Markdown table, on one line."""
    return " ".join(str(text).split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def _code(text: str) -> str:
    """Text as code on one line: nobody is mentioned and nothing linked, whatever a commit's subject says."""
    line = " ".join(str(text).split())
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{space}{line}{space}{ticks}"


def _fence(text: str) -> str:
    """A code fence that is longer than any in the text."""
    longest = max((len(run) for run in re.findall("`+", str(text))), default=0)
    return "`" * max(3, longest + 1)
