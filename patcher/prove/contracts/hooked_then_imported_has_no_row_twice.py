"""Two sources, one row: hooks first, rollout first, or turn by turn, each event has one row from both sources.

An event whose hook was lost or does not exist has its row from the rollout. Where upstream has its own route for hooks
(v2.0.0 and later), that is used, and the rows are those that upstream makes of the rollout alone.
"""

import time
from functools import partial

from patcher.prove import journeys
from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.queries import counted, events_of, settled
from patcher.prove.sample import SampleSession
from patcher.prove.sidecar import SEVERAL_POLLS_S, Sidecar, eventually


def _hooks_first(bed: TestBed, sidecar: Sidecar, codex: SampleSession) -> None:
    bed.send_hooks(codex.hooks, sidecar)
    if not bed.native:  # where upstream reads rollouts itself, a hook alone has no row
        eventually(lambda: len(events_of(sidecar, codex.id)) >= len(codex.hooks), journeys.TIMEOUT_S)
    bed.write_rollout(codex.rollout_path, codex.rollout)


def _rollout_first(bed: TestBed, sidecar: Sidecar, codex: SampleSession) -> None:
    bed.write_rollout(codex.rollout_path, codex.rollout)
    settled(partial(journeys.problems_of, bed, sidecar, codex, hooked=False), journeys.TIMEOUT_S)
    bed.send_hooks(codex.hooks, sidecar)


def _turn_by_turn(bed: TestBed, sidecar: Sidecar, codex: SampleSession) -> None:
    hook = next(at for at, payload in enumerate(codex.hooks) if payload["hook_event_name"] == "Stop")
    bed.send_hooks(codex.hooks[:hook], sidecar)
    bed.write_rollout(codex.rollout_path, codex.rollout[: codex.first_turn])
    time.sleep(SEVERAL_POLLS_S)
    bed.send_hooks(codex.hooks[hook:], sidecar)
    bed.write_rollout(codex.rollout_path, codex.rollout[codex.first_turn :])


_JOURNEYS: dict[str, journeys.Journey] = {
    "hooks first": _hooks_first,
    "rollout first": _rollout_first,
    "turn by turn": _turn_by_turn,
}


def _observe(bed: TestBed) -> Observation:
    wrong = []
    with bed.sidecar() as sidecar:
        for name, codex, problems in journeys.run_journeys(
            _JOURNEYS, bed, sidecar, partial(journeys.problems_of, bed, sidecar)
        ):
            events, rows = counted(codex.events, "event"), counted(len(events_of(sidecar, codex.id)), "row")
            wrong.append(f"{name}, {events} from two sources make {rows}: {'; '.join(problems[:4])}")
    said = ". ".join(wrong) or f"{', '.join(_JOURNEYS)}: each event has one row"
    said += "" if wrong or bed.native else ", which says both where both sources told"
    return Observation(green=not wrong, said=said)


CONTRACT = Contract(
    id="hooked_then_imported_has_no_row_twice",
    summary="An event that arrives by hook and by rollout has one row, whichever comes first.",
    patches=("record_hooks_once", "codex_rollouts"),
    observe=_observe,
)
