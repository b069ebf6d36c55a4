"""`explain`: show all of a patch, or the meaning of an error code and its fix."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from patcher import apply
from patcher.commands.chosen import chosen
from patcher.commands.outcome import Outcome, noted, outcome
from patcher.commands.patch_set import why
from patcher.errors import UsageError
from patcher.errors.text import did_you_mean
from patcher.manifest import upstream_identity
from patcher.model import Anchor, Patch, Site, SiteResult, Upstream, Verdict, patches_of
from patcher.render import payload_of
from patcher.report import error_codes
from patcher.report.model import Report, position
from patcher.upstream.materialize import materialize
from patcher.verify import pinning


def explain(options: argparse.Namespace) -> Outcome:
    """Show a patch, with `--upstream` also the code at its sites; or an error. Raises `UsageError` for neither."""
    series = chosen(options)
    known = {patch.id: patch for patch in patches_of(series, client=True)}
    if patch := known.get(options.name):
        client = patch not in patches_of(series)
        return _patch(patch, options.upstream, patches_of(series, client=client), client=client)
    found = error_codes.of(options.name)
    if found is None:
        names = [*known, *(each.code for each in error_codes.known())]
        hint = did_you_mean(options.name, names) or "`sidecar-patcher list` shows the series"
        raise UsageError(f"there is no patch and no error {options.name}", hint=hint)
    if options.upstream:
        raise UsageError("--upstream shows the sites of a patch, and this is an error", hint="leave it out")
    return outcome(Report("explain", explained={"error": vars(found)}), text=error_codes.to_text(found))


def _patch(patch: Patch, spec: str | None, series: Sequence[Patch], *, client: bool) -> Outcome:
    build = apply.apply_series(materialize(spec, client=client), series) if spec else None
    there = {each.id: each for each in build.sites} if build else {}
    steps = {each.id: _next_step(patch, each, build.upstream) for each in build.sites} if build else {}
    text = "".join(f"{line}\n" for line in _lines(patch, there, steps))
    identity = upstream_identity(build) if build else None
    report = Report("explain", upstream=identity, explained={"patch": _fields(patch, there, steps)})
    return outcome(report, text=text, message=noted(build.upstream) if build else "")


def _lines(patch: Patch, results: Mapping[str, SiteResult], steps: Mapping[str, str]) -> Iterator[str]:
    yield from (f"{patch.id}: {patch.summary}", "", why(patch), "")
    yield f"requires   {', '.join(patch.requires) or 'nothing'}"
    yield f"contracts  {', '.join(patch.contracts)}"
    for overlay in patch.overlays:
        yield f"adds       {overlay.path}{f' ({overlay.line} line)' if overlay.line else ''}"
    if patch.superseded is not None:
        yield f"superseded on the {patch.superseded} line: {patch.superseded_by}"
    elif patch.superseded_where:
        yield f"superseded where upstream has it: {patch.superseded_by}"
    for site in patch.sites:
        yield ""
        yield from _site(site)
        if site.id in results:
            yield from (f"  there     {line}" for line in _result_lines(results[site.id]))
        if steps.get(site.id):
            yield f"  next      {steps[site.id]}"


def _site(site: Site) -> Iterator[str]:
    where = f"on the {site.line} line" if site.line else "on every line"
    since = f", required since {site.since}" if site.since else ""
    yield f"site {site.id}: {site.position} in {site.file}, {where}{since}"
    yield from (f"  anchor    {_anchor(anchor)}" for anchor in site.anchors)
    yield from (f"  pin       {pin.tokens} ({pin.reviewed}, line {pin.line})" for pin in site.pins)
    yield from (f"  payload   {line}" for line in payload_of(site).rstrip("\n").split("\n"))


def _anchor(anchor: Anchor) -> str:
    window = f" and {anchor.before} statements above, {anchor.after} below" if anchor.before or anchor.after else ""
    return f"{anchor.shown} in {anchor.scope}{window}"


def _result_lines(result: SiteResult) -> Iterator[str]:
    finding = result.finding
    message = f": {finding.message}" if finding.message else ""
    yield f"{finding.verdict} at {position(finding.file, finding.line)}{message}"
    for match in result.located.matches:
        yield from (f"| {line}" for line in result.text[match.window_start : match.window_end].splitlines())
        yield f"tokens {match.tokens}"


def _next_step(patch: Patch, result: SiteResult, upstream: Upstream) -> str:
    """What to do about a site that stops; empty for one that does not, or where its anchor is not to blame."""
    pin = pinning(patch, result.site, upstream)
    match result.finding.verdict:
        case Verdict.MISSING | Verdict.AMBIGUOUS:
            return f"write an anchor for the new code beside the old one in {patch.origin.source}; then {pin}"
        case Verdict.UNREVIEWED | Verdict.DRIFTED:
            return f"if the payload is still correct at the code above: {pin}"
        case _:
            return ""


# --- the same for machines -------------------------------------------------------------------------------------


def _fields(patch: Patch, there: Mapping[str, SiteResult], steps: Mapping[str, str]) -> dict[str, Any]:
    """The content of `_lines`. `there` of a site is null without `--upstream`, and on a line that does not need it."""
    by = {"line": patch.superseded, "by": patch.superseded_by}
    return {
        "id": patch.id,
        "series": patch.origin.series,
        "summary": patch.summary,
        "why": why(patch),
        "requires": patch.requires,
        "contracts": patch.contracts,
        "superseded": by if patch.superseded is not None or patch.superseded_where else None,
        "adds": [{"path": overlay.path, "line": overlay.line} for overlay in patch.overlays],
        "sites": [_site_fields(site, there.get(site.id), steps.get(site.id, "")) for site in patch.sites],
    }


def _site_fields(site: Site, there: SiteResult | None, step: str) -> dict[str, Any]:
    return {
        "site": site.id,
        "place": site.position,
        "file": site.file,
        "line": site.line,
        "since": site.since,
        "anchors": [{"scope": str(each.scope), "shown": each.shown} for each in site.anchors],
        "pins": [vars(pin) for pin in site.pins],
        "payload": payload_of(site),
        "there": {**_there_fields(there), "next": step} if there else None,
    }


def _there_fields(result: SiteResult) -> dict[str, Any]:
    finding, text = result.finding, result.text
    windows = [
        {"text": text[match.window_start : match.window_end], "tokens": match.tokens}
        for match in result.located.matches
    ]
    fields = {name: getattr(finding, name) for name in ("verdict", "file", "line", "message", "hint")}
    return {**fields, "windows": windows}
