"""The command line: a parser, with a subparser for each verb."""

import argparse
from typing import Any, NoReturn

from patcher import __version__
from patcher.errors.text import without_secret
from patcher.series import settings
from patcher.uptodate import DEFAULT_OUT, DEFAULT_SPEC

_EXIT_CODES = """\
exit codes:
  0    done, or nothing to do
  1    verify found a difference, a check of doctor failed, or adopt could not express something
  2    the command line is wrong
  3    an anchor stopped the build, or a generated tree was edited
  4    a gate or a contract refused
  5    upstream or the disk could not be read or written
  70   a bug of ours
  130  interrupted
"""
_SPEC_HELP = f"`builtin`, a directory, a .tgz, or REPOSITORY@REF (default: {DEFAULT_SPEC})"
_SERIES_HELP = (
    "a directory with a `series.py`, a package that has one, `codex` (our own, the default), or `consent` (ours too: "
    "the hooks of Claude Code only after the user's consent; on top of `codex`); "
    "repeat the option for more, in their order. Its Python code is run"
)
_EPILOG = f"""\
{settings.FILE} in the working directory sets `upstream`, `series`, `out` and `client`; the command line wins.

{_EXIT_CODES}"""


class _Parser(argparse.ArgumentParser):
    """A parser that refuses empty values: an unset shell variable would otherwise name the working directory."""

    def add_argument(self, *names: Any, **settings: Any) -> argparse.Action:
        """As in `argparse`, with a default `type` that refuses empty values."""
        if settings.get("action") in {None, "extend"}:
            settings.setdefault("type", _not_empty)
        return super().add_argument(*names, **settings)

    def error(self, message: str) -> NoReturn:
        """As in `argparse`, without the passwords that the command line may contain."""
        super().error(without_secret(message))

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        """As in `argparse`, but refuse `--out=--`, of which it makes an empty list."""
        if action.nargs is None and arg_strings == ["--"]:
            raise argparse.ArgumentError(action, "expected a value, found --")
        return super()._get_values(action, arg_strings)


