"""`doctor`: check everything from the switch to the first session on the screen, each check with its fix."""

import argparse
import os
from collections import Counter
from collections.abc import Sequence

from patcher.commands.outcome import Outcome
from patcher.doctor import IDS, examine
from patcher.doctor.check import Check, State
from patcher.doctor.environment import Environment
from patcher.errors import EXIT_DIFFERENT, EXIT_DONE, UsageError
from patcher.progress import progress
from patcher.report import problems
from patcher.report.model import Report


def doctor(options: argparse.Namespace) -> Outcome:
    """Run all checks in order. Nothing is changed; the test event that is sent is removed again."""
    if options.port is not None and not 1 <= options.port <= 65535:
        raise UsageError(f"--port {options.port}: a port is a number from 1 to 65535")
    environment = Environment(
        tree=options.tree,
        env=dict(os.environ),
        codex_home=options.codex_home,
        data_dir=options.data_dir,
        port=options.port,
        ask_codex=options.ask_codex,
    )
    checks = []
    with progress(len(IDS)) as advance:
        for check in examine(environment):
            checks.append(check)
            advance(check.title, 1)
    report = Report("doctor", checks=tuple(checks), problems=problems.of_checks(checks))
    return Outcome(EXIT_DONE if report.ok else EXIT_DIFFERENT, report, message=_message(checks))


def _message(checks: Sequence[Check]) -> str:
    counted = Counter(check.state for check in checks)
    if counted[State.NOT_OK]:
        return f"{counted[State.NOT_OK]} not ok, {counted[State.NOT_CHECKED]} not checked; begin with the first `do`"
    rest = f", {counted[State.NOT_CHECKED]} not checked" if counted[State.NOT_CHECKED] else ""
    return f"{counted[State.OK]} ok{rest}"
