"""With hooks off, the rollout file alone records every event once: while it grows, when touched, and after a restart.

Where upstream does it itself (v2.0.0 and later), with its own event types and the `provider` of the session.
"""

import os
import time
from functools import partial

from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.journeys import problems_of
from patcher.prove.queries import counted, events_of, session_of, settled
from patcher.prove.sample import SampleSession
from patcher.prove.sidecar import SEVERAL_POLLS_S, Sidecar, eventually

_PATIENCE = 5.0


def _observe(bed: TestBed) -> Observation:
    with bed.sidecar() as sidecar:
        codex = SampleSession("unhooked", codex_home=sidecar.codex_home)
        half = len(codex.rollout) // 2
        bed.write_rollout(codex.rollout_path, codex.rollout[:half])
        if not eventually(lambda: session_of(sidecar, codex.id), _PATIENCE):
            said = f"{_PATIENCE:g} s after the first half of a rollout was written there is no such session"
            return Observation(green=False, said=said)
        bed.write_rollout(codex.rollout_path, codex.rollout[half:])
        problems = {"": settled(partial(problems_of, bed, sidecar, codex, hooked=False), _PATIENCE)}
        if not problems[""]:
            os.utime(codex.rollout_path)
            problems["after the file was touched"] = _still(bed, sidecar, codex)
            sidecar.restart()
            problems["after a restart"] = _still(bed, sidecar, codex)
        session = session_of(sidecar, codex.id)
        events = events_of(sidecar, codex.id)
    if session is None:
        return Observation(green=False, said="the session of the rollout is gone after a restart")
    said = f"a rollout of {counted(codex.events, 'event')} makes {counted(len(events), 'row')}"
    wrong = [f"{when} {problem}".strip() for when, found in problems.items() for problem in found]
    column = "provider" if bed.native else "harness"
    whose = session.get(column, "absent")
    said += f", its session's `{column}` is `{whose}`; {'; '.join(wrong[:3]) or 'each event has its row'}"
    return Observation(green=not wrong and whose == "codex", said=said)


def _still(bed: TestBed, sidecar: Sidecar, codex: SampleSession) -> list[str]:
    time.sleep(SEVERAL_POLLS_S)
    return problems_of(bed, sidecar, codex, hooked=False)


CONTRACT = Contract(
    id="rollout_alone_is_recorded_once",
    summary="A rollout file without any hook makes a Codex session with one row for each event.",
    patches=("codex_rollouts",),
    observe=_observe,
)
