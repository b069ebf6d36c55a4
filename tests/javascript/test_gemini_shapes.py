"""What Gemini CLI's transcripts may hold, shape by shape, and what the reader makes of it."""

import http.server
import json
import os
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from patcher.node.find import find_node
from patcher.prove.sidecar import eventually
from patcher.render import render
from tests.javascript.gemini_sessions import READER, ROW, Event, Read, as_forwarded, read, recording, text_of

ROOT = "tmp/project/chats/session-2026-11-26T01-02-bba4e814"
HEADER = {
    "sessionId": "bba4e814-723b-4ddd-850d-2bc6e0b54eca",
    "projectHash": "86294e73d484738f",
    "startTime": "2026-11-26T01:02:48.769Z",
    "lastUpdated": "2026-11-26T01:02:48.769Z",
    "kind": "main",
}
AT = "2026-11-26T01:02:49.000Z"


def user(number: int, content: object) -> Event:
    return {"id": f"user-{number}", "timestamp": AT, "type": "user", "content": content}


def said(number: int, content: str, *calls: Event, **more: object) -> Event:
    tokens = {"input": 10, "output": 5, "cached": 2, "thoughts": 3, "tool": 1, "total": 19}
    message = {"id": f"model-{number}", "timestamp": AT, "type": "gemini", "content": content, "tokens": tokens}
    return {**message, "model": "gemini-x", **({"toolCalls": calls} if calls else {}), **more}


def call(number: int, status: str = "success") -> Event:
    result = [{"functionResponse": {"id": f"call-{number}", "response": {"output": "done"}}}]
    args = {"file_path": f"{number}.txt"}
    end = "2026-11-26T01:02:50.000Z"
    return {
        "id": f"call-{number}",
        "name": "read_file",
        "args": args,
        "result": result,
        "status": status,
        "timestamp": end,
    }


def told_by(records: Sequence[object], path: str = f"{ROOT}.jsonl") -> Read:
    [found] = read([(path, [text_of(records)])])
    return found


def prompts_of(found: Read) -> list[str]:
    return [each["prompt"] for each in found.events if each["event_type"] == "UserPromptSubmit"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("as it was up to 0.29", "as it was up to 0.29"),
        ({"text": "one part"}, "one part"),
        ([{"text": "two "}, {"text": "parts"}], "two parts"),
        ([{"text": " \n/as typed \n"}], " \n/as typed \n"),
        ([{"text": "look"}, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}], "look"),
        ([{"text": "see @a"}, {"text": "\n--- Content from referenced files ---"}, {"text": "\nsecret"}], "see @a"),
        ([{"text": "do it"}, {"text": "<hook_context>be nice</hook_context>"}], "do it"),
        ("what is a <session_context> for?", "what is a <session_context> for?"),
        ("Your task is to go on", "Your task is to go on"),
        ([{"functionResponse": {"id": "call-1", "response": {}}}, {"text": "not typed"}], None),
        ([{"text": "<session_context>\nhere\n</session_context>"}], None),
        ("<state_snapshot>before</state_snapshot>", None),
        ("Please continue.", None),
        ("System: Please continue.", None),
        ("Your task is to look for it:\n<objective>\nit\n</objective>", None),
        ([{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}], None),
        ("", None),
        (None, None),
        (7, None),
        ([None, 7, [], "text"], None),
    ],
)
def test_a_prompt_is_what_the_user_has_typed_and_nothing_else(content: object, expected: str | None) -> None:
    assert prompts_of(told_by([HEADER, user(1, content)])) == ([] if expected is None else [expected])


def test_the_history_that_a_change_repeats_is_not_told_again() -> None:
    """A session that is resumed, compressed or gone back in: some of its messages are new there, none is the user's."""
    history = [user(1, "one"), said(1, "", call(1)), said(2, "done")]
    snapshot = user(9, "a summary of all of it")
    changes = [
        {"$set": {"messages": [snapshot, *history]}},
        {"$rewindTo": "user-1"},
        {"$set": {"messages": [snapshot]}},
    ]
    before, after = told_by([HEADER, *history]), told_by([HEADER, *history, *changes])
    assert after.events == before.events
    assert after.state["tokens"] == before.state["tokens"]
    assert prompts_of(after) == ["one"]


