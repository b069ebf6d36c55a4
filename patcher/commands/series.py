"""`list` and `diff`: the series, and what it changes."""

import argparse

from patcher import apply
from patcher.commands import diffs
from patcher.commands.outcome import Outcome, noted, outcome
from patcher.patches import CLIENT_SERIES, SERIES
from patcher.report.model import Report
from patcher.report.problems import report_of
from patcher.upstream.materialize import materialize


def list_series(options: argparse.Namespace) -> Outcome:
    """The series, in order."""
    del options
    return outcome(Report("list", series=(*SERIES, *CLIENT_SERIES)))


def diff(options: argparse.Namespace) -> Outcome:
    """A unified diff of what the series, or the named patches, change."""
    upstream = materialize(options.upstream, client=options.client)
    series = (*SERIES, *CLIENT_SERIES) if options.client else SERIES
    build = apply.apply_series(upstream, series)
    if build.stopped:
        return outcome(report_of("diff", build), message="there is no diff of a stopped series")
    return outcome(Report("diff"), text="".join(diffs.diff(upstream, series, options.patches)), message=noted(build))
