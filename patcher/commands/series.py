"""`list`, `explain` and `diff`: the series, for people; and `series new`, a first one."""

import argparse
import ast
import os
import shlex
from collections.abc import Iterator

from patcher import apply
from patcher.commands import diffs
from patcher.commands.chosen import chosen
from patcher.commands.outcome import Outcome, noted
from patcher.errors import EXIT_ANCHOR, EXIT_DONE
from patcher.model import Anchor, Overlay, Patch, Site, SiteResult, patches_of
from patcher.report import document
from patcher.upstream.materialize import materialize


def list_series(options: argparse.Namespace) -> Outcome:
    """The series, in order."""
    series = patches_of(chosen(options), client=True)
    width = max((len(patch.id) for patch in series), default=0)
    text = "".join(f"{patch.id:<{width}}  {patch.summary}\n" for patch in series)
    listed = [
        {
            "id": patch.id,
            "summary": patch.summary,
            "files": sorted({site.file for site in patch.sites} | {overlay.path for overlay in patch.overlays}),
            "requires": list(patch.requires),
            "contracts": list(patch.contracts),
            "series": patch.origin.series,
        }
        for patch in series
    ]
    return Outcome(EXIT_DONE, {**document.report("list"), "series": listed}, text=text)


def new(options: argparse.Namespace) -> Outcome:
    """A first series in a directory, for the author to go on from."""
    from patcher.series.new import write_new

    written = write_new(options.directory, options.name or "")
    directory = shlex.quote(options.directory)
    text = "".join(f"{os.path.join(options.directory, path)}\n" for path in written)
    said = f"now: `sidecar-patcher build --series codex --series {directory}`, and then edit it"
    return Outcome(EXIT_DONE, {**document.report("series"), "written": written}, text=text, said=said)


def explain(options: argparse.Namespace) -> Outcome:
    """One patch in full, and with `--upstream` what stands at its sites there."""
    series = chosen(options)
    [patch] = diffs.selected(patches_of(series, client=True), [options.patch])
    client = patch not in patches_of(series)
    upstream = materialize(options.upstream, client=client) if options.upstream else None
    lines = [f"{patch.id}: {patch.summary}", "", _why(patch), ""]
    lines += [f"requires   {', '.join(patch.requires) or 'nothing'}", f"contracts  {', '.join(patch.contracts)}"]
    lines += [f"adds       {_shown(overlay)}" for overlay in patch.overlays]
    if patch.superseded is not None:
        lines.append(f"superseded on the {patch.superseded} line: {patch.superseded_by}")
    elif patch.superseded_where:
        lines.append(f"superseded where upstream has it: {patch.superseded_by}")
    found = apply.apply_series(upstream, patches_of(series, client=client)).sites if upstream else ()
    there = {each.id: each for each in found}
    for site in patch.sites:
        lines += ["", *_site_lines(site)]
        if site.id in there:
            lines += [f"  there     {line}" for line in _lines_there(there[site.id])]
    text = "\n".join(lines) + "\n"
    return Outcome(EXIT_DONE, document.report("explain"), text=text, said=noted(upstream) if upstream else "")


def diff(options: argparse.Namespace) -> Outcome:
    """A unified diff of what the series, or the named patches, change."""
    series = patches_of(chosen(options), client=options.client)
    upstream = materialize(options.upstream, client=options.client)
    stopped = apply.apply_series(upstream, series)
    if stopped.stopped:
        return Outcome(EXIT_ANCHOR, document.report("diff", build=stopped), said="there is no diff of a stopped series")
    text = "".join(diffs.diff(upstream, series, options.patches, plain=options.plain))
    return Outcome(EXIT_DONE, document.report("diff"), text=text, said=noted(stopped))


def _why(patch: Patch) -> str:
    """The docstring of a patch's module, from its source: `python -OO` has none."""
    with open(patch.origin.source, encoding="utf-8") as stream:
        return ast.get_docstring(ast.parse(stream.read())) or ""


def _shown(overlay: Overlay) -> str:
    return overlay.path if overlay.line is None else f"{overlay.path} ({overlay.line} line)"


def _site_lines(site: Site) -> list[str]:
    lines = [f"site {site.id}: {site.position} in {site.file}, {_where_needed(site)}"]
    for anchor in site.anchors:
        lines += _anchor_lines(anchor)
    lines += [f"  pin       {pin.tokens} ({pin.reviewed}, line {pin.line})" for pin in site.pins]
    payload = apply.payload_of(site, "<what stood there>").rstrip("\n").split("\n")
    return [*lines, *(f"  payload   {line}" for line in payload)]


def _where_needed(site: Site) -> str:
    line = f"on the {site.line} line" if site.line else "on every line"
    return f"{line}, required since {site.since}" if site.since else line


def _anchor_lines(anchor: Anchor) -> list[str]:
    window = f" and {anchor.before} statements above, {anchor.after} below" if anchor.before or anchor.after else ""
    return [f"  anchor    {anchor.shown} in {anchor.scope}{window}"]


def _lines_there(there: SiteResult) -> Iterator[str]:
    finding = there.finding
    yield f"{finding.verdict} at {finding.file}:{finding.line}{': ' if finding.message else ''}{finding.message}"
    for match in there.located.matches:
        for line in there.text[match.window_start : match.window_end].splitlines():
            yield f"| {line}"
        yield f"tokens {match.tokens}"
