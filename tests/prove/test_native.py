"""The series on a miniature of the v2 line, where there is no upstream: what is adapted, and what is superseded."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from patcher import apply, pipeline
from patcher.errors import NodeMissing, UsageError
from patcher.markers import unsplice
from patcher.model import Build, File, Line, Upstream
from patcher.patches import (
    SERIES,
    agent_hooks,
    agent_sessions,
    codex_hooks,
    codex_hooks_page,
    family_prices,
    parse_outside_transaction,
)
from patcher.patches.harnesses import handler_path
from patcher.prove import (
    CONTRACTS,
    Contract,
    Node,
    Observation,
    ProofResult,
    both_beds,
    find_node,
    observe,
    proof,
    prove,
)
from patcher.upstream.materialize import materialize
from tests.prove.native import miniature

SUPERSEDED = {
    *("record_hooks_once", "codex_rollouts", "codex_conversation", "codex_prices"),
    "session_capture",  # of no use there
}
NOT_HERE = {"codex_conversation_is_complete", "codex_session_has_its_cost", "family_price_is_said"}
"""What upstream shows natively and the miniature does not: proven on v2.0.0 and later alone."""
HERE = [each for each in CONTRACTS if each.line in {None, Line.V2} and each.id not in NOT_HERE]
NATIVELY = {"rollout_alone_is_recorded_once", "hooked_then_imported_has_no_row_twice"}
MENDED = {"failed_batch_is_told_once", "native_tokens_are_what_was_used"}
DEFECTS = {
    # What is superseded is proven on the pristine tree: an upstream that loses it must be seen.
    "rollout_alone_is_recorded_once": (
        "setInterval(sweep, pause).unref()",
        "void sweep",
        "codex_rollouts: declared superseded for the v2 line, but upstream does not do it: ",
    ),
    "hooked_then_imported_has_no_row_twice": (
        'move("codex_tool_ingest_state", transcriptPath, session.id, calls.end);',
        "",
        "record_hooks_once, codex_rollouts: declared superseded for the v2 line, but upstream does not do it: ",
    ),
}


@pytest.fixture(scope="module")
def node() -> Node:
    try:
        return find_node()
    except NodeMissing as error:
        pytest.skip(error.message)


@pytest.fixture(scope="module")
def build() -> Build:
    return pipeline.check_upstream(miniature())


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What never comes need not be waited for."""
    monkeypatch.setattr("patcher.prove.journeys.TIMEOUT_S", 1.5)
    for name in {*NATIVELY, *MENDED, "claude_subagent_calls_are_told_once", "v1_database_goes_on_natively"} - {
        "hooked_then_imported_has_no_row_twice"
    }:
        monkeypatch.setattr(f"patcher.prove.contracts.{name}._PATIENCE", 1.5)
    yield


def edited(upstream: Upstream, path: str, old: str, new: str) -> Upstream:
    text = upstream.tree[path].data.decode()
    assert old in text
    return replace(upstream, tree={**upstream.tree, path: File(text.replace(old, new).encode())})


# --- static ----------------------------------------------------------------------------------------------------


def test_the_series_goes_into_it(build: Build) -> None:
    assert [gate for gate in build.gates if not gate.ok] == []
    assert {each.patch for each in build.findings if each.verdict == "superseded"} == SUPERSEDED
    assert build.ok


def test_its_own_output_is_applied(build: Build) -> None:
    again = pipeline.check_upstream(replace(build.upstream, tree=build.tree))
    verdicts = {each.patch: str(each.verdict) for each in again.findings}
    assert {patch for patch, verdict in verdicts.items() if verdict == "applied"} == verdicts.keys() - SUPERSEDED
    assert again.tree == build.tree


def test_nothing_of_upstreams_is_overwritten(build: Build) -> None:
    changed = {each.path: each.status for each in build.changes() if each.status != "copied"}
    patches = (codex_hooks, codex_hooks_page, agent_hooks, agent_sessions, parse_outside_transaction, family_prices)
    opt_in = {overlay.path: "added" for each in patches for overlay in each.PATCH.overlays}
    assert changed == opt_in | {
        "scripts/copilot-hook-handler.js": "added",
        "scripts/droid-hook-handler.js": "added",
        "scripts/gemini-hook-handler.js": "added",
        "scripts/harness/codex-hook-handler.js": "added",
        "scripts/qwen-hook-handler.js": "added",
        "scripts/import-history.js": "patched",
        "scripts/install-hooks.js": "patched",
        "server/db.js": "patched",
        "server/index.js": "patched",
        "server/lib/claude-failures.js": "added",
        "server/lib/claude-gaps.js": "added",
        "server/lib/claude-rows.js": "added",
        "server/lib/claude-spawns.js": "added",
        "server/lib/claude-transcript.js": "added",
        "server/lib/claude-notifications.js": "added",
        "server/lib/claude-subagents.js": "added",
        "server/lib/codex-ingest.js": "patched",
        "server/lib/codex-native-batch.js": "added",
        "server/lib/codex-native-tokens.js": "added",
        "server/lib/codex-paths.js": "added",
        "server/lib/harness-column.js": "added",
        "server/lib/local-only.js": "added",
        "server/lib/provider-filter.js": "patched",
        "server/lib/transcript-cache.js": "patched",
        "server/routes/hooks.js": "patched",
        "server/routes/pricing.js": "patched",
        "server/routes/sessions.js": "patched",
        "server/websocket.js": "patched",
    }
    for path in (path for path, status in changed.items() if status == "patched"):
        assert unsplice(build.tree[path].data.decode(), path)[0].encode() == miniature().tree[path].data


