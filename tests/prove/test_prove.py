"""The contracts: red on the pristine builtin sidecar, each for the right reason; and what `prove` makes of them."""

import json
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from patcher.errors import BrowserMissing, NodeMissing
from patcher.model import File, Line, Tree
from patcher.patches import SERIES
from patcher.prove import (
    CONTRACTS,
    Contract,
    Node,
    NotSeen,
    Observation,
    ProofResult,
    TestBed,
    both_beds,
    find_node,
    journeys,
    observe,
    prove,
)
from patcher.prove import contracts as all_contracts
from patcher.prove.contracts import (
    claude_gaps_are_filled,
    claude_subagent_calls_are_told_once,
    codex_session_has_its_cost,
    codex_session_outlives_restart,
    foreign_sites_cannot_flip_the_switch,
    rollout_alone_is_recorded_once,
)
from patcher.prove.cross_origin import FOREIGN_REQUESTS
from patcher.prove.sample import SampleSession
from patcher.prove.sidecar import Sidecar
from patcher.resources import BUILTIN_SIDECAR
from patcher.upstream.materialize import materialize
from tests.support import CommandLine

STAND_IN = """
const http = require("http");
let text = "";
process.stdin.on("data", (chunk) => (text += chunk));
process.stdin.on("end", () => {
  const data = { ...JSON.parse(text), __provider: "codex" };
  const headers = { "Content-Type": "application/json" };
  const port = process.env.CLAUDE_DASHBOARD_PORT;
  const where = { host: "127.0.0.1", port, path: "/api/hooks/event", method: "POST", headers };
  http.request(where, (answer) => answer.resume()).end(JSON.stringify({ hook_type: data.hook_event_name, data }));
});
"""

RED = {
    "existing_database_gains_columns": "its rows are intact; the `harness` of the session in it is absent",
    "codex_hook_stamps_session": "the session is there .* ms after the hook, its `harness` is absent",
    "claude_hook_stays_claude": "5 hooks made 5 events, none of them marked .* `harness` is absent",
    "claude_subagent_calls_are_told_once": "hooks first: one-a0b0 has 2 and 2 rows; .* of agent 0 are under main; .*"
    "transcript first: one-a3b0 has 2 and 2 rows; .* do not name it: one-a5b0 has 2 and 2 rows",
    "claude_failed_call_has_its_end": "the rows PreToolUse, PostToolUseFailure; our entries of .*: 0, 0 beside .*, 0 beside",
    "claude_notification_is_not_a_prompt": "made 3 prompts and 0 notifications; what is shown of the sessions has their text",
    "claude_gaps_are_filled": "no hooks: 0 of 3 prompts; no hooks: 0 rows of 3 calls, 6 missing; the sidecar killed: 2 of 3",
    "unknown_provider_changes_nothing": "of 9 events from unknown providers 9 were kept, .* is absent",
    "filter_separates_harnesses": r"`\?harness=codex` lists claude, codex 0, codex 1",
    "transcript_parsed_outside_write_lock": r"locked out for \d+ of \d+ ms \((?:[5-9]\d|100) %\)",
    "codex_transcript_is_not_parsed_as_claude": "books 300 input tokens of claude-opus-4-7",
    "codex_session_outlives_restart": "the session is completed, with a SessionEnd that nobody sent; .* is absent",
    "codex_conversation_is_complete": "of 15 parts of a conversation, 0 are shown: none",
    "rollout_alone_is_recorded_once": "after the first half of a rollout was written there is no such session",
    "hooked_then_imported_has_no_row_twice": "hooks first, .* has no row, not 1; .* its `capture` is no capture, not both",
    "codex_hooks_follow_the_intent": "it is not so that opted in it has ours once in each of 11 events",
    "consent_page_flips_the_hooks": "shows no switch; .* answers 404 and 404, 0 and then 0 events have a hook of ours",
    "agent_hooks_follow_the_choice": "it is not so that when switched on, each agent has our hooks",
    "foreign_sites_cannot_flip_the_switch": "its own page cannot flip the switch; .* nothing was changed",
    "nobody_else_on_the_network": "a page of another site reads the sessions, .*, another address .* accepts",
    "session_says_how_it_came_in": "`capture` is claude: absent; live: absent; file: of no session; both: absent",
    "agent_sessions_are_recorded_once": "Qwen Code, as it happens: its harness is absent; its tokens are .*; its model is",
    "codex_session_has_its_cost": r"gpt-5\.5 \$0\.0000 .* do not agree: .*; not named without a price: kestrel-9",
}
ON_BUILTIN = [contract for contract in CONTRACTS if contract.line in {None, Line.V1}]


