"""A report as annotations of GitHub: what belongs to a patch stands on the line that declares it.

GitHub looks for a file from the root of the workspace, so that is where its path begins. Where the declarations are
somewhere else, in an installed package, there is no file. Upstream's files are not in the workspace either, and so are
never the file of an annotation; the message names them.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from patcher.model import NOT_NEEDED
from patcher.patches.declaration import declared_by, patches_of
from patcher.report.document import STOPS, error_of
from patcher.resources import IS_INSTALLED, PACKAGE

_SAID = frozenset({"moved", "reformatted", "superseded"})
_Fields = Mapping[str, Any]


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


def _is_news(patch: _Fields) -> bool:
    return patch["verdict"] in _SAID and not patch["message"].startswith(NOT_NEEDED)


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


def to_github(content: _Fields) -> str:
    """GitHub workflow commands: `::error` for each error, `::notice` for each patch that goes on and says something.

    `::warning` for each run of stops of a matrix that no error tells of.
    """
    found = [
        *(_of_error(error, content) for error in content["errors"]),
        *(_of_patch(patch) for patch in content["patches"] if _is_news(patch)),
        *_of_stops(content.get("stops", ()), {error["where"] for error in content["errors"]}),
    ]
    return "".join(f"{each}\n" for each in found)


# --- errors ----------------------------------------------------------------------------------------------------


def _of_error(error: _Fields, content: _Fields) -> _Annotation:
    where, message = _declared(error, content)
    return _Annotation("error", where, error["code"], f"{message}\n{error['hint']}".strip())


def _declared(error: _Fields, content: _Fields) -> tuple[str, str]:
    """Where the patch is declared that an error belongs to, and a message that says where it was seen."""
    where, message = str(error["where"]), str(error["message"])
    for place in content.get("places", ()):
        if place["verdict"] in STOPS and _is(error, error_of(place)):
            return _line_of(place["id"]), f"{place['id']} at {where}: {place['message']}"
    if error["code"].startswith(("gate-", "file-")):
        return _line_of(_owner(error, content)), f"{where}: {message}" if where else message
    for contract in content.get("contracts", ()):
        if error["code"] == "contract-refused" and contract["id"] == where:
            patches = contract.get("patches", ())
            return _line_of(*patches[:1]), f"{where}, of {', '.join(patches)}: {message}"
    ours = re.fullmatch(r"patcher/[^:]+:\d+", where)
    return (where, message) if ours or not where else ("", f"{where}: {message}")


def _is(error: _Fields, other: _Fields) -> bool:
    return all(error[key] == other[key] for key in ("code", "where", "message"))


def _owner(error: _Fields, content: _Fields) -> str:
    """The patch that a refusal names, or else the only one that has to do with its file; empty for none or several."""
    told = f"{error['where']} {error['message']}"
    known = dict.fromkeys(each["id"] for each in (*content.get("places", ()), *content["patches"]))
    named = [name for name in known if re.search(rf"\b{re.escape(name)}\b", told)]
    path = re.split(r"[: ]", str(error["where"]), maxsplit=1)[0]
    of_file = named or list(patches_of(path))
    return of_file[0] if len(of_file) == 1 else ""


def _line_of(*patch: str) -> str:
    declared = declared_by(patch[0]) if patch else None
    return f"{declared[0]}:{declared[1]}" if declared else ""


# --- what is no error ------------------------------------------------------------------------------------------


def _of_patch(patch: _Fields) -> _Annotation:
    there = f"{patch['file']}:{patch['line']}" if patch["line"] else patch["file"]
    message = f"{patch['id']} at {there}: {patch['message']}"
    return _Annotation("notice", _line_of(patch["id"]), patch["verdict"], message)


def _of_stops(stops: Sequence[_Fields], told: set[str]) -> Iterator[_Annotation]:
    """Runs of stops of a matrix, each on the line that declares the patch: what a person will have to change."""
    for stop in stops:
        where = "{file}:{line}".format(**stop["declared"]) if stop["declared"] else ""
        if where in told:
            continue
        began = stop["culprit"]
        since = f" since {began['commit'][:12]}, {began['subject']}" if began else ""
        name = f"{stop['id']} at {_there(stop)}" if stop["id"] else "gates"
        said = f"{name}: {stop['verdict']} on {stop['since']} to {stop['until']}{since}: {stop['message']}"
        yield _Annotation("warning", where, stop["verdict"], said)


def _there(stop: _Fields) -> str:
    return f"{stop['file']}:{stop['line']}" if stop["line"] else str(stop["file"])
