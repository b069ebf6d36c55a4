"""The series on the real upstream, which is never part of this repository: SIDECAR_UPSTREAM_REPO is a clone of it."""

import json
import os
from pathlib import Path

import pytest

from patcher import pipeline
from patcher.materialize import materialize
from patcher.model import File
from patcher.patches import SERIES
from tests.support import CommandLine, snapshot

REPO = os.environ.get("SIDECAR_UPSTREAM_REPO", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not REPO, reason="SIDECAR_UPSTREAM_REPO does not name a clone of Claude-Code-Agent-Monitor"),
]
SUPPORTED = [
    "v1.1.1",
    "v1.2.0",
    "v1.3.0",
    "v1.4.0",
    "v1.4.1",
    "v1.4.2",
    "v1.4.5",
    "v1.4.6",
    "v1.4.8",
    "v2.0.0",
    "v2.0.1",
    "v2.0.2",
    "v2.0.3",
]
NATIVE = {"capture_columns", "record_hooks_once", "codex_rollouts"}
"""What upstream does itself from v2.0.0 on."""
GOES_ON = {"exact", "reformatted", "moved"}
NO_INDEX = "with `idx_sessions_status_updated` in it once in module; found none"
NO_SERVICES = "found no function startBackgroundServices in the file"
NO_FILTER = "expected `const whereSql = $SQL` once in route GET /; found none"
TOO_OLD = {
    "v1.0.0": {
        "harness_column": NO_INDEX,
        "capture_columns": NO_INDEX,
        "parse_outside_transaction": "once in function processEvent; found none",
        "stamp_harness": "; parse_outside_transaction, which it requires, did not go in",
        "codex_rollouts": NO_SERVICES,
        "filter_by_harness": NO_FILTER,
    },
    "v1.1.0": {
        "harness_column": NO_INDEX,
        "capture_columns": NO_INDEX,
        "codex_rollouts": NO_SERVICES,
        "filter_by_harness": NO_FILTER,
    },
}


@pytest.mark.parametrize("ref", SUPPORTED)
def test_the_series_goes_on_with_a_supported_version(ref: str) -> None:
    build = pipeline.check(f"{REPO}@{ref}")
    assert [gate for gate in build.gates if not gate.ok] == []
    verdicts = {finding.patch: str(finding.verdict) for finding in build.places}
    others = {patch: verdict for patch, verdict in verdicts.items() if verdict not in GOES_ON}
    assert others == dict.fromkeys(NATIVE if ref.startswith("v2") else (), "superseded")
    assert verdicts.keys() == {patch.id for patch in SERIES} and build.ok


@pytest.mark.parametrize("ref", SUPPORTED)
def test_a_generated_tree_reverts_to_upstreams_bytes(cli: CommandLine, tmp_path: Path, ref: str) -> None:
    assert cli("build", "--upstream", f"{REPO}@{ref}", "--out", tmp_path / "out").code == 0
    assert cli("verify", tmp_path / "out").code == 0
    assert cli("revert", tmp_path / "out", "--out", tmp_path / "reverted").code == 0
    shipped = materialize(f"{REPO}@{ref}").tree
    assert {path: File(*each) for path, each in snapshot(tmp_path / "reverted").items()} == shipped


@pytest.mark.parametrize("ref", SUPPORTED)
def test_a_generated_tree_is_applied(cli: CommandLine, tmp_path: Path, ref: str) -> None:
    cli("build", "--upstream", f"{REPO}@{ref}", "--out", tmp_path / "out")
    content = json.loads(cli("check", "--upstream", tmp_path / "out", "--format", "json").out)
    native = NATIVE if ref.startswith("v2") else set()
    expected = {patch.id: "superseded" if patch.id in native else "applied" for patch in SERIES}
    assert {patch["id"]: patch["verdict"] for patch in content["patches"]} == expected
    assert content["ok"] is True


@pytest.mark.parametrize("ref", SUPPORTED)
def test_every_road_to_a_version_gives_the_same_tree(cli: CommandLine, tmp_path: Path, ref: str) -> None:
    spec = f"{REPO}@{ref}"
    assert pipeline.check(spec).tree == pipeline.check(spec).tree
    assert materialize(spec).version == ref.removeprefix("v")
    assert not [path for path in materialize(spec).tree if "__tests__" in path or path.startswith(("client/", "docs/"))]


@pytest.mark.parametrize("ref", sorted(TOO_OLD))
def test_a_version_before_the_line_is_refused(cli: CommandLine, ref: str) -> None:
    ended = cli("check", "--upstream", f"{REPO}@{ref}", "--format", "json")
    stops = {each["id"]: each for each in json.loads(ended.out)["patches"] if each["verdict"] not in GOES_ON}
    assert (ended.code, set(stops)) == (3, set(TOO_OLD[ref]))
    assert [patch for patch, reason in TOO_OLD[ref].items() if reason not in stops[patch]["message"]] == []
    assert {each["verdict"] for each in stops.values()} == {"missing"} and all(each["hint"] for each in stops.values())
