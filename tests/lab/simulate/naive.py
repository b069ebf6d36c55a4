"""The baseline: the obvious key (session, event type, tool name, second), on the same deliveries."""

import json
from collections import Counter
from dataclasses import dataclass

from patcher.testing.simulator import Scenario


@dataclass
class Counts:
    """Rows that are one too many, and events that have none."""

    twice: int = 0
    lost: int = 0

    def __iadd__(self, other: "Counts") -> "Counts":
        self.twice += other.twice
        self.lost += other.lost
        return self


def naive(scenario: Scenario) -> Counts:
    """What the naive key makes of a scenario: whoever comes first with a key has the row, and all others have none."""
    owners: dict[tuple[str, str, str, int], int] = {}
    rows: Counter[int] = Counter()
    travelled: set[int] = set()

    def tell(index: int, tool: str, at_ms: int) -> None:
        event = scenario.events[index]
        travelled.add(index)
        key = (event.session, event.event_type, tool, at_ms // 1000)
        if owners.setdefault(key, index) == index and key not in mine[index]:
            mine[index].add(key)
            rows[index] += 1

    mine: dict[int, set[tuple[str, str, str, int]]] = {event.index: set() for event in scenario.events}
    for delivery in scenario.deliveries():
        tell(delivery.hook.event, delivery.hook.payload.get("tool_name", ""), delivery.at + scenario.skew)
    in_file = scenario.events_in_files()
    for thread in scenario.codex.threads:
        first: set[int] = set()
        for line in thread.lines:
            for index in line.events:
                if index in in_file and index not in first:
                    first.add(index)
                    tell(index, _tool_in(line.text, scenario.events[index].line_tool), line.at)
    return Counts(
        twice=sum(count - 1 for count in rows.values() if count > 1),
        lost=sum(rows[index] == 0 for index in travelled),
    )


def _tool_in(line: str, otherwise: str) -> str:
    """What the rollout calls the tool: the name in the line of the call, else what it was called."""
    entry = json.loads(line)
    payload = entry.get("payload", entry)
    return str(payload.get("name") or otherwise)
