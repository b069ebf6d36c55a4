"""What each verb does, without printing: options in, an `Outcome` out."""

import argparse
import inspect
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patcher import diffs, flow, pipeline, report
from patcher import revert as reverting
from patcher.errors import (
    EXIT_ANCHOR,
    EXIT_DIFFERENT,
    EXIT_DONE,
    EXIT_REFUSED,
    PatcherError,
)
from patcher.inventory import differences, read
from patcher.materialize import materialize
from patcher.model import Anchor, Build, Edit
from patcher.patches import SERIES, module_of
from patcher.uptodate import is_up_to_date, up_to_date_message
from patcher.write import write_new

if TYPE_CHECKING:
    from patcher.prove import ProofResult


@dataclass(frozen=True)
class Outcome:
    """content: the JSON report. text: what stdout gets instead of the report's text form. said: a line for stderr."""

    exit_code: int
    content: Mapping[str, Any]
    text: str | None = None
    said: str = ""


def failed(verb: str, error: PatcherError) -> Outcome:
    """An error that ended the run before there was a result."""
    return Outcome(error.exit_code, report.report(verb, errors=[error]))


def build(options: argparse.Namespace) -> Outcome:
    """Patch and write. Nothing is written when an anchor stops or a gate or contract refuses."""
    if not options.prove and is_up_to_date(options.upstream, options.out):
        content = report.report("build", build=pipeline.check(options.upstream))
        return Outcome(EXIT_DONE, content, text="", said=up_to_date_message(options.out).strip())
    proofs: list[ProofResult] = []
    result = pipeline.build(
        options.upstream,
        options.out,
        waiting=lambda out: _say(f"another build is writing {out}; waiting for it"),
        prove=lambda built: proofs.extend(_proven(options, built) if options.prove else ()),
    )
    said = f"built {options.out}: {_counts(result)}" if result.ok else "nothing was written"
    content = report.report("build", build=result)
    if proofs:
        from patcher import proof

        content["contracts"] = proof.as_report(proofs)["contracts"]
    return Outcome(_exit_code(result), content, said=said)


def check(options: argparse.Namespace) -> Outcome:
    """The flow without writing."""
    result = pipeline.check(options.upstream)
    said = f"would build: {_counts(result)}" if result.ok else "a build would stop"
    return Outcome(_exit_code(result), report.report("check", build=result), said=said)


def _exit_code(result: Build) -> int:
    if result.stopped:
        return EXIT_ANCHOR
    return EXIT_REFUSED if result.refused else EXIT_DONE


def _counts(result: Build) -> str:
    changes = [change.status for change in result.changes()]
    return ", ".join(f"{changes.count(status)} {status}" for status in ("patched", "added", "copied"))


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def verify(options: argparse.Namespace) -> Outcome:
    """Bytes against the manifest: edited, added and deleted files are named."""
    content = read(options.directory)
    found = [{"path": path, "status": what} for what, path in differences(options.directory, content["files"])]
    text = "".join(f"{each['status']:<8} {each['path']}\n" for each in found)
    errors = [
        {
            "code": f"file-{each['status']}",
            "where": each["path"],
            "message": f"this file was {each['status']}",
            "hint": "",
        }
        for each in found
    ]
    body = {**report.report("verify"), "ok": not found, "upstream": content["upstream"], "errors": errors}
    said = f"{len(found)} differences" if found else f"{options.directory} is as it was built"
    return Outcome(EXIT_DIFFERENT if found else EXIT_DONE, body, text=text, said=said)


def revert(options: argparse.Namespace) -> Outcome:
    """The pristine bytes into a new directory."""
    tree = reverting.pristine(options.directory)
    write_new(tree, options.out)
    said = f"reverted {options.directory}: {len(tree)} files in {options.out}"
    return Outcome(EXIT_DONE, {**report.report("revert"), "paths": sorted(tree)}, text="", said=said)