@pytest.fixture(scope="module")
def node() -> Node:
    try:
        return find_node()
    except NodeMissing as error:
        pytest.skip(error.message)


@pytest.fixture(scope="module")
def pristine() -> Tree:
    return materialize("builtin").tree


@pytest.fixture
def on_pristine(pristine: Tree, node: Node) -> Iterator[TestBed]:
    with both_beds(pristine, pristine, node=node, node_modules=None, handler_source=STAND_IN) as (bench, _):
        yield bench


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What never comes on the pristine tree need not be waited for."""
    monkeypatch.setattr(rollout_alone_is_recorded_once, "_PATIENCE", 0.5)
    monkeypatch.setattr(journeys, "TIMEOUT_S", 1.0)
    monkeypatch.setattr(codex_session_has_its_cost, "_PATIENCE", 0.5)
    monkeypatch.setattr(claude_subagent_calls_are_told_once, "_PATIENCE", 0.5)
    monkeypatch.setattr(claude_gaps_are_filled, "_PATIENCE", 0.5)


# --- on the pristine sidecar -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("contract", ON_BUILTIN, ids=lambda contract: contract.id)
def test_is_red_on_the_pristine_tree_for_its_reason(contract: Contract, on_pristine: TestBed) -> None:
    observation = observe(contract, on_pristine)
    assert observation.observed
    assert not observation.green
    assert re.search(RED[contract.id], observation.said), observation.said


@pytest.mark.slow
def test_a_session_that_is_spared_but_not_stamped_stays_red(pristine: Tree, node: Node) -> None:
    """Older upstreams look for no process: there the restart changes nothing, and the harness is what is missing."""
    hooks = pristine["server/routes/hooks.js"].data.replace(b"if (!probe.available) return;", b"return;")
    tree = {**pristine, "server/routes/hooks.js": File(hooks)}
    with both_beds(tree, tree, node=node, node_modules=None, handler_source=STAND_IN) as (bench, _):
        observation = observe(codex_session_outlives_restart.CONTRACT, bench)
    assert not observation.green
    assert observation.said == "after a restart the session is active, without a SessionEnd; its `harness` is absent"


def test_the_series_and_the_contracts_name_each_other() -> None:
    by_series = {(patch.id, contract) for patch in SERIES for contract in patch.contracts}
    by_contract = {(patch, contract.id) for contract in CONTRACTS for patch in contract.patches}
    assert by_series == by_contract
    assert set(RED) == {contract.id for contract in ON_BUILTIN}


# --- what a proof is made of -----------------------------------------------------------------------------------

GREEN = Observation(green=True, said="it is there")
NOT = Observation(green=False, said="it is absent")


def made_up(on_pristine: Observation | Exception, on_patched: Observation | Exception) -> Contract:
    """A contract that says the first on the pristine tree and the second on the patched one."""

    def look(bench: TestBed) -> Observation:
        seen = on_pristine if bench.tree == bench.pristine_tree else on_patched
        if isinstance(seen, Exception):
            raise seen
        return seen

    return Contract(id="made_up", summary="", patches=("a_patch",), observe=look)


def proof_of(contract: Contract) -> ProofResult:
    nowhere = Node("/no/such/node", "24.0.0", "--node")
    tree = {"server/index.js": File(b"")}
    [result] = prove(tree, tree, contracts=[contract], node=nowhere, node_modules=None, handler_source="")
    return result


@pytest.mark.parametrize(
    ("contract", "ok", "message"),
    [
        pytest.param(made_up(NOT, GREEN), True, "it is there", id="proven"),
        pytest.param(made_up(GREEN, GREEN), False, "retire a_patch: upstream does it itself", id="upstream does it"),
        pytest.param(made_up(NOT, NOT), False, "red on the patched tree: it is absent", id="patch does not work"),
        pytest.param(
            made_up(NotSeen("the server died"), GREEN),
            False,
            "could not be observed on the pristine tree: the server died",
            id="nothing seen on pristine",
        ),
        pytest.param(
            made_up(NOT, NotSeen("the server died")),
            False,
            "could not be observed on the patched tree: the server died",
            id="nothing seen on patched",
        ),
    ],
)
def test_judges_both_observations(contract: Contract, ok: bool, message: str) -> None:
    result = proof_of(contract)
    assert result.ok is ok
    assert message in result.message


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(KeyError("sessions"), "there is no 'sessions' (KeyError at ", id="a field that is not there"),
        pytest.param(TypeError("not\na list"), "not a list (TypeError at ", id="another type"),
        pytest.param(IndexError(), "no detail (IndexError at ", id="an error that says nothing"),
        pytest.param(FileNotFoundError(2, "No such file", "x"), "[Errno 2] No such file: 'x' (", id="no file"),
    ],
)
def test_what_a_contract_stumbles_over_is_a_sentence(error: Exception, said: str) -> None:
    result = proof_of(made_up(error, GREEN))
    assert (result.ok, result.pristine.observed, result.patched.observed) == (False, False, True)
    assert result.pristine.said.startswith(f"the sidecar has another shape than the contract expects: {said}")
    assert "\n" not in result.pristine.said and re.search(r"at test_prove\.py:\d+\)$", result.pristine.said)


def test_what_this_machine_lacks_is_not_an_observation() -> None:
    with pytest.raises(BrowserMissing):
        proof_of(made_up(BrowserMissing("there is no Chromium"), GREEN))


def test_tells_what_it_is_doing() -> None:
    said: list[str] = []
    tree = {"server/index.js": File(b"")}
    nowhere = Node("/no/such/node", "24.0.0", "--node")
    prove(
        tree,
        tree,
        contracts=[made_up(NOT, GREEN)],
        node=nowhere,
        node_modules=None,
        handler_source="",
        progress=said.append,
    )
    assert said == ["made_up: pristine", "made_up: patched"]


@pytest.mark.parametrize(
    "handler",
    ["process.exit(2);", "console.log('hello');", "console.error('hello');"],
    ids=["code", "stdout", "stderr"],
)
def test_a_handler_that_is_felt_is_refused(pristine: Tree, node: Node, handler: str) -> None:
    [contract] = [contract for contract in CONTRACTS if contract.id == "codex_hook_stamps_session"]
    with both_beds(pristine, pristine, node=node, node_modules=None, handler_source=handler) as (bench, _):
        observation = observe(contract, bench)
    assert not observation.observed
    assert "the hook handler exited with" in observation.said


@pytest.mark.parametrize("error", [KeyboardInterrupt, BrowserMissing])
def test_leaves_nothing_when_interrupted(
    pristine: Tree, node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    running = []

    def interrupted(bench: TestBed) -> Observation:
        with bench.pristine_sidecar() as old, bench.sidecar() as new:
            running.extend([old, new])
            assert all(sidecar.running for sidecar in running)
            raise error("")

    contract = Contract(id="interrupted", summary="", patches=(), observe=interrupted)
    with pytest.raises(error):
        prove(pristine, pristine, contracts=[contract], node=node, node_modules=None, handler_source=STAND_IN)
    assert len(running) == 2
    assert not any(sidecar.running for sidecar in running)
    assert list(tmp_path.iterdir()) == []


# --- the sample session ----------------------------------------------------------------------------------------


@pytest.fixture
def session() -> SampleSession:
    return SampleSession("a session", codex_home="/home/user/.codex")


def rows_of(session: SampleSession, *, hooked: bool, imported: bool) -> list[dict[str, Any]]:
    """The rows that a perfect sidecar has: what the rollout tells in the words of hooks, and what hooks tell."""
    hooks = {name_of(payload): payload for payload in session.hooks} if hooked else {}
    lines = {name_of(payload): payload for payload in told_by(session.rollout)} if imported else {}
    return [
        {
            "session_id": session.id,
            "event_type": name[0],
            "data": json.dumps(payload),
            "capture": "both" if name in hooks and name in lines else "hook" if name in hooks else "rollout",
        }
        for name, payload in {**lines, **hooks}.items()
    ]


def name_of(payload: dict[str, Any]) -> tuple[str, ...]:
    return (
        payload["hook_event_name"],
        payload.get("tool_use_id") or payload.get("turn_id", ""),
        payload.get("prompt", ""),
    )


def told_by(rollout: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A reading of a rollout of its own, which is enough for the sample session."""
    turn = ""
    for line in rollout:
        payload = line["payload"]
        turn = payload.get("turn_id", turn)
        names = {
            "session_meta": {"hook_event_name": "SessionStart", "source": "startup"},
            "function_call": {"hook_event_name": "PreToolUse", "tool_use_id": payload.get("call_id")},
            "function_call_output": {"hook_event_name": "PostToolUse", "tool_use_id": payload.get("call_id")},
            "task_complete": {"hook_event_name": "Stop", "turn_id": turn},
        }
        kind = str(payload.get("type", line["type"])).replace("custom_tool", "function")
        if kind in names:
            yield names[kind]
        elif kind == "item_completed" and payload["item"]["type"] == "UserMessage":
            prompt = payload["item"]["content"][0]["text"]
            yield {"hook_event_name": "UserPromptSubmit", "turn_id": turn, "prompt": prompt}


