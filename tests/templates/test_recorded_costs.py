"""Recorded sessions of six models of real agents: their tokens and their cost beside a sum by hand."""

import json
import os
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from patcher.prove import Sidecar
from patcher.prove.sidecar import eventually

SHARED = Path(__file__).resolve().parents[3] / "shared"
CODEX = Path(os.environ.get("CODEX_SAMPLES") or SHARED / "codex-samples")
AGENTS = Path(os.environ.get("AGENT_SAMPLES") or SHARED / "agent-samples")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CODEX.exists() and AGENTS.exists()), reason="no recorded sessions here"),
]
KINDS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
NO_RULE = "no rule: its tokens are in no cost"


class Recorded(NamedTuple):
    """A recorded session. tokens: fresh input, read from a cache, written to it, output. dollars: of these, by hand."""

    file: Path
    id: str
    place: str
    model: str
    tokens: tuple[int, int, int, int]
    dollars: float


# Counted in the files, by answers of the recorder's model server. Each has 10 tokens of input and 5 of output, and two of
# cached input for every agent but Codex: beside the 10 for Claude, among them for the others.
SESSIONS = [
    Recorded(
        CODEX / "v0146-direct.rollout0.jsonl",
        "01a207a0-0bfa-7d12-9b4b-63b5c9bc930f",
        ".codex/sessions/2026/11/23/rollout-2026-11-23T08-57-39-{id}.jsonl",
        "gpt-5.5",
        (5 * 10, 0, 0, 5 * 5),
        (50 * 5 + 25 * 30) / 1e6,
    ),
    Recorded(
        CODEX / "v0169-codemode.rollout0.jsonl",
        "01a2079f-fb75-7793-83f3-a730432dde14",
        ".codex/sessions/2026/11/23/rollout-2026-11-23T08-57-34-{id}.jsonl",
        "gpt-6-sol",
        (2 * 10, 0, 0, 2 * 5),
        (20 * 2 + 10 * 10) / 1e6,
    ),
    Recorded(
        AGENTS / "claude-2.1.332.transcript.jsonl",
        "1dfd8dda-e724-4343-b2af-a89e3d872883",
        ".claude/projects/-home-user-project/{id}.jsonl",
        "claude-sonnet-4-5",
        (3 * 10, 3 * 2, 0, 3 * 5),
        (30 * 3 + 6 * 0.3 + 15 * 15) / 1e6,
    ),
    Recorded(
        AGENTS / "gemini-0.26.0.transcript.jsonl",
        "6e666ca2-d005-414a-8b4f-9d9d69fb177c",
        ".gemini/tmp/project/chats/session-2026-11-25T15-23-6e666ca2.json",
        "gemini-2.5-flash",
        (2 * 8, 2 * 2, 0, 2 * 5),
        0,
    ),
    Recorded(
        AGENTS / "gemini-0.61.0.transcript.jsonl",
        "95f6ce23-01b7-4c12-96b8-5d23d370310c",
        ".gemini/tmp/project/chats/session-2026-11-25T15-09-95f6ce23.jsonl",
        "gemini-3.1-pro-preview",
        (3 * 8, 3 * 2, 0, 3 * 5),
        0,
    ),
    Recorded(
        AGENTS / "qwen-0.24.4.transcript.jsonl",
        "84edc0cf-84c7-43a3-938b-aaf5e505ce42",
        ".qwen/projects/-home-user-project/chats/{id}.jsonl",
        "mock-model",
        (3 * 8, 3 * 2, 0, 3 * 5),
        0,
    ),
]


def write_all(sidecar: Sidecar) -> None:
    """Each session where its agent wrote it; Claude's hook names the file, the others are found."""
    for each in SESSIONS:
        home = os.path.dirname(sidecar.codex_home) if each.place.startswith(".codex/") else sidecar.home
        target = Path(home, each.place.format(id=each.id))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(each.file, target)
        if each.model.startswith("claude"):
            payload = {"session_id": each.id, "cwd": "/home/user/project", "transcript_path": str(target)}
            sidecar.post_hook("SessionStart", payload)
            sidecar.post_hook("Stop", payload)


def costs(sidecar: Sidecar) -> dict[str, Any]:
    """What the API has of the cost of each session, by its id."""
    replies = {each.id: sidecar.request("GET", f"/api/pricing/cost/{each.id}") for each in SESSIONS}
    return {name: reply.json for name, reply in replies.items() if reply.status == 200 and reply.json["breakdown"]}


def test_they_cost_what_their_tokens_do_and_a_model_without_a_price_is_named(
    sidecar_tree: str,
    _sidecar_node: Any,  # noqa: PT019
) -> None:
    with Sidecar(sidecar_tree, _sidecar_node, env={"AGENT_POLL_MS": "100"}) as sidecar:
        rates = {"input_per_mtok": 3, "output_per_mtok": 15, "cache_read_per_mtok": 0.3, "cache_write_per_mtok": 3.75}
        rule = {"model_pattern": "claude-sonnet-4-5%", "display_name": "Claude Sonnet 4.5", **rates}
        sidecar.request("PUT", "/api/pricing", rule)  # upstream has it, our miniature has not
        write_all(sidecar)
        eventually(lambda: len(costs(sidecar)) == len(SESSIONS), 15)
        found = costs(sidecar)
        analytics = sidecar.get("/api/analytics")
        listed = {row["id"]: row["cost"] for row in sidecar.get("/api/sessions")["sessions"]}
    for each in SESSIONS:
        [used] = found[each.id]["breakdown"]
        assert (used["model"], tuple(used[kind] for kind in KINDS)) == (each.model, each.tokens), json.dumps(used)
        assert found[each.id]["total_cost"] == listed[each.id] == round(each.dollars, 4), each.model
        named = {row["model"]: row["reason"] for row in found[each.id]["unpriced_models"]}
        assert named == ({} if each.dollars else {each.model: NO_RULE})
    assert round(analytics["total_cost"], 4) == round(sum(round(each.dollars, 4) for each in SESSIONS), 4)
    sums = [analytics["tokens"][f"total_{kind.removesuffix('_tokens')}"] for kind in KINDS]
    assert sums == [sum(each.tokens[at] for each in SESSIONS) for at in range(len(KINDS))]
