"""The series on the real upstream, which is never part of this repository: SIDECAR_UPSTREAM_REPO is a clone of it."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from patcher import pipeline
from patcher.model import File
from patcher.patches import SERIES
from patcher.prove import Sidecar, dependencies_for, find_node, lay_out
from patcher.prove.sample import SampleSession
from patcher.upstream.materialize import materialize
from tests.lab.show.versions import FITS
from tests.support import CommandLine, snapshot

REPO = os.environ.get("SIDECAR_UPSTREAM_REPO", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not REPO, reason="SIDECAR_UPSTREAM_REPO does not name a clone of Claude-Code-Agent-Monitor"),
]
NATIVE = {
    *("record_hooks_once", "codex_rollouts", "codex_conversation", "codex_prices"),
    "session_capture",  # of no use there
}
NATIVE_ONLY = {"read_rollouts_whole", "charge_tokens_used", "family_prices"}
"""What upstream does itself from v2.0.0 on."""
OPEN = ("840c518d", "v1.1", "v1.2", "v1.3")
"""The versions that listen to the whole network."""
VERSIONS = {"840c518d": "1.1.0"}
GOES_ON = {"exact", "reformatted", "moved"}
NO_INDEX = "with `idx_sessions_status_updated` in it once in module; found none"
NO_SERVICES = "found no function startBackgroundServices in the file"
NO_TRANSCRIPTS = "found no route GET /:id/transcripts in the file"
NO_SOCKET = "in function initWebSocket is not what was reviewed"
NO_PRICES = "expected `addMissing(DEFAULT_PRICING)` once in module; found none"
OTHER_LIST = "around `res.json($BODY)` in route GET / is not what was reviewed"
NO_IMPORT = "once in function importSubagentFromJsonl; found no"
NO_PROMPTS = 'expected `summary = "User prompt submitted"` once in function processEvent; found none'
OTHER_HOOKS = "around `const HOOK_TYPES = $LIST` in module is not what was reviewed"
NO_FILTER = "expected `const whereSql = $SQL` once in route GET /; found none"
TOO_OLD = {
    "v1.0.0": {
        "harness_column": NO_INDEX,
        "capture_columns": NO_INDEX,
        "parse_outside_transaction": "once in function processEvent; found none",
        "stamp_harness": "; parse_outside_transaction, which it requires, did not go in",
        "agent_sessions": NO_SERVICES,
        "claude_subagent_once": "; parse_outside_transaction, which it requires, did not go in",
        "claude_failed_calls": OTHER_HOOKS,
        "claude_notifications": NO_PROMPTS,
        "claude_gaps": "; claude_subagent_once, which it requires, did not go in",
        "codex_rollouts": NO_SERVICES,
        "codex_hooks": NO_SERVICES,
        "codex_hooks_page": "in function createApp is not what was reviewed",
        "agent_hooks": "; codex_hooks, which it requires, did not go in",
        "local_only": NO_SOCKET,
        "filter_by_harness": NO_FILTER,
        "codex_conversation": NO_TRANSCRIPTS,
        "codex_prices": NO_PRICES,
        "session_capture": OTHER_LIST,
    },
    "v1.1.0": {
        "harness_column": NO_INDEX,
        "capture_columns": NO_INDEX,
        "agent_sessions": NO_SERVICES,
        "claude_subagent_once": NO_IMPORT,
        "claude_failed_calls": OTHER_HOOKS,
        "claude_notifications": NO_PROMPTS,
        "claude_gaps": "; agent_sessions, which it requires, did not go in",
        "codex_rollouts": NO_SERVICES,
        "codex_hooks": NO_SERVICES,
        "agent_hooks": "; codex_hooks, which it requires, did not go in",
        "local_only": NO_SOCKET,
        "filter_by_harness": NO_FILTER,
        "codex_conversation": NO_TRANSCRIPTS,
        "codex_prices": NO_PRICES,
        "session_capture": OTHER_LIST,
    },
}


def left_out(ref: str) -> set[str]:
    """The patches that this version does not need."""
    native = NATIVE if ref.startswith("v2") else NATIVE_ONLY
    return native if ref.startswith(OPEN) else native | {"local_only"}


@pytest.mark.parametrize("ref", FITS)
def test_the_series_goes_on_with_a_supported_version(ref: str) -> None:
    build = pipeline.check(f"{REPO}@{ref}")
    assert [gate for gate in build.gates if not gate.ok] == []
    verdicts = {finding.patch: str(finding.verdict) for finding in build.details}
    others = {patch: verdict for patch, verdict in verdicts.items() if verdict not in GOES_ON}
    assert others == dict.fromkeys(left_out(ref), "superseded")
    assert verdicts.keys() == {patch.id for patch in SERIES} and build.ok


@pytest.mark.parametrize("ref", FITS)
def test_a_generated_tree_reverts_to_upstreams_bytes(cli: CommandLine, tmp_path: Path, ref: str) -> None:
    assert cli("build", "--upstream", f"{REPO}@{ref}", "--out", tmp_path / "out").code == 0
    assert cli("verify", tmp_path / "out").code == 0
    assert cli("revert", tmp_path / "out", "--out", tmp_path / "reverted").code == 0
    shipped = materialize(f"{REPO}@{ref}").tree
    assert {path: File(*each) for path, each in snapshot(tmp_path / "reverted").items()} == shipped


@pytest.mark.parametrize("ref", FITS)
def test_a_generated_tree_is_applied(cli: CommandLine, tmp_path: Path, ref: str) -> None:
    cli("build", "--upstream", f"{REPO}@{ref}", "--out", tmp_path / "out")
    content = json.loads(cli("check", "--upstream", tmp_path / "out", "--format", "json").out)
    expected = {patch.id: "superseded" if patch.id in left_out(ref) else "applied" for patch in SERIES}
    assert {patch["id"]: patch["verdict"] for patch in content["patches"]} == expected
    assert content["ok"] is True


@pytest.mark.parametrize("ref", FITS)
def test_every_road_to_a_version_gives_the_same_tree(cli: CommandLine, tmp_path: Path, ref: str) -> None:
    spec = f"{REPO}@{ref}"
    assert pipeline.check(spec).tree == pipeline.check(spec).tree
    assert materialize(spec).version == VERSIONS.get(ref, ref.removeprefix("v"))
    assert not [path for path in materialize(spec).tree if "__tests__" in path or path.startswith(("client/", "docs/"))]


@pytest.mark.parametrize("ref", sorted(TOO_OLD))
def test_a_version_before_the_line_is_refused(cli: CommandLine, ref: str) -> None:
    ended = cli("check", "--upstream", f"{REPO}@{ref}", "--format", "json")
    stops = {
        each["id"]: each
        for each in json.loads(ended.out)["patches"]
        if each["id"] in TOO_OLD[ref] or each["verdict"] not in {*GOES_ON, "superseded"}
    }
    assert (ended.code, set(stops)) == (3, set(TOO_OLD[ref]))
    assert [patch for patch, reason in TOO_OLD[ref].items() if reason not in stops[patch]["message"]] == []
    assert {each["verdict"] for each in stops.values()} <= {"missing", "drifted"}
    assert all(each["hint"] for each in stops.values())


@pytest.mark.parametrize("newer", ["v2.0.0", "v2.0.3"])
def test_a_database_of_the_v1_line_goes_on_under_the_v2_line(tmp_path: Path, newer: str) -> None:
    """Both patched, both real: what the v1 line has recorded stays, and upstream's own ingest reads on from there."""
    older, newest = (laid_out(ref, tmp_path / ref) for ref in ("v1.4.8", newer))
    with older as old:
        codex = SampleSession("upgraded", codex_home=old.codex_home, cwd=old.home)
        lines = codex.first_turn
        append(codex.rollout_path, codex.rollout[:lines])
        for payload in codex.hooks[:4]:
            old.post_hook(payload["hook_event_name"], {**payload, "__provider": "codex"})
        before = old.wait_for(lambda: settled(old, codex.id), 10, "the rows of the first turn")
        tokens = old.rows("SELECT SUM(input_tokens) AS fresh FROM token_usage WHERE session_id = ?", codex.id)
        old.stop()
        with Sidecar(
            newest.tree,
            newest.node,
            work=str(tmp_path),
            existing_data=old.data_dir,
            env={"CODEX_HOME": old.codex_home},
        ) as new:
            session = new.get(f"/api/sessions/{codex.id}")["session"]
            assert (session["harness"], session["provider"]) == ("codex", "codex")
            time.sleep(1)
            assert kept(new, codex.id) == before
            append(codex.rollout_path, codex.rollout[lines:])
            new.wait_for(lambda: len(types(new, codex.id)) >= len(before) + 3, 10, "the rows of the second turn")
            assert kept(new, codex.id, before=len(before)) == before
            assert sorted(types(new, codex.id)[len(before) :]) == [
                "codex_task_complete",
                "codex_task_started",
                "codex_tool_call",
            ]
            assert new.rows("SELECT id FROM agents WHERE session_id = ?", codex.id) == [{"id": f"codex:{codex.id}"}]
            used, _ = codex.used(lines)
            assert tokens == [{"fresh": used}]
            tokens = new.rows("SELECT SUM(input_tokens) AS fresh FROM token_usage WHERE session_id = ?", codex.id)
            used, _ = codex.used()
            assert tokens == [{"fresh": used}]


def laid_out(ref: str, directory: Path) -> Sidecar:
    build, node = pipeline.check(f"{REPO}@{ref}"), find_node()
    modules = dependencies_for(build.upstream.tree["package.json"].data, node=node, install=True)
    directory.mkdir()
    return Sidecar(lay_out(build.tree, str(directory), modules), node, work=str(directory))


def append(path: str, lines: list[dict[str, Any]]) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with Path(path).open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)


def types(sidecar: Sidecar, session: str) -> list[str]:
    rows = sidecar.rows("SELECT event_type FROM events WHERE session_id = ? ORDER BY id", session)
    return [row["event_type"] for row in rows]


def kept(sidecar: Sidecar, session: str, before: int = -1) -> list[tuple[str, str, str]]:
    rows = sidecar.rows("SELECT * FROM events WHERE session_id = ? ORDER BY id LIMIT ?", session, before)
    return [(row["event_type"], row["data"], row["capture"]) for row in rows]


def settled(sidecar: Sidecar, session: str) -> list[tuple[str, str, str]] | None:
    """The rows of the first turn, once its end is there and nothing comes any more."""
    first = kept(sidecar, session)
    time.sleep(0.5)
    return first if "Stop" in types(sidecar, session) and kept(sidecar, session) == first else None
