"""A report as annotations of GitHub: what belongs to a patch is on the line that declares it.

GitHub looks for a file from the root of the workspace, so that is where its path begins. Where the declarations are
somewhere else, in an installed package, there is no file. Upstream's files are not in the workspace either, and so are
never the file of an annotation; the message names them.
"""

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from patcher.model import NOT_NEEDED, Finding, Verdict
from patcher.patches import declaration
from patcher.report.model import Problem, Report, declared, position
from patcher.resources import IS_INSTALLED, PACKAGE
from patcher.series.where import is_series

if TYPE_CHECKING:
    from patcher.matrix.model import Stop

_NEWS = frozenset({Verdict.MOVED, Verdict.REFORMATTED, Verdict.SUPERSEDED})


class _Annotation(NamedTuple):
    """where: `FILE:LINE` from the directory that has the package, or empty."""

    level: str
    where: str
    title: str
    message: str

    def __str__(self) -> str:
        path, _, line = self.where.rpartition(":")
        file = _in_workspace(path) if path and line.isdigit() else ""
        place = f"file={_property(file)},line={line}," if file else ""
        return f"::{self.level} {place}title={_property(self.title)}::{_data(self.message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _in_workspace(path: str) -> str:
    """The path of a file of a series from the root of the workspace; empty where it is not in it.

    The workspace is `$GITHUB_WORKSPACE`, else the working tree of git that has the file, else what has our package.
    path: of a series of somebody else's absolute, of ours from what has our package.
    """
    if IS_INSTALLED and not os.path.isabs(path):
        return ""
    project = os.path.dirname(os.path.realpath(PACKAGE))
    file = os.path.realpath(path) if os.path.isabs(path) else os.path.join(project, *path.split("/"))
    workspace = os.path.realpath(os.environ.get("GITHUB_WORKSPACE") or _git_top(os.path.dirname(file)) or project)
    found = os.path.relpath(file, workspace).replace(os.sep, "/")
    return "" if found.startswith("../") else found


def _git_top(directory: str) -> str:
    while not os.path.lexists(os.path.join(directory, ".git")):
        directory, below = os.path.dirname(directory), directory
        if directory == below:
            return ""
    return directory


def to_github(report: Report) -> str:
    """GitHub workflow commands: `::error` for each problem, `::notice` for each patch that goes in with a message.

    `::warning` for each run of stops of a matrix that no error tells of.
    """
    news = (each for each in report.findings if each.verdict in _NEWS and not each.message.startswith(NOT_NEEDED))
    found = [
        *(_of_problem(problem, report) for problem in report.problems),
        *(_of_patch(finding) for finding in news),
        *_of_stops(report),
    ]
    return "".join(f"{each}\n" for each in found)


def _of_problem(problem: Problem, report: Report) -> _Annotation:
    where, message = _declared(problem, report)
    return _Annotation("error", where, problem.code, f"{message}\n{problem.hint}".strip())


def _declared(problem: Problem, report: Report) -> tuple[str, str]:
    """Where the patch is declared that a problem belongs to, and a message that says where it was seen."""
    code, where, message = problem.code, problem.where, problem.message
    if code.startswith("anchor-") and problem.patch:
        return declared(
            problem.patch, report.declared
        ), f"{problem.patch} at {where}: {message.removeprefix(f'{problem.patch}: ')}"
    if code.startswith(("gate-", "file-")):
        return declared(_owner(problem, report), report.declared), f"{where}: {message}" if where else message
    for each in report.contracts or ():
        if code == "contract-refused" and each.contract.id == where:
            patches = each.contract.patches
            return declared(patches[0], report.declared), f"{where}, of {', '.join(patches)}: {message}"
    if code == "contract-refused" and not where:  # of `build --prove`: the message begins with the first one
        proven = declaration.proven_by(message.partition(":")[0])
        return declared(proven[0], report.declared) if proven else "", message
    ours = re.fullmatch(r"patcher/[^:]+:\d+", where)
    return (where, message) if ours or not where else (_in_series(where), f"{where}: {message}")


def _in_series(where: str) -> str:
    """`FILE:LINE` for a file of a series of somebody else, its first line where none is named; empty for another."""
    path, _, line = where.rpartition(":")
    path, line = (path, line) if path and line.isdigit() else (where, "1")
    folders = [path]
    while (above := os.path.dirname(folders[-1])) != folders[-1]:
        folders.append(above)
    inside = os.path.isabs(path) and os.path.isfile(path) and any(map(is_series, folders))
    return f"{path}:{line}" if inside else ""


def _owner(problem: Problem, report: Report) -> str:
    """The patch that a refusal names, or else the only one that has to do with its file; empty for none or several."""
    text = f"{problem.where} {problem.message}"
    named = [each.patch for each in report.findings if re.search(rf"\b{re.escape(each.patch)}\b", text)]
    path = re.split(r"[: ]", problem.where, maxsplit=1)[0]
    found = named or declaration.patches_of(path)
    return found[0] if len(found) == 1 else ""


def _of_patch(finding: Finding) -> _Annotation:
    message = f"{finding.patch} at {position(finding.file, finding.line)}: {finding.message}"
    return _Annotation("notice", declared(finding.patch, ()), finding.verdict, message)


def _of_stops(report: Report) -> Iterator[_Annotation]:
    """Runs of stops of a matrix, each on the line that declares the patch: what a person will have to change."""
    told = {problem.where for problem in report.problems}
    for stop in report.matrix.stops if report.matrix else ():
        where = declared(stop.patch, report.declared)
        if where not in told:
            yield _Annotation("warning", where, stop.verdict, _said(stop))


def _said(stop: "Stop") -> str:
    since = f" since {stop.culprit.id[:12]}, {stop.culprit.subject}" if stop.culprit else ""
    finding = stop.finding
    name = f"{stop.patch} at {position(finding.file, finding.line)}" if finding else "gates"
    return f"{name}: {stop.verdict} on {stop.span.since.ref} to {stop.span.until.ref}{since}: {stop.message}"
