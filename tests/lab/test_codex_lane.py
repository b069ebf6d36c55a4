"""The lane of the real Codex CLI: what it expects, checked on recorded sessions; and the lane itself, if it is asked for."""

import json
import os
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.lab.codex_lane import __main__ as lane
from tests.lab.codex_lane.expected import (
    Expected,
    compare,
    compare_events,
    events_asked_for,
    key_of,
    keys_of_rollout,
    roots_of,
    tokens_of,
)
from tests.lab.codex_lane.model_server import ROOT, ModelServer, call, custom, output_of, say, tools_of
from tests.lab.drift import nodejs

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "codex-samples"
WANTED = os.environ.get("SIDECAR_CODEX_LANE") == "1"

# Counted by hand, as in tests/js/samples.test.mjs.
COUNTED = {
    "v0146-direct": {"both": 16, "rollout": 5, "hook": 1},
    "v0169-direct": {"both": 14, "rollout": 7, "hook": 1},
    "v0169-codemode": {"both": 13, "hook": 1},
}
META = {"type": "session_meta", "payload": {"id": "s", "session_id": "s", "source": "exec"}}


def line(kind: str, **payload: Any) -> dict[str, Any]:
    return {"type": kind, "payload": payload}


def hook(event: str, **fields: Any) -> dict[str, Any]:
    return {"hook_event_name": event, "session_id": "s", "turn_id": "t", **fields}


def row(id_: int, payload: Mapping[str, Any], capture: str) -> dict[str, Any]:
    event = payload["hook_event_name"]
    return {
        "id": id_,
        "session_id": "s",
        "event_type": event,
        "data": json.dumps(payload),
        "created_at": str(id_),
        "capture": capture,
    }


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"the recorded streams are not at {SAMPLES}")
@pytest.mark.parametrize("name", sorted(COUNTED))
def test_expects_of_a_recorded_session_what_was_counted_by_hand(name: str) -> None:
    hooks = [json.loads(text)["stdin"] for text in (SAMPLES / f"{name}.hooks.jsonl").read_text("utf-8").splitlines()]
    lines = [json.loads(text) for text in (SAMPLES / f"{name}.rollout0.jsonl").read_text("utf-8").splitlines()]
    expected = Expected.of(hooks, [lines])
    assert Counter(expected.capture(key) for key in expected.union) == COUNTED[name]
    assert expected.joined == COUNTED[name]["both"]


class TestExpected:
    def test_resumes_and_ends_count_each_time(self) -> None:
        hooks = [hook("SessionStart", source=source) for source in ("startup", "resume", "resume")]
        hooks += [hook("SessionEnd"), hook("SessionEnd"), hook("SessionEnd")]
        assert sum(Expected.of(hooks, [[META]]).union.values()) == 6

    def test_a_background_command_ends_when_its_process_does(self) -> None:
        def output(call_id: str, text: str) -> dict[str, Any]:
            return line("response_item", type="function_call_output", call_id=call_id, output=f"{text}\nOutput:\n")

        def tool(call_id: str, name: str, **arguments: Any) -> dict[str, Any]:
            text = json.dumps(arguments)
            return line("response_item", type="function_call", call_id=call_id, name=name, arguments=text)

        lines = [META, tool("a", "exec_command"), output("a", "Process running with session ID 7")]
        assert ("PostToolUse", "s", "a") not in keys_of_rollout(lines)
        lines += [tool("b", "write_stdin", session_id=7), output("b", "Process exited with code 0")]
        assert {("PostToolUse", "s", "a"), ("PostToolUse", "s", "b")} <= set(keys_of_rollout(lines))

    def test_the_script_of_code_mode_is_no_call(self) -> None:
        script = line("response_item", type="custom_tool_call", name="exec", call_id="js")
        out = line("response_item", type="custom_tool_call_output", call_id="js", output="")
        assert set(keys_of_rollout([META, script, out])) == {("SessionStart", "s", "first")}

    def test_copied_history_is_told_where_it_happened(self) -> None:
        turn = [line("turn_context", turn_id="t"), line("event_msg", type="task_complete", turn_id="t")]
        spawned = {"id": "c", "session_id": "s", "source": {"subagent": {}}, "parent_thread_id": "s"}
        own = [line("turn_context", turn_id="u"), line("event_msg", type="task_complete", turn_id="u")]
        child = [{"type": "session_meta", "payload": spawned}, META, *turn, *own]
        expected = Expected.of([], [[META, *turn], child])
        assert set(expected.union) == {
            ("SessionStart", "s", "first"),
            ("Stop", "s", "t"),
            ("SubagentStart", "c"),
            ("SubagentStop", "c", "u"),
        }


