"""`pin`: show the code at a site in an upstream; with `--write`, record that it was reviewed."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace

from patcher.bump import record
from patcher.bump.revisions import reviewed_as
from patcher.bump.trial import pinned
from patcher.commands.chosen import chosen
from patcher.commands.outcome import Outcome, noted
from patcher.errors import EXIT_ANCHOR, EXIT_DONE, UsageError
from patcher.errors.text import did_you_mean
from patcher.model import Patch, Pin, SiteResult, Upstream, patches_of
from patcher.report.model import Problem, Report, position
from patcher.report.wording import counted
from patcher.upstream.materialize import materialize


def pin(options: argparse.Namespace) -> Outcome:
    """Show, and record with `--write`, the code at some sites. Stops at a site whose code is not there exactly once."""
    loaded = chosen(options)
    if options.write:
        record.refuse_unless_writable(loaded)
    series = patches_of(loaded, client=options.client)
    wanted = _known(options.sites, series)
    upstream = materialize(options.upstream, client=options.client)
    build, made = pinned(upstream, series, wanted, reviewed_as(upstream))
    found = {each.id: each for each in build.sites}
    _refuse_absent(wanted, found, upstream)
    refused = [found[site] for site in wanted if found[site].stops]
    entries = {site: made[site] for site in wanted if site in made}
    problems = tuple(Problem.of_stop(each.finding) for each in refused)
    report = Report("pin", build, problems, pins=entries, written=())
    text = "".join(f"{line}\n" for site in wanted for line in _shown(found[site], made.get(site)))
    if refused:
        return Outcome(EXIT_ANCHOR, report, text, "nothing was written")
    message = ""
    if options.write and entries:
        written = tuple(record.add_pins(upstream, loaded, entries))
        report = replace(report, written=written)
        message = f"wrote {counted(len(entries), 'pin')} into {' and '.join(written)}"
    elif entries:
        message = "nothing was written: read the code above; `--write` records that you have"
    return Outcome(EXIT_DONE, report, text, noted(upstream, message))


def _known(names: Sequence[str], series: Sequence[Patch]) -> list[str]:
    """The named sites, each once. Raises `UsageError` for an unknown one."""
    known = [site.id for patch in series for site in patch.sites]
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or "`sidecar-patcher explain PATCH` names the sites of a patch"
            raise UsageError(f"there is no site {name}", hint=hint)
    return list(dict.fromkeys(names))


def _refuse_absent(wanted: Sequence[str], found: Mapping[str, SiteResult], upstream: Upstream) -> None:
    for site in wanted:
        if site not in found:
            message = f"{site} is not on the {upstream.line} line, or its code came later ({upstream.label})"
            hint = f"`sidecar-patcher explain {site.partition('.')[0]}` shows where it is needed"
            raise UsageError(message, hint=hint)


def _shown(result: SiteResult, pin: Pin | None) -> list[str]:
    finding = result.finding
    where = position(finding.file, finding.line)
    if pin is None:
        message = finding.message if result.stops else "there is nothing to pin"
        hint = [f"  hint: {finding.hint}"] if result.stops else []
        return [f"{result.id}  {finding.verdict}  {where}: {message}", *hint]
    match = result.located.matches[0]
    lines = result.text[match.window_start : match.window_end].splitlines()
    return [
        f"{result.id}  {where}, {finding.scope}",
        *(f"  | {line}" for line in lines),
        f"  tokens  {pin.tokens}",
        f"  reviewed  {pin.reviewed}",
    ]
