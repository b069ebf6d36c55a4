"""Sessions whose hooks and rollout lines arrive in several orders, for contracts."""

import time
from collections.abc import Callable, Mapping
from functools import partial

from patcher.prove.contract import TestBed
from patcher.prove.queries import events_of, settled
from patcher.prove.sample import SampleSession
from patcher.prove.sidecar import SEVERAL_POLLS_S, Sidecar

TIMEOUT_S = 5.0
Journey = Callable[[TestBed, Sidecar, SampleSession], None]
"""Sends a session to a sidecar in one order."""


def problems_of(bed: TestBed, sidecar: Sidecar, codex: SampleSession, *, hooked: bool = True) -> list[str]:
    """The problems of the rows of a session whose rollout was written. hooked: its hooks were sent as well."""
    events = events_of(sidecar, codex.id)
    return codex.native_problems(events) if bed.native else codex.problems(events, hooked=hooked, imported=True)


def run_journeys(
    journeys: Mapping[str, Journey], bed: TestBed, sidecar: Sidecar, problems: Callable[[SampleSession], list[str]]
) -> list[tuple[str, SampleSession, list[str]]]:
    """Send one session by each journey, and check all of them after a restart.

    Returns name, session and problems of each session with problems. The first one ends the run without a restart:
    each further one would take `TIMEOUT_S`.
    """
    sessions = {}
    for name, send in journeys.items():
        codex = sessions[name] = SampleSession(name, codex_home=sidecar.codex_home)
        send(bed, sidecar, codex)
        if settled(partial(problems, codex), TIMEOUT_S):
            break
    else:
        sidecar.restart()
        time.sleep(SEVERAL_POLLS_S)
    return [(name, codex, found) for name, codex in sessions.items() if (found := problems(codex))]
