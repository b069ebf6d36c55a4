"""`doctor`: everything between the switch and the first session on the screen, each with what to type."""

import argparse
import os
import shutil
import textwrap
from collections import Counter
from collections.abc import Sequence

from patcher.commands.outcome import Outcome
from patcher.doctor import IDS, examine
from patcher.doctor.check import Check, State
from patcher.doctor.environment import Environment
from patcher.errors import EXIT_DIFFERENT, EXIT_DONE, UsageError
from patcher.progress import progress
from patcher.report import document

_NARROWEST, _WIDEST = 60, 100


def doctor(options: argparse.Namespace) -> Outcome:
    """Look at everything, in order. Nothing is changed; a test event that is sent is removed again."""
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
    return _outcome(checks)


def _outcome(checks: Sequence[Check]) -> Outcome:
    wrong = [check for check in checks if check.state is State.NOT_OK]
    errors = [
        {"code": f"doctor-{check.id}", "where": check.title, "message": check.detail, "hint": check.fix}
        for check in wrong
    ]
    listed = [
        {"id": check.id, "title": check.title, "state": str(check.state), "found": check.detail, "do": check.fix}
        for check in checks
    ]
    content = {**document.report("doctor"), "ok": not wrong, "checks": listed, "errors": errors}
    return Outcome(EXIT_DIFFERENT if wrong else EXIT_DONE, content, text=_text(checks), said=_said(checks))


def _text(checks: Sequence[Check]) -> str:
    width = min(_WIDEST, max(_NARROWEST, shutil.get_terminal_size().columns))
    title = max(len(check.title) for check in checks)
    state = max(map(len, State))
    lines = []
    for check in checks:
        lines += _wrapped(f"{check.state:<{state}}  {check.title:<{title}}  ", check.detail, width)
        if check.fix:
            lines += _wrapped(f"{'':<{state}}  {'  do:':<{title}}  ", check.fix, width)
    return "".join(f"{line}\n" for line in lines)


def _wrapped(head: str, text: str, width: int) -> list[str]:
    """Lines of at most `width` columns; a path or a command's word is never broken."""
    hang = " " * len(head)
    return textwrap.wrap(
        " ".join(text.split()),
        width,
        initial_indent=head,
        subsequent_indent=hang,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _said(checks: Sequence[Check]) -> str:
    counted = Counter(check.state for check in checks)
    if counted[State.NOT_OK]:
        return f"{counted[State.NOT_OK]} not ok, {counted[State.NOT_CHECKED]} not checked; begin with the first `do`"
    rest = f", {counted[State.NOT_CHECKED]} not checked" if counted[State.NOT_CHECKED] else ""
    return f"{counted[State.OK]} ok{rest}"
