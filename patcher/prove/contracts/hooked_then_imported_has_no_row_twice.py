"""Two sources, one row: hooks first, rollout first, or turn by turn, each logical event has one row that knows both.

The hook that got lost and the one that never existed have their row from the rollout. Where upstream has a route of its
own for hooks (v2.0.0 and later) they take that one, and the rows are those of the rollout alone, in upstream's words.
"""

import time
from collections.abc import Callable
from functools import partial

from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.queries import counted, events_of, settled
from patcher.prove.sample import SampleSession
from patcher.prove.sidecar import POLL_MS, Sidecar, eventually

_PATIENCE = 5.0
_SEVERAL_LOOKS = 5 * POLL_MS / 1000

Journey = Callable[[TestBed, Sidecar, SampleSession], None]


def _hooks_first(bed: TestBed, sidecar: Sidecar, codex: SampleSession) -> None:
    bed.send_hooks(codex.hooks, sidecar)
    if not bed.native:  # there a hook without a rollout has no row
        eventually(lambda: len(events_of(sidecar, codex.id)) >= len(codex.hooks), _PATIENCE)
    bed.write_rollout(codex.rollout_path, codex.rollout)


def _rollout_first(bed: TestBed, sidecar: Sidecar, codex: SampleSession) -> None:
    bed.write_rollout(codex.rollout_path, codex.rollout)
    settled(partial(_problems, bed, sidecar, codex, hooked=False), _PATIENCE)
    bed.send_hooks(codex.hooks, sidecar)


def _turn_by_turn(bed: TestBed, sidecar: Sidecar, codex: SampleSession) -> None:
    hook = next(at for at, payload in enumerate(codex.hooks) if payload["hook_event_name"] == "Stop")
    bed.send_hooks(codex.hooks[:hook], sidecar)
    bed.write_rollout(codex.rollout_path, codex.rollout[: codex.first_turn])
    time.sleep(_SEVERAL_LOOKS)
    bed.send_hooks(codex.hooks[hook:], sidecar)
    bed.write_rollout(codex.rollout_path, codex.rollout[codex.first_turn :])


_JOURNEYS: dict[str, Journey] = {
    "hooks first": _hooks_first,
    "rollout first": _rollout_first,
    "turn by turn": _turn_by_turn,
}


def _observe(bed: TestBed) -> Observation:
    wrong = []
    with bed.sidecar() as sidecar:
        travelled = {}
        for name, travel in _JOURNEYS.items():
            codex = SampleSession(name, codex_home=sidecar.codex_home)
            travel(bed, sidecar, codex)
            travelled[name] = codex
            if settled(partial(_problems, bed, sidecar, codex), _PATIENCE):
                break  # the others would only tell the same, slowly
        else:
            sidecar.restart()
            time.sleep(_SEVERAL_LOOKS)
        for name, codex in travelled.items():
            rows = len(events_of(sidecar, codex.id))
            problems = _problems(bed, sidecar, codex)
            if problems:
                happened = counted(codex.events, "event")
                wrong.append(
                    f"{name}, {happened} from two sources make {counted(rows, 'row')}: {'; '.join(problems[:4])}"
                )
    said = ". ".join(wrong) or f"{', '.join(_JOURNEYS)}: each event has one row"
    said += "" if wrong or bed.native else ", which says both where both sources told"
    return Observation(green=not wrong, said=said)


def _problems(bed: TestBed, sidecar: Sidecar, codex: SampleSession, *, hooked: bool = True) -> list[str]:
    events = events_of(sidecar, codex.id)
    return codex.native_problems(events) if bed.native else codex.problems(events, hooked=hooked, imported=True)


CONTRACT = Contract(
    id="hooked_then_imported_has_no_row_twice",
    summary="An event that both the hook and the rollout tell of has one row, whoever comes first.",
    patches=("record_hooks_once", "codex_rollouts"),
    observe=_observe,
)
