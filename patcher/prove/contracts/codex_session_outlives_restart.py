"""An active Codex session is still active when the sidecar comes back, though no `claude` runs in its directory.

From v1.4.0 on, upstream looks for such processes when it starts, and closes the sessions that have none.
"""

from patcher.prove.codex_session import sample
from patcher.prove.contract import Bench, Contract, Observation
from patcher.prove.reading import events_of, harness_of, session_of
from patcher.prove.sidecar import NotSeen, Sidecar, eventually

_AS_ON_A_HOST = {"CCAM_FORCE_HOST": "1"}
"""Inside a container upstream does not look for processes; this is its own switch for "do"."""

_LOOKS = 2.0
"""How long a look for processes at the start may take, in seconds."""


def _observe(bench: Bench) -> Observation:
    with bench.sidecar(env=_AS_ON_A_HOST) as sidecar:
        codex = sample("restarted", codex_home=sidecar.codex_home, cwd=sidecar.home)
        bench.run_handlers(codex.hooks[:3], sidecar)
        sidecar.wait_for(lambda: len(events_of(sidecar, codex.id)) == 3, 5, "the rows of three hooks")
        sidecar.restart()
        eventually(lambda: _closed(sidecar, codex.id), _LOOKS)
        session = session_of(sidecar, codex.id)
        ends = sum(event["event_type"] == "SessionEnd" for event in events_of(sidecar, codex.id))
    if session is None:
        raise NotSeen("the session is gone after a restart")
    closed = "with a SessionEnd that nobody sent" if ends else "without a SessionEnd"
    said = f"after a restart the session is {session['status']}, {closed}; its `harness` is {harness_of(session)}"
    return Observation(green=session["status"] == "active" and not ends and harness_of(session) == "`codex`", said=said)


def _closed(sidecar: Sidecar, session_id: str) -> bool:
    session = session_of(sidecar, session_id)
    return session is not None and session["status"] != "active"


CONTRACT = Contract(
    id="codex_session_outlives_restart",
    summary="An active Codex session stays active over a restart of the sidecar.",
    patches=("stamp_harness",),
    observe=_observe,
)
