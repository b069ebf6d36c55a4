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
from tests.lab.agents.roads import Road
from tests.lab.agents.scenarios import Run
from tests.lab.agents.stage import Stage

Row = Mapping[str, Any]
ENDS = ("PostToolUse", "PostToolUseFailure")
_BEGINNINGS = {"PreToolUse", "BeforeTool"}


@dataclass
class Found:
    """What is there. problems: empty when everything is as it must be."""

    calls: int = 0
    rows: int = 0
    twice: int = 0
    lost: int = 0
    sessions: int = 0
    problems: list[str] = field(default_factory=list)


def judge(run: Run, stage: Stage, *, pristine: bool = False) -> Found:
    """Look at the rows once. A pristine sidecar knows no harness."""
    sidecar = stage.sidecar
    found = Found()
    agent, road = run.agent, run.road
    calls = _Calls.read(run, stage)
    events = sidecar.rows("SELECT * FROM events ORDER BY id")
    kinds = {row["id"]: row["type"] for row in sidecar.rows("SELECT id, type FROM agents")}
    found.rows = len(events)
    roads = {row["capture"] for row in events if row.get("capture")}  # the v2 line says it of Codex alone
    if road.hooks and roads and not roads & {"hook", "both"}:
        found.problems.append("no hook has reached the sidecar")
    calls.compare(found, events, kinds)
    _prompts(found, run, events)
    main = [each for each in stage.model.served if each.word != run.scenario.child_word]
    _sessions(found, agent, road, sidecar, {agent.named(each.model) for each in main}, pristine=pristine)
    if road.transcript and not agent.upstreams_own:
        silent = not agent.tells_of_children(run.version)  # or for a moment only: while the sub-agent is at work
        _tokens(found, [stage.model.served, *([main] if silent else [])], sidecar)
    return found


@dataclass
class _Calls:
    """The calls that the model has asked for, by their marker and whether a sub-agent's script has it.

    told: how often hooks have told of the beginning and the end of each.
    """

    run: Run
    markers: frozenset[str]
    asked: Counter[tuple[str, bool]]
    told: Counter[tuple[str, bool]]

    @classmethod
    def read(cls, run: Run, stage: Stage) -> "_Calls":
        deeds = (deed for script in run.scenario.scripts.values() for step in script for deed in step)
        markers = frozenset(deed.marker for deed in deeds if deed.marker)
        asked: Counter[tuple[str, bool]] = Counter()
        for each in stage.model.served:
            for call in each.calls:
                if marker := _marker(markers, call.arguments):
                    asked[marker, bool(run.scenario.child_word) and each.word == run.scenario.child_word] += 1
        recorded = ((entry["event"], entry["stdin"].get("tool_input")) for entry in stage.recorded())
        told = Counter((_marker(markers, given), event in _BEGINNINGS) for event, given in recorded if given)
        return cls(run, markers, asked, told)

    def compare(self, found: Found, events: Sequence[Row], kinds: Row) -> None:
        found.calls = self.asked.total()
        told_apart = self._told_apart()
        for (marker, of_child), number in told_apart.items():
            where = f"{marker!r}{' of the sub-agent' if of_child else ''}"
            rows = [row for row in events if _input_of(row) and _marker(self.markers, _input_of(row)) == marker]
            wanted = "subagent" if of_child else "main"
            if (marker, not of_child) in told_apart:  # both have made this call: what is not of the one is of the other
                rows = [row for row in rows if (kinds.get(row["agent_id"]) == "subagent") == of_child]
            for begins, names in ((True, ("PreToolUse",)), (False, ENDS)):
                some = [row for row in rows if row["event_type"] in names]
                least = self._least(marker, number, begins=begins, of_child=of_child)
                found.twice += max(0, len(some) - number)
                found.lost += max(0, least - len(some))
                if not least <= len(some) <= number:
                    does = "begins" if begins else "ends"
                    found.problems.append(
                        f"the call {where} {does} {len(some)} times, not {number}: {_roads(some, kinds)}"
                    )
            free = marker.startswith(self.run.scenario.child_word or "\0")  # upstream tells of that under the sub-agent
            free = free or not self._is_in_transcript(of_child=of_child)  # some agents' hooks do not say whose it is
            wrong = [row for row in rows if kinds.get(row["agent_id"]) != wanted and not free]
            if wrong and len(rows) <= 2 * number:  # one that is there twice is said above, with its agents
                found.problems.append(f"the call {where} is not of its agent: {_roads(wrong, kinds)}")
        named = Counter((row["event_type"], _data(row).get("tool_use_id")) for row in events if _input_of(row))
        again = [key for key, number in named.items() if key[1] and number > 1]
        found.problems += [f"{event} of the call {id_} has {named[event, id_]} rows" for event, id_ in again]
        if self.run.agent.upstreams_own:  # its importer's rows do not name their calls: each may be a second one
            blind = [row for row in events if row["event_type"] in {"PreToolUse", *ENDS} and not _input_of(row)]
            found.problems += [f"a row does not say of which call it is: {_roads(blind, kinds)}"] if blind else []

    def _told_apart(self) -> Counter[tuple[str, bool]]:
        """The calls. Where nothing says whose a call is, one that both have made is the main agent's."""
        if self._is_in_transcript(of_child=True):
            return self.asked
        main = {marker for marker, of_child in self.asked if not of_child}
        merged: Counter[tuple[str, bool]] = Counter()
        for (marker, of_child), number in self.asked.items():
            merged[marker, of_child and marker not in main] += number
        return merged

    def _is_in_transcript(self, *, of_child: bool) -> bool:
        agent, version = self.run.agent, self.run.version
        if agent.upstreams_own:  # its hooks name the transcript, wherever that is
            return True
        return self.run.road.transcript and (not of_child or agent.tells_of_children(version))

    def _least(self, marker: str, number: int, *, begins: bool, of_child: bool) -> int:
        """How many rows there must be. A call that was cut has no end, and some transcripts do not tell of it at all."""
        road = self.run.road
        if not self._is_in_transcript(of_child=of_child):
            return 0 if road.killed else min(number, self.told[marker, begins])
        number = self.asked[marker, of_child]  # of those that were merged, the transcript tells the main agent's
        if self.run.scenario.ends:
            return number
        return number if begins and road.hooks and not road.killed else 0


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


