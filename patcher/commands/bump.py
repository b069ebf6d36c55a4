"""`bump`: from one upstream version to the next."""

import argparse
import os
import shlex
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from patcher.bump import record
from patcher.bump.model import Bump, BumpOptions
from patcher.bump.run import bump as run
from patcher.bump.trial import accepted_ranks
from patcher.commands.chosen import chosen
from patcher.commands.diffs import selected
from patcher.commands.outcome import Outcome
from patcher.commands.proofs import proofs, with_client
from patcher.errors import EXIT_ANCHOR, EXIT_DONE, EXIT_REFUSED, UpstreamUnreadable, UsageError
from patcher.model import patches_of
from patcher.progress import progress
from patcher.report import bump_document, document
from patcher.report.bump_text import text_of
from patcher.upstream.history import Repository
from patcher.upstream.travels import dependencies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patcher.model import Build, Patch, Series, Upstream
    from patcher.prove import ProofResult


def bump(options: argparse.Namespace) -> Outcome:
    """What moved, who moved it, what to do; with `--write`, the pins that were accepted, proven first."""
    loaded = chosen(options)
    series = patches_of(loaded, client=options.client)
    asked = _options(options, series)
    if options.write:
        record.refuse_unless_writable(loaded)
    with Repository.open(options.upstream, client=options.client) as repository:
        if repository.is_dirty:
            sys.stderr.write(f"{options.upstream} has uncommitted changes; only commits are read\n")
        with progress(_count(series, repository.upstream(asked.until))) as advance:
            found = run(repository, series, asked, advance)
        return _outcome(options, loaded, found, repository)


def _options(options: argparse.Namespace, series: "Sequence[Patch]") -> BumpOptions:
    """Raises `UsageError`."""
    selected(series, options.only)
    if options.write and options.prove is False:
        raise UsageError("`--write` writes only what was proven", hint="leave out `--no-prove`")
    accept = accepted_ranks(options.accept, series, sys.stderr.write)
    only = tuple(options.only)
    return BumpOptions(options.to, options.since or "", only, accept, options.write, everything=options.all)


def _count(series: "Sequence[Patch]", upstream: "Upstream") -> int:
    """How many sites the series has in an upstream."""
    return sum(len(patch.sites_for(upstream.line)) for patch in series if not patch.is_superseded_in(upstream))


def _outcome(options: argparse.Namespace, loaded: "Sequence[Series]", found: Bump, repository: Repository) -> Outcome:
    found = replace(found, unrecorded=record.unrecorded(found))
    files = record.changed(found, loaded) if options.write and found.proposed.ok else {}
    proven: list[ProofResult] = []
    if (options.prove or files) and found.proposed.ok:
        found, proven = _proven(options, loaded, found, repository)
    if options.html or options.markdown:  # nobody else waits for the matrix and the windows that only a page shows
        from patcher.report.bump_page import shown

        found = shown(repository, found)
    body = _body(options, found, proven)
    if files and body["ok"]:
        for home, changed in files.items():
            record.write(changed, home)
        paths = [(home, os.path.join(home, name)) for home, changed in files.items() for name in changed]
        body["bump"]["written"] = [record.shown(home, path) for home, path in paths]

    def draw(colour: bool) -> str:  # noqa: FBT001 - `Outcome.draw` says so
        return text_of(body, colour=colour, everything=options.all)

    return Outcome(_exit_code(body), body, said=_said(body) if options.write else "", draw=draw)


def _said(body: dict[str, Any]) -> str:
    written = body["bump"]["written"]
    if written:
        folders = " ".join(sorted({os.path.dirname(path) or "." for path in written}))
        return f"wrote {len(written)} file{'' if len(written) == 1 else 's'}; read `git diff {folders}`"
    return "nothing was written" if not body["ok"] else "nothing to write: the declarations have it all"


def _proven(
    options: argparse.Namespace, loaded: "Sequence[Series]", found: Bump, repository: Repository
) -> "tuple[Bump, list[ProofResult]]":
    from patcher.bump.proving import Prover
    from patcher.prove import proof

    words = [*(["--accept", *options.accept] if options.accept else []), "--write" if options.write else "--prove"]
    command = " ".join([_command(options).bump, *words])  # as it was typed, for a hint that adds to it

    def prove(built: "Build") -> "list[ProofResult]":
        return proofs(options, loaded, with_client(options, built) if options.client else built, command=command)

    observe = partial(proof.look, node=options.node, install=options.install, command=command, series=loaded)
    prover = Prover(repository, prove, observe, lambda: progress(None))
    return prover.accepted(found) if found.accepted or options.write else prover.first_choices(found)


def _command(options: argparse.Namespace, upstream: "Upstream | None" = None) -> bump_document.CommandLine:
    """upstream: for commands that run contracts, whose packages `--install` fetches where they are not in the cache."""
    more = [
        *shlex.split(options.typed_series),
        *(["--client"] if options.client else []),
        *(["--only", *options.only] if options.only else []),
    ]
    proving = ["--node", options.node] if options.node else []
    proving += ["--install"] if upstream and (has_dependencies(upstream) or options.client) else []
    return bump_document.CommandLine.of(options.upstream, options.to, options.since or "", *more, proving=proving)


def has_dependencies(upstream: "Upstream") -> bool:
    """Whether upstream's `package.json` names packages that a sidecar needs."""
    try:
        return bool(dependencies(upstream.tree["package.json"].data, "package.json"))
    except UpstreamUnreadable:
        return False


def _body(options: argparse.Namespace, found: Bump, proofs: "list[ProofResult]") -> dict[str, Any]:
    shown = found.proposed if found.accepted else found.build
    body = document.report("bump", build=shown)
    body["errors"] = bump_document.errors(found, body["errors"])
    body["bump"] = {**bump_document.content(found, _command(options, found.until.upstream)), "written": []}
    if options.write:
        body["bump"]["record"] = ""
    if proofs:
        from patcher.bump.proving import retirable
        from patcher.prove import proof

        proven = proof.as_report(proofs)
        body |= {"contracts": proven["contracts"], "errors": [*body["errors"], *proven["errors"]]}
        body["retire"] = retirable(proofs)
    return {**body, "ok": not body["errors"]}


def _exit_code(body: dict[str, Any]) -> int:
    if body["ok"]:
        return EXIT_DONE
    anchors = any(error["code"].startswith(("anchor-", "file-")) for error in body["errors"])
    return EXIT_ANCHOR if anchors else EXIT_REFUSED
