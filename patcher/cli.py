"""From a command line to an exit code: dispatch, output, exceptions. Results go to stdout, messages to stderr."""

import argparse
import io
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from patcher import __version__
from patcher.commands.arguments import parser
from patcher.commands.outcome import Outcome, failed, repeated
from patcher.errors import (
    EXIT_BUG,
    EXIT_DONE,
    EXIT_INTERRUPTED,
    EXIT_IO,
    DiskFailed,
    PatcherError,
    ReportUnwritable,
    UsageError,
)
from patcher.errors.text import without_secret
from patcher.series import settings
from patcher.series.where import CODEX, with_codex
from patcher.uptodate import DEFAULT_OUT, DEFAULT_SPEC

if TYPE_CHECKING:
    from patcher.report.model import Report


def run(argv: Sequence[str]) -> int:
    """Parse and run one command; returns the exit code. Raises nothing."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # SIGTERM cleans up as Ctrl-C does
    try:
        options = parser().parse_args(argv)
        return _run(options)
    except SystemExit as ended:  # from argparse: `--help`, or an error in the command line
        return int(ended.code or 0)
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted; nothing is left half done\n")
        return EXIT_INTERRUPTED
    except Exception:  # noqa: BLE001 - anything not expected is reported as a bug
        import traceback

        sys.stderr.write(without_secret(traceback.format_exc()))
        version = f"sidecar-patcher {__version__}, Python {sys.version.split()[0]}"
        sys.stderr.write(f"\nerror[bug]: this is a bug of ours; please report the lines above ({version})\n")
        return EXIT_BUG


def _run(options: argparse.Namespace) -> int:
    from patcher.report import destinations

    try:
        _complete(options)
        reports = destinations.reports_of(options)
    except PatcherError as error:
        return _show(options, failed(options.verb, error), {})
    except OSError as error:
        return _show(options, failed(options.verb, _of_disk(error)), {})
    return _show(options, repeated(_outcome(options), options), reports)


def _complete(options: argparse.Namespace) -> None:
    """Fill in options that were not given: from `sidecar.toml`, else the default.

    Raises `SettingsUnreadable`, `UsageError`.
    """
    known = settings.settings()
    names = getattr(options, "series", None)
    options.typed_series = " ".join(f"--series {shlex.quote(name)}" for name in names or ())
    options.typed_upstream = _typed_upstream(options)
    defaults = {"upstream": DEFAULT_SPEC, "out": DEFAULT_OUT, "client": False, "series": [CODEX]}
    if options.verb in {"bump", "matrix"}:
        defaults["upstream"] = ""
        known["upstream"] = settings.repository_of(known.get("upstream", ""))
    if options.verb == "explain":
        defaults["upstream"] = None
    for name, default in defaults.items():
        if name in options and getattr(options, name) is None:
            setattr(options, name, known.get(name) or default)
    if getattr(options, "series", None):
        options.series = with_codex(options.series)
    if "tree" in options and options.tree is None:
        options.tree = known.get("out", DEFAULT_OUT)
    if getattr(options, "upstream", None) == "":
        raise UsageError(f"{options.verb} needs a clone of upstream", hint="add `--upstream REPO`")


def _typed_upstream(options: argparse.Namespace) -> list[str]:
    """The options that choose, for `diff` and `prove`, the upstream that the command line names; none for many refs."""
    spec = getattr(options, "upstream", None)
    if options.verb in {"bump", "matrix"}:
        spec = f"{spec}@{options.to}" if spec and options.verb == "bump" else None
    client = ["--client"] if getattr(options, "client", None) else []
    return [*([f"--upstream {shlex.quote(spec)}"] if spec else []), *client]


def _outcome(options: argparse.Namespace) -> Outcome:
    from patcher.report import destinations

    module, _, function = options.handler.partition(".")
    try:
        destinations.refuse_overlap(options)
        commands = import_module(f"patcher.commands.{module}")  # only now: a build needs none of the others
        handler: Callable[[argparse.Namespace], Outcome] = getattr(commands, function)
        return handler(options)
    except PatcherError as error:
        return failed(options.verb, error)
    except OSError as error:
        return failed(options.verb, _of_disk(error))


def _of_disk(error: OSError) -> DiskFailed:
    where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
    if not where and isinstance(error, FileNotFoundError) and not _has_working_directory():
        hint = "`cd` into one that is there, and type the command again"
        return DiskFailed("the working directory has been deleted", hint=hint)
    hint = "is there space, and permission? then type the command again"
    return DiskFailed(error.strerror or str(error), where=where, hint=hint)


def _has_working_directory() -> bool:
    try:
        return bool(os.getcwd())
    except FileNotFoundError:
        return False


def _show(options: argparse.Namespace, outcome: Outcome, reports: Mapping[str, str]) -> int:
    """Write the reports, print the result in the requested format, return the exit code."""
    from patcher.report.wording import legible

    chosen, report = getattr(options, "format", "text"), outcome.report
    unwritten = list(_unwritten(reports, report))
    if chosen != "text":
        _print_for_machines(_rendered(chosen, report))
    elif options.verb == "diff" and not outcome.failed and outcome.text is not None:
        _print_for_machines(_coloured(outcome.text))
    else:
        stream = sys.stderr if outcome.failed else sys.stdout
        text = outcome.text
        if text is None:
            from patcher.report.text import to_text

            text = to_text(report, colour=_colour(stream), everything=getattr(options, "all", False))
        stream.write(legible(text))
    for line in (outcome.message, *unwritten):
        sys.stderr.write(f"{legible(line)}\n" if line else "")
    sys.stdout.flush()
    return outcome.exit_code or (EXIT_IO if unwritten else EXIT_DONE)


def _rendered(form: str, report: "Report") -> str:
    """The report as `json` (also named `report`), `github`, `html` or `markdown`."""
    from patcher.report.wording import legible

    if form in {"report", "json"}:
        from patcher.report.as_json import to_json

        return to_json(report)
    if form == "github":
        from patcher.report.github import to_github

        return legible(to_github(report))
    from patcher.report.page import to_html, to_markdown

    return legible(to_html(report) if form == "html" else to_markdown(report))


def _print_for_machines(text: str) -> None:
    """Write to stdout in UTF-8 whatever the locale; bytes that are not UTF-8 (as surrogates) are written unchanged."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    sys.stdout.write(text)


def _unwritten(reports: Mapping[str, str], report: "Report") -> Iterator[str]:
    """Write each requested report; yields an error line for each that could not be written."""
    from patcher.report import destinations

    for form, path in reports.items():
        if form == "sbom":
            continue  # it describes the tree, not this run: `verify` has written it
        text = _rendered(form, report)
        try:
            sys.stdout.flush()  # the report may go to the same file
            destinations.write_whole(path, text)
        except OSError as error:
            yield f"error[{ReportUnwritable.code}]: {path}: {error.strerror}"


def _colour(stream: object) -> bool:
    """Colour only on a terminal, and never with `NO_COLOR` (https://no-color.org)."""
    isatty = getattr(stream, "isatty", None)
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and bool(isatty and isatty())


def _coloured(diff: str) -> str:
    from patcher.report.wording import painted_diff, painter

    paint = painter(colour=_colour(sys.stdout))
    return "\n".join(painted_diff(line, paint) if line[:1] in {"+", "-", "@"} else line for line in diff.split("\n"))
