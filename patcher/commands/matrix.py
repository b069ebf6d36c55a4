"""`matrix`: every patch on many upstream refs."""

import argparse
import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from patcher.commands.chosen import chosen
from patcher.commands.outcome import Outcome
from patcher.errors import EXIT_ANCHOR, EXIT_DONE, EXIT_REFUSED, UsageError
from patcher.matrix import matrix as judge_all
from patcher.matrix import refs_of
from patcher.model import patches_of
from patcher.report import document
from patcher.report.matrix_document import content
from patcher.report.matrix_text import to_text
from patcher.upstream.history import Repository

NEWEST = "newest"


def matrix(options: argparse.Namespace) -> Outcome:
    """Verdicts of every patch on many refs. A stop is data, unless `--require` names its ref."""
    if options.touching and not options.by_commit:
        raise UsageError("--touching chooses among commits, and no commits were asked for", hint="add --by-commit")
    series = patches_of(chosen(options), client=options.client)
    with Repository.open(options.upstream, client=options.client) as repository:
        touching = options.touching or sorted({site.file for patch in series for site in patch.sites})
        refs = refs_of(repository, options.refs, by_commit=options.by_commit, touching=touching)
        required = _required(repository, refs, options.require)
        found = content(judge_all(repository, refs, series, cores=options.jobs), series)
    wanted = [ref for ref in found["refs"] if ref["ref"] in required]
    errors = [error for ref in wanted for error in _errors(ref, found["stops"])]
    whole = {**document.report("matrix"), **found, "ok": not errors, "errors": errors}
    said = f"{len(errors)} stops on refs that are required" if errors else ""
    return Outcome(_exit_code(errors), whole, draw=lambda colour: _text(whole, colour=colour), said=said)


def _required(repository: Repository, refs: Sequence[str], words: Sequence[str]) -> set[str]:
    """The refs that must be supported. Raises `UsageError` for one that is not judged."""
    named = {refs[-1]} if NEWEST in words else set()
    named |= {ref for word in words if word != NEWEST for ref in repository.refs([word])}
    unknown = sorted(named - set(refs))
    if unknown:
        raise UsageError(f"--require names {', '.join(unknown)}, which is not judged", hint="add it to --refs")
    return named


def _errors(ref: Mapping[str, Any], stops: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, str]]:
    declared = {stop["id"]: stop for stop in stops}
    stopping = [patch for patch in ref["patches"] if patch["verdict"] in document.STOPS]
    for patch in stopping:
        stop = declared[patch["id"]]
        yield {
            "code": f"anchor-{patch['verdict']}",
            "where": "{file}:{line}".format(**stop["declared"]),
            "message": f"{patch['id']} on {ref['ref']} at {_there(patch)}: {patch['message']}",
            "hint": stop["hint"],
        }
    for reason in ref["reasons"] if not stopping else ():
        yield {"code": "gate-refused", "where": "", "message": f"{ref['ref']}: {reason}", "hint": ""}


def _there(patch: Mapping[str, Any]) -> str:
    return f"{patch['file']}:{patch['line']}" if patch["line"] else str(patch["file"])


def _exit_code(errors: Sequence[Mapping[str, str]]) -> int:
    if not errors:
        return EXIT_DONE
    return EXIT_ANCHOR if any(error["code"].startswith("anchor-") for error in errors) else EXIT_REFUSED


def _text(whole: Mapping[str, Any], *, colour: bool) -> str:
    return to_text(whole, colour=colour, width=shutil.get_terminal_size().columns)
