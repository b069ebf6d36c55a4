"""What a command hands to the rim."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from patcher.errors import EXIT_ANCHOR, EXIT_DONE, EXIT_REFUSED, PatcherError
from patcher.model import Build, Upstream
from patcher.report import document


@dataclass(frozen=True)
class Outcome:
    """content: the JSON report. text: what stdout gets instead of the report's text form. said: a line for stderr.

    draw: makes the text, given whether there may be colour; instead of `text`.
    """

    exit_code: int
    content: Mapping[str, Any]
    text: str | None = None
    said: str = ""
    draw: Callable[[bool], str] | None = None


def noted(found: Build | Upstream, said: str = "") -> str:
    """The notes of a build or of an upstream, a line each, and the message below them: for stderr."""
    return "\n".join([*(f"note: {note}" for note in found.notes), *([said] if said else [])])


def failed(verb: str, error: PatcherError) -> Outcome:
    """An error that ended the run before there was a result."""
    return Outcome(error.exit_code, document.report(verb, errors=[error]))


def exit_code_of(result: Build) -> int:
    """How a run of the flow ended: an anchor stopped it, a gate refused it, or it went through."""
    if result.stopped:
        return EXIT_ANCHOR
    return EXIT_REFUSED if result.refused else EXIT_DONE
