"""Compare the event rows of the database with the simulated events: duplicates, missing rows, a wrong `capture`.

A row is matched by the identifiers in its `data`, never by its key in the ledger.
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
    """The differences between the database and the events that arrived, as sentences; empty lists for none.

    tokens: sessions with wrong token totals. facts: sessions with other wrong fields.

    repeated: number of second rows of events without an identifier, one for each delivery. merged: number of equal
    prompts of a turn that came by hooks only, and have one row until the rollout is read. Both are not failures.
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
        """All differences."""
        return [*self.twice, *self.lost, *self.misnamed, *self.tokens, *self.facts]


def identity_of(row: Mapping[str, Any]) -> Identity:
    """The identity of the event of a row, from its `data`."""
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
    in_file: Collection[int],
    doubtful: Mapping[int, int] | None = None,
) -> Judgement:
    """Compare rows with the events that arrived by hooks and rollout.

    delivered: by the index of an event, how often its hook arrived. in_file: indices of the events whose rollout line
    is in the file. doubtful: as `delivered`, but the sidecar was killed before it answered: a row is optional.
    """
    verdict = Judgement(events=len({*in_file, *(index for index, times in delivered.items() if times)}))
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
    shown = _shown(events, {*in_file, *(index for by in arrived for index, times in by.items() if times)})
    for identity, group in groups.items():
        captures: Counter[str] = Counter(found.pop(identity, []))
        if group[0].script:
            _compare_scripts(verdict, group, captures, in_file, needed=not any(by for by in arrived), shown=shown)
        else:
            _compare(verdict, group, captures, arrived, in_file)
    for (_, kind, thread, mark, _), rest in found.items():
        verdict.twice.append(
            f"{kind} of {mark or thread} has {count_of_rows(len(rest))}, and never happened in its session"
        )
    return verdict


def _several(events: Iterable[Event]) -> set[Identity]:
    """The identities of calls that occur in several turns of their thread; the turn distinguishes them."""
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
    """The turns with a call, other than a script, that arrived."""
    calls = (events[index] for index in travelled if events[index].event_type in _TOOLS)
    return {(event.thread, event.turn) for event in calls if not event.script}


def _compare_scripts(
    verdict: Judgement,
    group: list[Event],
    found: Counter[str],
    in_file: Collection[int],
    *,
    needed: bool,
    shown: Collection[tuple[str, str]],
) -> None:
    """A script must have a row if no other call of its turn arrived; otherwise a row is optional."""
    lines = sum(event.index in in_file for event in group)
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
    in_file: Collection[int],
) -> None:
    surely, perhaps = ([by.get(event.index, 0) for event in group] for by in arrived)
    lines = sum(event.index in in_file for event in group)
    if group[0].keyed and group[0].event_type in _TOOLS:  # calls with equal ids, not distinguished by a turn
        each = [(event.index in in_file, any(by.get(event.index) for by in arrived)) for event in group]
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
    problem = f"{group[0]} has {count_of_rows(found.total())}, not {wanted.total()}"
    if found.total() > wanted.total():
        verdict.twice.append(problem)
    elif found.total() < wanted.total():
        verdict.lost.append(problem)
    elif +found != +wanted:
        verdict.misnamed.append(f"{group[0]}: its `capture` is {', '.join(found)}, not {', '.join(+wanted)}")


def _wanted(hooked: bool, lines: int) -> Counter[str]:  # noqa: FBT001 - one of two counts
    """The captures of equal events. Hooks cannot count them: every delivery counts as the first one."""
    wanted: Counter[str] = Counter()
    if hooked or lines:
        wanted["both" if hooked and lines else "hook" if hooked else "rollout"] += 1
    if lines > 1:
        wanted["rollout"] += lines - 1
    return wanted


def count_of_rows(count: int) -> str:
    """`no row`, `1 row`, `2 rows`."""
    return {0: "no row", 1: "1 row"}.get(count, f"{count} rows")