def test_a_message_that_comes_again_costs_nothing_more() -> None:
    lines = [HEADER, user(1, "one"), said(1, ""), said(1, "", call(1)), said(1, "", call(1), call(2)), said(2, "done")]
    doubled = [line for line in lines for _ in range(3)]
    expected = {"gemini-x": {"input": 18, "output": 16, "cache_read": 4, "cache_write": 0}}
    for found in (told_by(lines), told_by(doubled)):
        assert found.state["tokens"] == expected
        own = {(each["event_type"], each["own"]) for each in found.events}
        assert Counter(kind for kind, _ in own) == {"UserPromptSubmit": 1, "PreToolUse": 2, "PostToolUse": 2}


def test_tokens_that_come_later_than_their_message_count() -> None:
    found = told_by([HEADER, said(1, "", tokens=None), said(1, ""), said(1, "")])
    assert found.state["tokens"]["gemini-x"]["output"] == 8


@pytest.mark.parametrize(
    ("records", "is_open"),
    [
        ([], False),
        ([user(1, "one")], True),
        ([user(1, "one"), said(1, "")], True),
        ([user(1, "one"), {**said(1, ""), "content": [{"text": "hm", "thought": True}]}], True),
        ([user(1, "one"), said(1, "I will", call(1))], True),
        ([user(1, "one"), said(1, "", call(1)), user(2, [{"functionResponse": {}}])], True),
        ([user(1, "one"), said(1, "", call(1)), said(2, "done")], False),
        ([user(1, "one"), {"id": "e", "timestamp": AT, "type": "error", "content": "no quota"}], False),
        ([user(1, "one"), {"$rewindTo": "user-1"}], False),
    ],
)
def test_a_turn_is_open_until_its_last_word(records: list[Event], is_open: bool) -> None:
    assert told_by([HEADER, *records]).session["turn_open"] is is_open


def test_a_call_says_how_it_went() -> None:
    statuses = ["success", "error", "cancelled", "executing"]
    found = told_by([HEADER, said(1, "", *(call(at, status) for at, status in enumerate(statuses)))])
    posts = [each["data"] for each in found.events if each["event_type"] == "PostToolUse"]
    assert [post.get("is_error") for post in posts] == [None, True, True]
    assert posts[0]["tool_response"] == {"llmContent": "done"}
    assert sum(each["event_type"] == "PreToolUse" for each in found.events) == 4


def test_a_call_begins_when_it_was_asked_for() -> None:
    """A document's message collects the calls of several answers: each was asked for when the last one was over."""
    calls = [call(1), {**call(2), "timestamp": "2026-11-26T01:02:59.000Z"}]
    whole = told_by([{**HEADER, "messages": [said(1, "", *calls)]}], f"{ROOT}.json")
    log = told_by([HEADER, said(1, "", *calls)])
    begun = [
        [each["created_at"][-10:-5] for each in found.events if each["event_type"] == "PreToolUse"]
        for found in (whole, log)
    ]
    assert begun == [["02:49", "02:50"], ["02:49", "02:49"]]
    ended = [each["created_at"][-10:-5] for each in whole.events if each["event_type"] == "PostToolUse"]
    assert ended == ["02:50", "02:59"]


def test_a_sub_agent_without_a_folder_is_no_session() -> None:
    """Up to 0.34 its file has the session's identifier; that of 0.35 has only its own, and does not say whose it is."""
    body = {"messages": [user(1, "look"), said(1, "", call(1))]}
    nameless = told_by([{**HEADER, **body, "kind": "subagent", "sessionId": "gs5k6n"}], f"{ROOT}.json")
    assert (nameless.session["id"], nameless.events) == (None, [])
    of_session = told_by([{**HEADER, **body, "kind": "subagent"}], f"{ROOT}.json")
    assert of_session.session["id"] == HEADER["sessionId"]
    assert [each["event_type"] for each in of_session.events] == ["PreToolUse", "PostToolUse"]


