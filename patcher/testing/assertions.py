"""Assertions about rows and contracts, whose failures are sentences."""

import time

from patcher.prove import ProofResult, Sidecar
from patcher.prove.sidecar import POLL_MS, eventually
from patcher.testing.live import LiveCodex

_MAX_SHOWN = 20
_COLOURS = ("red", "green")
_SEVERAL_LOOKS = 4 * POLL_MS / 1000


def assert_exactly_once(sidecar: Sidecar, codex: LiveCodex, *, timeout: float = 5.0) -> None:
    """Each event that came to the sidecar, by hook or rollout, is one row, which says by which of them.

    Waits for the importer, and then some of its looks more, for what might come twice.
    """
    __tracebackhide__ = True
    eventually(lambda: not codex.judge(sidecar).problems, timeout)
    time.sleep(_SEVERAL_LOOKS)
    verdict = codex.judge(sidecar)
    if not verdict.problems:
        return
    said = [f"{verdict.events} events came to the sidecar, and not each of them is there exactly once:"]
    said += [f"  {problem}" for problem in verdict.problems[:_MAX_SHOWN]]
    if len(verdict.problems) > _MAX_SHOWN:
        said.append(f"  and {len(verdict.problems) - _MAX_SHOWN} more")
    raise AssertionError("\n".join(said))


def assert_proven(result: ProofResult) -> None:
    """The contract is red on the pristine tree and green on the patched one."""
    __tracebackhide__ = True
    if not result.ok:
        raise AssertionError(
            f"{result.contract.id} is not proven: {result.message}\n"
            f"  it says: {result.contract.summary}\n"
            f"  pristine, {_COLOURS[result.pristine.green]}: {result.pristine.said}\n"
            f"  patched, {_COLOURS[result.patched.green]}: {result.patched.said}"
        )