def test_ours_looks_for_codex_where_upstream_looks(build: Build) -> None:
    text = build.tree["server/lib/codex-paths.js"].data.decode()
    assert "return process.env.DASHBOARD_CODEX_HOME || process.env.CODEX_HOME || path.join(os.homedir()" in text
    on_v1 = pipeline.check("builtin").tree["server/lib/codex-paths.js"].data.decode()
    assert "return process.env.CODEX_HOME || path.join(os.homedir()" in on_v1


def test_a_contract_of_another_line_cannot_be_asked_for() -> None:
    with pytest.raises(UsageError) as refused:
        proof.run(pipeline.check("builtin"), only=["v1_database_goes_on_natively"])
    assert refused.value.message == "v1_database_goes_on_natively is for the v2 line; this upstream is of the v1 line"
    assert refused.value.hint == "leave it out, or choose another --upstream"


# --- on real sidecars ------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("contract", HERE, ids=lambda contract: contract.id)
def test_each_contract_is_proven(contract: Contract, build: Build, node: Node) -> None:
    [result] = proof.of([contract], build, node=node, node_modules=None)
    assert result.ok, result.message
    assert (result.superseded, result.pristine.green) == ((contract.id in NATIVELY),) * 2


@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("name", sorted(DEFECTS))
def test_an_upstream_that_does_not_do_it_is_seen(name: str, node: Node) -> None:
    old, new, message = DEFECTS[name]
    build = pipeline.check_upstream(edited(miniature(), "server/lib/codex-ingest.js", old, new))
    [contract] = [each for each in CONTRACTS if each.id == name]
    [result] = proof.of([contract], build, node=node, node_modules=None)
    assert not result.ok
    assert result.message.startswith(message)