@pytest.mark.parametrize(("hooked", "imported"), [(True, True), (False, True), (True, False)])
def test_finds_nothing_wrong_with_the_truth(session: SampleSession, hooked: bool, imported: bool) -> None:
    rows = rows_of(session, hooked=hooked, imported=imported)
    assert len(rows) == (session.events if imported and hooked else session.events - (1 if imported else 2))
    assert session.problems(rows, hooked=hooked, imported=imported) == []


def row_of(rows: list[dict[str, Any]], event_type: str) -> dict[str, Any]:
    return next(row for row in rows if row["event_type"] == event_type)


def twice(rows: list[dict[str, Any]]) -> None:
    rows.append(rows[2])


def lost(rows: list[dict[str, Any]]) -> None:
    del rows[3]


def of_one_source(rows: list[dict[str, Any]]) -> None:
    rows[2]["capture"] = "hook"


def untraceable(rows: list[dict[str, Any]]) -> None:
    rows.append({**rows[2], "event_type": "PreToolUse", "data": "{}", "capture": "rollout"})


def started_twice(rows: list[dict[str, Any]]) -> None:
    rows.append(row_of(rows, "SessionStart"))


def never_ended(rows: list[dict[str, Any]]) -> None:
    rows.remove(row_of(rows, "SessionEnd"))