class TestCompared:
    PRE = hook("PreToolUse", tool_use_id="a")
    CALL = line("response_item", type="function_call", name="x", call_id="a", arguments="{}")

    def expected(self) -> Expected:
        return Expected.of([hook("SessionStart", source="startup"), self.PRE], [[META, self.CALL]])

    def rows(self) -> list[dict[str, Any]]:
        return [row(1, hook("SessionStart", source="startup"), "both"), row(2, self.PRE, "both")]

    def test_a_row_for_each_event(self) -> None:
        found = compare(self.expected(), self.rows())
        assert (found.ok, found.rows, found.twice, found.lost) == (True, 2, 0, 0)

    def test_a_row_that_is_there_twice(self) -> None:
        found = compare(self.expected(), [*self.rows(), row(3, self.PRE, "both")])
        assert (found.twice, found.lost, found.said) == (1, 0, ["PreToolUse s a: 2 rows for 1"])

    def test_a_row_that_is_lost(self) -> None:
        found = compare(self.expected(), self.rows()[:1])
        assert (found.twice, found.lost, found.said) == (0, 1, ["PreToolUse s a: 0 rows for 1"])

    def test_a_row_that_nobody_told_of(self) -> None:
        found = compare(self.expected(), [*self.rows(), row(3, hook("Stop"), "hook")])
        assert (found.twice, found.said) == (1, ["Stop s t: 1 rows of which neither road has told"])

    def test_a_row_that_says_the_wrong_road(self) -> None:
        rows = [self.rows()[0], row(2, self.PRE, "hook")]
        assert compare(self.expected(), rows).said == ["PreToolUse s a: capture hook, not both"]

    def test_a_row_without_data(self) -> None:
        bare = {**row(3, hook("Notification"), "hook"), "data": None}
        assert compare(self.expected(), [*self.rows(), bare]).said == [
            "Notification s: 1 rows of which neither road has told"
        ]

    def test_equal_prompts_of_one_turn_are_two(self) -> None:
        prompt = hook("UserPromptSubmit", prompt="go on")
        lines = [META, *[line("event_msg", type="user_message", turn_id="t", message="go on")] * 2]
        expected = Expected.of([prompt], [lines])
        rows = [row(1, hook("SessionStart"), "rollout"), row(2, prompt, "both"), row(3, prompt, "rollout")]
        assert compare(expected, rows).said == []
        assert key_of(prompt, 1) in expected.union


