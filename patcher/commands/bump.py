"""`bump`: from one upstream version to the next."""

import argparse
import os
import shlex
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from patcher.bump import record
from patcher.bump.files import write
from patcher.bump.model import Bump, BumpOptions
from patcher.bump.run import bump as run
from patcher.bump.trial import accepted_ranks
from patcher.commands.chosen import chosen
from patcher.commands.diffs import selected
from patcher.commands.outcome import Outcome, outcome
from patcher.commands.proofs import proofs, with_client
from patcher.errors import UpstreamUnreadable, UsageError
from patcher.model import patches_of
from patcher.progress import progress
from patcher.report import problems
from patcher.report.model import BumpResult, CommandLine, Report
from patcher.report.wording import counted
from patcher.upstream.history import Repository
from patcher.upstream.travels import dependencies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patcher.model import Build, Patch, Series, Upstream
    from patcher.prove import ProofResult


def bump(options: argparse.Namespace) -> Outcome:
    """Report what changed, in which commit, and what to do; with `--write`, prove and write what was accepted."""
    loaded = chosen(options)
    series = patches_of(loaded, client=options.client)
    bump_options = _options(options, series)
    if options.write:
        record.refuse_unless_writable(loaded)
    with Repository.open(options.upstream, client=options.client) as repository:
        if repository.is_dirty:
            sys.stderr.write(f"{options.upstream} has uncommitted changes; only commits are read\n")
        upstream = repository.upstream(bump_options.until)
        sites = sum(len(each.sites_for(upstream.line)) for each in series if not each.is_superseded_in(upstream))
        with progress(sites) as advance:
            found = run(repository, series, bump_options, advance)
        return _outcome(options, loaded, found, repository)


def _options(options: argparse.Namespace, series: "Sequence[Patch]") -> BumpOptions:
    """Raises `UsageError`."""
    selected(series, options.only)
    if options.write and options.prove is False:
        raise UsageError("`--write` writes only what was proven", hint="leave out `--no-prove`")
    accept = accepted_ranks(options.accept, series, sys.stderr.write)
    only = tuple(options.only)
    return BumpOptions(options.to, options.since or "", only, accept, options.write, everything=options.all)


def _outcome(options: argparse.Namespace, loaded: "Sequence[Series]", found: Bump, repository: Repository) -> Outcome:
    found = replace(found, unrecorded=record.unrecorded(found))
    files = record.changed(found, loaded) if options.write and found.proposed.ok else {}
    proven: list[ProofResult] = []
    if (options.prove or files) and found.proposed.ok:
        found, proven = _proven(options, loaded, found, repository)
    matrix = None
    if options.html or options.markdown:  # slow, and used by the page only
        from patcher.report.bump_page import with_page

        found, matrix = with_page(repository, found)
    wrong = (*problems.of_bump(found), *problems.of_contracts(proven))
    written: list[str] = []
    for home, changed in files.items() if not wrong else ():
        write(changed, home)
        written += [record.shown(home, os.path.join(home, name)) for name in changed]
    command = _command(options, found.until.upstream)
    result = BumpResult(found, command, matrix, tuple(written), options.write)
    build = found.proposed if found.accepted else found.build
    report = Report("bump", build, wrong, tuple(proven) or None, result, declared=found.declared)
    return outcome(report, message=_message(report, result))


def _message(report: Report, result: BumpResult) -> str:
    if not result.is_writing:
        return ""
    if result.written:
        return f"wrote {counted(len(result.written), 'file')}; read `{result.diff}`"
    return "nothing to write: the declarations have it all" if report.ok else "nothing was written"


def _proven(
    options: argparse.Namespace, loaded: "Sequence[Series]", found: Bump, repository: Repository
) -> "tuple[Bump, list[ProofResult]]":
    from patcher.bump.proving import Prover
    from patcher.prove import proof

    arguments = [*(["--accept", *options.accept] if options.accept else []), "--write" if options.write else "--prove"]
    command = " ".join([_command(options).bump, *arguments])  # as typed, for a hint that adds an option

    def prove(built: "Build") -> "list[ProofResult]":
        return proofs(options, loaded, with_client(options, built) if options.client else built, command=command)

    observe = partial(proof.look, node=options.node, install=options.install, command=command, series=loaded)
    prover = Prover(repository, prove, observe, lambda: progress(None))
    return prover.accepted(found) if found.accepted or options.write else prover.first_choices(found)


def _command(options: argparse.Namespace, upstream: "Upstream | None" = None) -> CommandLine:
    """upstream: for commands that run contracts, which need `--install` where upstream needs npm packages."""
    more = [
        *shlex.split(options.typed_series),
        *(["--client"] if options.client else []),
        *(["--only", *options.only] if options.only else []),
    ]
    proving = ["--node", options.node] if options.node else []
    proving += ["--install"] if upstream and (has_dependencies(upstream) or options.client) else []
    return CommandLine.of(options.upstream, options.to, options.since or "", *more, proving=proving)


def has_dependencies(upstream: "Upstream") -> bool:
    """Whether upstream's `package.json` names packages that a sidecar needs."""
    try:
        return bool(dependencies(upstream.tree["package.json"].data, "package.json"))
    except UpstreamUnreadable:
        return False