@pytest.mark.parametrize("damage", [twice, lost, of_one_source, untraceable, started_twice, never_ended])
def test_finds_what_is_wrong(session: SampleSession, damage: Callable[[list[dict[str, Any]]], None]) -> None:
    rows = rows_of(session, hooked=True, imported=True)
    damage(rows)
    assert session.problems(rows, hooked=True, imported=True) != []


def test_the_streams_are_as_codex_writes_them(session: SampleSession) -> None:
    assert [line["ordinal"] for line in session.rollout] == list(range(len(session.rollout)))
    assert session.rollout[0]["payload"]["session_id"] == session.id
    assert session.id in session.rollout_path
    assert all("timestamp" not in payload for payload in session.hooks)
    calls = {line["payload"].get("call_id") for line in session.rollout} - {None}
    items = {line["payload"]["item"]["id"] for line in session.rollout if "item" in line["payload"]}
    assert {payload["tool_use_id"] for payload in session.hooks if "tool_use_id" in payload} <= calls & items
    assert len({payload.get("tool_use_id") for payload in session.hooks}) == 1 + len(calls)


def test_the_same_name_gives_the_same_identifiers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_795_000_000.0)
    first, again = (SampleSession("same", codex_home="/x") for _ in range(2))
    assert first.hooks == again.hooks
    assert first.rollout == again.rollout
    assert SampleSession("other", codex_home="/x").id != first.id