def _prompts(found: Found, run: Run, events: Sequence[Row]) -> None:
    is_reported = run.road.transcript or run.agent.reports_prompts
    typed = Counter(run.scenario.prompts if is_reported else [])
    there = Counter(str(_data(row).get("prompt")) for row in events if row["event_type"] == "UserPromptSubmit")
    if typed != there:
        found.twice += (there - typed).total()
        found.lost += (typed - there).total()
        found.problems.append(f"the prompts are {dict(there)}, not {dict(typed)}")


def _sessions(found: Found, agent: Agent, road: Road, sidecar: Sidecar, asked: set[str], *, pristine: bool) -> None:
    """One session, under its harness. asked: the models that it has asked: a version may choose another than ours."""
    rows = listed(sidecar, "limit=1000")
    found.sessions = len(rows)
    if len(rows) != 1:
        found.problems.append(f"there are {len(rows)} sessions, not 1: {sorted(rows)}")
    models = {str(row.get("model")) for row in rows.values()}
    if not (len(models) == 1 and models <= asked) and road.transcript:
        found.problems.append(f"the session's model is {sorted(models)}, not {' or '.join(sorted(asked))}")
    if pristine:
        return
    under = listed(sidecar, f"limit=1000&harness={agent.provider}")
    if set(under) != set(rows):
        found.problems.append(f"?harness={agent.provider} lists {sorted(under)}, not {sorted(rows)}")
    other = "codex" if agent.provider != "codex" else "claude"
    if elsewhere := listed(sidecar, f"limit=1000&harness={other}"):
        found.problems.append(f"?harness={other} lists {sorted(elsewhere)}")


def _tokens(found: Found, wanted: Sequence[Sequence[Served]], sidecar: Sidecar) -> None:
    """The session's tokens are what these answers cost, or those."""
    columns = ("input_tokens", "cache_read_tokens", "output_tokens")
    total: Counter[str] = Counter()
    for row in sidecar.rows("SELECT * FROM token_usage"):
        total.update({name: row[name] for name in columns})
    there = tuple(total[name] for name in columns)
    costs = [_cost(served) for served in wanted]
    if there not in costs:
        found.problems.append(f"its tokens (fresh, cached, output) are {there}, not {' or '.join(map(str, costs))}")


def _cost(served: Sequence[Served]) -> tuple[int, int, int]:
    usages = [each.usage for each in served]
    return sum(each.input for each in usages), sum(each.cached for each in usages), sum(each.output for each in usages)
