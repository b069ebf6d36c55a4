"""`bump`: from one upstream version to the next."""

import argparse
import os
import re
import shlex
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from patcher.bump import record
from patcher.bump.accepting import Asked
from patcher.bump.model import Bump
from patcher.bump.run import bump as run
from patcher.commands.chosen import chosen
from patcher.commands.diffs import selected
from patcher.commands.outcome import Outcome
from patcher.commands.proofs import proofs, with_client
from patcher.errors import EXIT_ANCHOR, EXIT_DONE, EXIT_REFUSED, UpstreamUnreadable, UsageError
from patcher.model import Series, patches_of
from patcher.progress import progress
from patcher.report import bump_document, document
from patcher.report.bump_text import text_of
from patcher.resources import PACKAGE
from patcher.upstream.history import Repository
from patcher.upstream.travels import dependencies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patcher.model import Build, Line, Patch, Upstream
    from patcher.prove import ProofResult


_ACCEPT = re.compile(r"([^=]+)\.([^=.]+)=([1-9][0-9]{0,5})")


def bump(options: argparse.Namespace) -> Outcome:
    """What moved, who moved it, what to do; with `--write`, the pins that were accepted, proven first."""
    loaded = chosen(options)
    series = patches_of(loaded, client=options.client)
    asked = _asked(options, series)
    if options.write:
        record.refuse_unless_writable(loaded)
    with Repository.open(options.upstream, client=options.client) as repository:
        if repository.is_dirty:
            sys.stderr.write(f"{options.upstream} has uncommitted changes; only commits are read\n")
        with progress(_count(series, repository.upstream(asked.until).line)) as advance:
            found = run(repository, series, asked, advance)
        return _outcome(options, loaded, found, repository)


def _count(series: "Sequence[Patch]", line: "Line") -> int:
    """How many sites the series has on a line of upstream."""
    return sum(len(patch.sites_for(line)) for patch in series if patch.superseded is not line)


def _outcome(options: argparse.Namespace, loaded: "Sequence[Series]", found: Bump, repository: Repository) -> Outcome:
    found = replace(found, unrecorded=record.unrecorded(found))
    files = _to_write(options, loaded, found)
    proven: list[ProofResult] = []
    if options.prove or files:
        found, proven = _proven(options, loaded, found, repository)
    found = _for_people(options, repository, found)
    body = _body(options, found, proven)
    if files and body["ok"]:
        for home, changed in files.items():
            record.write(changed, home)
        body["bump"]["written"] = [_shown(home, name) for home, changed in files.items() for name in changed]
    said = _said(options, body)
    draw = partial(_drawn, body, everything=options.all)
    return Outcome(_exit_code(body), body, said=said, draw=draw)


def _shown(home: str, name: str) -> str:
    """A file that was written: of ours from the repository, of another series from the working directory."""
    path = os.path.join(home, name)
    found = os.path.relpath(path, os.path.dirname(PACKAGE) if home == record.FOLDER else os.curdir)
    return (path if found.startswith(os.pardir) else found).replace(os.sep, "/")


def _drawn(body: "dict[str, Any]", colour: bool, *, everything: bool) -> str:  # noqa: FBT001 - `Outcome.draw` says so
    return text_of(body, colour=colour, everything=everything)


def _for_people(options: argparse.Namespace, repository: Repository, found: Bump) -> Bump:
    """With the matrix and the windows that only a page shows, where one was asked for: nobody else waits for them."""
    if not (options.html or options.markdown):
        return found
    from patcher.report.bump_page import shown

    return shown(repository, found)


def _to_write(options: argparse.Namespace, loaded: "Sequence[Series]", found: Bump) -> "dict[str, record.Files]":
    if not options.write or not found.proposed.ok:
        return {}
    return record.changed(found, loaded)


def _said(options: argparse.Namespace, body: dict[str, Any]) -> str:
    if not options.write:
        return ""
    written = body["bump"]["written"]
    if written:
        folders = " ".join(_folders(written))
        return f"wrote {len(written)} file{'' if len(written) == 1 else 's'}; read `git diff {folders}`"
    return "nothing was written" if not body["ok"] else "nothing to write: the declarations have it all"


def _folders(written: "Sequence[str]") -> list[str]:
    ours, others = "patcher/patches", [os.path.dirname(path) or "." for path in written]
    return sorted({ours if folder.startswith(ours) else folder for folder in others})