def diff(options: argparse.Namespace) -> Outcome:
    """A unified diff of what the series, or the named patches, change."""
    upstream = materialize(options.upstream)
    stopped = flow.run(upstream, SERIES)
    if stopped.stopped:
        return Outcome(EXIT_ANCHOR, report.report("diff", build=stopped), said="there is no diff of a stopped series")
    text = "".join(diffs.diff(upstream, SERIES, options.patches))
    return Outcome(EXIT_DONE, report.report("diff"), text=text)


def list_series(options: argparse.Namespace) -> Outcome:
    """The series, in order."""
    del options
    width = max(len(patch.id) for patch in SERIES)
    text = "".join(f"{patch.id:<{width}}  {patch.summary}\n" for patch in SERIES)
    listed = [
        {
            "id": patch.id,
            "summary": patch.summary,
            "files": sorted({edit.file for edit in patch.edits} | {overlay.path for overlay in patch.overlays}),
            "requires": list(patch.requires),
            "contracts": list(patch.contracts),
        }
        for patch in SERIES
    ]
    return Outcome(EXIT_DONE, {**report.report("list"), "series": listed}, text=text)


def explain(options: argparse.Namespace) -> Outcome:
    """One patch in full, and with `--upstream` what stands at its places there."""
    [patch] = diffs.selected(SERIES, [options.patch])
    upstream = materialize(options.upstream) if options.upstream else None
    lines = [f"{patch.id}: {patch.summary}", "", inspect.getdoc(module_of(patch)) or "", ""]
    lines += [f"requires   {', '.join(patch.requires) or 'nothing'}", f"contracts  {', '.join(patch.contracts)}"]
    lines += [f"adds       {overlay.path}" for overlay in patch.overlays]
    found = flow.survey(upstream, SERIES) if upstream else []
    places = {place.number: place for place in found if place.patch == patch.id}
    for number, edit in enumerate(patch.edits):
        lines += ["", *_edit_lines(number, edit)]
        if number in places:
            lines += [f"  there     {line}" for line in _place_lines(places[number])]
    text = "\n".join(lines) + "\n"
    return Outcome(EXIT_DONE, report.report("explain"), text=text)


def _edit_lines(number: int, edit: Edit) -> list[str]:
    lines = [f"place {number}: {edit.place} in {edit.file}, upstream versions: {edit.versions}"]
    for anchor in edit.anchors:
        lines += _anchor_lines(anchor)
    payload = flow.payload_of(edit, "<what stood there>").rstrip("\n").split("\n")
    return [*lines, *(f"  payload   {line}" for line in payload)]


def _anchor_lines(anchor: Anchor) -> list[str]:
    window = f" and {anchor.before} statements above, {anchor.after} below" if anchor.before or anchor.after else ""
    lines = [f"  anchor    {anchor.shown} in {anchor.scope}{window}"]
    return [*lines, *(f"  pin       {pin.tokens} (reviewed at line {pin.line})" for pin in anchor.pins)]


def _place_lines(place: flow.Surveyed) -> Iterator[str]:
    finding = place.finding
    yield f"{finding.verdict} at {finding.file}:{finding.line}{': ' if finding.message else ''}{finding.message}"
    for match in place.located.matches:
        for line in place.text[match.window_start : match.window_end].splitlines():
            yield f"| {line}"
        yield f'Pin("{match.tokens}", "{match.text}", {match.line})'


def prove(options: argparse.Namespace) -> Outcome:
    """Run the contracts on the pristine and on the patched tree."""
    from patcher import proof  # Node, SQLite and HTTP: nothing that a build needs

    result = pipeline.check(options.upstream)
    if not result.ok:
        return Outcome(_exit_code(result), report.report("prove", build=result), said="nothing to prove")
    results = proof.run(result, only=options.only, node=options.node, install=options.install)
    content = {**report.report("prove", build=result), **proof.as_report(results)}
    return Outcome(EXIT_DONE if content["ok"] else EXIT_REFUSED, content)


def _proven(options: argparse.Namespace, built: Build) -> "list[ProofResult]":
    from patcher import proof

    results = proof.run(built, node=options.node, install=options.install)
    proof.refuse_if_red(results)
    return results
