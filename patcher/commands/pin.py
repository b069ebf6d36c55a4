"""`pin`: what stands at a site in an upstream, and with `--write` the record that somebody has read it."""

import argparse
import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from patcher import apply
from patcher.bump import record
from patcher.commands.outcome import Outcome, noted
from patcher.errors import EXIT_ANCHOR, EXIT_DONE, UsageError
from patcher.model import Build, Patch, Pin, SiteResult, Upstream, Verdict
from patcher.patches import pins, series_for
from patcher.report.model import Problem, Report, position
from patcher.report.wording import counted
from patcher.resources import BUILTIN_PINS, PACKAGE
from patcher.upstream.materialize import materialize
from patcher.upstream.spec import BUILTIN

_PINNABLE = frozenset({Verdict.UNREVIEWED, Verdict.DRIFTED})


def pin(options: argparse.Namespace) -> Outcome:
    """Show, and record with `--write`, what stands at some sites. Refuses what is not there exactly once."""
    if options.write:
        record.refuse_unless_ours()
    series = series_for(client=options.client)
    wanted = _known(options.sites, series)
    upstream = materialize(options.upstream, client=options.client)
    build, made = _pinned(upstream, series, wanted)
    found = {each.id: each for each in build.sites}
    _refuse_absent(wanted, found, upstream)
    refused = [found[site] for site in wanted if found[site].stops]
    entries = {site: made[site] for site in wanted if site in made}
    report = Report("pin", build, tuple(Problem.of_stop(each.finding) for each in refused), pins=entries, written=())
    text = "".join(f"{line}\n" for site in wanted for line in _shown(found[site], entries.get(site)))
    if refused:
        return Outcome(EXIT_ANCHOR, report, text, "nothing was written")
    message = ""
    if options.write and entries:
        report = replace(report, written=(_write(upstream, entries),))
        message = f"wrote {counted(len(entries), 'pin')} into {', '.join(report.written or ())}"
    elif entries:
        message = "nothing was written: read what stands there; `--write` records that you have"
    return Outcome(EXIT_DONE, report, text, noted(upstream, message))


def _known(words: Sequence[str], series: Sequence[Patch]) -> list[str]:
    """The ids of the sites that were named. Raises `UsageError`."""
    known = [site.id for patch in series for site in patch.sites]
    for word in words:
        if word not in known:
            close = difflib.get_close_matches(word, known, n=1)
            hint = (
                f"did you mean {close[0]}?" if close else "`sidecar-patcher explain PATCH` names the sites of a patch"
            )
            raise UsageError(f"there is no site {word}", hint=hint)
    return list(dict.fromkeys(words))


def _pinned(upstream: Upstream, series: tuple[Patch, ...], wanted: Sequence[str]) -> tuple[Build, Mapping[str, Pin]]:
    """The build with a pin at each wanted site that needs one, and these pins.

    One after the other: a site may be in what another patch brings, which goes in only once that one is pinned.
    """
    made: dict[str, Pin] = {}
    while True:
        build = apply.apply_series(upstream, series)
        needed = {
            each.id: each
            for each in build.sites
            if each.id in wanted and each.id not in made and each.finding.verdict in _PINNABLE
        }
        if not needed:
            return build, made
        for site, each in needed.items():
            match = each.located.matches[0]
            made[site] = Pin(match.tokens, match.text, match.line, _reviewed(upstream))
        series = tuple(
            replace(
                patch,
                sites=tuple(
                    site.with_pins((*site.pins, made[site.id])) if site.id in needed else site for site in patch.sites
                ),
            )
            for patch in series
        )


def _reviewed(upstream: Upstream) -> str:
    """What was read: a version tag, a commit's ref, or the digest of what is no git tree."""
    from patcher.bump.ranges import refs

    if upstream.ref == BUILTIN or refs(upstream.ref) == [upstream.ref]:
        return upstream.ref
    kind = f"the {upstream.ref}" if upstream.ref in {"directory", "archive"} else f"the ref {upstream.ref}"
    return f"{kind} with the tree {upstream.tree_sha256[:12]}"


def _refuse_absent(wanted: Sequence[str], found: Mapping[str, SiteResult], upstream: Upstream) -> None:
    for site in wanted:
        if site not in found:
            message = f"{site} is not on the {upstream.line} line, or its code came later ({upstream.label})"
            raise UsageError(
                message, hint=f"`sidecar-patcher explain {site.partition('.')[0]}` says where it is needed"
            )


def _shown(there: SiteResult, pin: Pin | None) -> list[str]:
    finding = there.finding
    where = position(finding.file, finding.line)
    if pin is None:
        said = finding.message if there.stops else "there is nothing to pin"
        hint = [f"  hint: {finding.hint}"] if there.stops else []
        return [f"{there.id}  {finding.verdict}  {where}: {said}", *hint]
    match = there.located.matches[0]
    lines = there.text[match.window_start : match.window_end].splitlines()
    return [
        f"{there.id}  {where}, {finding.scope}",
        *(f"  | {line}" for line in lines),
        f"  tokens  {pin.tokens}",
        f"  reviewed  {pin.reviewed}",
    ]


def _write(upstream: Upstream, entries: Mapping[str, Pin]) -> str:
    """Add the pins to the record that they belong to; its path in the repository."""
    path = BUILTIN_PINS if upstream.ref == BUILTIN else pins.UPSTREAM_PINS
    folder, name = os.path.split(path)
    with open(path, encoding="utf-8", newline="") as stream:
        old = stream.read()
    known = {site.id for patch in series_for(client=True) for site in patch.sites}
    there = pins.parsed(old, known, path)
    more = {site: (*there.get(site, ()), each) for site, each in entries.items()}
    record.write({name: (old, pins.written({**there, **more}))}, folder)
    return os.path.relpath(path, os.path.dirname(PACKAGE)).replace(os.sep, "/")
