"""The lane of real agents: its model server, what it takes for right, and one real scenario of each agent that is here."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from tests.lab.agents import __main__ as lane
from tests.lab.agents.agents import AGENTS
from tests.lab.agents.judge import Found, judge
from tests.lab.agents.messages import Call, Usage
from tests.lab.agents.model_server import ModelServer, Served, Step
from tests.lab.agents.roads import ROADS
from tests.lab.agents.scenarios import SCENARIOS, Run
from tests.lab.agents.stage import Stage
from tests.lab.drift import nodejs

WANTED = os.environ.get("SIDECAR_AGENTS_LANE") == "1"
HERE = all(nodejs.is_installed(agent.package, agent.newest) for agent in AGENTS.values())
ROOT = Path(__file__).resolve().parents[2]

SCRIPT: dict[str, list[Step]] = {
    "[one]": [[[("run", {"command": "ls"})], [("run", {"command": "ls"})]], [[("new", {}), ("old", {"a": 1})]]]
}


def ask(server: ModelServer, path: str, body: Mapping[str, Any]) -> str:
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", data=json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=10) as response:
        return str(response.read().decode())


def anthropic(*turns: tuple[str, str], tools: bool = True, stream: bool = True) -> tuple[str, dict[str, Any]]:
    roles = {"user": "user", "model": "assistant"}
    messages = [{"role": roles[role], "content": [{"type": "text", "text": text}]} for role, text in turns]
    offered = [{"name": "run"}, {"name": "old"}] if tools else []
    return "/v1/messages?beta=true", {"model": "m", "messages": messages, "tools": offered, "stream": stream}


def chat(*turns: tuple[str, str], tools: bool = True, stream: bool = True) -> tuple[str, dict[str, Any]]:
    roles = {"user": "user", "model": "assistant"}
    messages = [{"role": roles[role], "content": text} for role, text in turns]
    offered = [{"type": "function", "function": {"name": name}} for name in ("run", "old")] if tools else []
    return "/v1/chat/completions", {"model": "m", "messages": messages, "tools": offered, "stream": stream}


def responses(*turns: tuple[str, str], tools: bool = True, stream: bool = True) -> tuple[str, dict[str, Any]]:
    items: list[dict[str, Any]] = []
    for role, text in turns:
        if role == "user":
            items.append({"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]})
        else:
            items += [{"type": "function_call", "name": "run"}] * 2  # of one answer
    offered = [{"type": "function", "name": name} for name in ("run", "old")] if tools else []
    return "/v1/responses", {"model": "m", "input": items, "tools": offered, "stream": stream}


def gemini(*turns: tuple[str, str], tools: bool = True, stream: bool = True) -> tuple[str, dict[str, Any]]:
    contents = [{"role": role, "parts": [{"text": text}]} for role, text in turns]
    offered = [{"functionDeclarations": [{"name": "run"}, {"name": "old"}]}] if tools else []
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return f"/v1beta/models/m:{method}", {"contents": contents, "tools": offered}


SPOKEN = pytest.mark.parametrize("spoken", [anthropic, chat, responses, gemini])
BOTH = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])


class TestModelServer:
    @SPOKEN
    @BOTH
    def test_each_way_of_speaking_gets_the_steps_in_their_order(self, spoken: Any, *, stream: bool) -> None:
        with ModelServer(SCRIPT) as server:
            turns = [("user", "please [one]")]
            answers = []
            for _ in range(3):
                answers.append(ask(server, *spoken(*turns, stream=stream)))
                turns += [("model", ""), ("user", "result")]
        assert [answer.count('"run"') > 0 for answer in answers] == [True, False, False]
        assert ["All done." in answer for answer in answers] == [False, False, True]
        assert [[call.name for call in served.calls] for served in server.served] == [["run", "run"], ["old"], []]
        assert len({served.usage for served in server.served}) == 3
        assert server.problems == []

    @SPOKEN
    def test_a_request_that_is_sent_again_gets_the_same_step(self, spoken: Any) -> None:
        with ModelServer(SCRIPT) as server:
            for _ in range(2):
                ask(server, *spoken(("user", "please [one]")))
        assert [len(served.calls) for served in server.served] == [2, 2]

    @SPOKEN
    def test_a_request_without_tools_is_not_of_the_script(self, spoken: Any) -> None:
        with ModelServer(SCRIPT) as server:
            assert "All done." in ask(server, *spoken(("user", "a title for: [one]"), tools=False))
        assert (len(server.served), len(server.aside)) == (0, 1)

    @SPOKEN
    def test_the_last_prompt_that_has_a_word_chooses_the_script(self, spoken: Any) -> None:
        script: dict[str, list[Step]] = {"[one]": [[[("run", {})]]], "[two]": [[[("old", {})]]]}
        with ModelServer(script) as server:
            ask(server, *spoken(("user", "[one]"), ("model", ""), ("user", "[two] go on")))
        assert [[call.name for call in served.calls] for served in server.served] == [["old"]]

    def test_an_anthropic_stream_tells_its_events_in_their_order(self) -> None:
        with ModelServer({"[one]": [[[("run", {"command": "ls"})]]]}) as server:
            answer = ask(server, *anthropic(("user", "[one]")))
        kinds = [line.removeprefix("event: ") for line in answer.splitlines() if line.startswith("event: ")]
        block = ["content_block_start", "content_block_delta", "content_block_stop"]
        assert kinds == ["message_start", *block, "message_delta", "message_stop"]

    def test_there_is_nothing_else(self) -> None:
        with ModelServer({}) as server:
            with pytest.raises(urllib.error.HTTPError, match="404"):
                ask(server, "/v1/embeddings", {})

    def test_a_request_that_cannot_be_read_is_a_problem(self) -> None:
        with ModelServer({}) as server:
            with pytest.raises(urllib.error.HTTPError, match="500"):
                ask(server, "/v1/messages", {})
        assert server.problems == ["/v1/messages: KeyError('messages')"]


class Rows:
    """Stands in for a sidecar that has these rows; and for a stage: the agent has run, and this is what is there."""

    def __init__(self, scenario: str, agent: str = "qwen", road: str = "both") -> None:
        self.agent = AGENTS[agent]
        self.run = Run(self.agent, self.agent.newest, (), SCENARIOS[scenario], ROADS[road])
        self.sessions = [{"id": "s", "harness": agent, "model": self.agent.named(self.agent.model)}]
        self.agents = [{"id": "main", "type": "main"}, {"id": "child", "type": "subagent"}]
        self.events: list[dict[str, Any]] = []
        self.tokens = [{"input_tokens": 0, "cache_read_tokens": 0, "output_tokens": 0}]
        self.served: list[Served] = []
        self.payloads: list[dict[str, Any]] = []
        self.sidecar = self.model = self
        for prompt in self.run.scenario.prompts:
            self.add("UserPromptSubmit", "main", prompt=prompt)
        for word, script in self.run.scenario.scripts.items():
            for step in script:
                self.serve(word, step)

    def serve(self, word: str, step: Any) -> None:
        calls = []
        for deed in step:
            if not (tools := deed.tools(self.agent, "/project")):
                continue
            name, given = tools[0]
            id_ = f"call_{len(self.events)}"
            calls.append(Call(name, given, id_))
            owner = "child" if word == self.run.scenario.child_word else "main"
            for event in ("PreToolUse", "PostToolUse"):
                self.add(event, owner, tool_name=name, tool_input=given, tool_use_id=id_)
                self.payloads.append({"event": event, "stdin": {"tool_input": given}})
        usage = Usage(100 + len(self.served), 2, 5)
        self.served.append(Served(word, self.agent.model, calls, usage))
        for name, count in zip(self.tokens[0], (usage.input, usage.cached, usage.output), strict=True):
            self.tokens[0][name] += count

    def add(self, event: str, owner: str, **data: Any) -> None:
        self.events.append({"event_type": event, "agent_id": owner, "data": json.dumps(data), "session_id": "s"})

    def rows(self, sql: str) -> list[dict[str, Any]]:
        tables = {"events": self.events, "agents": self.agents, "token_usage": self.tokens}
        return next(rows for name, rows in tables.items() if f"FROM {name}" in sql)

    def get(self, path: str) -> dict[str, Any]:
        harness = path.partition("harness=")[2]
        return {"sessions": [row for row in self.sessions if harness in {"", row["harness"]}]}

    def recorded(self) -> list[dict[str, Any]]:
        return self.payloads

    def judged(self) -> Found:
        return judge(self.run, cast("Stage", self))

    def find(self, event: str, marker: str) -> dict[str, Any]:
        return next(row for row in self.events if row["event_type"] == event and marker in row["data"])


class TestJudge:
    @pytest.mark.parametrize("agent", [name for name in AGENTS if name != "claude"])
    @pytest.mark.parametrize("scenario", SCENARIOS)
    def test_rows_that_are_right(self, scenario: str, agent: str) -> None:
        assert Rows(scenario, agent).judged().problems == []

    def test_a_call_that_is_lost(self) -> None:
        there = Rows("tools")
        there.events.remove(there.find("PostToolUse", "tools-one"))
        found = there.judged()
        assert found.problems == ["the call 'echo tools-one' ends 0 times, not 1: no row"]
        assert (found.twice, found.lost) == (0, 1)

    def test_a_call_that_is_there_twice(self) -> None:
        there = Rows("tools")
        there.events.append({**there.find("PreToolUse", "tools-one"), "agent_id": "child"})
        found = there.judged()
        assert found.problems[0].startswith("the call 'echo tools-one' begins 2 times, not 1: ")
        assert (found.twice, found.lost) == (1, 0)

    def test_one_of_two_equal_calls_is_not_enough_and_three_are_too_many(self) -> None:
        there = Rows("twins")
        one = there.find("PreToolUse", "twin")
        there.events.remove(one)
        assert there.judged().lost == 1
        there.events += [one, {**one, "data": one["data"].replace("call_", "other_")}]
        assert there.judged().twice == 1

    def test_two_equal_calls_under_one_identifier(self) -> None:
        there = Rows("twins")
        for row in there.events:
            row["data"] = row["data"].replace("call_3", "call_1")
        assert there.judged().problems == [
            "PreToolUse of the call call_1 has 2 rows",
            "PostToolUse of the call call_1 has 2 rows",
        ]

    def test_a_sub_agent_s_call_under_the_main_agent(self) -> None:
        there = Rows("subagent")
        there.find("PreToolUse", "child-one")["agent_id"] = "main"
        [said] = there.judged().problems
        assert said == "the call 'echo child-one' of the sub-agent is not of its agent: PreToolUse under main"

    @pytest.mark.parametrize("prompt", ["", "<task-notification>done</task-notification>"])
    def test_a_prompt_that_nobody_typed(self, prompt: str) -> None:
        there = Rows("tools")
        there.add("UserPromptSubmit", "main", prompt=prompt)
        [said] = there.judged().problems
        assert said.startswith("the prompts are ")

    def test_a_session_that_is_none(self) -> None:
        there = Rows("tools")
        there.sessions.append({**there.sessions[0], "id": "phantom"})
        assert there.judged().problems == ["there are 2 sessions, not 1: ['phantom', 's']"]

    def test_a_session_under_another_harness(self) -> None:
        there = Rows("tools")
        there.sessions[0]["harness"] = "codex"
        assert there.judged().problems == ["?harness=qwen lists [], not ['s']", "?harness=codex lists ['s']"]

    def test_another_model_and_other_tokens(self) -> None:
        there = Rows("tools")
        there.sessions[0]["model"] = "other"
        there.tokens[0]["cache_read_tokens"] += 1
        said = there.judged().problems
        assert said[0] == "the session's model is ['other'], not mock-model"
        assert said[1].startswith("its tokens (fresh, cached, output) are ")

    def test_without_a_transcript_what_the_hooks_told_is_enough_and_no_less(self) -> None:
        there = Rows("failing", road="hooks")
        lost = there.find("PostToolUse", "nothing-there")
        there.events.remove(lost)
        assert there.judged().lost == 1
        there.payloads = [
            entry for entry in there.payloads if "nothing-there" not in str(entry) or "Pre" in entry["event"]
        ]
        assert there.judged().problems == []

    def test_where_nothing_says_whose_a_call_is_equal_ones_are_counted_together(self) -> None:
        there = Rows("same", "gemini", road="hooks")
        for row in there.events:
            row["agent_id"] = "main"
        assert there.judged().problems == []
        there.events.remove(there.find("PreToolUse", "echo same"))
        assert there.judged().lost == 1

    def test_an_agent_whose_transcripts_do_not_tell_of_sub_agents(self) -> None:
        there = Rows("subagent", "gemini")
        there.run = replace(there.run, version=there.agent.older)
        for row in there.events:
            row["agent_id"] = "main"
        assert there.judged().problems == []
        own = [each.usage for each in there.served if each.word != "[child]"]
        there.tokens[0].update(input_tokens=sum(usage.input for usage in own), cache_read_tokens=2, output_tokens=5)
        assert there.judged().problems == []  # nobody tells what the sub-agent has cost
        there.tokens[0]["output_tokens"] += 1
        assert there.judged().problems[0].startswith("its tokens (fresh, cached, output) are ")

    def test_rows_of_the_transcript_alone_where_there_are_hooks(self) -> None:
        there = Rows("tools")
        for row in there.events:
            row["capture"] = "rollout"
        assert there.judged().problems == ["no hook has reached the sidecar"]

    def test_a_call_that_was_cut_needs_no_end_but_has_a_beginning(self) -> None:
        there = Rows("interrupt")
        there.events.remove(there.find("PostToolUse", "tail"))
        assert there.judged().problems == []
        there.events.remove(there.find("PreToolUse", "tail"))
        assert there.judged().lost == 1


_CUT_OFF = """
import socket
from tests.lab.agents.loopback import only_loopback
print("reason:", only_loopback())
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname(), timeout=5).close()
try:
    socket.create_connection(("192.0.2.1", 80), timeout=5)
