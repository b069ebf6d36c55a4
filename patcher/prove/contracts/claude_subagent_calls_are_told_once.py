"""A sub-agent's tool call has one row for its beginning and one for its end, under the sub-agent that made it.

In every order: hooks and then the transcript, or the transcript first, also with a restart between the two; a sub-agent
that never stops, so that its transcript is never read; two sub-agents of one type at once; and a Claude Code whose
hooks do not name the sub-agent. One call in each transcript never had a hook: its rows come from the transcript.
"""

from collections import Counter
from collections.abc import Callable
from functools import partial

from patcher.prove.claude_subagent import ClaudeSubagent
from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.queries import settled
from patcher.prove.sidecar import Sidecar

_PATIENCE = 3.0
_HURRY = 0.5
_SESSION = "0c1a0de0-0000-4000-8000-{:012d}"
_PHASES = ("PreToolUse", "PostToolUse")


def _hooks_alone(sidecar: Sidecar, *agents: ClaudeSubagent) -> None:
    for agent in agents:
        agent.spawn(sidecar)
    for agent in agents:
        agent.write()  # it is there before the first call
    for call in ("one", "two"):
        for agent in agents:
            agent.begin(sidecar, f"{call}-{agent.name}")
        for agent in agents:
            agent.end(sidecar, f"{call}-{agent.name}")
            agent.calls.append(f"{call}-{agent.name}")


def _hooks_first(sidecar: Sidecar, *agents: ClaudeSubagent) -> None:
    _hooks_alone(sidecar, *agents)
    for agent in agents:
        _finish(sidecar, agent)


def _transcript_first(sidecar: Sidecar, agent: ClaudeSubagent, *, restart: bool = False) -> None:
    agent.spawn(sidecar)
    _finish(sidecar, agent)
    settled(lambda: [] if _rows(sidecar, agent) else ["nothing was imported"], _PATIENCE)
    if restart:
        sidecar.restart()
    for call in ("one", "two"):
        agent.begin(sidecar, f"{call}-{agent.name}")
        agent.end(sidecar, f"{call}-{agent.name}")


def _finish(sidecar: Sidecar, agent: ClaudeSubagent) -> None:
    agent.write(f"one-{agent.name}", f"two-{agent.name}", f"unheard-{agent.name}")
    agent.stop(sidecar)


_JOURNEYS: dict[str, tuple[Callable[..., None], int, bool]] = {
    "hooks first": (_hooks_first, 1, True),
    "one that never stops": (_hooks_alone, 1, True),
    "two at once": (_hooks_first, 2, True),
    "transcript first": (_transcript_first, 1, True),
    "a restart between": (partial(_transcript_first, restart=True), 1, True),
    "hooks that do not name it": (_hooks_first, 1, False),
    "such hooks after the transcript": (_transcript_first, 1, False),
}


def _observe(bed: TestBed) -> Observation:
    wrong: list[str] = []
    with bed.sidecar() as sidecar:
        for number, (name, (travel, count, knows)) in enumerate(_JOURNEYS.items()):
            agents = [
                ClaudeSubagent(
                    _SESSION.format(number), f"a{number}b{each}", sidecar.claude_home, f"agent {each}", knows=knows
                )
                for each in range(count)
            ]
            travel(sidecar, *agents)
            patience = _HURRY if wrong else _PATIENCE  # one that is wrong is enough; the others say more of it
            wrong += [f"{name}: {said}" for said in settled(partial(_problems, sidecar, agents), patience)]
    if wrong:
        return Observation(green=False, said="; ".join(wrong))
    return Observation(green=True, said=f"each call has one begin and one end, under its own: {', '.join(_JOURNEYS)}")


def _problems(sidecar: Sidecar, agents: list[ClaudeSubagent]) -> list[str]:
    found = []
    for agent in agents:
        rows = _rows(sidecar, agent)
        numbers = Counter((call, phase) for call, phase, _ in rows)
        for call in agent.calls:
            begins, ends = (numbers[call, phase] for phase in _PHASES)
            if (begins, ends) != (1, 1):
                found.append(f"{call} has {begins} and {ends} rows")
        strangers = sorted({owner for *_, owner in rows} - {agent.description})
        found += [f"rows of {agent.description} are under {owner}" for owner in strangers]
    return found


def _rows(sidecar: Sidecar, agent: ClaudeSubagent) -> list[tuple[str, str, str]]:
    """The rows of its calls: which call, the phase, and under whom."""
    rows = sidecar.rows(
        "SELECT json_extract(events.data, '$.tool_use_id') AS call, event_type, type, name FROM events"
        " JOIN agents ON agents.id = events.agent_id WHERE events.session_id = ? AND tool_name = 'Bash'",
        agent.session,
    )
    own = [row for row in rows if row["call"].endswith(f"-{agent.name}")]
    return [(row["call"], row["event_type"], "main" if row["type"] == "main" else row["name"]) for row in own]


CONTRACT = Contract(
    id="claude_subagent_calls_are_told_once",
    summary="A tool call of a Claude sub-agent is recorded once, under the sub-agent, whichever source comes first.",
    patches=("claude_subagent_once",),
    observe=_observe,
)
