"""The simulator: the same seed is the same day, its streams are as recorded, and it sees the bugs it is for."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from patcher.codex.judgement import Judgement
from patcher.codex.records import Copying, iso
from patcher.codex.session_facts import Session, Stored, judge_sessions
from patcher.codex.version import BARE, NO_TURNS
from patcher.errors import NodeMissing
from patcher.model import File, Tree
from patcher.prove import find_node
from patcher.testing import CODE, DIRECT, VERSIONS, Codex, Scenario, Version, judge
from patcher.testing.migrated import migrate_all
from patcher.testing.simulator import KINDS
from patcher.testing.steps import Delivery, Write
from tests.lab.simulate import hooks_off
from tests.lab.simulate.__main__ import main, patched, run
from tests.lab.simulate.naive import naive

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "codex-samples"
CHECKPOINTS, KEYS, LEDGER, PATHS, READER, SESSION_JS, STATUS, TOKENS, TURNS = (
    f"server/lib/codex-{name}.js"
    for name in (
        "checkpoints", "keys", "ledger", "paths", "reader", "session", "status", "tokens", "turns",
    )
)  # fmt: skip


@pytest.fixture(scope="module")
def tree() -> Tree:
    try:
        find_node()
    except NodeMissing as error:
        pytest.skip(error.message)
    return patched("builtin")


def scenarios(count: int = 300) -> list[Scenario]:
    return [Scenario.from_seed(seed) for seed in range(count)]


# --- what it makes up ------------------------------------------------------------------------------------------


def test_the_same_seed_is_the_same_day_wherever_it_is() -> None:
    here, there = (Scenario.from_seed(7, codex_home=home) for home in ("/here", "/there"))
    assert here.timeline() == there.timeline()
    assert [line.text for line in here.codex.threads[0].lines] == [line.text for line in there.codex.threads[0].lines]
    assert Scenario.from_seed(8).timeline() != here.timeline()


def test_no_two_seeds_share_an_identifier() -> None:
    threads = [thread for scenario in scenarios() for thread in scenario.codex.threads]
    ids = [thread.id for thread in threads if not thread.continues]
    assert len(set(ids)) == len(ids)


def test_every_kind_of_trouble_comes_within_a_few_hundred_seeds() -> None:
    seen: Counter[str] = Counter()
    for scenario in scenarios(500):
        seen[str(scenario.codex.version)] += 1
        kind, _, roads, facts = scenario.facts.split("; ")
        seen.update(fact.split(" ", 1)[1] if "kill" in fact else fact for fact in facts.split(", "))
        seen[roads] += 1
        seen[kind] += 1
        threads = scenario.codex.threads
        seen["a second file"] += any(thread.continues for thread in threads)
        seen["flat"] += any(thread.path.count("/") == 2 for thread in threads)
        seen["numbered calls"] += scenario.codex.numbered_calls
        seen.update(thread.kind for thread in threads)
        seen["fork"] += any(thread.forked_from for thread in threads)
        seen["fork of a fork"] += any(thread.forked_from and thread.forked_from.forked_from for thread in threads)
        seen["sub-agent"] += any(thread.parent for thread in threads)
        seen["sub-agent of a sub-agent"] += any(thread.parent and thread.parent.parent for thread in threads)
        seen["resume"] += any(event.mark == "resume" for event in scenario.events)
        seen.update({event.event_type for event in scenario.events})
        hooked = [step.hook.event for step in scenario.deliveries()]
        seen["reordered"] += hooked != sorted(hooked)
        for tick in scenario.ticks:
            seen[f"disk {tick.fault}"] += 1
            for step in tick.steps:
                if isinstance(step, Write):
                    text = b"".join(line.data for line in step.thread.lines)
                    seen["half a line"] += text[step.size - 1 : step.size] != b"\n"
                seen[type(step).__name__] += 1
                seen["hook while down"] += isinstance(step, Delivery) and tick.down
    wanted = [
        *map(str, (BARE, NO_TURNS, *VERSIONS)), *KINDS, "a second file", "flat", "numbered calls", "disk full",
        "disk broken", "Compress", "Migrate", "thread_spawn", "guardian", "guardian_review", "review",
        "history copied slowly", "history without its head", "history with its own times", "both sources", "hooks alone", "rollout alone", "lost hooks", "late hooks", "clock skew",
        "hooks delivered twice", "opt-in in the middle", "kill -9", "a rollout that breaks off", "an archived rollout",
        "a deleted rollout", "spoiled lines", "lost lines", "lines of megabytes", "a rollout cut short",
        "a replaced rollout", "a rollout archived while it is written", "Move", "Cut", "Replace", "fork", "fork of a fork", "sub-agent", "resume", "reordered", "half a line",
        "hook while down", "SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "Interrupt",
        "SubagentStart", "SubagentStop", "PreCompact", "PostCompact", "PermissionRequest", "SessionEnd",
    ]  # fmt: skip
    assert [what for what in wanted if seen[what] == 0] == []


def test_what_a_fork_has_copied_tells_nothing_and_costs_nothing() -> None:
    codex = Codex("/codex", version=Version(146), now=1_790_000_000)
    session = codex.session()
    session.turn("one")
    session.shell("ls")
    session.stop()
    fork = session.fork(Copying(meta=False, spread=2000))
    copied = len(fork.lines) - 1
    assert copied == len(session.lines) - 1
    assert not any(line.events or line.tokens for line in fork.lines[1:])
    assert json.loads(fork.lines[-1].text)["timestamp"] > json.loads(fork.lines[1].text)["timestamp"]
    fork.turn("two")
    fork.respond()
    own = [line.tokens for line in fork.lines if line.tokens]
    totals = [json.loads(line.text)["payload"]["info"] for line in fork.lines if '"info":{' in line.text]
    assert len(own) == 1
    assert totals[-1]["total_token_usage"]["input_tokens"] > totals[-1]["last_token_usage"]["input_tokens"]


def test_a_migrated_thread_is_as_the_real_one_is() -> None:
    codex = Codex("/codex", version=NO_TURNS, now=1_790_000_000)
    session = codex.session()
    session.turn("one")
    session.shell("ls")
    session.stop()
    fork = session.fork()
    fork.turn("two")
    fork.stop()
    calls = [event.mark for event in codex.events if event.event_type == "PreToolUse"]
    migrate_all(codex.threads)
    first, second = ([json.loads(line.text) for line in thread.lines] for thread in codex.threads)
    assert [entry["ordinal"] for entry in second] == list(range(len(second)))
    assert [entry["type"] for entry in second].count("session_meta") == 1
    kinds = [entry["payload"].get("type") for entry in second]
    assert "user_message" not in kinds
    assert (kinds.count("task_started"), kinds.count("task_complete")) == (2, 2)
    turns = [{entry["payload"].get("turn_id") for entry in entries} - {None, ""} for entries in (first, second)]
    assert all(turn.startswith("rollout-") for turn in turns[0] | turns[1])
    assert [event.mark for event in codex.events if event.event_type == "PreToolUse"] == calls
    prompts = [event.mark for event in codex.events if event.event_type == "UserPromptSubmit"]
    assert set(prompts) <= turns[0] | turns[1]
    assert [index for line in fork.lines for index in line.events if "copy" in str(index)] == []


def test_bare_lines_have_neither_envelope_nor_tokens() -> None:
    codex = Codex("/codex", version=BARE)
    session = codex.session()
    session.turn("count")
    session.shell("ls")
    session.stop()
    entries = [json.loads(line.text) for line in session.lines]
    assert entries[0] == {"id": session.id, "timestamp": iso(session.born), "instructions": None, "git": {}}
    assert {entry["type"] for entry in entries[1:]} == {"message", "function_call", "function_call_output"}
    in_file = {index for line in session.lines for index in line.events}
    assert [codex.events[index].event_type for index in sorted(in_file)] == [
        "SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse",
    ]  # fmt: skip
    assert not any(line.tokens for line in session.lines)


# --- as recorded -----------------------------------------------------------------------------------------------


def kind_of(entry: dict[str, Any]) -> tuple[Any, ...]:
    payload = entry["payload"]
    return (entry["type"], payload.get("type"), (payload.get("item") or {}).get("type"), payload.get("name"))


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no recorded streams beside the checkout")
@pytest.mark.parametrize(
    ("name", "version"),
    [("v0146-direct", Version(146)), ("v0169-direct", DIRECT), ("v0169-codemode", CODE)],
    ids=lambda value: str(value),
)
def test_what_is_made_up_has_no_field_that_was_never_recorded(name: str, version: Version) -> None:
    codex = Codex("/codex", version=version)
    session = codex.session()
    session.turn("do")
    session.shell("echo hi")
    session.patch("one")
    session.remember({"k": "v"})
    session.plan("next")
    session.shell_patch("two")
    session.search("x")
    session.type_into(session.background("sleep 2"), "yo", "late", exit_code=0)
    session.stop()
    session.end()
    recorded: dict[Any, set[str]] = {}
    for line in Path(SAMPLES, f"{name}.hooks.jsonl").read_text().splitlines():
        payload = json.loads(line)["stdin"]
        recorded.setdefault((payload["hook_event_name"], payload.get("tool_name")), set()).update(payload)
    for hook in codex.hooks:
        assert set(hook.payload) == recorded[hook.payload["hook_event_name"], hook.payload.get("tool_name")]
    lines: dict[Any, set[str]] = {}
    for text in Path(SAMPLES, f"{name}.rollout0.jsonl").read_text().splitlines():
        entry = json.loads(text)
        if isinstance(entry["payload"], dict):
            lines.setdefault(kind_of(entry), set()).update(entry["payload"], entry["payload"].get("item") or {})
    for line in session.lines:
        entry = json.loads(line.text)
        known = lines.get(kind_of(entry))
        if known is not None:  # in code mode a patch through the shell and a search were not recorded
            assert {*entry["payload"], *(entry["payload"].get("item") or {})} <= known, kind_of(entry)


# --- what it sees ----------------------------------------------------------------------------------------------


WANTED = Session(
    "s",
    {"gpt-5.5": (100, 20, 5, 1)},
    started_at="2026-09-21T14:00:00.000Z",
    cwd="/home/user/shop",
    name="shop",
    models={"gpt-5.5"},
    agents=(1, 1),
    over=True,
)
SESSION = {"id": "s", "started_at": WANTED.started_at, "cwd": WANTED.cwd, "name": "shop", "model": "gpt-5.5"}
AGENTS = (
    {"id": "s-main", "session_id": "s", "type": "main", "status": "completed"},
    {"id": "child", "session_id": "s", "type": "subagent", "status": "completed"},
)
USAGE = {
    "session_id": "s", "model": "gpt-5.5",
    "input_tokens": 100, "cache_read_tokens": 20, "output_tokens": 5, "cache_write_tokens": 1,
}  # fmt: skip


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        pytest.param({}, None, id="as it happened"),
        pytest.param({"usage": {"output_tokens": 10}}, "has the tokens", id="a doubled token"),
        pytest.param({"usage": {"model": "unknown"}}, "has the tokens", id="tokens of no model"),
        pytest.param({"session": {"started_at": "2026-09-22T00:00:00.000Z"}}, "started_at is", id="another start"),
        pytest.param({"session": {"cwd": "/home/user/worktree"}}, "cwd is", id="another folder"),
        pytest.param({"session": {"name": "Session s"}}, "name is", id="another name"),
        pytest.param({"session": {"model": None}}, "model is", id="no model"),
        pytest.param({"session": {"harness": "claude"}}, "harness is", id="another harness"),
        pytest.param({"session": {"status": "active"}}, "status is", id="not over"),
        pytest.param({"agents": AGENTS[:1]}, "the number of its sub-agents is 0", id="an agent too few"),
        pytest.param({"agents": [*AGENTS, {**AGENTS[1], "id": "x"}]}, "sub-agents is 2", id="an agent too many"),
        pytest.param({"agents": [AGENTS[0], {**AGENTS[1], "status": "working"}]}, "with open agents", id="an open agent"),
        pytest.param({"more": [{**SESSION, "id": "child"}]}, "child is a session, and must not be", id="a child"),
        pytest.param({"none": True}, "session s is not there", id="no session"),
    ],
)  # fmt: skip
def test_judges_what_the_database_says_of_a_session(stored: dict[str, Any], said: str | None) -> None:
    row = {**SESSION, "status": "completed", "harness": "codex", **stored.get("session", {})}
    sessions = [] if "none" in stored else [row, *stored.get("more", ())]
    verdict = Judgement()
    usage = [{**USAGE, **stored.get("usage", {})}]
    judge_sessions(verdict, [WANTED], Stored(sessions, stored.get("agents", AGENTS), usage))
    assert [bool(said)] == [bool(verdict.problems)]
    assert all((said or "") in problem for problem in verdict.problems)


def test_judges_calls_that_have_the_same_number_by_their_turn() -> None:
    codex = Codex("/codex", numbered_calls=True)
    session = codex.session()
    for prompt in ("one", "two"):
        session.turn(prompt)
        session.shell("ls")
        session.stop()
    calls = [event for event in codex.events if event.event_type == "PreToolUse"]
    assert [event.mark for event in calls] == ["call_0", "call_0"]
    rows = [
        {"session_id": session.id, "event_type": "PreToolUse", "capture": "rollout",
         "data": json.dumps({"turn_id": event.turn, "tool_use_id": "call_0"})}
        for event in calls
    ]  # fmt: skip
    in_file = {event.index for event in calls}
    assert judge(codex.events, rows, delivered={}, in_file=in_file).problems == []
    assert len(judge(codex.events, rows[:1], delivered={}, in_file=in_file).lost) == 1
    twice = judge(codex.events, [rows[0], rows[0]], delivered={}, in_file=in_file)
    assert (len(twice.twice), len(twice.lost)) == (1, 1)


def test_judges_scripts_by_whether_anything_else_shows_the_work() -> None:
    codex = Codex("/codex", version=Version(146, code=True))
    session = codex.session()
    session.turn("one")
    session.shell("ls")
    session.stop()
    scripts = [event for event in codex.events if event.script]
    in_file = {index for line in session.lines for index in line.events}
    assert {event.index for event in scripts} <= in_file
    rows = [
        {"session_id": session.id, "event_type": event.event_type, "capture": "rollout",
         "data": json.dumps({"turn_id": event.turn, "tool_use_id": event.mark})}
        for event in scripts
    ]  # fmt: skip

    def problems(rows: list[dict[str, Any]], delivered: dict[int, int]) -> list[str]:
        verdict = judge(codex.events, rows, delivered=delivered, in_file=in_file)
        return [problem for problem in verdict.problems if "script" in problem]

    assert problems(rows, {}) == []
    assert len(problems([], {})) == 2
    assert len(problems([*rows, rows[0]], {})) == 1
    nested = next(event.index for event in codex.events if event.mark.startswith("exec-"))
    assert problems([], {nested: 1}) == []


@pytest.mark.long
@pytest.mark.slow
def test_the_ledger_holds(tree: Tree) -> None:
    results = list(run(range(60), tree))
    assert len(results) == 60
    assert sum(ran.verdict.events for ran in results) > 1000
    assert [problem for ran in results for problem in ran.verdict.problems] == []


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "old", "new", "kind", "sees"),
    [
        pytest.param(KEYS, ":${phase}`;", "`;", "", "lost", id="phase"),
        pytest.param(KEYS, 'event.nth > 0 ? `:${event.nth}` : ""', '""', "", "lost", id="equal prompts"),
        pytest.param(KEYS, 'isId(turn) ? part(turn) : ""', '""', "call ids by turn", "lost", id="numbers of calls"),
        pytest.param(LEDGER, "data.agent_id || data.session_id", "data.session_id", "sub-agents", "twice", id="agent"),
        pytest.param(TURNS, "  setCopied(thread, turn, true);", "", "forks", "twice", id="copied history"),
        pytest.param(TURNS, "continues || turns.length > 1", "false", "forks", "tokens", id="baseline"),
        pytest.param(TURNS, "if (each !== owner)", "if (each !== owner && each === own)", "children first", "twice", id="children first"),
        pytest.param(TOKENS, "h.session_id = ?", "h.thread_id = ?", "sub-agents", "tokens", id="tokens of a child"),
        pytest.param(SESSION_JS, "row.started_at === start", "true", "children first", "facts", id="start"),
        pytest.param(SESSION_JS, "nameSession(row, cwd ?? row.cwd);", "", "children first", "facts", id="name"),
        pytest.param(CHECKPOINTS, "UPDATE codex_rollouts SET deleted = 1,", "UPDATE codex_rollouts SET", "purged", "facts", id="deletion"),
        pytest.param(STATUS, "return gone || ", "return ", "deleted", "", id="a file that is gone"),
        pytest.param(READER, "line.utf8Slice()", "new TextDecoder('utf-8', { fatal: true }).decode(line)", "", "lost", id="no UTF-8"),
        pytest.param(PATHS, "(?:\\.zst)?$/i", "$/i", "compressed", "", id="zstd"),
    ],
)  # fmt: skip
def test_a_bug_is_seen(tree: Tree, file: str, old: str, new: str, kind: str, sees: str) -> None:
    text = tree[file].data.decode()
    assert old in text, f"{file} has no such code any more"
    broken = {**tree, file: File(text.replace(old, new).encode())}
    assert any(getattr(ran.verdict, sees or "problems") for ran in run(range(100), broken, kind=kind, size=12))


@pytest.mark.slow
def test_hooks_off_is_seen_to_be_what_a_tree_without_hooks_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tree: Tree
) -> None:
    assert hooks_off.main(["--seeds", "10"]) == 0
    assert "0 twice, 0 lost, 0 told by more than the rollout" in capsys.readouterr().out
    rows = "server/lib/session-rows.js"
    assert b"`Main Agent" in tree[rows].data
    other = File(tree[rows].data.replace(b"`Main Agent", b"`Other"))
    monkeypatch.setattr(hooks_off, "without_hooks", lambda _: {**tree, rows: other})
    assert hooks_off.main(["--seeds", "2"]) == 1


def test_the_naive_key_loses_and_doubles() -> None:
    total = Counter[str]()
    for scenario in scenarios(100):
        counts = naive(scenario)
        total.update(twice=counts.twice, lost=counts.lost)
    assert total["twice"] > 100
    assert total["lost"] > 100


@pytest.mark.long
@pytest.mark.slow
def test_a_failure_says_its_seed_and_how_to_see_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tree: Tree
) -> None:
    text = tree[KEYS].data.decode().replace(":${phase}`;", "`;")
    monkeypatch.setattr("tests.lab.simulate.__main__.patched", lambda _: {**tree, KEYS: File(text.encode())})
    assert main(["--seeds", "2", "--naive"]) == 1
    said = capsys.readouterr().out
    seed = next(line.split()[1] for line in said.splitlines() if line.endswith(" failed"))
    assert f"again: python -m tests.lab.simulate --seed {seed} --timeline" in said
    assert f"seed {seed}: {Scenario.from_seed(int(seed)).facts}" in said
    assert "naive key, same deliveries: " in said


def test_judges_what_no_road_could_tell_apart() -> None:
    codex = Codex("/codex")
    session = codex.session()
    session.turn("go on")
    session.steer("go on")
    session.end()
    start, _, _, end = codex.events
    row = {"session_id": session.id, "event_type": "UserPromptSubmit", "capture": "hook"}
    row["data"] = json.dumps({"turn_id": codex.events[1].mark, "prompt": "go on"})
    closed = {"session_id": session.id, "event_type": "SessionEnd", "capture": "hook", "data": "{}"}
    verdict = judge(codex.events, [row, closed, closed], delivered={1: 1, 2: 1, end.index: 2}, in_file=())
    assert (verdict.problems, verdict.merged, verdict.repeated) == ([], 1, 1)
    assert len(judge(codex.events, [row], delivered={1: 1, 2: 1}, in_file={1, 2}).lost) == 1
    assert len(judge(codex.events, [row], delivered={1: 1, start.index: 1}, in_file=()).lost) == 1