def test_what_is_said_in_an_open_turn_of_a_document_is_the_users_when_the_turn_ends() -> None:
    """A sub-agent's task may stand there while it works (up to 0.36), and so does a prompt after an interrupt."""
    messages = [user(1, "one"), said(1, ""), user(2, "two"), said(2, "", call(1))]
    at_work = told_by([{**HEADER, "messages": messages}], f"{ROOT}.json")
    over = told_by([{**HEADER, "messages": [*messages, said(3, "done"), user(3, "three")]}], f"{ROOT}.json")
    assert (prompts_of(at_work), prompts_of(over)) == (["one"], ["one", "two", "three"])
    assert prompts_of(told_by([HEADER, *messages])) == ["one", "two"]


def test_the_title_and_the_folder_of_a_session_are_known() -> None:
    context = user(
        1, [{"text": "<session_context>\n- **Workspace Directories:**\n  - /home/user/a b\n</session_context>"}]
    )
    found = told_by([HEADER, {"$set": {"messages": [context]}}, {"$set": {"summary": "Reads a file\nand more"}}])
    assert (found.session["title"], found.session["cwd"]) == ("Reads a file", "/home/user/a b")
    whole = told_by([{**HEADER, "summary": "Reads", "messages": []}], f"{ROOT}.json")
    assert whole.session["title"] == "Reads"


def test_a_long_session_is_remembered_in_little() -> None:
    lines: list[Event] = [HEADER]
    for number in range(10_000):
        lines += [user(number, f"prompt {number}"), said(number, ""), said(number, "", call(number))]
    lines.append({"$set": {"messages": lines[1:]}})
    found = told_by(lines)  # which looks at the state's size
    assert found.state["tokens"]["gemini-x"]["output"] == 80_000
    assert sum(each["event_type"] == "PreToolUse" for each in found.events) == 10_000
    assert len(json.dumps(found.state)) < 16 * 1024


@pytest.mark.parametrize(
    ("variable", "expected"), [({}, "/home/me/.gemini"), ({"GEMINI_CLI_HOME": "/elsewhere"}, "/elsewhere/.gemini")]
)
def test_the_folder_is_where_the_cli_has_it(variable: dict[str, str], expected: str) -> None:
    script = "const [path, env] = process.argv.slice(1); console.log(require(path).folder(JSON.parse(env), '/home/me'))"
    command = [find_node().path, "-e", script, str(READER), json.dumps(variable)]
    assert subprocess.check_output(command, encoding="utf-8").strip() == expected


def test_the_handler_sends_what_is_assumed_here(forwarded: Callable[[Sequence[Event]], list[Event]]) -> None:
    hooks = [hook for name in ("0.61.0-at", "0.26.0-text") for hook in recording(name).hooks]
    sent = forwarded(hooks)
    assert len({each.pop("__run") for each in sent}) == len(hooks)
    assert sent == [as_forwarded(hook) for hook in hooks]


@pytest.fixture
def forwarded(tmp_path: Path) -> Callable[[Sequence[Event]], list[Event]]:
    """Runs the handler with payloads, and returns what reaches the sidecar."""
    handler = tmp_path / "gemini-hook-handler.js"
    handler.write_text(render("handler/hook-handler.js.j2", harness=ROW), encoding="utf-8")
    received: list[Event] = []

    class Sidecar(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["content-length"])))["data"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *what: object) -> None:
            pass

    def run(payloads: Sequence[Event]) -> list[Event]:
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sidecar) as server:
            serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            serving.start()
            env = {**os.environ, "HOME": str(tmp_path), "CLAUDE_DASHBOARD_PORT": str(server.server_address[1])}
            command = [find_node().path, str(handler)]
            for count, payload in enumerate(payloads, start=1):
                for _ in range(5):  # on a busy machine, the handler gives up before it has delivered
                    text = json.dumps(payload)
                    subprocess.run(command, input=text, env=env, encoding="utf-8", timeout=30, check=True)
                    if eventually(lambda: len(received) >= count, 1):  # noqa: B023 - called before the next one
                        break
            server.shutdown()
            serving.join()
        return received

    return run