except OSError as error:
    print(error)
"""


def test_only_this_machine_is_within_reach() -> None:
    done = subprocess.run([sys.executable, "-c", _CUT_OFF], cwd=ROOT, capture_output=True, text=True, check=True)
    reason, _, said = done.stdout.partition("\n")
    if reason != "reason: ":
        pytest.skip(f"the network cannot be left here: {reason}")
    assert "Network is unreachable" in said


class TestFetch:
    def test_the_lane_is_skipped_and_says_so_where_an_agent_cannot_be_had(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def unavailable(package: str, version: str) -> str:
            raise nodejs.Unavailable(f"no {package} {version} here")

        monkeypatch.setattr(nodejs, "installed", unavailable)
        assert lane.main(["qwen", "--version", "1.2.3"]) == 0
        assert lane.main(["qwen", "--version", "1.2.3", "--fetch"]) == 3
        assert capsys.readouterr() == ("", "skipped: real agents: no @qwen-code/qwen-code 1.2.3 here\n" * 2)


@pytest.mark.slow
@pytest.mark.skipif(
    not (HERE or WANTED), reason="no agents are here; `python3 .dev lab agents --fetch` fetches them, 830 MB"
)
def test_real_agents_have_each_event_once() -> None:
    """In a process of its own: the lane leaves the network for good."""
    command = [sys.executable, "-m", "tests.lab.agents", "--only", "subagent"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    if done.stderr.startswith("skipped: real agents"):
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stdout + done.stderr
