"""An active Codex session stays active over a restart of the sidecar, while a `codex` runs in its directory.

Since v1.4.0 upstream looks for `claude` processes when it starts, and closes sessions without one. Since v2.0.0 it also
looks for `codex` processes, for Codex sessions.
"""

import contextlib
import subprocess
from collections.abc import Iterator

from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.queries import events_of, harness_of, session_of
from patcher.prove.sample import SampleSession
from patcher.prove.sidecar import NotSeen, Sidecar, eventually

_AS_ON_A_HOST = {"CCAM_FORCE_HOST": "1"}
"""Upstream's own switch to look for processes, which it does not do in a container."""

_LOOKS = 2.0
"""Maximum duration of that search at the start, in seconds."""


def _observe(bed: TestBed) -> Observation:
    with bed.sidecar(env=_AS_ON_A_HOST) as sidecar:
        codex = SampleSession("restarted", codex_home=sidecar.codex_home, cwd=sidecar.home)
        with _running_codex(bed, sidecar.home):
            bed.start_session(codex, sidecar)
            bed.run_handlers(codex.hooks[1:3], sidecar)
            rows = 1 if bed.native else 3
            sidecar.wait_for(lambda: len(events_of(sidecar, codex.id)) >= rows, 5, "the rows of three hooks")
            sidecar.restart()
            eventually(lambda: _closed(sidecar, codex.id), _LOOKS)
        session = session_of(sidecar, codex.id)
        ends = sum(event["event_type"] == "SessionEnd" for event in events_of(sidecar, codex.id))
    if session is None:
        raise NotSeen("the session is gone after a restart")
    closed = "with a SessionEnd that nobody sent" if ends else "without a SessionEnd"
    said = f"after a restart the session is {session['status']}, {closed}; its `harness` is {harness_of(session)}"
    return Observation(green=session["status"] == "active" and not ends and harness_of(session) == "`codex`", said=said)


@contextlib.contextmanager
def _running_codex(bed: TestBed, directory: str) -> Iterator[None]:
    """Run a process that `ps` shows as `codex`, in this directory."""
    process = subprocess.Popen(
        ["codex", "-e", "setTimeout(() => {}, 600000)"],
        executable=bed.node.path,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _closed(sidecar: Sidecar, session_id: str) -> bool:
    session = session_of(sidecar, session_id)
    return session is not None and session["status"] != "active"


CONTRACT = Contract(
    id="codex_session_outlives_restart",
    summary="An active Codex session stays active over a restart of the sidecar.",
    patches=("stamp_harness",),
    observe=_observe,
)
