"""`list`, `diff` and `series new`."""

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
    """List the patches of the series, in order."""
    series = chosen(options)
    page = patch_set(options, series) if options.html else None
    return outcome(Report("list", series=patches_of(series, client=True), patch_set=page))


def new(options: argparse.Namespace) -> Outcome:
    """Write a first series into a directory, for the author to extend."""
    from patcher.series.new import write_new

    written = write_new(options.directory, options.name or "")
    text = "".join(f"{os.path.join(options.directory, path)}\n" for path in written)
    build = f"sidecar-patcher build --series codex --series {shlex.quote(options.directory)}"
    return outcome(Report("series", written=tuple(written)), text=text, message=f"now: `{build}`, and then edit it")


def diff(options: argparse.Namespace) -> Outcome:
    """Show a unified diff of the series, or of the named patches."""
    series = patches_of(chosen(options), client=options.client)
    upstream = materialize(options.upstream, client=options.client)
    build = apply.apply_series(upstream, series)
    if build.stopped:
        return outcome(report_of("diff", build), message="there is no diff of a stopped series")
    text = "".join(diffs.diff(upstream, series, options.patches, plain=options.plain))
    return outcome(Report("diff"), text=text, message=noted(build))