def _asked(options: argparse.Namespace, series: "Sequence[Patch]") -> Asked:
    """Raises `UsageError`."""
    selected(series, options.only)
    if options.write and options.prove is False:
        raise UsageError("`--write` writes only what was proven", hint="leave out `--no-prove`")
    accept = _accepted(options.accept, series)
    only = tuple(options.only)
    return Asked(options.to, options.since or "", only, accept, options.write, everything=options.all)


def _accepted(words: "Sequence[str]", series: "Sequence[Patch]") -> dict[str, int]:
    """Rank by site id, of `SITE=RANK`. Raises `UsageError`."""
    found: dict[str, int] = {}
    for word in words:
        said = _ACCEPT.fullmatch(word)
        if said is None:
            hint = "for example `--accept stamp_harness.forward=1`"
            raise UsageError(f"expected SITE=RANK, found {word!r}", hint=hint)
        site, rank = _named(said[1], said[2], series), int(said[3])
        if site in found:
            message = f"{site} is accepted twice: {site}={found[site]} and {word}"
            raise UsageError(message, hint="a site takes one candidate")
        found[site] = rank
    return found


def _named(patch: str, site: str, series: "Sequence[Patch]") -> str:
    """The id of a site; a number, which version 0.1 knew it by, is still understood."""
    sites = next((each.sites for each in series if each.id == patch), ())
    if not (site.isascii() and site.isdigit() and int(site) < len(sites)):
        return f"{patch}.{site}"
    name = sites[int(site)].id
    sys.stderr.write(f"{patch}.{site} is {name}: sites have names now, and the next version takes no number\n")
    return name


def _proven(
    options: argparse.Namespace, loaded: "Sequence[Series]", found: Bump, repository: Repository
) -> "tuple[Bump, list[ProofResult]]":
    if not found.proposed.ok:
        return found, []
    from patcher.bump.proving import Prover
    from patcher.prove import proof

    command = _typed(options)

    def prove(built: "Build") -> "list[ProofResult]":
        return proofs(options, loaded, with_client(options, built) if options.client else built, command=command)

    look = partial(proof.look, node=options.node, install=options.install, command=command, series=loaded)
    prover = Prover(repository, prove, look, lambda: progress(None))
    return prover.accepted(found) if found.accepted or options.write else prover.first_choices(found)


def _command(options: argparse.Namespace, upstream: "Upstream | None" = None) -> bump_document.CommandLine:
    """upstream: for commands that run contracts, whose packages `--install` fetches where they are not in the cache."""
    more = [
        *shlex.split(options.typed_series),
        *(["--client"] if options.client else []),
        *(["--only", *options.only] if options.only else []),
    ]
    proving = ["--node", options.node] if options.node else []
    proving += ["--install"] if upstream and (_has_dependencies(upstream) or options.client) else []
    return bump_document.CommandLine.of(options.upstream, options.to, options.since or "", *more, proving=proving)


def _has_dependencies(upstream: "Upstream") -> bool:
    try:
        return bool(dependencies(upstream.tree["package.json"].data, "package.json"))
    except UpstreamUnreadable:
        return False


def _typed(options: argparse.Namespace) -> str:
    """The command line as it was, for a hint that adds to it."""
    words = [*(["--accept", *options.accept] if options.accept else []), "--write" if options.write else "--prove"]
    return " ".join([_command(options).bump, *words])


def _body(options: argparse.Namespace, found: Bump, proofs: "list[ProofResult]") -> dict[str, Any]:
    command = _command(options, found.until.upstream)
    shown = found.proposed if found.accepted else found.build
    body = document.report("bump", build=shown)
    body["errors"] = bump_document.errors(found, body["errors"])
    body["bump"] = {**bump_document.content(found, command), "written": []}
    if options.write:
        body["bump"]["record"] = ""
    if proofs:
        from patcher.prove import proof

        proven = proof.as_report(proofs)
        body = {**body, "contracts": proven["contracts"], "errors": [*body["errors"], *proven["errors"]]}
        body["retire"] = [
            {"patches": each["patches"], "contract": each["id"], "said": each["pristine"]["said"]}
            for each in proven["contracts"]
            if each["pristine"]["green"] and not each["ok"]
        ]
    return {**body, "ok": not body["errors"]}


def _exit_code(body: dict[str, Any]) -> int:
    if body["ok"]:
        return EXIT_DONE
    return (
        EXIT_ANCHOR if any(error["code"].startswith(("anchor-", "file-")) for error in body["errors"]) else EXIT_REFUSED
    )
