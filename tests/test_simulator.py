"""The simulator: the same seed is the same day, its streams are as recorded, and it sees the bugs it is for."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from patcher.errors import NodeMissing
from patcher.model import File, Tree
from patcher.prove import find_node
from patcher.testing import CODE, DIRECT, VERSIONS, Codex, Scenario, Version, judge
from patcher.testing.simulator import Delivery, Move, Write
from tests.simulate import hooks_off
from tests.simulate.__main__ import main, patched, run
from tests.simulate.naive import naive

SAMPLES = Path(__file__).parents[2] / "shared" / "codex-samples"
LEDGER, PARSER, READER, CHECKPOINTS = (
    f"server/lib/codex-{name}.js" for name in ("ledger", "rollout", "reader", "checkpoints")
)


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
    ids = [thread.id for scenario in scenarios() for thread in scenario.codex.threads]
    assert len(set(ids)) == len(ids)


def test_every_kind_of_trouble_comes_within_a_few_hundred_seeds() -> None:
    seen: Counter[str] = Counter()
    for scenario in scenarios():
        seen[str(scenario.codex.version)] += 1
        seen.update(
            fact.split(" ", 1)[1] if "kill" in fact else fact for fact in scenario.facts.split("; ")[2].split(", ")
        )
        seen[scenario.facts.split("; ")[1]] += 1
        threads = scenario.codex.threads
        seen["fork"] += any(thread.forked_from for thread in threads)
        seen["fork of a fork"] += any(thread.forked_from and thread.forked_from.forked_from for thread in threads)
        seen["sub-agent"] += any(thread.parent for thread in threads)
        seen["sub-agent of a sub-agent"] += any(thread.parent and thread.parent.parent for thread in threads)
        seen["resume"] += any(event.mark == "resume" for event in scenario.events)
        seen.update({event.event_type for event in scenario.events})
        hooked = [step.hook.event for step in scenario.deliveries()]
        seen["reordered"] += hooked != sorted(hooked)
        for tick in scenario.ticks:
            for step in tick.steps:
                if isinstance(step, Write):
                    text = b"".join(line.data for line in step.thread.lines)
                    seen["half a line"] += text[step.size - 1 : step.size] != b"\n"
                seen["moved"] += isinstance(step, Move)
                seen["hook while down"] += isinstance(step, Delivery) and tick.down
    wanted = [
        *map(str, VERSIONS), "both roads", "hooks alone", "rollout alone", "lost hooks", "late hooks", "clock skew",
        "hooks delivered twice", "opt-in in the middle", "kill -9", "a rollout that breaks off", "an archived rollout",
        "a deleted rollout", "spoiled lines", "lost lines", "lines of megabytes", "a rollout cut short",
        "a replaced rollout", "a rollout archived while it is written", "fork", "fork of a fork", "sub-agent", "resume", "reordered", "half a line",
        "hook while down", "SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "Interrupt",
        "SubagentStart", "SubagentStop", "PreCompact", "PostCompact", "PermissionRequest", "SessionEnd",
    ]  # fmt: skip
    assert [what for what in wanted if seen[what] == 0] == []


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


@pytest.mark.slow
def test_the_ledger_holds(tree: Tree) -> None:
    results = list(run(range(60), tree))
    assert len(results) == 60
    assert sum(ran.verdict.events for ran in results) > 1000
    assert [problem for ran in results for problem in ran.verdict.problems] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "old", "new", "sees"),
    [
        pytest.param(LEDGER, "`tool:${thread}:${tool}:${PHASES[type]}`", "`tool:${thread}:${tool}`", "lost", id="phase"),
        pytest.param(LEDGER, 'event.nth > 0 ? `:${event.nth}` : ""', '""', "lost", id="equal prompts"),
        pytest.param(LEDGER, "ON CONFLICT(session_id, event_key) DO NOTHING", "", "twice", id="conflict is an error"),
        pytest.param(LEDGER, "thread_id: data.agent_id || data.session_id", "thread_id: data.session_id", "twice", id="agent"),
        pytest.param(PARSER, "return began < born", "return false && born", "twice", id="copied history"),
        pytest.param(PARSER, 'payload.name === "exec"', 'payload.name === "script"', "twice", id="outer script"),
        pytest.param(PARSER, "this.running.set(process", "this.outer.has(process", "lost", id="background"),
        pytest.param(READER, "this.keep(Buffer.from(this.chunk));", "", "lost", id="chunk's end"),
        pytest.param(READER, "line.utf8Slice()", "new TextDecoder('utf-8', { fatal: true }).decode(line)", "lost", id="no UTF-8"),
        pytest.param(CHECKPOINTS, "(await fingerprintOf(handle, consumed)) !== fingerprint", "false", "lost", id="replaced"),
    ],
)  # fmt: skip
def test_a_bug_is_seen(tree: Tree, file: str, old: str, new: str, sees: str) -> None:
    text = tree[file].data.decode()
    assert old in text, f"{file} has no such code any more"
    broken = {**tree, file: File(text.replace(old, new).encode())}
    assert any(getattr(ran.verdict, sees) for ran in run(range(300), broken))


@pytest.mark.slow
def test_hooks_off_is_seen_to_be_what_a_tree_without_hooks_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tree: Tree
) -> None:
    assert hooks_off.main(["--seeds", "10"]) == 0
    assert "0 twice, 0 lost, 0 told by more than the rollout" in capsys.readouterr().out
    importer = "server/lib/codex-importer.js"
    other = File(tree[importer].data.replace(b'"Main Agent"', b'"Other"'))
    monkeypatch.setattr(hooks_off, "without_hooks", lambda _: {**tree, importer: other})
    assert hooks_off.main(["--seeds", "2"]) == 1


def test_the_naive_key_loses_and_doubles() -> None:
    total = Counter[str]()
    for scenario in scenarios(100):
        counts = naive(scenario)
        total.update(twice=counts.twice, lost=counts.lost)
    assert total["twice"] > 100
    assert total["lost"] > 100


@pytest.mark.slow
def test_a_failure_says_its_seed_and_how_to_see_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tree: Tree
) -> None:
    text = tree[LEDGER].data.decode().replace("`tool:${thread}:${tool}:${PHASES[type]}`", "`tool:${thread}`")
    monkeypatch.setattr("tests.simulate.__main__.patched", lambda _: {**tree, LEDGER: File(text.encode())})
    assert main(["--seeds", "2", "--naive"]) == 1
    said = capsys.readouterr().out
    seed = next(line.split()[1] for line in said.splitlines() if line.endswith(" failed"))
    assert f"again: python -m tests.simulate --seed {seed} --timeline" in said
    assert f"seed {seed}: Codex " in said
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
    verdict = judge(codex.events, [row, closed, closed], delivered={1: 1, 2: 1, end.index: 2}, told=())
    assert (verdict.problems, verdict.merged, verdict.repeated) == ([], 1, 1)
    assert len(judge(codex.events, [row], delivered={1: 1, 2: 1}, told={1, 2}).lost) == 1
    assert len(judge(codex.events, [row], delivered={1: 1, start.index: 1}, told=()).lost) == 1
