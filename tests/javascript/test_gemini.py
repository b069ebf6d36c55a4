"""How Gemini CLI's hooks and transcripts join, in recorded sessions of several versions: each event once."""

import itertools
import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.javascript.gemini_sessions import Event, admitted, as_forwarded, read, recording, session, text_of, told


@dataclass(frozen=True)
class Expected:
    """What a session has, by its script: calls, those that are over, those of them that hooks report, and prompts."""

    calls: int
    over: int
    hooked: tuple[int, int]
    prompts: Sequence[str]
    agents: int = 0


FAILING = "[failing] please do ü 🙂\nsecond line"
EXPECTED = {
    # Five of the eight calls are refused before they run; 0.61 refuses four, as it takes a text for a number.
    "0.26.0-failing": Expected(8, 8, (3, 3), [FAILING]),
    "0.61.0-failing": Expected(8, 8, (4, 4), [FAILING]),
    # A sub-agent's own calls are only reported by hooks; two calls of tools that are not there are not.
    "0.26.0-sub": Expected(7, 7, (5, 5), ["[sub] let another look"]),
    "0.38.0-sub": Expected(8, 8, (6, 6), ["[sub] let another look"], agents=1),
    "0.61.0-sub": Expected(8, 8, (6, 6), ["[sub] let another look"], agents=1),
    "0.43.0-twins": Expected(6, 6, (6, 6), ["[twins] please do ü 🙂\nsecond line"]),
    # The call during which the user has interrupted it is in no transcript.
    "0.61.0-cutresume": Expected(4, 3, (4, 3), ["[cut] wait for long", "[two] go on"]),
    # Begun with 0.38, and twice gone on with 0.61, with the first prompt again.
    "0.38.0-migrate": Expected(4, 4, (4, 4), ["[one] begin", "[two] go on", "[one] begin"]),
    "0.26.0-at": Expected(1, 1, (1, 1), ["[at] look at @hello.txt and @sub/** please"]),
    "0.61.0-at": Expected(1, 1, (1, 1), ["[at] look at @hello.txt and @sub/** please"]),
    # Another hook of the user's adds something to the prompt.
    "0.61.0-context": Expected(1, 1, (1, 1), ["[at] with context"]),
    "0.26.0-text": Expected(2, 2, (2, 2), ["[text] please"]),
    "0.61.0-think": Expected(2, 2, (2, 2), ["[think] please"]),
    "0.26.0": Expected(2, 2, (2, 2), ["please say hi and read the file"]),
    "0.61.0": Expected(2, 2, (2, 2), ["please say hi and read the file"]),
}
JOINED = {"PreToolUse", "PostToolUse", "UserPromptSubmit"}
recorded = pytest.mark.parametrize("name", EXPECTED)


def group_of(event: Event) -> str:
    """What equal events have in common, as `agent-cli/slots.js` has it. No hook of Gemini's names an agent."""
    kind = event.get("event_type") or event["hook_event_name"]
    if kind == "UserPromptSubmit":
        return json.dumps([kind, event["prompt"]])
    return json.dumps([kind, event["tool_name"], event["tool_input"]], sort_keys=True)


@dataclass
class Slots:
    """The rule by which two sources of one event find each other, without a database."""

    groups: dict[str, list[dict[str, str]]] = field(default_factory=dict)

    def tell(self, source: str, event: Event) -> None:
        own = event["own"] if source == "transcript" else json.dumps(event, sort_keys=True)
        slots = self.groups.setdefault(group_of(event), [])
        if any(slot.get(source) == own for slot in slots):
            return
        free = next((slot for slot in slots if source not in slot), None)
        if free is None:
            slots.append({source: own})
        else:
            free[source] = own

    def count(self, kind: str) -> int:
        return sum(len(slots) for group, slots in self.groups.items() if json.loads(group)[0] == kind)


def both_sides(name: str) -> tuple[list[Event], list[Event]]:
    hooks = admitted(session(name).hooks)
    events = [event for each in told(name) for event in each.events]
    return (
        [each for each in hooks if each["hook_event_name"] in JOINED],
        [each for each in events if each["event_type"] in JOINED],
    )


