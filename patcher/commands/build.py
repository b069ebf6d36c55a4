"""`build`, `check` and `prove`: the flow, with and without writing, and the contracts on its result.

With `--client` the client's sources are part of it; only `build` and `prove` run their tool chain.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from patcher import pipeline
from patcher.commands.chosen import chosen
from patcher.commands.outcome import Outcome, noted, outcome
from patcher.commands.proofs import proofs, with_client
from patcher.errors import EXIT_DONE
from patcher.model import Build, Series
from patcher.report import problems
from patcher.report.model import Report
from patcher.uptodate import is_up_to_date, up_to_date_message

if TYPE_CHECKING:
    from patcher.prove import ProofResult


_ALWAYS_COUNTED = ("patched", "added", "copied")


def build(options: argparse.Namespace) -> Outcome:
    """Patch and write. Writes nothing when an anchor stops, or a gate or contract refuses."""
    if not options.prove and is_up_to_date(options.upstream, options.out, client=options.client, series=options.series):
        is_requested = options.report or options.format != "text"
        report = problems.report_of("build", _checked(options, chosen(options))) if is_requested else Report("build")
        return Outcome(EXIT_DONE, report, text="", message=up_to_date_message(options.out).strip())
    series = chosen(options)
    proven: list[ProofResult] = []
    result = pipeline.build(
        options.upstream,
        options.out,
        series=series,
        client=(lambda built: with_client(options, built)) if options.client else None,
        waiting=_say_waiting,
        prove=lambda built: proven.extend(_proven(options, series, built) if options.prove else ()),
    )
    message = f"built {options.out}: {_counts(result)}" if result.ok else "nothing was written"
    report = problems.report_of("build", result)
    return outcome(replace(report, contracts=tuple(proven) or None), message=noted(result, message))


def check(options: argparse.Namespace) -> Outcome:
    """The flow without writing."""
    result = _checked(options, chosen(options))
    message = f"would build: {_counts(result)}" if result.ok else "a build would stop"
    return outcome(problems.report_of("check", result), message=noted(result, message))


def prove(options: argparse.Namespace) -> Outcome:
    """Run the contracts on the pristine and on the patched tree."""
    from patcher.prove import proof  # slow to import, and not needed by a build

    series = chosen(options)
    result = _checked(options, series)
    if not result.ok:
        return outcome(problems.report_of("prove", result), message="nothing to prove")
    if options.client:
        proof.chosen(
            options.only, result.upstream.line, client=True, series=series
        )  # a wrong name stops it before the slow part
        result = with_client(options, result)
    results = tuple(proofs(options, series, result, only=options.only))
    report = Report("prove", result, problems.of_contracts(results), results)
    left_out = [contract.id for each in series for contract in each.client_contracts]
    is_partial = bool(left_out) and not (options.client or options.only)
    message = f"left out, for want of `--client`: {', '.join(left_out)}" if is_partial else ""
    return outcome(report, message=noted(result, message))


def _proven(options: argparse.Namespace, series: Sequence[Series], built: Build) -> "list[ProofResult]":
    from patcher.prove import proof

    results = proofs(options, series, built)
    proof.refuse_if_red(results)
    return results


def _checked(options: argparse.Namespace, series: Sequence[Series]) -> Build:
    return pipeline.check(options.upstream, series, client=options.client)


def _counts(result: Build) -> str:
    changes = [change.status for change in result.changes()]
    counted = [*_ALWAYS_COUNTED, *(["built"] if "built" in changes else [])]
    return ", ".join(f"{changes.count(status)} {status}" for status in counted)


def _say_waiting(out: str) -> None:
    sys.stderr.write(f"another build is writing {out}; waiting for it\n")
