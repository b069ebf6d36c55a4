"""Where upstream monitors Codex itself, our handler's hooks feed that, and nothing else (v2.0.0 and later).

Hooks first, rollout first, or turn by turn, each hook twice: the rows are those that upstream makes of the rollout,
in one session with one agent, and nothing looks like Claude's.
"""

import time
from collections.abc import Callable
from functools import partial

from patcher.codex.records import Payload
from patcher.model import Line
from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.queries import counted, events_of, settled
from patcher.prove.sample import SampleSession
from patcher.prove.sidecar import POLL_MS, Sidecar

_PATIENCE = 5.0
_SEVERAL_LOOKS = 5 * POLL_MS / 1000

Journey = Callable[[TestBed, Sidecar, SampleSession], None]


def _send_twice(bed: TestBed, payloads: list[Payload], sidecar: Sidecar) -> None:
    """Each hook by our handler, and once more in its words: a second handler would only take its time."""
    for payload in payloads:
        bed.run_handlers([payload], sidecar)
        sidecar.post_hook(payload["hook_event_name"], {**payload, "__provider": "codex"})


def _hooks_first(bed: TestBed, sidecar: Sidecar, codex: SampleSession) -> None:
    bed.start_session(codex, sidecar)
    _send_twice(bed, codex.hooks, sidecar)
    bed.write_rollout(codex.rollout_path, codex.rollout[2:])


def _rollout_first(bed: TestBed, sidecar: Sidecar, codex: SampleSession) -> None:
    bed.write_rollout(codex.rollout_path, codex.rollout)
    settled(lambda: codex.native_problems(events_of(sidecar, codex.id)), _PATIENCE)
    _send_twice(bed, codex.hooks, sidecar)


def _turn_by_turn(bed: TestBed, sidecar: Sidecar, codex: SampleSession) -> None:
    hook = next(at for at, payload in enumerate(codex.hooks) if payload["hook_event_name"] == "Stop")
    bed.start_session(codex, sidecar)
    bed.write_rollout(codex.rollout_path, codex.rollout[2 : codex.first_turn])
    _send_twice(bed, codex.hooks[:hook], sidecar)
    bed.write_rollout(codex.rollout_path, codex.rollout[codex.first_turn :])
    _send_twice(bed, codex.hooks[hook:], sidecar)


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
            codex = travelled[name] = SampleSession(f"native, {name}", codex_home=sidecar.codex_home)
            travel(bed, sidecar, codex)
            if settled(partial(_problems, sidecar, codex), _PATIENCE):
                break  # the others would only tell the same, slowly
        else:
            sidecar.restart()
            time.sleep(_SEVERAL_LOOKS)
        for name, codex in travelled.items():
            problems = _problems(sidecar, codex)
            if problems:
                rows = counted(len(events_of(sidecar, codex.id)), "row")
                wrong.append(f"{name}, {rows}: {'; '.join(problems[:4])}")
    said = ". ".join(wrong) or f"{', '.join(_JOURNEYS)}: the rows of the rollout alone, each once, and one agent"
    return Observation(green=not wrong, said=said)


def _problems(sidecar: Sidecar, codex: SampleSession) -> list[str]:
    agents = [row["id"] for row in sidecar.rows("SELECT id FROM agents WHERE session_id = ?", codex.id)]
    provider = [row["provider"] for row in sidecar.rows("SELECT provider FROM sessions WHERE id = ?", codex.id)]
    said = [] if provider == ["codex"] else [f"the `provider` of its sessions is {', '.join(provider) or 'absent'}"]
    said += [] if agents == [f"codex:{codex.id}"] else [f"it has {counted(len(agents), 'agent')}, not upstream's one"]
    return said + codex.native_problems(events_of(sidecar, codex.id))


CONTRACT = Contract(
    id="codex_hooks_feed_native_ingest",
    summary="What our handler sends feeds upstream's own Codex sessions, and adds no row and no agent of its own.",
    patches=("stamp_harness",),
    observe=_observe,
    line=Line.V2,
)
