"""A Codex hook makes a Codex session, within a second, in the list and on its page.

Where upstream reads rollouts itself, its timer is off here, so that only the hook can make the session.
"""

import time

from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.queries import harness_of, listed, session_of
from patcher.prove.sample import SampleSession
from patcher.prove.sidecar import NotSeen

_MAX_DELAY_S = 1.0
_PATIENCE = 5.0
_TIMER_OFF = {"DASHBOARD_CODEX_SYNC_MS": "0"}
_FIRST_LOOK = 0.6
"""Upstream (v2.0.0 and later) always reads rollouts once, 0.3 s after its start."""


def _observe(bed: TestBed) -> Observation:
    with bed.sidecar(env=_TIMER_OFF) as sidecar:
        codex = SampleSession("stamped", codex_home=sidecar.codex_home)
        time.sleep(_FIRST_LOOK if bed.native else 0)
        bed.start_session(codex, sidecar)
        sent = time.monotonic()
        shown = sidecar.wait_for(lambda: session_of(sidecar, codex.id), _PATIENCE, "the session of the hook")
        seconds = time.monotonic() - sent
        row = listed(sidecar).get(codex.id)
    if row is None:
        raise NotSeen("the list did not have the session that its own page shows")
    harnesses = {harness_of(shown), harness_of(row)}
    said = f"the session is there {seconds * 1000:.0f} ms after the hook, its `harness` is {' or '.join(harnesses)}"
    return Observation(green=harnesses == {"`codex`"} and seconds < _MAX_DELAY_S, said=said)


CONTRACT = Contract(
    id="codex_hook_stamps_session",
    summary="A Codex hook stamps its session as Codex within a second, in the list and on its page.",
    patches=("stamp_harness",),
    observe=_observe,
)
