"""The patched sidecar continues on a database of the pristine one, over two starts, without losing data."""

from typing import Any

from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.queries import events_of, harness_of, session_of
from patcher.prove.sample import SampleSession
from patcher.prove.sidecar import Sidecar

_OLD = "8e4fad85-603b-4f72-a084-3cbc4c3daf33"
_TABLES = ("sessions", "agents", "events")

Rows = dict[str, list[dict[str, Any]]]


def _observe(bed: TestBed) -> Observation:
    with bed.pristine_sidecar() as old:
        # No cwd: upstream would look for a Claude process there, which another contract covers.
        old.post_hook("UserPromptSubmit", {"session_id": _OLD, "prompt": "hello"})
        old.post_hook("PreToolUse", {"session_id": _OLD, "tool_name": "Bash", "tool_input": {"command": "ls"}})
        before = _contents(old)
        old.stop()
        with bed.sidecar(existing_data=old.data_dir) as sidecar:
            sidecar.restart()
            intact = _contains(_contents(sidecar), before)
            old_harness = harness_of(session_of(sidecar, _OLD) or {})
            captures = {event.get("capture") for event in events_of(sidecar, _OLD)}
            codex = SampleSession("on an old database", codex_home=sidecar.codex_home)
            bed.start_session(codex, sidecar)
            new = sidecar.wait_for(lambda: session_of(sidecar, codex.id), 5, "the session of a Codex hook")
    said = (
        f"started twice on a database of the pristine tree, its rows are {'intact' if intact else 'changed'}; the "
        f"`harness` of the session in it is {old_harness}, that of a new Codex session {harness_of(new)}"
    )
    green = intact and old_harness == "`claude`" and harness_of(new) == "`codex`" and captures == {None}
    return Observation(green, said)


def _contents(sidecar: Sidecar) -> Rows:
    return {table: sidecar.rows(f"SELECT * FROM {table} ORDER BY id") for table in _TABLES}  # noqa: S608 - table names of our own


def _contains(now: Rows, before: Rows) -> bool:
    """Whether every old row exists with every old value; new columns are allowed."""
    return all(
        len(now[table]) == len(before[table])
        and all(old.items() <= new.items() for old, new in zip(before[table], now[table], strict=True))
        for table in _TABLES
    )


CONTRACT = Contract(
    id="existing_database_gains_columns",
    summary="An existing database gains the columns at the first start, keeps its rows, and survives the second.",
    patches=("harness_column", "capture_columns"),
    observe=_observe,
)
