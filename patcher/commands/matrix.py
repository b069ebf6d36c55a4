"""`matrix`: every patch on many upstream refs."""

import argparse
from collections.abc import Sequence

from patcher.commands.chosen import chosen
from patcher.commands.outcome import Outcome, outcome
from patcher.errors import UsageError
from patcher.matrix import matrix as judge_all
from patcher.matrix import refs_of
from patcher.model import patches_of
from patcher.report import problems
from patcher.report.model import Report
from patcher.report.wording import counted
from patcher.upstream.history import Repository

NEWEST = "newest"


def matrix(options: argparse.Namespace) -> Outcome:
    """Show the verdicts of every patch on many refs. A stop is not an error, unless `--require` names its ref."""
    if options.touching and not options.by_commit:
        raise UsageError("--touching chooses among commits, and no commits were asked for", hint="add --by-commit")
    series = patches_of(chosen(options), client=options.client)
    with Repository.open(options.upstream, client=options.client) as repository:
        touching = options.touching or sorted({site.file for patch in series for site in patch.sites})
        refs = refs_of(repository, options.refs, by_commit=options.by_commit, touching=touching)
        required = _required(repository, refs, options.require)
        found = judge_all(repository, refs, series, cores=options.jobs)
    report = Report(
        "matrix", matrix=found, problems=tuple(problems.of_matrix(found, required, series)), declared=series
    )
    message = "" if report.ok else f"{counted(len(report.problems), 'stop')} on refs that are required"
    return outcome(report, message=message)


def _required(repository: Repository, refs: Sequence[str], names: Sequence[str]) -> set[str]:
    """The refs that must be supported. Raises `UsageError` for one that is not judged."""
    named = {refs[-1]} if NEWEST in names else set()
    named |= {ref for name in names if name != NEWEST for ref in repository.refs([name])}
    unknown = sorted(named - set(refs))
    if unknown:
        raise UsageError(f"--require names {', '.join(unknown)}, which is not judged", hint="add it to --refs")
    return named
