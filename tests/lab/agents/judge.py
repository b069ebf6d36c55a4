"""Whether the sidecar's rows are what the agent did: what its user typed and what the model asked for, each once."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from patcher.prove import Sidecar
from patcher.prove.queries import listed
from tests.lab.agents.agents import Agent
from tests.lab.agents.model_server import Served
from tests.lab.agents.scenarios import Scenario

Row = Mapping[str, Any]
ENDS = ("PostToolUse", "PostToolUseFailure")


@dataclass
class Found:
    """What is there. problems: empty when everything is as it must be."""

    calls: int = 0
    rows: int = 0
    twice: int = 0
    lost: int = 0
    sessions: int = 0
    problems: list[str] = field(default_factory=list)


def judge(
    agent: Agent, scenario: Scenario, served: Sequence[Served], sidecar: Sidecar, *, pristine: bool = False
) -> Found:
    """Look at the rows once. A pristine sidecar knows no harness."""
    events = sidecar.rows("SELECT * FROM events ORDER BY id")
    kinds = {row["id"]: row["type"] for row in sidecar.rows("SELECT id, type FROM agents")}
    found = Found(rows=len(events))
    _calls(found, scenario, served, events, kinds)
    _prompts(found, scenario, events)
    _sessions(found, agent, sidecar, pristine=pristine)
    if agent.has_tokens:
        _tokens(found, served, sidecar)
    return found


def _calls(found: Found, scenario: Scenario, served: Sequence[Served], events: Sequence[Row], kinds: Row) -> None:
    asked: Counter[tuple[str, bool]] = Counter()
    deeds = {deed.marker for script in scenario.scripts.values() for step in script for deed in step}
    for each in served:
        for call in each.calls:
            marker = _marker(deeds, call.arguments)
            asked[marker, bool(scenario.child_word) and each.word == scenario.child_word] += 1
    found.calls = asked.total()
    for (marker, of_child), number in asked.items():
        where = f"{marker!r}{' of the sub-agent' if of_child else ''}"
        rows = [row for row in events if _input_of(row) and _marker(deeds, _input_of(row)) == marker]
        begun = [row for row in rows if row["event_type"] == "PreToolUse"]
        ended = [row for row in rows if row["event_type"] in ENDS]
        for name, some, least in (("begins", begun, number), ("ends", ended, number if scenario.ends else 0)):
            found.twice += max(0, len(some) - number)
            found.lost += max(0, least - len(some))
            if not least <= len(some) <= number:
                found.problems.append(f"the call {where} {name} {len(some)} times, not {number}: {_roads(some, kinds)}")
        wanted = "subagent" if of_child else "main"
        spawns = marker.startswith(scenario.child_word or "\0")  # upstream tells of that under the sub-agent
        wrong = [row for row in rows if kinds.get(row["agent_id"]) != wanted and not spawns]
        if wrong and len(rows) <= 2 * number:  # one that is there twice is said above, with its agents
            found.problems.append(f"the call {where} is not of its agent: {_roads(wrong, kinds)}")
    named = Counter((row["event_type"], _data(row).get("tool_use_id")) for row in events if _input_of(row))
    again = [key for key, number in named.items() if key[1] and number > 1]
    found.problems += [f"{event} of the call {id_} has {named[event, id_]} rows" for event, id_ in again]


def _marker(deeds: Iterable[str], arguments: object) -> str:
    text = json.dumps(arguments, ensure_ascii=False)
    return max((deed for deed in deeds if deed in text), key=len, default="")


def _roads(rows: Sequence[Row], kinds: Row) -> str:
    said = (
        f"{row['event_type']} under {kinds.get(row['agent_id'], 'no agent')}"
        f"{' imported' if _data(row).get('imported') else ''} {row.get('capture') or ''}".strip()
        for row in rows
    )
    return "; ".join(said) or "no row"


def _data(row: Row) -> dict[str, Any]:
    try:
        data = json.loads(row["data"] or "{}")
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _input_of(row: Row) -> object:
    return _data(row).get("tool_input") if "Tool" in row["event_type"] else None


def _prompts(found: Found, scenario: Scenario, events: Sequence[Row]) -> None:
    typed = Counter(scenario.prompts)
    there = Counter(str(_data(row).get("prompt")) for row in events if row["event_type"] == "UserPromptSubmit")
    if typed != there:
        found.twice += (there - typed).total()
        found.lost += (typed - there).total()
        found.problems.append(f"the prompts are {dict(there)}, not {dict(typed)}")


def _sessions(found: Found, agent: Agent, sidecar: Sidecar, *, pristine: bool) -> None:
    rows = listed(sidecar, "limit=1000")
    found.sessions = len(rows)
    if len(rows) != 1:
        found.problems.append(f"there are {len(rows)} sessions, not 1: {sorted(rows)}")
    models = {str(row.get("model")) for row in rows.values()}
    if models != {agent.model}:
        found.problems.append(f"the session's model is {sorted(models)}, not {agent.model}")
    if pristine:
        return
    under = listed(sidecar, f"limit=1000&harness={agent.provider}")
    if set(under) != set(rows):
        found.problems.append(f"?harness={agent.provider} lists {sorted(under)}, not {sorted(rows)}")
    other = "codex" if agent.provider != "codex" else "claude"
    if elsewhere := listed(sidecar, f"limit=1000&harness={other}"):
        found.problems.append(f"?harness={other} lists {sorted(elsewhere)}")


def _tokens(found: Found, served: Sequence[Served], sidecar: Sidecar) -> None:
    columns = ("input_tokens", "cache_read_tokens", "output_tokens")
    total: Counter[str] = Counter()
    for row in sidecar.rows("SELECT * FROM token_usage"):
        total.update({name: row[name] for name in columns})
    there = tuple(total[name] for name in columns)
    cost = (
        sum(each.usage.input for each in served),
        sum(each.usage.cached for each in served),
        sum(each.usage.output for each in served),
    )
    if there != cost:
        found.problems.append(f"its tokens (fresh, cached, output) are {there}, not {cost}")
