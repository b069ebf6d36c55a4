"""Two roads, one row: hooks first, rollout first, or turn by turn, each logical event has one row that knows both.

The hook that got lost and the one that never existed have their row from the rollout. Where upstream has a road of its
own for hooks (v2.0.0 and later) they take that one, and the rows are those of the rollout alone, in upstream's words.
"""

import time
from collections.abc import Callable

from patcher.prove.codex_session import CodexSession, sample
from patcher.prove.contract import Bench, Contract, Observation
from patcher.prove.reading import counted, events_of
from patcher.prove.sidecar import POLL_MS, Sidecar, eventually

_PATIENCE = 5.0
_SEVERAL_LOOKS = 5 * POLL_MS / 1000

Journey = Callable[[Bench, Sidecar, CodexSession], None]


def _hooks_first(bench: Bench, sidecar: Sidecar, codex: CodexSession) -> None:
    bench.tell(codex.hooks, sidecar)
    if not bench.native:  # there a hook without a rollout has no row
        eventually(lambda: len(events_of(sidecar, codex.id)) >= len(codex.hooks), _PATIENCE)
    bench.write_rollout(codex.rollout_path, codex.rollout)


def _rollout_first(bench: Bench, sidecar: Sidecar, codex: CodexSession) -> None:
    bench.write_rollout(codex.rollout_path, codex.rollout)
    eventually(lambda: not _problems(bench, sidecar, codex, hooked=False), _PATIENCE)
    bench.tell(codex.hooks, sidecar)


def _turn_by_turn(bench: Bench, sidecar: Sidecar, codex: CodexSession) -> None:
    hook = next(at for at, payload in enumerate(codex.hooks) if payload["hook_event_name"] == "Stop")
    line = next(at for at, row in enumerate(codex.rollout) if row["payload"].get("type") == "task_complete")
    bench.tell(codex.hooks[:hook], sidecar)
    bench.write_rollout(codex.rollout_path, codex.rollout[: line + 1])
    time.sleep(_SEVERAL_LOOKS)
    bench.tell(codex.hooks[hook:], sidecar)
    bench.write_rollout(codex.rollout_path, codex.rollout[line + 1 :])


_JOURNEYS: dict[str, Journey] = {
    "hooks first": _hooks_first,
    "rollout first": _rollout_first,
    "turn by turn": _turn_by_turn,
}


def _observe(bench: Bench) -> Observation:
    wrong = []
    with bench.sidecar() as sidecar:
        travelled = {}
        for name, travel in _JOURNEYS.items():
            codex = sample(name, codex_home=sidecar.codex_home)
            travel(bench, sidecar, codex)
            eventually(lambda codex=codex: not _problems(bench, sidecar, codex), _PATIENCE)  # type: ignore[misc]
            travelled[name] = codex
            if _problems(bench, sidecar, codex):
                break  # the others would only tell the same, slowly
        else:
            sidecar.restart()
            time.sleep(_SEVERAL_LOOKS)
        for name, codex in travelled.items():
            rows = len(events_of(sidecar, codex.id))
            problems = _problems(bench, sidecar, codex)
            if problems:
                happened = counted(len(codex.truth), "event")
                wrong.append(f"{name}, {happened} on two roads give {counted(rows, 'row')}: {'; '.join(problems[:4])}")
    said = ". ".join(wrong) or f"{', '.join(_JOURNEYS)}: each event has one row"
    said += "" if wrong or bench.native else ", which says both where both roads told"
    return Observation(green=not wrong, said=said)


def _problems(bench: Bench, sidecar: Sidecar, codex: CodexSession, *, hooked: bool = True) -> list[str]:
    events = events_of(sidecar, codex.id)
    return codex.native_problems(events) if bench.native else codex.problems(events, hooked=hooked, imported=True)


CONTRACT = Contract(
    id="hooked_then_imported_has_no_row_twice",
    summary="An event that both the hook and the rollout tell of has one row, whoever comes first.",
    patches=("capture_columns", "record_hooks_once", "codex_rollouts"),
    observe=_observe,
)
