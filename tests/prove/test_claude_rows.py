"""What a Claude session leaves in the database is the same on the pristine sidecar and on the patched one.

But for what is mended on purpose: calls of sub-agents, ends of calls that failed, and news of finished sub-agents.
"""

import os
from typing import Any

import pytest

from patcher import pipeline
from patcher.errors import NodeMissing
from patcher.prove import Node, Sidecar, TestBed, both_beds, dependencies_for, find_node
from patcher.prove.queries import settled
from tests.lab.claude_once.rows import columns_of, comparable, differences

REPO = os.environ.get("SIDECAR_UPSTREAM_REPO", "")
UPSTREAMS = ["builtin", *([f"{REPO}@{ref}" for ref in ("v1.2.0", "v1.4.8", "v2.0.3")] if REPO else [])]
TABLES = ("sessions", "agents", "events", "token_usage")
SESSION = "0c1a0de3-0000-4000-8000-000000000001"
Hook = tuple[str, dict[str, Any]]


def call(number: int, tool: str = "Bash", **more: Any) -> dict[str, Any]:
    return {"tool_name": tool, "tool_input": {"command": f"echo {number}"}, "tool_use_id": f"toolu_{number}", **more}


AGENT = {"tool_input": {"description": "look", "prompt": "look around", "subagent_type": "Explore"}}
HOOKS: tuple[Hook, ...] = (
    ("SessionStart", {"source": "startup"}),
    ("UserPromptSubmit", {"prompt": "say hi"}),
    ("PreToolUse", call(1)),
    ("Notification", {"message": "Claude needs your permission to use Bash"}),
    ("PostToolUse", call(1, tool_response={"stdout": "1"})),
    ("PreToolUse", call(2)),
    ("PreToolUse", call(3)),  # two at once
    ("PostToolUse", call(3, tool_response="3")),
    ("PostToolUse", call(2, tool_response=None)),
    ("PreToolUse", call(4, tool_use_id=None)),
    ("PreToolUse", call(4, tool_use_id=7)),
    ("PreToolUse", {"tool_name": "Read"}),
    ("PreToolUse", call(5, "Agent", **AGENT)),
    ("SubagentStop", {"agent_id": "a1", "agent_type": "Explore"}),
    ("PostToolUse", call(5, "Agent", tool_response={"agentId": "a1"})),
    ("Notification", {"message": "context was compacted"}),
    ("Stop", {"stop_reason": "end_turn"}),
    ("SessionStart", {"source": "resume"}),
    ("UserPromptSubmit", {"prompt": "what is a <task-notification>?"}),
    ("UserPromptSubmit", {"prompt": None}),
    ("UserPromptSubmit", {}),
    ("SomethingNew", {"tool_use_id": "toolu_9"}),
    ("Stop", {"stop_reason": "error"}),
    ("SessionEnd", {"reason": "other"}),
)


@pytest.fixture(scope="module")
def node() -> Node:
    try:
        return find_node()
    except NodeMissing as error:
        pytest.skip(error.message)


def played(bed: TestBed) -> dict[str, list[dict[str, Any]]]:
    with bed.sidecar() as sidecar:
        for hook, fields in HOOKS:
            reply = sidecar.post_hook(hook, {"session_id": SESSION, "cwd": "/p", "hook_event_name": hook, **fields})
            assert reply.status == 200, (hook, fields, reply)
        settled(lambda: [] if len(events(sidecar)) >= len(HOOKS) else ["not yet"], 5)
        return {table: sidecar.rows(f"SELECT * FROM {table}") for table in TABLES}  # noqa: S608 - our own words


def events(sidecar: Sidecar) -> list[dict[str, Any]]:
    return sidecar.rows("SELECT * FROM events WHERE session_id = ?", SESSION)


@pytest.mark.slow
@pytest.mark.parametrize("upstream", UPSTREAMS, ids=lambda spec: spec.rpartition("@")[2])
def test_rows_of_a_claude_session_are_the_same(upstream: str, node: Node) -> None:
    build = pipeline.check(upstream)
    modules = dependencies_for(build.upstream.tree["package.json"].data, node=node, install=upstream != "builtin")
    with both_beds(build.upstream.tree, build.tree, node=node, node_modules=modules, handler_source="") as beds:
        before, after = (played(bed) for bed in beds)
    columns = columns_of(before)
    assert len(before["events"]) == len(HOOKS)
    assert differences(comparable(before, "", columns), comparable(after, "", columns)) == []
