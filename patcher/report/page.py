"""A matrix or a bump as one self-contained HTML page, and as Markdown for a pull request."""

import re
from functools import cache
from typing import TYPE_CHECKING

from patcher import __version__, render
from patcher.errors.text import printable
from patcher.prove.contract import in_short
from patcher.report import headline, sites, wording
from patcher.report.model import Report
from patcher.report.side_by_side import as_diff
from patcher.report.truncate import Shown, fitted
from patcher.resources import TEMPLATES

if TYPE_CHECKING:
    import jinja2
    from markupsafe import Markup

_BLANK_LINES = re.compile(r"\n{3,}")


def to_html(report: Report) -> str:
    """One HTML page without any external script, style, font or image, and with a policy that forbids them."""
    if report.patch_set is not None:
        template = _environment(escape=True).get_template("report/patch_set.html.j2")
        return template.render(report.patch_set, version=__version__)
    names, shown = _names(report)
    return _environment(escape=True).get_template("report/page.html.j2").render(names, **vars(shown))


def to_markdown(report: Report) -> str:
    """The same in GitHub's Markdown, shortened to GitHub's limit for a comment."""
    template, (names, shown) = _environment(escape=False).get_template("report/page.md.j2"), _names(report)
    return fitted(shown, lambda less: _BLANK_LINES.sub("\n\n", template.render(names, **vars(less))).strip() + "\n")


def _names(report: Report) -> tuple[dict[str, object], Shown]:
    """The variables of the templates, and the part of the page that may be shortened."""
    items, grid = sites.items(report), report.grid
    return {
        "title": headline.title(report),
        "headline": headline.headline(report),
        "version": __version__,
        "next_steps": headline.next_steps(report),
        "grid": grid,
        "repository": printable(grid.repository) if grid else "",
        "anchors": sites.anchors(report, items),
        "bump": report.bump and report.bump.found,
        "superseded": report.superseded if report.bump else (),
        "contracts": report.contracts or (),
        "unproven": headline.unproven(report),
        "reasons": sites.reasons(report),
        "problems": sites.other_problems(report),
    }, Shown(sites.groups(report, items), grid.refs if grid else ())


@cache
def _environment(*, escape: bool) -> "jinja2.Environment":
    import jinja2

    environment = render.environment().overlay(autoescape=escape, loader=jinja2.FileSystemLoader(TEMPLATES))
    filters = {
        "tone": wording.tone,
        "mark": wording.mark,
        "short": wording.short,
        "counted": wording.counted,
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
    """HTML of a message: text between back-ticks becomes code."""
    from markupsafe import Markup, escape

    return Markup(re.sub("(`+)(.+?)\\1(?!`)", r"<code>\2</code>", str(escape(text))))  # noqa: S704 - escaped


def _foldable(name: str) -> "Markup":
    """HTML of a name with possible line breaks after its underscores."""
    from markupsafe import Markup, escape

    return Markup(str(escape(name)).replace("_", "_<wbr>"))  # noqa: S704 - escaped


def _cell(text: str) -> str:
    """Text for a cell of a Markdown table, on one line."""
    return " ".join(str(text).split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def _code(text: str) -> str:
    """Text as code on one line, so that GitHub makes no mention or link of it."""
    line = " ".join(str(text).split())
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{space}{line}{space}{ticks}"


def _fence(text: str) -> str:
    """A code fence that is longer than any in the text."""
    longest = max((len(run) for run in re.findall("`+", str(text))), default=0)
    return "`" * max(3, longest + 1)