# --- another shape of the API ------------------------------------------------------------------------------------

NONSENSE = """
const http = require("http");
const server = http.createServer((request, response) => {
  const health = request.url === "/api/health";
  request.resume().on("end", () => {
    ANSWER
  });
});
server.listen(Number(process.env.DASHBOARD_PORT), "127.0.0.1");
"""
ANSWERS = {
    "404": "response.writeHead(health ? 200 : 404).end();",
    "HTML": "response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>hello</title>');",
    "null": "response.end('null');",
    "a list": "response.end('[]');",
    "an object": "response.end('{}');",
    "a text": "response.end('\"hello\"');",
    "other types": "response.end(JSON.stringify({session: [], sessions: {a: 1}, events: 7, total: null}));",
    "rows of nothing": "response.end(JSON.stringify({session: {}, sessions: [{}], events: [null]}));",
    "not HTTP": "if (health) response.end('{}'); else request.socket.end('hello');",
    "an exit": "response.end('{}'); if (!health) process.exit(3);",
}


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.usefixtures("without_patience")
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_sidecar_of_another_shape_is_observed_or_not_and_never_a_crash(node: Node, answer: str) -> None:
    """Not upstream: a server that answers the same to everything, which no version of upstream does."""
    tree = {"server/index.js": File(NONSENSE.replace("ANSWER", ANSWERS[answer]).encode())}
    seen = {}
    with both_beds(tree, tree, node=node, node_modules=None, handler_source=STAND_IN) as (bench, _):
        for contract in CONTRACTS:
            seen[contract.id] = observe(contract, bench)
    assert [name for name, each in seen.items() if each.green] == []
    assert [name for name, each in seen.items() if not each.said.strip() or "Traceback" in each.said] == []
    assert sum(not each.observed for each in seen.values()) >= len(seen) // 2


@pytest.fixture
def without_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What such a server does not have never comes."""
    monkeypatch.setattr(journeys, "TIMEOUT_S", 0.2)
    for module in vars(all_contracts).values():
        for name, value in {"_PATIENCE": 0.2, "_LOOKS": 0.2, "_MEGABYTES": 1}.items():
            if hasattr(module, name):
                monkeypatch.setattr(module, name, value)
    real = Sidecar.wait_for
    monkeypatch.setattr(Sidecar, "wait_for", lambda self, look, _, what: real(self, look, 0.2, what))
    monkeypatch.setattr(foreign_sites_cannot_flip_the_switch, "FOREIGN_REQUESTS", FOREIGN_REQUESTS[:3])


@pytest.mark.slow
def test_a_proof_of_another_shape_is_a_report_and_ends_with_4(cli: CommandLine, tmp_path: Path) -> None:
    """A real sidecar, whose session is called otherwise: `reply.session` is not there."""
    upstream = Path(shutil.copytree(BUILTIN_SIDECAR, tmp_path / "upstream"))
    answers = upstream / "server/mini-express.js"
    text = answers.read_text()
    assert text.count("JSON.stringify(value)") == 1
    renamed = 'JSON.stringify(value).replace(/^{"session":/, \'{"conversation":\')'
    answers.write_text(text.replace("JSON.stringify(value)", renamed))
    ended = cli(
        *("prove", "--upstream", upstream, "--only", "codex_hook_stamps_session", "claude_hook_stays_claude"),
        *("--report", tmp_path / "r.json"),
    )
    content = json.loads((tmp_path / "r.json").read_text())
    assert (ended.code, content["ok"], len(content["contracts"])) == (4, False, 2)
    for contract in content["contracts"]:
        for tree in ("pristine", "patched"):
            seen = contract[tree]
            assert (seen["green"], seen["observed"]) == (False, False)
            assert "another shape than the contract expects: there is no 'session' (KeyError at " in seen["said"]
    assert "    pristine  not observed  the sidecar has another shape" in ended.out
    assert [error["code"] for error in content["errors"]] == ["contract-refused"] * 2