@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("path", "old", "new", "contract", "said"),
    [
        pytest.param(
            "server/routes/hooks.js",
            '=== "codex"',
            '=== "none"',
            "codex_hooks_feed_native_ingest",
            r"PreToolUse has 7 rows, not 0",
            id="what the handler sends is not forwarded",
        ),
        pytest.param(
            "server/lib/harness-column.js",
            "    carryCursors(db);\n",
            "",
            "v1_database_goes_on_natively",
            r"rows of what the v1 line had read came again",
            id="the cursors are not carried over",
        ),
        pytest.param(
            "server/lib/harness-column.js",
            "    renameAgents(db);\n",
            "",
            "v1_database_goes_on_natively",
            r"its agents are .*-main",
            id="the agents keep their names",
        ),
        pytest.param(
            "server/lib/harness-column.js",
            "Math.max(\n",
            "(() => 0)(\n",
            "v1_database_goes_on_natively",
            r"\d+ input tokens are booked, not \d+",
            id="what was booked is forgotten",
        ),
        pytest.param(
            "server/lib/codex-native-batch.js",
            'db.exec("ROLLBACK")',
            'db.exec("COMMIT")',
            "failed_batch_is_told_once",
            r"has \d+ rows, not 2",
            id="half a batch stays",
        ),
        pytest.param(
            "server/lib/codex-native-tokens.js",
            "if (!total || !last || ",
            "if (true || ",
            "native_tokens_are_what_was_used",
            r"a fork with 1,0\d\d,\d{3} and 7\d,\d{3}, and used \d,\d{3} and \d",
            id="a fork begins at zero",
        ),
        pytest.param(
            "server/lib/claude-subagents.js",
            'if (row) prepare("DELETE FROM events WHERE id = ?").run(row.id);',
            "",
            "claude_subagent_calls_are_told_once",
            r"transcript first: one-a3b0 has 2 and 2 rows",
            id="what was imported stays beside its hook",
        ),
        pytest.param(
            "server/lib/claude-subagents.js",
            "return agentOf(data) || before || agentId;",
            "return before || agentId;",
            "claude_subagent_calls_are_told_once",
            r"^one that never stops: rows of agent 0 are under main$",
            id="the sub-agent of a hook is not looked for",
        ),
        pytest.param(
            "server/lib/claude-failures.js",
            "isOlder < 0",
            "isOlder < -99",
            "claude_failed_call_has_its_end",
            r"1 beside Claude Code 2\.0\.55",
            id="an older Claude Code gets a hook that it does not know",
        ),
        pytest.param(
            "server/lib/claude-notifications.js",
            "<task-notification[",
            "<task[",
            "claude_notification_is_not_a_prompt",
            r"made 3 prompts and 0 notifications",
            id="news is not known",
        ),
        pytest.param(
            "server/lib/claude-gaps.js",
            " && Date.parse(time) < end",
            "",
            "claude_gaps_are_filled",
            r"^with hooks: 5 rows, not 3$",
            id="a session with hooks is read as well",
        ),
        pytest.param(
            "server/lib/claude-gaps.js",
            "if (!row) return;",
            "return;",
            "claude_gaps_are_filled",
            r"^late hooks: 6 of 3 prompts; late hooks: 12 rows of 3 calls, 0 missing$",
            id="a hook makes a second row",
        ),
        pytest.param(
            "server/lib/claude-gaps.js",
            "time >= begin && ",
            "",
            "claude_gaps_are_filled",
            r"^no hooks: 4 of 3 prompts; late hooks: 4 of 3 prompts$",
            id="what a fork has copied is its own",
        ),
    ],
)
def test_a_broken_piece_of_ours_is_seen(
    build: Build, node: Node, path: str, old: str, new: str, contract: str, said: str
) -> None:
    text = build.tree[path].data.decode()
    assert text.count(old) == 1
    broken = {**build.tree, path: File(text.replace(old, new).encode())}
    handler = build.added[proof.codex_handler(build)].data.decode()
    [chosen] = [each for each in CONTRACTS if each.id == contract]
    with both_beds(build.upstream.tree, broken, node=node, node_modules=None, handler_source=handler) as (_, bench):
        seen = observe(chosen, bench)
    assert seen.observed and not seen.green
    assert re.search(said, seen.said), seen.said


# --- how a superseded contract is judged -----------------------------------------------------------------------

THERE = Observation(green=True, said="it is there")
NOT = Observation(green=False, said="it is absent")
UNSEEN = Observation(green=False, said="the sidecar died", observed=False)


def judged(pristine: Observation, patched: Observation, superseded: set[str]) -> ProofResult:
    """A proof on trees that do not matter."""
    contract = Contract(
        id="made_up",
        summary="",
        patches=("one", "two"),
        observe=lambda bench: pristine if bench.tree == bench.pristine_tree else patched,
    )
    nowhere = Node("/no/such/node", "24.0.0", "--node")
    tree = {"server/index.js": File(b"")}
    [result] = prove(
        tree,
        tree,
        contracts=[contract],
        node=nowhere,
        node_modules=None,
        handler_source="",
        superseded=superseded,
        line=Line.V2,
    )
    return result


@pytest.mark.parametrize(
    ("pristine", "patched", "message"),
    [
        (THERE, THERE, ""),
        (NOT, THERE, "one, two: declared superseded for the v2 line, but upstream does not do it: it is absent"),
        (NOT, NOT, "one, two: declared superseded for the v2 line, but upstream does not do it: it is absent"),
        (THERE, NOT, "upstream does it itself, and the patched tree no longer does: it is absent"),
        (UNSEEN, THERE, "could not be observed on the pristine tree: the sidecar died"),
        (THERE, UNSEEN, "could not be observed on the patched tree: the sidecar died"),
    ],
)
def test_a_superseded_contract_is_green_on_both_trees(
    pristine: Observation, patched: Observation, message: str
) -> None:
    result = judged(pristine, patched, {"one", "two"})
    assert (result.ok, result.superseded) == (not message, True)
    assert result.message == (message or "it is there")


def test_a_contract_that_a_living_patch_shares_is_judged_as_ever() -> None:
    assert judged(NOT, THERE, {"one"}).ok
    assert (
        judged(THERE, THERE, {"one"}).message
        == "retire one, two: upstream does it itself, on the pristine tree it is there"
    )


@pytest.mark.parametrize("upstream", [materialize("builtin"), miniature()], ids=["v1 line", "v2 line"])
def test_the_handler_that_is_deployed_is_ours(upstream: Upstream) -> None:
    build = apply.apply_series(upstream, SERIES)
    ours = handler_path("codex", upstream.line)
    assert f'"{ours}"' in build.added["server/lib/codex-hooks-optin.js"].data.decode()
    assert b"Generated by sidecar-patcher" in build.added[ours].data
