"""Rows of the database against what really happened: rows that are there twice, lost, or of the wrong capture.

Rows are judged by the identifiers in their `data`, never by the key that the ledger gave them.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from patcher.codex.records import Event, Identity

_TOOLS = ("PreToolUse", "PostToolUse")
_FIRST_STARTS = ("startup", "fork", "clear")


@dataclass
class Judgement:
    """How the database differs from what arrived. Empty lists: not at all.

    tokens: sessions whose totals are not what their threads' responses cost. facts: what is wrong of a session.

    repeated: second rows of events that have no identifier, one a delivery. merged: equal prompts of one turn that
    only hooks told of, which are one row until the rollout is read. Both are known, and are not failures.
    """

    events: int = 0
    rows: int = 0
    twice: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    misnamed: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    repeated: int = 0
    merged: int = 0

    @property
    def problems(self) -> list[str]:
        """Everything that is wrong, as sentences."""
        return [*self.twice, *self.lost, *self.misnamed, *self.tokens, *self.facts]


def identity_of(row: Mapping[str, Any]) -> Identity:
    """The identity of the event that a row is about, as its `data` tells it."""
    data = _data_of(row)
    session, kind = str(row["session_id"]), str(row["event_type"])
    thread = str(data.get("agent_id") or session)
    prompt = str(data.get("prompt", "")) if kind == "UserPromptSubmit" else ""
    if kind in _TOOLS:
        mark = data.get("tool_use_id")
    elif kind == "SessionStart":
        mark = "first" if data.get("source") in _FIRST_STARTS else data.get("source")
    elif kind in {"SessionEnd", "SubagentStart"}:
        mark = ""
    else:
        mark = data.get("turn_id")
    return (session, kind, thread, str(mark or ""), prompt)


def judge(
    events: Sequence[Event],
    rows: Iterable[Mapping[str, Any]],
    *,
    delivered: Mapping[int, int],
    told: Collection[int],
    doubtful: Mapping[int, int] | None = None,
) -> Judgement:
    """Compare rows with what hooks and rollout together have told.

    delivered: how often the hook of an event arrived, by its index. told: events whose rollout line is in the file.
    doubtful: as `delivered`, but the sidecar was killed before it answered: the row may be there or not.
    """
    verdict = Judgement(events=len({*told, *(index for index, times in delivered.items() if times)}))
    groups: dict[Identity, list[Event]] = defaultdict(list)
    found: dict[Identity, list[str]] = defaultdict(list)
    several = _several(events)
    for event in events:
        groups[_in_turn(event.identity, event.turn, several)].append(event)
    for row in rows:
        verdict.rows += 1
        turn = str(_data_of(row).get("turn_id") or "")
        found[_in_turn(identity_of(row), turn, several)].append(str(row.get("capture") or "no capture"))
    arrived = (delivered, doubtful or {})
    shown = _shown(events, {*told, *(index for by in arrived for index, times in by.items() if times)})
    for identity, group in groups.items():
        captures: Counter[str] = Counter(found.pop(identity, []))
        if group[0].script:
            _compare_scripts(verdict, group, captures, told, needed=not any(by for by in arrived), shown=shown)
        else:
            _compare(verdict, group, captures, arrived, told)
    for (_, kind, thread, mark, _), rest in found.items():
        verdict.twice.append(
            f"{kind} of {mark or thread} has {count_of_rows(len(rest))}, and never happened in its session"
        )
    return verdict


def _several(events: Iterable[Event]) -> set[Identity]:
    """The calls whose number other turns of their thread have too: the turn tells them apart."""
    turns: dict[Identity, set[str]] = defaultdict(set)
    for event in events:
        if event.event_type in _TOOLS:
            turns[event.identity].add(event.turn)
    return {identity for identity, of in turns.items() if len(of) > 1}


def _in_turn(identity: Identity, turn: str, several: Collection[Identity]) -> Identity:
    return (*identity[:3], f"{identity[3]} of {turn}", identity[4]) if identity in several else identity


def _data_of(row: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return dict(json.loads(row["data"] or "{}"))
    except ValueError:
        return {}


def _shown(events: Sequence[Event], travelled: Collection[int]) -> set[tuple[str, str]]:
    """The turns of which some call other than a script is told."""
    calls = (events[index] for index in travelled if events[index].event_type in _TOOLS)
    return {(event.thread, event.turn) for event in calls if not event.script}


def _compare_scripts(
    verdict: Judgement,
    group: list[Event],
    found: Counter[str],
    told: Collection[int],
    *,
    needed: bool,
    shown: Collection[tuple[str, str]],
) -> None:
    """A script has a row where nothing else shows that the agent works in that turn, and may have one elsewhere."""
    lines = sum(event.index in told for event in group)
    if found.total() > lines:
        verdict.twice.append(f"the script {group[0]} has {count_of_rows(found.total())}, not {lines}")
    if needed and lines > found.total() and not any((event.thread, event.turn) in shown for event in group):
        verdict.lost.append(
            f"the script {group[0]} has {count_of_rows(found.total())}, not {lines}, and nothing shows its calls"
        )


def _compare(
    verdict: Judgement,
    group: list[Event],
    found: Counter[str],
    arrived: tuple[Mapping[int, int], Mapping[int, int]],
    told: Collection[int],
) -> None:
    surely, perhaps = ([by.get(event.index, 0) for event in group] for by in arrived)
    lines = sum(event.index in told for event in group)
    if group[0].keyed and group[0].event_type in _TOOLS:  # equal numbers of calls, and no turn to tell them apart
        each = [(event.index in told, any(by.get(event.index) for by in arrived)) for event in group]
        wanted = sum((_wanted(bool(sure), line) for sure, (line, _) in zip(surely, each, strict=True)), Counter[str]())
        other = sum((_wanted(some, line) for line, some in each), Counter[str]())
        if found == other:
            wanted = other
    elif group[0].keyed:
        wanted = _wanted(any(surely), lines)
        other = _wanted(any([*surely, *perhaps]), lines)
        verdict.merged += max(sum(map(bool, surely)) - wanted.total(), 0)
        if found == other:
            wanted = other
    else:
        wanted = Counter(hook=min(max(sum(surely), found.total()), sum(surely) + sum(perhaps)))
        verdict.repeated += sum(times - 1 for times in surely if times)
    said = f"{group[0]} has {count_of_rows(found.total())}, not {wanted.total()}"
    if found.total() > wanted.total():
        verdict.twice.append(said)
    elif found.total() < wanted.total():
        verdict.lost.append(said)
    elif +found != +wanted:
        verdict.misnamed.append(f"{group[0]}: its `capture` is {', '.join(found)}, not {', '.join(+wanted)}")


def _wanted(hooked: bool, lines: int) -> Counter[str]:  # noqa: FBT001 - one of two counts
    """The captures of equal events. A hook cannot count them: all its deliveries are the first."""
    wanted: Counter[str] = Counter()
    if hooked or lines:
        wanted["both" if hooked and lines else "hook" if hooked else "rollout"] += 1
    if lines > 1:
        wanted["rollout"] += lines - 1
    return wanted


def count_of_rows(count: int) -> str:
    """`no row`, `1 row`, `2 rows`."""
    return {0: "no row", 1: "1 row"}.get(count, f"{count} rows")
