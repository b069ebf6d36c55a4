"""Where upstream monitors Codex itself, our handler's hooks feed its ingest, and nothing else (v2.0.0 and later).

Hooks first, rollout first, or turn by turn, each hook twice: the rows are those that upstream makes of the rollout,
in one Codex session with one agent.
"""

from functools import partial

from patcher.codex.records import Payload
from patcher.model import Line
from patcher.prove import journeys
from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.queries import counted, events_of, settled
from patcher.prove.sample import SampleSession
from patcher.prove.sidecar import Sidecar


def _send_twice(bed: TestBed, payloads: list[Payload], sidecar: Sidecar) -> None:
    """Send each hook by our handler, and again as the handler would: running it a second time would be slow."""
    for payload in payloads:
        bed.run_handlers([payload], sidecar)
        sidecar.post_hook(payload["hook_event_name"], {**payload, "__provider": "codex"})


def _hooks_first(bed: TestBed, sidecar: Sidecar, codex: SampleSession) -> None:
    bed.start_session(codex, sidecar)
    _send_twice(bed, codex.hooks, sidecar)
    bed.write_rollout(codex.rollout_path, codex.rollout[2:])


def _rollout_first(bed: TestBed, sidecar: Sidecar, codex: SampleSession) -> None:
    bed.write_rollout(codex.rollout_path, codex.rollout)
    settled(lambda: codex.native_problems(events_of(sidecar, codex.id)), journeys.TIMEOUT_S)
    _send_twice(bed, codex.hooks, sidecar)


def _turn_by_turn(bed: TestBed, sidecar: Sidecar, codex: SampleSession) -> None:
    hook = next(at for at, payload in enumerate(codex.hooks) if payload["hook_event_name"] == "Stop")
    bed.start_session(codex, sidecar)
    bed.write_rollout(codex.rollout_path, codex.rollout[2 : codex.first_turn])
    _send_twice(bed, codex.hooks[:hook], sidecar)
    bed.write_rollout(codex.rollout_path, codex.rollout[codex.first_turn :])
    _send_twice(bed, codex.hooks[hook:], sidecar)


_JOURNEYS: dict[str, journeys.Journey] = {
    "hooks first": _hooks_first,
    "rollout first": _rollout_first,
    "turn by turn": _turn_by_turn,
}


def _observe(bed: TestBed) -> Observation:
    with bed.sidecar() as sidecar:
        wrong = [
            f"{name}, {counted(len(events_of(sidecar, codex.id)), 'row')}: {'; '.join(problems[:4])}"
            for name, codex, problems in journeys.run_journeys(_JOURNEYS, bed, sidecar, partial(_problems, sidecar))
        ]
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
