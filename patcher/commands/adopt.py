"""`adopt`: make a series from a tree of upstream that was edited."""

import argparse
import shlex
from collections import Counter
from collections.abc import Iterator
from typing import Any

from patcher.adopt import files
from patcher.adopt.run import Result, run
from patcher.commands.outcome import Outcome
from patcher.errors import EXIT_DIFFERENT, EXIT_DONE
from patcher.progress import progress
from patcher.report.model import Report

_MOST = 20


def adopt(options: argparse.Namespace) -> Outcome:
    """Make the series, check that it reproduces the edited files, and report on each changed file."""
    result = run(
        options.upstream,
        options.into,
        edited=options.edited,
        diff=options.diff,
        client=bool(options.client),
        bar=progress,
    )
    report = Report("adopt", build=result.build, adopt=_report(result))
    message = "everything that travels is expressed" if result.is_whole else "something is not expressed; it is listed"
    text = "".join(f"{line}\n" for line in _lines(result, options))
    notes = "".join(f"note: {each}\n" for each in result.both.notes)
    return Outcome(EXIT_DONE if result.is_whole else EXIT_DIFFERENT, report, text, notes + message)


def _report(result: Result) -> dict[str, Any]:
    replaced = sorted(size for each in result.files for size in each.replaced)
    return {
        "hunks": {
            "total": sum(each.hunks for each in result.files),
            "adopted": sum(each.adopted for each in result.files),
        },
        "edits": {"total": len(replaced), "replaced": replaced},
        "files": [
            {
                "path": each.path,
                "status": each.status,
                "reason": each.reason,
                "hunks": each.hunks,
                "adopted": each.adopted,
                "edits": len(each.payloads),
            }
            for each in result.files
        ],
        "notes": list(result.both.notes),
        "series": {"written": list(result.written), "removed": list(result.removed), "unchanged": result.unchanged},
    }


def _lines(result: Result, options: argparse.Namespace) -> Iterator[str]:
    counted = Counter(each.status for each in result.files)
    if not result.files:
        yield f"{options.edited or options.diff} changes nothing of {result.both.upstream.label}"
        return
    total, adopted = sum(each.hunks for each in result.files), sum(each.adopted for each in result.files)
    yield f"upstream {result.both.upstream.label}"
    yield ""
    for status in files.STATUSES:
        if counted[status]:
            yield f"  {counted[status]:>5}  {status:<16} {_MEANS[status]}"
    yield ""
    yield f"  {adopted} of {total} hunks adopted, in {sum(len(each.payloads) for each in result.files)} edits"
    for status in (files.PARTIAL, files.NOT_EXPRESSED, files.OVERRIDE, files.DOES_NOT_TRAVEL):
        named = [each for each in result.files if each.status == status]
        if named:
            yield ""
            yield f"{status}:"
            yield from (f"  {each.path}: {each.reason}" for each in named[:_MOST])
            yield from [f"  … and {len(named) - _MOST} more, in the report"] if len(named) > _MOST else []
    yield ""
    gates = [gate for gate in (result.build.gates if result.build else ()) if not gate.ok]
    for gate in gates:
        yield f"a build would be refused by the gate {gate.id}: {gate.message}"
    spec = f" --upstream {shlex.quote(options.upstream)}" if options.upstream else ""
    client = " --client" if options.client else ""
    series = shlex.quote(options.into)
    yield f"{series}: {len(result.written)} files written, {len(result.removed)} removed, {result.unchanged} as before"
    yield f"next: `sidecar-patcher check --series {series}{spec}{client}`; then say why, in each patch's docstring"


_MEANS = {
    files.IDENTICAL: "come out byte for byte as edited",
    files.OVERLAY: "are new, and files of the series",
    files.OVERRIDE: "are replaced as a whole, pinned by their digest",
    files.PARTIAL: "have edits that could not be expressed",
    files.NOT_EXPRESSED: "could not be expressed",
    files.DOES_NOT_TRAVEL: "are not part of what is built",
}
