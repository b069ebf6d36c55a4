"""`build`, `check` and `prove`: the flow, with and without writing, and the contracts on its result."""

import argparse
import sys
from typing import TYPE_CHECKING

from patcher import pipeline, report
from patcher.commands.outcome import Outcome, exit_code_of
from patcher.errors import EXIT_DONE, EXIT_REFUSED
from patcher.model import Build
from patcher.uptodate import is_up_to_date, up_to_date_message

if TYPE_CHECKING:
    from patcher.prove import ProofResult


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
    return Outcome(exit_code_of(result), content, said=said)


def check(options: argparse.Namespace) -> Outcome:
    """The flow without writing."""
    result = pipeline.check(options.upstream)
    said = f"would build: {_counts(result)}" if result.ok else "a build would stop"
    return Outcome(exit_code_of(result), report.report("check", build=result), said=said)


def prove(options: argparse.Namespace) -> Outcome:
    """Run the contracts on the pristine and on the patched tree."""
    from patcher import proof  # Node, SQLite and HTTP: nothing that a build needs

    result = pipeline.check(options.upstream)
    if not result.ok:
        return Outcome(exit_code_of(result), report.report("prove", build=result), said="nothing to prove")
    results = proof.run(result, only=options.only, node=options.node, install=options.install)
    content = {**report.report("prove", build=result), **proof.as_report(results)}
    return Outcome(EXIT_DONE if content["ok"] else EXIT_REFUSED, content)


def _proven(options: argparse.Namespace, built: Build) -> "list[ProofResult]":
    from patcher import proof

    results = proof.run(built, node=options.node, install=options.install)
    proof.refuse_if_red(results)
    return results


def _counts(result: Build) -> str:
    changes = [change.status for change in result.changes()]
    return ", ".join(f"{changes.count(status)} {status}" for status in ("patched", "added", "copied"))


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
