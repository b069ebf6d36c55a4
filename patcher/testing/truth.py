"""What really happened, and what the rows make of it: who is there twice, and who is lost.

Rows are judged by the identifiers in their `data`, never by the key that the ledger gave them. Leaf module.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

FIRST_STARTS = ("startup", "fork", "clear")
Identity = tuple[str, ...]


@dataclass(frozen=True)
class Event:
    """One logical event. `keyed`: it carries an identifier; else each delivery is a row, by design.

    thread: the session's own id, or the sub-agent's. mark: the call's id, the turn's id, or the start's source.
    hook_tool, line_tool: what the two roads call the tool.
    """

    index: int
    event_type: str
    session: str
    thread: str
    mark: str
    prompt: str = ""
    keyed: bool = True
    hook_tool: str = ""
    line_tool: str = ""

    @property
    def identity(self) -> Identity:
        """What tells it from all others; equal prompts of one turn have the same."""
        return (self.session, self.event_type, self.thread, self.mark, self.prompt)

    def __str__(self) -> str:
        what = f" {self.hook_tool}" if self.hook_tool else f" {self.prompt!r}" if self.prompt else ""
        return f"{self.event_type}{what} of {self.mark or self.thread}"


@dataclass
class Judgement:
    """How rows differ from what travelled. Empty lists: not at all.

    repeated: second rows of events that have no identifier, one a delivery. merged: equal prompts of one turn that
    only hooks told of, which are one row until the rollout is read. Both are known, and are no failures.
    """

    events: int = 0
    rows: int = 0
    twice: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    misnamed: list[str] = field(default_factory=list)
    repeated: int = 0
    merged: int = 0

    @property
    def problems(self) -> list[str]:
        """All that is wrong, as sentences."""
        return [*self.twice, *self.lost, *self.misnamed]


def identity_of(row: Mapping[str, Any]) -> Identity:
    """The identity of the event that a row is about, as its `data` tells it."""
    try:
        data = json.loads(row["data"] or "{}")
    except ValueError:
        data = {}
    session, kind = str(row["session_id"]), str(row["event_type"])
    thread = str(data.get("agent_id") or session)
    prompt = str(data.get("prompt", "")) if kind == "UserPromptSubmit" else ""
    if kind in {"PreToolUse", "PostToolUse"}:
        mark = data.get("tool_use_id")
    elif kind == "SessionStart":
        mark = "first" if data.get("source") in FIRST_STARTS else data.get("source")
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
    """Compare rows with the union of both roads as travelled.

    delivered: how often the hook of an event arrived, by its index. told: events whose rollout line is in the file.
    doubtful: as `delivered`, but the sidecar was killed before it answered: the row may be there or not.
    """
    verdict = Judgement(events=len({*told, *(index for index, times in delivered.items() if times)}))
    groups: dict[Identity, list[Event]] = defaultdict(list)
    found: dict[Identity, list[str]] = defaultdict(list)
    for event in events:
        groups[event.identity].append(event)
    for row in rows:
        verdict.rows += 1
        found[identity_of(row)].append(str(row.get("capture") or "no capture"))
    for identity, group in groups.items():
        _compare(verdict, group, Counter(found.pop(identity, [])), (delivered, doubtful or {}), told)
    for (_, kind, thread, mark, _), captures in found.items():
        verdict.twice.append(
            f"{kind} of {mark or thread} has {_rows(len(captures))}, and never happened in its session"
        )
    return verdict


def _compare(
    verdict: Judgement,
    group: list[Event],
    found: Counter[str],
    arrived: tuple[Mapping[int, int], Mapping[int, int]],
    told: Collection[int],
) -> None:
    surely, perhaps = ([by.get(event.index, 0) for event in group] for by in arrived)
    lines = sum(event.index in told for event in group)
    if group[0].keyed:
        wanted = _wanted(any(surely), lines)
        other = _wanted(any([*surely, *perhaps]), lines)
        verdict.merged += max(sum(map(bool, surely)) - wanted.total(), 0)
        if found == other:
            wanted = other
    else:
        wanted = Counter(hook=min(max(sum(surely), found.total()), sum(surely) + sum(perhaps)))
        verdict.repeated += sum(times - 1 for times in surely if times)
    said = f"{group[0]} has {_rows(found.total())}, not {wanted.total()}"
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


def _rows(count: int) -> str:
    return {0: "no row", 1: "1 row"}.get(count, f"{count} rows")