def serves(thread: str, *items: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    return thread, list(items)


class TestThreads:
    """A thread `r`, a fork `f` of it, and a sub-agent `c` that `r` has spawned: nothing of it from a rollout."""

    ASKED: Mapping[str, list[str]] = {"r": ["one", "spawn"], "f": ["go on"]}
    SPAWN = call("spawn_agent", call_id="call_spawn", message="look")
    SERVED = (
        serves("r", call("exec_command", call_id="a", cmd="ls")),
        serves("r", say("One.")),
        serves("f", call("exec_command", call_id="b", cmd="ls")),
        serves("f", say("Forked.")),
        serves("r", SPAWN),
        serves("c", call("exec_command", call_id="d", cmd="ls")),
        serves("c", say("Looked.")),
        serves("r", say("Spawned.")),
    )

    def expected(self) -> "Counter[tuple[str, ...]]":
        return events_asked_for(self.ASKED, self.SERVED, [], ends={"r", "f", "c"})

    def rows(self) -> list[dict[str, Any]]:
        rows = []
        for key, number in self.expected().items():
            event, session, thread, *more = key
            data = {"agent_id": thread} if thread != session else {}
            data |= {"tool_use_id": more[0]} if "Tool" in event else {"prompt": more[0]} if more else {}
            rows += [{"event_type": event, "session_id": session, "data": json.dumps(data)}] * number
        return rows

    def test_everything_has_a_row_in_its_root_s_session(self) -> None:
        expected = self.expected()
        assert compare_events(expected, self.rows()).said == []
        assert expected["SubagentStart", "r", "c"] == expected["SessionStart", "f", "f"] == 1
        assert expected["UserPromptSubmit", "r", "c", "look"] == 1
        assert (expected["Stop", "r", "r"], expected["SubagentStop", "r", "c"]) == (2, 1)
        assert expected["PostToolUse", "r", "r", "call_spawn"] == 1
        assert expected.total() == 2 + 1 + 2 + 1 + 1 + 4 + 2 * 4

    def test_only_what_something_tells_of_ends(self) -> None:
        assert not [key for key in events_asked_for(self.ASKED, self.SERVED, [], ends=()) if "Stop" in key[0]]

    def test_what_only_a_hook_tells_counts_each_time(self) -> None:
        heard = [{"hook_event_name": "SessionEnd", "session_id": "r"}] * 2
        assert events_asked_for(self.ASKED, self.SERVED, heard, ends=())["SessionEnd", "r", "r"] == 2

    @pytest.mark.parametrize(
        ("change", "counts"),
        [
            pytest.param({"drop": 0}, (0, 1), id="lost"),
            pytest.param({"again": 0}, (1, 0), id="twice"),
            pytest.param({"session": "c"}, (1, 1), id="in a session of the child"),
        ],
    )
    def test_a_wrong_row_is_seen(self, change: Mapping[str, Any], counts: tuple[int, int]) -> None:
        rows = self.rows()
        if "drop" in change:
            rows.pop(change["drop"])
        elif "again" in change:
            rows.append(rows[change["again"]])
        else:
            at = next(at for at, row in enumerate(rows) if row["event_type"] == "SubagentStop")
            rows[at] = {**rows[at], "session_id": change["session"]}
        found = compare_events(self.expected(), rows)
        assert (found.twice, found.lost) == counts
        assert not found.ok

    def test_what_answers_cost_is_their_root_s(self) -> None:
        roots = roots_of(self.ASKED, self.SERVED)
        assert roots == {"r": "r", "f": "f", "c": "r"}
        served = [("r", "m", (1, 2, 3)), ("c", "m", (10, 20, 30)), ("c", "n", (5, 5, 5)), ("f", "m", (7, 7, 7))]
        assert tokens_of(served, roots) == {
            ("r", "m"): (11, 22, 33),
            ("r", "n"): (5, 5, 5),
            ("f", "m"): (7, 7, 7),
        }

    def test_no_two_answers_cost_the_same(self) -> None:
        with ModelServer({ROOT: [[say("a")], [say("b")]]}) as server:
            for _ in range(2):
                TestModelServer.ask(server, input=[], prompt_cache_key="r", model="m")
        one, two = server.served
        assert one.cost != two.cost
        assert (one.thread, one.model) == ("r", "m")


class TestModelServer:
    @staticmethod
    def ask(server: ModelServer, path: str = "/v1/responses", **request: Any) -> str:
        url = f"http://127.0.0.1:{server.port}{path}"
        body = json.dumps(request).encode()
        with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=10) as response:
            return str(response.read().decode())

    def test_gives_one_step_for_each_request_and_then_a_last_word(self) -> None:
        with ModelServer({ROOT: [[call("exec_command", cmd="ls")], [custom("exec", "text(1)")]]}) as server:
            answers = [self.ask(server, input=[]) for _ in range(3)]
        assert ['"exec_command"' in answers[0], '"custom_tool_call"' in answers[1], '"message"' in answers[2]] == [
            True
        ] * 3
        for answer in answers:
            kinds = [text.removeprefix("event: ") for text in answer.splitlines() if text.startswith("event: ")]
            assert kinds == ["response.created", "response.output_item.done", "response.completed"]
        assert len(server.requests) == 3

    def test_knows_the_thread_by_its_prompt(self) -> None:
        with ModelServer({ROOT: [[say("root")]], "CHILD": [[say("child")]]}) as server:
            task = {"type": "message", "role": "user", "content": [{"text": "CHILD: look"}]}
            said = {"type": "function_call", "arguments": "CHILD"}
            assert "child" in self.ask(server, input=[task])
            assert "root" in self.ask(server, input=[said])
            assert server.unused == 0

    def test_has_nothing_else(self) -> None:
        with ModelServer({ROOT: []}) as server:
            with pytest.raises(urllib.error.HTTPError, match="404"):
                self.ask(server, "/v1/models")

    def test_a_step_that_fails_is_a_problem_and_no_hang(self) -> None:
        with ModelServer({ROOT: [lambda request: [say(request["nothing"])]]}) as server:
            assert "message" in self.ask(server, input=[])
            assert server.problems == ["a step of the script failed: KeyError('nothing')"]

    def test_reads_a_request(self) -> None:
        space = {"type": "namespace", "name": "multi", "tools": [{"name": "spawn_agent"}]}
        more = {"type": "additional_tools", "tools": [{"type": "custom", "name": "exec"}]}
        out = {"type": "function_call_output", "call_id": "a", "output": [{"text": "one"}, {"text": "two"}]}
        request = {"tools": [space, {"type": "web_search"}], "input": [more, out]}
        assert tools_of(request) == {"spawn_agent": "multi", "web_search": None, "exec": None}
        assert output_of(request, "a") == "one\ntwo"
        assert output_of(request, "b") == ""


