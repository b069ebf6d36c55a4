"""The result of a command: exit code, report, message."""

import argparse
import re
from dataclasses import dataclass, replace

from patcher.errors import PatcherError
from patcher.model import Build, Upstream
from patcher.report.model import Problem, Report


@dataclass(frozen=True)
class Outcome:
    """report: for stdout, in the requested format. message: a line for stderr.

    text: replaces the report's text on stdout. failed: there is no result, so the text goes to stderr.
    """

    exit_code: int
    report: Report
    text: str | None = None
    message: str = ""
    failed: bool = False


def noted(found: Build | Upstream, message: str = "") -> str:
    """The notes of a build or an upstream, one line each, then the message: for stderr."""
    return "\n".join([*(f"note: {note}" for note in found.notes), *([message] if message else [])])


def failed(verb: str, error: PatcherError) -> Outcome:
    """An error that ended the run before there was a result."""
    return Outcome(error.exit_code, Report(verb, problems=(Problem.of(error),)), failed=True)


def outcome(report: Report, *, text: str | None = None, message: str = "") -> Outcome:
    """A result, with the exit code of its problems."""
    return Outcome(report.exit_code, report, text, message)


_COMMAND = re.compile(r"(?:(?<=`)|^)sidecar-patcher (build|check|diff|explain|list|prove)\b([^`]*)")
_ON_ONE_UPSTREAM = {"check", "diff", "prove"}


def repeated(outcome: Outcome, options: argparse.Namespace) -> Outcome:
    """The outcome with hints that can be typed as they are: what was typed to choose upstream and series is in them."""

    def whole(command: re.Match[str]) -> str:
        verb, words = command.groups()
        typed = [*(options.typed_upstream if verb in _ON_ONE_UPSTREAM else ()), options.typed_series]
        missing = [each for each in typed if each and each.split()[0] not in words.split()]
        return " ".join([command.group(), *missing])

    problems = (replace(each, hint=_COMMAND.sub(whole, each.hint)) for each in outcome.report.problems)
    return replace(outcome, report=replace(outcome.report, problems=tuple(problems)))