@recorded
def test_each_event_of_a_hook_is_in_the_group_of_one_of_the_transcripts(name: str) -> None:
    hooks, events = both_sides(name)
    expected = EXPECTED[name]
    of_hooks = Counter(map(group_of, hooks))
    named = {each["event_type"] + each["own"]: each for each in events}
    of_transcript = Counter(map(group_of, named.values()))
    alone = of_hooks - of_transcript
    if name == "0.26.0-sub":  # the three calls of its sub-agent
        assert sum(alone.values()) == 6
    elif name == "0.61.0-cutresume":
        assert list(alone) == [json.dumps(["PreToolUse", "run_shell_command", {"command": "sleep 31"}])]
    else:
        assert not alone
    kinds = Counter(each["hook_event_name"] for each in hooks)
    assert (kinds["PreToolUse"], kinds["PostToolUse"]) == expected.hooked


def once(events: Iterable[tuple[str, Event]], expected: Expected) -> None:
    slots = Slots()
    for source, event in events:
        slots.tell(source, event)
    found = tuple(slots.count(kind) for kind in ("PreToolUse", "PostToolUse", "UserPromptSubmit"))
    assert found == (expected.calls, expected.over, len(expected.prompts))


def orders(hooks: list[Any], events: list[Any]) -> dict[str, list[Any]]:
    alternating = [each for pair in itertools.zip_longest(hooks, events) for each in pair if each is not None]
    halves = [
        *hooks[: len(hooks) // 2],
        *events[: len(events) // 2],
        *hooks[len(hooks) // 2 :],
        *events[len(events) // 2 :],
    ]
    shuffled = [random.Random(seed).sample(hooks + events, len(hooks) + len(events)) for seed in (1, 2)]  # noqa: S311
    return {
        "hooks first": hooks + events,
        "transcript first": events + hooks,
        "alternating": alternating,
        "reversed": [*reversed(hooks + events)],
        "random 1": shuffled[0],
        "random 2": shuffled[1],
        "halves": halves,
    }


@recorded
def test_each_event_is_there_once_in_any_order_and_with_doubles(name: str) -> None:
    hooks, events = both_sides(name)
    for order in orders([("hook", each) for each in hooks], [("transcript", each) for each in events]).values():
        once(order, EXPECTED[name])
        once([*order, *order], EXPECTED[name])
        once([each for each in order for _ in range(2)], EXPECTED[name])


@recorded
def test_what_one_side_loses_the_other_has(name: str) -> None:
    """Hooks that are lost leave what the transcript has, and a transcript that is lost leaves what the hooks have."""
    hooks, events = both_sides(name)
    own = {each["event_type"] + each["own"]: each for each in events}
    for seed in range(7):
        chosen = random.Random(seed)  # noqa: S311
        kept = [each for each in hooks if chosen.random() < 0.5]
        slots = Slots()
        both = [("hook", each) for each in kept] + [("transcript", each) for each in events]
        for source, event in chosen.sample(both, len(both)):
            slots.tell(source, event)
        larger = Counter(map(group_of, kept)) | Counter(map(group_of, own.values()))
        assert {group: len(found) for group, found in slots.groups.items()} == larger


@recorded
def test_prompts_are_as_the_user_has_typed_them(name: str) -> None:
    hooks, events = both_sides(name)
    expected = EXPECTED[name].prompts
    assert [each["prompt"] for each in hooks if each["hook_event_name"] == "UserPromptSubmit"] == list(expected)
    prompts = {each["own"]: each["prompt"] for each in events if each["event_type"] == "UserPromptSubmit"}
    assert sorted(prompts.values()) == sorted(expected)


@recorded
def test_a_session_is_that_of_the_hooks_with_its_model_and_its_sub_agents(name: str) -> None:
    files = told(name)
    assert {each.session["id"] for each in files} == {hook["session_id"] for hook in session(name).hooks}
    assert all(each.session["model"].startswith("gemini-") for each in files)
    agents = [each.session["agent_id"] for each in files if each.session["agent_id"] is not None]
    assert len(agents) == EXPECTED[name].agents
    for each in files:
        kinds = Counter(event["event_type"] for event in each.events if event["event_type"].startswith("Subagent"))
        if each.session["agent_id"] is not None:
            assert kinds == {"SubagentStart": 1, "SubagentStop": 1}
            assert {event["agent_id"] for event in each.events} == {each.session["agent_id"]}
        assert each.session["started_at"] < each.session["last_at"]
        assert each.session["ended"] is (each.session["agent_id"] is not None)
    root = next(each for each in files if each.session["agent_id"] is None)
    assert root.session["turn_open"] is False


def test_a_sub_agent_is_called_by_what_its_session_says_of_it() -> None:
    child, root = told("0.61.0-sub")
    [stop] = [each for each in root.events if each["event_type"] == "SubagentStop"]
    [same] = [each for each in child.events if each["event_type"] == "SubagentStop"]
    assert (stop["agent_id"], stop["agent_type"]) == (child.session["agent_id"], "codebase_investigator")
    assert stop["own"] == same["own"]


def test_a_session_that_says_twice_that_it_ends_ends_once() -> None:
    """Up to 0.36, a moment later. One that is resumed ends again."""
    hooks = recording("0.26.0-text").hooks
    ends = [each for each in hooks if each["hook_event_name"] == "SessionEnd"]
    later = {**ends[1], "timestamp": "2026-11-26T00:54:00.000Z"}
    other = {**ends[1], "session_id": "another"}
    assert len(ends) == 2
    assert admitted([*ends, other, later]) == [as_forwarded(each) for each in (ends[0], other, later)]


def used(answers: Iterable[int], thoughts: int = 0) -> dict[str, int]:
    """The tokens of some answers of the model server that the recordings were made with, by their numbers."""
    numbers = list(answers)
    return {
        "input": sum(100 + 16 * number for number in numbers),
        "output": sum(5 + number for number in numbers) + thoughts,
        "cache_read": sum(2 * number for number in numbers),
        "cache_write": 0,
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("0.61.0-sub", [{"gemini-2.5-pro": used([3, 4, 5, 6])}, {"gemini-2.5-flash": used([1, 2, 7, 8, 9])}]),
        ("0.38.0-sub", [{"gemini-2.5-pro": used([2, 3, 4, 5])}, {"gemini-2.5-flash": used([1, 6, 7, 8, 9])}]),
        ("0.61.0-think", [{"gemini-2.5-flash": used([1, 2, 3], thoughts=14)}]),
        ("0.61.0-cutresume", [{"gemini-2.5-flash": used([1, 2, 3, 4, 5])}]),
        ("0.26.0-text", [{"gemini-2.5-flash": used([1, 2, 3])}]),
        ("0.38.0-migrate", [{"gemini-2.5-flash": used([1, 2])}, {"gemini-2.5-flash": used(range(1, 8))}]),
    ],
)
def test_tokens_are_those_that_the_model_has_counted(name: str, expected: list[object]) -> None:
    assert [each.state["tokens"] for each in told(name)] == expected


DAMAGED: Sequence[object] = (
    *(None, 7, "text", [], {}, {"id": 7}, {"$set": None}, {"$set": []}, {"$set": {"messages": [None, 7, {}]}}),
    *({"$rewindTo": None}, {"type": "gemini"}, {"id": "a", "type": "gemini", "toolCalls": {}}),
    *({"id": "b", "type": "gemini", "toolCalls": [None, {}, {"name": 7}, {"name": "x", "args": None, "result": 7}]},),
    *({"id": "c", "type": "gemini", "tokens": {"input": "x", "output": None}, "model": 7, "timestamp": "never"},),
    *({"id": "d", "type": "gemini", "content": {"text": 7}, "tokens": [], "model": "__proto__"},),
    *({"id": "e", "type": "unknown", "content": None}, {"sessionId": None}, {"kind": "subagent"}, {"summary": 7}),
    *({"sessionId": "another", "messages": {}, "directories": [None, 7], "startTime": {}},),
    *({"$set": {"messages": "x", "summary": {}, "directories": "x", "lastUpdated": 1}}, {"$patch": {}}),
)


@recorded
def test_damage_costs_nothing_but_itself(name: str) -> None:
    """Damaged and unknown lines, between all others, in several looks: what is left is told as before."""
    it = session(name)
    looks = []
    for path, records in it.files.items():
        if path.endswith(".json"):
            whole = text_of(records)
            looks.append((path, [whole[: len(whole) // 2], whole, whole[: len(whole) // 3], whole]))
        else:
            damaged = [f"{json.dumps(each)}\n" for each in DAMAGED]
            lines = [f"{json.dumps(each)}\n" for each in records]
            torn = [line for each in lines for line in (each, f"{each[: len(each) // 2]}\n", *damaged)]
            looks.append((path, ["".join(torn[at : at + 50]) for at in range(0, len(torn), 50)]))
    for damaged_read, plain in zip(read(looks), told(name), strict=True):
        own = {(each["event_type"], each["own"]) for each in damaged_read.events}
        assert {(each["event_type"], each["own"]) for each in plain.events} <= own
        assert len(own) - len({(each["event_type"], each["own"]) for each in plain.events}) in {0, 2}  # the call of `b`
        of_damage = {"unknown", "__proto__"}
        tokens = {model: count for model, count in damaged_read.state["tokens"].items() if model not in of_damage}
        assert tokens == plain.state["tokens"]
        assert damaged_read.session["id"] == plain.session["id"]
