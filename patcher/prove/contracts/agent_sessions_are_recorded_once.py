"""Sessions of Qwen Code, Copilot CLI and Gemini CLI: each event once, whether hooks or transcript report it first."""

import json
import os
from collections.abc import Callable, Sequence

from patcher.agents.judgement import problems
from patcher.agents.simulated import AGENTS, Hook, SimulatedAgent, Write, forwarded, writes
from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.queries import counted, harness_of, listed, settled
from patcher.prove.sidecar import Sidecar

_PATIENCE = 10.0


def _post(agent: SimulatedAgent, hook: Hook, sidecar: Sidecar) -> None:
    body = forwarded(agent.harness, hook.payload)
    if body:
        sidecar.post_hook(body["hook_type"], body["data"])


def _write(step: Write) -> None:
    os.makedirs(os.path.dirname(step.path), exist_ok=True)
    with open(step.path, "w" if step.whole else "a", encoding="utf-8") as file:
        file.write(step.text)


def _as_it_happens(agent: SimulatedAgent, sidecar: Sidecar) -> None:
    for step in agent.steps:
        if isinstance(step, Write):
            _write(step)
        else:
            _post(agent, step, sidecar)


def _hooks_first(agent: SimulatedAgent, sidecar: Sidecar) -> None:
    for step in agent.steps:
        if isinstance(step, Hook):
            _post(agent, step, sidecar)
    for write in writes(agent):
        _write(write)


def _transcript_alone(agent: SimulatedAgent, _: Sidecar) -> None:
    for write in writes(agent):
        _write(write)


_WAYS: Sequence[tuple[str, Callable[[SimulatedAgent, Sidecar], None], bool]] = (
    ("as it happens", _as_it_happens, True),
    ("hooks first", _hooks_first, True),
    ("transcript alone", _transcript_alone, False),
)


def _problems(agent: SimulatedAgent, sidecar: Sidecar, *, hooked: bool) -> list[str]:
    session = listed(sidecar).get(agent.id)
    if session is None:
        return ["it has no session"]
    hooks = [step for step in agent.steps if hooked and isinstance(step, Hook)]
    rows = sidecar.rows("SELECT event_type, data FROM events WHERE session_id = ?", agent.id)
    wrong = problems(agent, rows, hooks=hooks, imported=True)
    if session.get("harness") != agent.provider:
        wrong.insert(0, f"its harness is {harness_of(session)}")
    usage = sidecar.rows(
        "SELECT SUM(input_tokens) AS input, SUM(output_tokens) AS output FROM token_usage WHERE session_id = ?",
        agent.id,
    )
    if (usage[0]["input"], usage[0]["output"]) != agent.tokens:
        wrong.append(f"its tokens are {json.dumps(usage[0])}, not {agent.tokens}")
    if session.get("model") != agent.model:
        wrong.append(f"its model is {session.get('model')}")
    return wrong


def _observe(bed: TestBed) -> Observation:
    with bed.sidecar(env={"AGENT_POLL_MS": "100"}) as sidecar:
        played = []
        for kind in AGENTS:
            for way, travel, hooked in _WAYS:
                agent = kind(sidecar.home, seed=f"{kind.__name__} {way}")
                agent.play(turns=3)
                travel(agent, sidecar)
                played.append((agent, way, hooked))

        def problems_of_all() -> list[str]:
            found = [(agent, way, _problems(agent, sidecar, hooked=hooked)) for agent, way, hooked in played]
            return [f"{agent.harness.title}, {way}: {'; '.join(wrong[:3])}" for agent, way, wrong in found if wrong]

        wrong = settled(problems_of_all, _PATIENCE)
        sessions = len(listed(sidecar))
    if not wrong and sessions != len(played):
        wrong = [f"{counted(len(played), 'session')} are {sessions}"]
    said = ". ".join(wrong[:4]) or f"{counted(len(played), 'session')} of {len(AGENTS)} formats: each event has one row"
    return Observation(green=not wrong, said=said)


CONTRACT = Contract(
    id="agent_sessions_are_recorded_once",
    summary="Sessions of Qwen Code, Copilot CLI and Gemini CLI have each event once, from hooks, transcript, or both.",
    patches=("agent_sessions",),
    observe=_observe,
)
