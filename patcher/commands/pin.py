"""`pin`: what stands at a site in an upstream, and with `--write` the record that somebody has read it."""

import argparse
import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from patcher import apply
from patcher.bump import record
from patcher.commands.chosen import chosen
from patcher.commands.outcome import Outcome, noted
from patcher.errors import EXIT_ANCHOR, EXIT_DONE, UsageError
from patcher.model import Build, Patch, Pin, Series, SiteResult, Upstream, Verdict, patches_of
from patcher.patches import pins
from patcher.report import document
from patcher.resources import PACKAGE
from patcher.series.where import CODEX
from patcher.upstream.materialize import materialize
from patcher.upstream.spec import BUILTIN

_PINNABLE = frozenset({Verdict.UNREVIEWED, Verdict.DRIFTED})


def pin(options: argparse.Namespace) -> Outcome:
    """Show, and record with `--write`, what stands at some sites. Refuses what is not there exactly once."""
    loaded = chosen(options)
    series = patches_of(loaded, client=options.client)
    wanted = _known(options.sites, series)
    owners = [
        each for each in loaded if {patch.id for patch in each.patches_for(client=True)} & set(map(_patch, wanted))
    ]
    if options.write:
        for each in owners:
            record.refuse_unless_writable([each])
    upstream = materialize(options.upstream, client=options.client)
    build, made = _pinned(upstream, series, wanted)
    found = {each.id: each for each in build.sites}
    _refuse_absent(wanted, found, upstream)
    refused = [found[site] for site in wanted if found[site].stops]
    entries = {site: made[site] for site in wanted if site in made}
    body = {
        **document.report("pin", build=build),
        "pins": [{"site": site, **vars(each)} for site, each in entries.items()],
        "written": [],
    }
    ids = {each.id for each in refused}
    body["errors"] = [document.error_of(each) for each in body["places"] if each["site"] in ids]
    body["ok"] = not refused
    text = "".join(f"{line}\n" for site in wanted for line in _shown(found[site], entries.get(site)))
    if refused:
        return Outcome(EXIT_ANCHOR, body, text=text, said="nothing was written")
    said = ""
    if options.write and entries:
        body["written"] = [each for owner in owners for each in _write(upstream, owner, entries)]
        said = f"wrote {len(entries)} pin{'' if len(entries) == 1 else 's'} into {' and '.join(body['written'])}"
    elif entries:
        said = "nothing was written: read what stands there; `--write` records that you have"
    return Outcome(EXIT_DONE, body, text=text, said=noted(upstream, said))


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
    where = f"{finding.file}:{finding.line}" if finding.line else finding.file
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


def _patch(site: str) -> str:
    return site.rpartition(".")[0]


def _write(upstream: Upstream, series: Series, entries: Mapping[str, Pin]) -> list[str]:
    """Add the pins of a series to the record that they belong to; its path, as messages show it."""
    ids = {patch.id for patch in series.patches_for(client=True)}
    mine = {site: each for site, each in entries.items() if _patch(site) in ids}
    if not mine:
        return []
    path = series.builtin_pins if upstream.ref == BUILTIN else series.pins
    folder, name = os.path.split(path)
    old = ""
    if os.path.lexists(path):
        with open(path, encoding="utf-8", newline="") as stream:
            old = stream.read()
    known = {site.id for patch in series.patches_for(client=True) for site in patch.sites}
    there = pins.parsed(old, known, path) if old else {}
    more = {site: (*there.get(site, ()), each) for site, each in mine.items()}
    record.write({name: (old, pins.written({**there, **more}))}, folder)
    root = os.path.dirname(PACKAGE) if series.name == CODEX else os.curdir
    shown = os.path.relpath(path, root)
    return [(path if shown.startswith(os.pardir) else shown).replace(os.sep, "/")]