def test_the_lane_is_skipped_and_says_so_where_codex_cannot_be_had(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_npm(*arguments: str, cwd: str | None = None) -> str:
        raise nodejs.Unavailable("there is no npm on this machine")

    monkeypatch.setattr(nodejs, "npm", no_npm)
    assert lane.main(["--version", "newest"]) == 0
    assert capsys.readouterr().err == "skipped: the real Codex CLI: there is no npm on this machine\n"


@pytest.mark.skipif(not WANTED, reason="the real Codex CLI is run with SIDECAR_CODEX_LANE=1 (npm, about 800 MB once)")
@pytest.mark.filterwarnings("default")
def test_real_sessions_have_each_event_once(capsys: pytest.CaptureFixture[str]) -> None:
    code = lane.main([])
    said = capsys.readouterr()
    if said.err.startswith("skipped: "):
        pytest.skip(said.err.strip())
    assert code == 0, said.out + said.err


class TestFetch:
    def test_what_cannot_be_had_is_said_and_skipped(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def unavailable(version: str) -> str:
            raise nodejs.Unavailable(f"no {version} here")

        monkeypatch.setattr("tests.lab.codex_lane.codex.binary", unavailable)
        assert lane.main(["--fetch", "--version", "1.2.3"]) == 3
        assert lane.main(["--version", "1.2.3"]) == 0
        assert capsys.readouterr() == ("", "skipped: the real Codex CLI: no 1.2.3 here\n" * 2)

    def test_what_is_there_is_listed(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setattr("tests.lab.codex_lane.codex.binary", lambda version: f"/bin/codex-{version}")
        assert lane.main(["--fetch", "--version", "1.2.3", "--version", "1.3.0"]) == 0
        assert capsys.readouterr().out == "1.2.3 1.3.0\n"
