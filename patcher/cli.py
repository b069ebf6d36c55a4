"""The rim: the parser, the dispatch, exceptions into exit codes. Data goes to stdout, everything else to stderr."""

import argparse
import io
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from types import ModuleType

from patcher import __version__
from patcher.commands.outcome import Outcome, failed
from patcher.errors import EXIT_BUG, EXIT_INTERRUPTED, PatcherError
from patcher.uptodate import DEFAULT_OUT, DEFAULT_SPEC

_EXIT_CODES = """\
exit codes:
  0    done, or nothing to do
  1    verify found a difference
  2    the command line is wrong
  3    an anchor stopped the build, or a generated tree was edited
  4    a gate or a contract refused
  5    upstream or the disk could not be read or written
  70   a bug of ours
  130  interrupted
"""
_SPEC_HELP = "`builtin`, a directory, a .tgz, or REPOSITORY@REF (default: %(default)s)"


def run(argv: Sequence[str]) -> int:
    """Parse and run one command; returns the exit code. Never lets an exception out."""
    options = parser().parse_args(argv)
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))  # a polite kill cleans up as Ctrl-C does
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that is not UTF-8 still gets every message
    try:
        return _show(options, _outcome(options))
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted; nothing is left half done\n")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone: not an error
        return 0
    except Exception:  # noqa: BLE001 - the last resort of a command line
        sys.stderr.write(traceback.format_exc())
        version = f"sidecar-patcher {__version__}, Python {sys.version.split()[0]}"
        sys.stderr.write(f"\nerror[bug]: this is a bug of ours; please report the lines above ({version})\n")
        return EXIT_BUG


def _outcome(options: argparse.Namespace) -> Outcome:
    module, _, function = options.handler.partition(".")
    try:
        handler: Callable[[argparse.Namespace], Outcome] = getattr(_commands(module), function)
        return handler(options)
    except PatcherError as error:
        return failed(options.verb, error)


def _commands(module: str) -> ModuleType:
    """One module of `patcher/commands/`, imported when its verb is asked for: a build needs none of the others."""
    return import_module(f"patcher.commands.{module}")


def _show(options: argparse.Namespace, outcome: Outcome) -> int:
    """Print what a command found out, in the format that was asked for, and return its exit code."""
    from patcher import report

    chosen = getattr(options, "format", "text")
    if getattr(options, "report", None):
        try:
            report.write_report(options.report, outcome.content)
        except OSError as error:
            sys.stderr.write(f"error[report-unwritable]: {options.report}: {error.strerror}\n")
            return outcome.exit_code or 5
    if chosen == "json":
        sys.stdout.write(report.to_json(outcome.content))
    elif chosen == "github":
        sys.stdout.write(report.to_github(outcome.content))
    elif outcome.text is not None:
        sys.stdout.write(_coloured(outcome.text) if options.verb == "diff" and _colour(sys.stdout) else outcome.text)
    else:
        stream = sys.stderr if outcome.content["errors"] and not outcome.content["patches"] else sys.stdout
        stream.write(report.to_text(outcome.content, colour=_colour(stream)))
    if outcome.said:
        sys.stderr.write(f"{outcome.said}\n")
    sys.stdout.flush()
    return outcome.exit_code


def _colour(stream: object) -> bool:
    """Colour only on a terminal, and never with `NO_COLOR` (https://no-color.org)."""
    isatty = getattr(stream, "isatty", None)
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and bool(isatty and isatty())


def _coloured(diff: str) -> str:
    codes = {"+": "32", "-": "31", "@": "36"}
    lines = (f"\x1b[{codes[line[0]]}m{line}\x1b[0m" if line[:1] in codes else line for line in diff.split("\n"))
    return "\n".join(lines)


def parser() -> argparse.ArgumentParser:
    """The command line of DESIGN.md section 9."""
    top = argparse.ArgumentParser(
        prog="sidecar-patcher",
        description="Hash-anchored patches that make Codex sessions first-class in the Agent Monitor sidecar.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)

    build = _verb(verbs, "build", "build.build", "patch an upstream tree and write the result")
    _upstream(build)
    build.add_argument("--out", metavar="DIR", default=DEFAULT_OUT, help="where to (default: %(default)s)")
    _client(build, "also patch the client's sources, and build them with upstream's own tool chain")
    build.add_argument("--prove", action="store_true", help="run the contracts first; a red one refuses the build")
    _node(build)
    _judging(build)

    check = _verb(verbs, "check", "build.check", "the same without writing")
    _upstream(check)
    _client(check, "also look at the patches of the client; its tool chain is not run")
    _judging(check)

    verify = _verb(verbs, "verify", "generated.verify", "compare a generated tree with its manifest")
    verify.add_argument("directory", metavar="DIR")
    _judging(verify)

    revert = _verb(verbs, "revert", "generated.revert", "take the patches out of a generated tree again")
    revert.add_argument("directory", metavar="DIR")
    revert.add_argument("--out", metavar="DIR2", required=True, help="where the pristine tree goes")
    _judging(revert)

    diff = _verb(verbs, "diff", "series.diff", "show what the series, or some patches, change")
    diff.add_argument("patches", metavar="PATCH", nargs="*", help="patch ids (default: the whole series)")
    _upstream(diff)
    _client(diff, "also show what changes in the client's sources")

    _judging(_verb(verbs, "list", "series.list_series", "list the series"))

    explain = _verb(verbs, "explain", "series.explain", "one patch: why, where, pins, payload, contracts")
    explain.add_argument("patch", metavar="PATCH")
    explain.add_argument("--upstream", metavar="SPEC", help="also show what stands there in this upstream")

    prove = _verb(verbs, "prove", "build.prove", "run the contracts: red on pristine, green on patched")
    _upstream(prove)
    _client(prove, "also build the client, pristine and patched, and look at both in Chromium")
    prove.add_argument("--only", metavar="CONTRACT", nargs="+", default=(), help="only these contracts")
    _node(prove)
    _judging(prove)
    return top


def _verb(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    handler: str,
    summary: str,
) -> argparse.ArgumentParser:
    added = verbs.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    added.set_defaults(handler=handler)
    return added


def _upstream(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--upstream", metavar="SPEC", default=DEFAULT_SPEC, help=_SPEC_HELP)


def _client(verb: argparse.ArgumentParser, summary: str) -> None:
    verb.add_argument("--client", action="store_true", help=summary)


def _node(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--node", metavar="PATH", help="the Node to run (22.5 or newer; default: found on this machine)")
    verb.add_argument("--install", action="store_true", help="fetch upstream's npm packages into a cache if needed")


def _judging(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--format", choices=("text", "json", "github"), default="text", help="default: %(default)s")
    verb.add_argument("--report", metavar="FILE", help="also write the JSON report here")
