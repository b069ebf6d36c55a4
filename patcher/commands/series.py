"""`list` and `diff`: the series, and what it changes; and `series new`, a first one."""

import argparse
import os
import shlex

from patcher import apply
from patcher.commands import diffs
from patcher.commands.chosen import chosen
from patcher.commands.outcome import Outcome, noted, outcome
from patcher.commands.patch_set import patch_set
from patcher.model import patches_of
from patcher.report.model import Report
from patcher.report.problems import report_of
from patcher.upstream.materialize import materialize


def list_series(options: argparse.Namespace) -> Outcome:
    """The series, in order."""
    series = chosen(options)
    page = patch_set(options, series) if options.html else None
    return outcome(Report("list", series=patches_of(series, client=True), patch_set=page))


def new(options: argparse.Namespace) -> Outcome:
    """A first series in a directory, for the author to go on from."""
    from patcher.series.new import write_new

    written = write_new(options.directory, options.name or "")
    text = "".join(f"{os.path.join(options.directory, path)}\n" for path in written)
    build = f"sidecar-patcher build --series codex --series {shlex.quote(options.directory)}"
    return outcome(Report("series", written=tuple(written)), text=text, message=f"now: `{build}`, and then edit it")


def diff(options: argparse.Namespace) -> Outcome:
    """A unified diff of what the series, or the named patches, change."""
    series = patches_of(chosen(options), client=options.client)
    upstream = materialize(options.upstream, client=options.client)
    build = apply.apply_series(upstream, series)
    if build.stopped:
        return outcome(report_of("diff", build), message="there is no diff of a stopped series")
    text = "".join(diffs.diff(upstream, series, options.patches, plain=options.plain))
    return outcome(Report("diff"), text=text, message=noted(build))
