"""Assertions about rows and contracts, with readable failures."""

import time

from patcher.prove import ProofResult, Sidecar
from patcher.prove.sidecar import POLL_MS, eventually
from patcher.testing.live import LiveCodex

_MAX_SHOWN = 20
_COLOURS = ("red", "green")
_SEVERAL_LOOKS = 4 * POLL_MS / 1000


def assert_exactly_once(sidecar: Sidecar, codex: LiveCodex, *, timeout: float = 5.0) -> None:
    """Assert that each event that arrived has exactly one row, with the right `capture`.

    Waits at most `timeout` seconds for the importer, and then for some more of its polls, for late duplicates.
    """
    __tracebackhide__ = True
    eventually(lambda: not codex.judge(sidecar).problems, timeout)
    time.sleep(_SEVERAL_LOOKS)
    verdict = codex.judge(sidecar)
    if not verdict.problems:
        return
    lines = [f"{verdict.events} events came to the sidecar, and not each of them is there exactly once:"]
    lines += [f"  {problem}" for problem in verdict.problems[:_MAX_SHOWN]]
    if len(verdict.problems) > _MAX_SHOWN:
        lines.append(f"  and {len(verdict.problems) - _MAX_SHOWN} more")
    raise AssertionError("\n".join(lines))


def assert_proven(result: ProofResult) -> None:
    """Assert that the contract is red on the pristine tree and green on the patched one."""
    __tracebackhide__ = True
    if not result.ok:
        raise AssertionError(
            f"{result.contract.id} is not proven: {result.message}\n"
            f"  it requires: {result.contract.summary}\n"
            f"  pristine, {_COLOURS[result.pristine.green]}: {result.pristine.said}\n"
            f"  patched, {_COLOURS[result.patched.green]}: {result.patched.said}"
        )
