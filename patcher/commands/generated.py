"""`verify` and `revert`: the verbs for a generated tree."""

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from patcher import revert as reverting
from patcher.commands.chosen import chosen
from patcher.commands.outcome import Outcome, outcome
from patcher.errors import EXIT_DIFFERENT, EXIT_DONE, ManifestUnreadable
from patcher.generated import differences, on_disk, read
from patcher.report import destinations, problems
from patcher.report.model import Problem, Report
from patcher.report.sbom import to_sbom
from patcher.report.wording import counted
from patcher.resources import CODEX
from patcher.revert import write_new


def verify(options: argparse.Namespace) -> Outcome:
    """Compare a tree with its manifest, and name the edited, added and deleted files."""
    content = read(options.directory)
    upstream = content.get("upstream")
    if not isinstance(upstream, dict) or not all(isinstance(each, str) for each in upstream.values()):
        hint = "`sidecar-patcher build --out DIR` makes a tree with a manifest that does"
        raise ManifestUnreadable("the manifest does not say what upstream it is of", where=options.directory, hint=hint)
    edited = problems.of_differences(differences(options.directory, content["files"]))
    wrong = (*edited, *_other_series(options, content))
    if options.sbom and not edited:
        with open(on_disk(options.directory, "package.json"), "rb") as stream:
            destinations.write_whole(options.sbom, to_sbom(content, stream.read()))
    as_built = f"{options.directory} is as it was built{_made_by(content)}"
    message = counted(len(wrong), "difference") if wrong else as_built
    message += "; of an edited tree no SBOM is written" if options.sbom and edited else ""
    report = Report("verify", problems=wrong, upstream=upstream, made_by=tuple(_series_of(content)))
    return Outcome(EXIT_DIFFERENT if wrong else EXIT_DONE, report, message=message)


def _series_of(content: Mapping[str, Any]) -> list[dict[str, str]]:
    """The series that a manifest names; none where it has none, or has them in another form than we write."""
    series = content.get("series")
    known = {"name", "version", "sha256"}
    return [
        each
        for each in (series if isinstance(series, list) else [])
        if isinstance(each, dict) and known <= each.keys() and all(isinstance(text, str) for text in each.values())
    ]


def _labels(content: Mapping[str, Any]) -> list[str]:
    return [f"{each['name']} {each['version']}".strip() for each in _series_of(content)]


def _made_by(content: Mapping[str, Any]) -> str:
    """`, by SERIES`, where a tree was not made by our series alone."""
    labels = _labels(content)
    return f", by {' and '.join(labels)}" if [each.partition(" ")[0] for each in labels] != [CODEX] and labels else ""


def _other_series(options: argparse.Namespace, content: Mapping[str, Any]) -> Iterator[Problem]:
    """A problem where `--series` was given and the tree was made by others, or by these before they were edited."""
    if not options.typed_series:
        return
    wanted, entries = chosen(options), _series_of(content)
    if [(each.name, each.sha256) for each in wanted] == [(each["name"], each["sha256"]) for each in entries]:
        return
    edited = [each.label for each in wanted] == _labels(content)
    found = "the same ones before they were edited" if edited else " and ".join(_labels(content)) or "no name of one"
    message = f"expected a tree of {' and '.join(each.label for each in wanted)}, found {found}"
    yield Problem(
        "series-differ", options.directory, message, "`sidecar-patcher build` with these series makes it anew"
    )


def revert(options: argparse.Namespace) -> Outcome:
    """Write the pristine files to a new directory."""
    if options.typed_series:
        chosen(options)  # raises for a name that is not a series
    content = read(options.directory)
    tree = reverting.pristine(options.directory)
    write_new(tree, options.out)
    message = f"reverted {options.directory}{_made_by(content)}: {counted(len(tree), 'file')} in {options.out}"
    return outcome(Report("revert", paths=tuple(sorted(tree))), message=message)
