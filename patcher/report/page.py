"""A matrix or a bump as one HTML page that is complete in itself, and as Markdown for a pull request.

Made from the JSON report and nothing else. Fields that are read, all but `command` optional:

- `refs`, `supported`, `stops`, `notes`, `repository` as `patcher.report.matrix_document` returns them: the grid, and an
  item for each run of stops.
- `bump`: `{from: {ref}, to: {ref}, places: [...], refusals: [{code, where, message, culprit}], matrix, chosen, command,
  record, written, proposed_ok, red: [{contract, said, culprit, untold, brought}]}`: an item for each site. matrix: the
  fields above, for the grid, and an item for each stop that no site tells of. Where there is no `bump`, `places` or
  `patches` that have a `window`.
- an item: `id` or `patch`, `site`, `verdict`, `file`, `line`, `scope`, `message`, `hint`; `since`, `until`;
  `change`, `change_said`; `culprit`, `fits_since`: `{commit, date, subject, author, brought_by}`;
  `declared: {file, line}`;
  `window: {reviewed, found, nearest}` with `payload` and `place` (`before`, `after`, `replace`) in the window or beside
  it, or `windows`, a list of these, each with a `file`, `scope` and `message` of its own; nearest: what the
  chosen candidate takes, or else the first, where nothing is found;
  `candidates: [{rank, kind, file, scope, pattern, likeness, tried: {unique, parses, gates, contracts, problems}, why,
  command}]`; `scope_diff: {since, lines, left_out}`; `twins: [{line, scope, shown}]`.
- `reviewed`, `found`, `nearest`: null, or `{ref, text, line, statement, matched, indent}`. statement: first and last
  line of the anchor's statement, from 0 in `text`: the payload is shown there, on the side of then where now has none.
  matched: half-open offsets in `text` of what is replaced. indent: the white space before the first line.
- `contracts`: as `prove` reports them. `retire`: `[{patches, contract, said}]`. `patches`: as every verb reports them;
  those that are `superseded` are listed. `errors`: as every verb reports them.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from patcher import __version__, render
from patcher.bump.regressions import in_short
from patcher.report import headline, sites
from patcher.report.side_by_side import as_diff
from patcher.report.truncate import fitted
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
        "title": headline.title(content),
        "headline": headline.headline(content),
        "unproven": headline.unproven(content),
        "next_steps": headline.next_steps(content),
        "grid": sites.grid(content),
        "groups": sites.groups(content),
        "anchors": sites.anchors(content),
        "red": sites.red(content),
        "superseded": sites.superseded(content),
        "errors": sites.other_errors(content),
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
        "tone": sites.tone,
        "mark": sites.mark,
        "short": sites.short,
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