def _not_empty(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("expected a value, found an empty word (an unset variable?)")
    if "\0" in text:
        raise argparse.ArgumentTypeError("a value cannot have a NUL character in it")
    return text


def parser() -> argparse.ArgumentParser:
    """The command line: a subparser for each verb."""
    top: argparse.ArgumentParser = _Parser(
        prog="sidecar-patcher",
        description="Hash-anchored patches that make Codex sessions first-class in the Agent Monitor sidecar.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)

    build = _verb(verbs, "build", "build.build", "patch an upstream tree and write the result")
    _upstream(build, client="also patch the client's sources, and build them with upstream's own tool chain")
    build.add_argument("--out", metavar="DIR", help=f"where to (default: {DEFAULT_OUT})")
    build.add_argument("--prove", action="store_true", help="run the contracts first; a red one refuses the build")
    _node(build)
    _judging(build)

    check = _verb(verbs, "check", "build.check", "the same without writing")
    _upstream(check, client="also look at the patches of the client; its tool chain is not run")
    _judging(check)

    verify = _verb(verbs, "verify", "generated.verify", "compare a generated tree with its manifest")
    verify.add_argument("directory", metavar="DIR")
    verify.add_argument("--sbom", metavar="FILE", help="also write a bill of materials (SBOM), as CycloneDX JSON")
    _series(verify, "also check that these series made the tree")
    _judging(verify)

    revert = _verb(verbs, "revert", "generated.revert", "take the patches out of a generated tree again")
    revert.add_argument("directory", metavar="DIR")
    revert.add_argument("--out", metavar="DIR2", required=True, help="where the pristine tree goes")
    _series(revert, "the series that made the tree; all payloads in it are taken out, of whatever series")
    _judging(revert)

    diff = _verb(verbs, "diff", "series.diff", "show what the series, or some patches, change")
    diff.add_argument("patches", metavar="PATCH", nargs="*", help="patch ids (default: the whole series)")
    _upstream(diff, client="also show what changes in the client's sources")
    diff.add_argument("--plain", action="store_true", help="without markers: `git apply` then adds only the payloads")

    listing = _verb(verbs, "list", "series.list_series", "list the patches of the series")
    _upstream(listing, client="for --html: also show what changes in the client's sources")
    _judging(listing)
    listing.add_argument(
        "--html", metavar="FILE", help="a page: what each patch changes in this upstream, why, and what proves it"
    )

    _explain(verbs)
    pin = _verb(verbs, "pin", "pin.pin", "show the code at a site that is not reviewed, or that changed; record it")
    pin.add_argument("sites", metavar="SITE", nargs="+", help="PATCH.NAME, as `check` and `explain` have it")
    _upstream(pin, client="also the sites in the client's sources")
    pin.add_argument("--write", action="store_true", help="record that you have read it")
    _judging(pin)

    prove = _verb(verbs, "prove", "build.prove", "run the contracts: red on pristine, green on patched")
    _upstream(prove, client="also build the client, pristine and patched, and look at both in Chromium")
    prove.add_argument("--only", metavar="CONTRACT", nargs="+", default=(), help="only these contracts")
    _node(prove)
    _judging(prove)

    _adopt(verbs)
    _series_new(verbs)
    _bump(verbs)
    _matrix(verbs)
    _doctor(verbs)
    return top


def _explain(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    explain = _verb(verbs, "explain", "explain.explain", "a patch: why, where, pins, payload; or an error: what to do")
    explain.add_argument("name", metavar="PATCH|ERROR", help="a patch, or the code of an error: `anchor-drifted`")
    explain.add_argument("--upstream", metavar="SPEC", help="of a patch, also show the code at its sites there")
    _series(explain)
    _judging(explain)


def _adopt(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    adopt = _verb(verbs, "adopt", "adopt.adopt", "make a series from a tree of upstream that was edited")
    adopt.add_argument("--upstream", metavar="SPEC", help=f"the tree before the edits: {_SPEC_HELP}")
    changed = adopt.add_mutually_exclusive_group(required=True)
    changed.add_argument("--edited", metavar="DIR", type=_not_empty, help="the edited tree")
    changed.add_argument("--diff", metavar="FILE", type=_not_empty, help="or the edits as a diff, as git writes it")
    series_help = "the series to write: a new directory, or one that `adopt` has made"
    adopt.add_argument("--series", dest="into", metavar="DIR", required=True, help=series_help)
    _client(adopt, "also the edits in the client's sources")
    _judging(adopt)


def _series_new(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    series = _verb(
        verbs, "series", "series.new", "`series new DIR`: begin a series of your own, with one patch that builds"
    )
    series.add_argument("action", choices=("new",), help="what to do")
    series.add_argument("directory", metavar="DIR", help="where to: empty, or not there")
    series.add_argument("--name", metavar="NAME", help="of the series (default: that of the directory)")
    _judging(series)


def _bump(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    bump = _verb(
        verbs, "bump", "bump.bump", "what changed from one upstream version to the next, in which commit, what to do"
    )
    bump.add_argument("--upstream", metavar="REPO", help="a clone of upstream, with its history")
    _client(bump, "also the patches of the client")
    _series(bump)
    bump.add_argument("--to", metavar="REF", required=True, help="the new version: a tag, a branch or a commit")
    bump.add_argument("--from", metavar="REF", dest="since", help="default: the newest version tag whose pins are met")
    bump.add_argument("--only", metavar="PATCH", nargs="+", default=(), help="look at these patches only")
    accept = "SITE=RANK: accept this candidate, after reading its window"
    bump.add_argument("--accept", metavar="SITE=RANK", nargs="+", default=[], action="extend", help=accept)
    bump.add_argument(
        "--write", action="store_true", help="write what was accepted into the declarations, proven first"
    )
    prove_help = "run the contracts on what would be built (default: with --write only)"
    bump.add_argument("--prove", action=argparse.BooleanOptionalAction, help=prove_help)
    bump.add_argument("--all", action="store_true", help="show every change, and every candidate")
    _node(bump)
    _judging(bump)
    _pages(bump, more="; the report then has `bump.matrix`, of the refs in between, else null")


def _matrix(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    matrix = _verb(verbs, "matrix", "matrix.matrix", "verdicts of every patch on many upstream refs")
    matrix.add_argument("--upstream", metavar="REPO", help="a local clone of upstream, bare or not")
    _client(matrix, "also the patches of the client")
    _series(matrix)
    matrix.add_argument("--refs", metavar="REF", nargs="+", default=(), help="refs, or A..B (default: version tags)")
    matrix.add_argument("--by-commit", action="store_true", help="each commit that touches a file of the series")
    matrix.add_argument("--touching", metavar="FILE", nargs="+", default=(), help="each commit that touches these")
    matrix.add_argument(
        "--require", metavar="REF", nargs="+", default=(), help="end with 3 or 4 where these (or `newest`) stop"
    )
    matrix.add_argument("--jobs", metavar="N", type=int, help="processes (default: one for each core)")
    _judging(matrix)
    _pages(matrix)


def _doctor(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    doctor = _verb(verbs, "doctor", "doctor.doctor", "find out why Codex sessions do not show, and what to type")
    doctor.add_argument("--tree", metavar="DIR", help=f"the generated tree (default: {DEFAULT_OUT})")
    doctor.add_argument(
        "--port", metavar="N", type=int, help="the sidecar's port (default: where the hooks would send)"
    )
    doctor.add_argument("--codex-home", metavar="DIR", help="default: $CODEX_HOME, else ~/.codex")
    doctor.add_argument("--data-dir", metavar="DIR", help="the sidecar's (default: $DASHBOARD_DATA_DIR, else its own)")
    doctor.add_argument("--ask-codex", action="store_true", help="ask the `codex` on PATH what it trusts")
    _judging(doctor)


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
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    added.set_defaults(handler=handler)
    return added


def _upstream(verb: argparse.ArgumentParser, *, client: str) -> None:
    verb.add_argument("--upstream", metavar="SPEC", help=_SPEC_HELP)
    _client(verb, client)
    _series(verb)


def _client(verb: argparse.ArgumentParser, summary: str) -> None:
    verb.add_argument("--client", action=argparse.BooleanOptionalAction, help=summary)


def _series(verb: argparse.ArgumentParser, summary: str = _SERIES_HELP) -> None:
    verb.add_argument("--series", metavar="SERIES", action="append", type=_not_empty, help=summary)


def _node(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--node", metavar="PATH", help="the Node to run (22.5 or newer; default: found on this machine)")
    verb.add_argument("--install", action="store_true", help="fetch upstream's npm packages into a cache if needed")


def _judging(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--format", choices=("text", "json", "github"), default="text", help="default: %(default)s")
    verb.add_argument("--report", metavar="FILE", help="also write the JSON report here")


def _pages(verb: argparse.ArgumentParser, *, more: str = "") -> None:
    verb.add_argument("--html", metavar="FILE", help=f"also write a self-contained page for people{more}")
    verb.add_argument("--markdown", metavar="FILE", help="also write the same as Markdown, for a pull request")
