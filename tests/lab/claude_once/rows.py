"""The rows of a Claude session without what differs from run to run, so that two sidecars can be compared."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]

_CHANGING = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "ID"),
    (re.compile(r"\b(Session|Codex) [0-9a-f]{8}\b"), r"\1 ID"),
    (re.compile(r"toolu_\w+"), "CALL"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?"), "TIME"),
    (re.compile(r"\bsidecar-\w+"), "SIDECAR"),
    (re.compile(r"\ba[0-9a-f]{16}\b"), "AGENT"),
    (re.compile(r'((?:\w*[dD]uration_?[mM]s|seconds_since_last_response)\\*": ?)\d+'), r"\1N"),
    (re.compile(r"(Turn completed in )[\d.]+s"), r"\1N s"),
)


def comparable(tables: Tables, directory: str, columns: Mapping[str, Iterable[str]]) -> dict[str, Counter[str]]:
    """How often each row is there, by table: identifiers, times and the run's own directory are told alike.

    columns: of each table the ones that count; the number of a row does not.
    """
    return {
        table: Counter(
            _told_alike(json.dumps({name: row[name] for name in sorted(columns[table]) if name in row}), directory)
            for row in rows
        )
        for table, rows in tables.items()
    }


def columns_of(tables: Tables) -> dict[str, set[str]]:
    """The columns of each table, but for the number of an event."""
    return {
        table: {name for row in rows for name in row} - ({"id"} if table == "events" else set())
        for table, rows in tables.items()
    }


def differences(before: Mapping[str, Counter[str]], after: Mapping[str, Counter[str]]) -> list[str]:
    """What only one of the two has, in words."""
    found = []
    for table in before:
        found += [f"only pristine has in {table}: {row}" for row in (before[table] - after[table]).elements()]
        found += [f"only patched has in {table}: {row}" for row in (after[table] - before[table]).elements()]
    return found


def data_of(event: Row) -> dict[str, Any]:
    """The payload of an event; empty for one that has none."""
    data = json.loads(event["data"] or "{}")
    return data if isinstance(data, dict) else {}


def without(tables: Tables, calls: Iterable[str], *, failures: bool = True) -> Tables:
    """The tables without the rows of these calls and, unless told otherwise, without the ends of calls that failed."""
    gone = set(calls)

    def stays(event: Row) -> bool:
        data = data_of(event)
        is_failure = failures and data.get("hook_event_name") == "PostToolUseFailure"
        return not is_failure and data.get("tool_use_id") not in gone

    return {**tables, "events": [event for event in tables["events"] if stays(event)]}


def _told_alike(text: str, directory: str) -> str:
    if directory:
        text = text.replace(directory, "DIR").replace(re.sub(r"[^A-Za-z0-9]", "-", directory), "-DIR")
    for pattern, word in _CHANGING:
        text = pattern.sub(word, text)
    return text
