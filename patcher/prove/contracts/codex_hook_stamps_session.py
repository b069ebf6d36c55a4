"""A Codex hook makes a Codex session, within a second, wherever the session is shown."""

import time

from patcher.prove.codex_session import sample
from patcher.prove.contract import Bench, Contract, Observation
from patcher.prove.reading import harness_of, listed, session_of
from patcher.prove.sidecar import NotSeen

_SOON = 1.0
_PATIENCE = 5.0


def _observe(bench: Bench) -> Observation:
    with bench.sidecar() as sidecar:
        codex = sample("stamped", codex_home=sidecar.codex_home)
        bench.run_handlers(codex.hooks[:1], sidecar)
        sent = time.monotonic()
        shown = sidecar.wait_for(lambda: session_of(sidecar, codex.id), _PATIENCE, "the session of the hook")
        seconds = time.monotonic() - sent
        row = listed(sidecar).get(codex.id)
    if row is None:
        raise NotSeen("the list did not have the session that its own page shows")
    harnesses = {harness_of(shown), harness_of(row)}
    said = f"the session is there {seconds * 1000:.0f} ms after the hook, its `harness` is {' or '.join(harnesses)}"
    return Observation(green=harnesses == {"`codex`"} and seconds < _SOON, said=said)


CONTRACT = Contract(
    id="codex_hook_stamps_session",
    summary="A Codex hook stamps its session as Codex within a second, in the list and on its page.",
    patches=("stamp_harness",),
    observe=_observe,
)
