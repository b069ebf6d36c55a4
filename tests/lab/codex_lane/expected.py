"""What the events table must hold after a session: derived from what was recorded, by the joins in patcher/codex/README.md.

Written apart from the ledger's JavaScript on purpose, and on the other side of the language: a mistake that both
make alike is a mistake in that page.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Line = Mapping[str, Any]
Key = tuple[str, ...]
"""A logical event: its hook name, its thread, and the identifiers that tell it from its like."""

_TOOLS = ("PreToolUse", "PostToolUse")
_TURNS = {"Stop", "Interrupt", "SubagentStop"}
_NUMBERED = {"UserPromptSubmit", "PostCompact"}
_UNNAMED = {"SessionEnd", "PermissionRequest", "PreCompact"}
_ONCE = {"startup", "fork", "clear"}
_CALLS = {"function_call", "custom_tool_call", "local_shell_call", "tool_search_call"}
_OUTPUTS = {"function_call_output", "custom_tool_call_output", "tool_search_output"}
_TOOL_ITEMS = {
    "CommandExecution",
    "FileChange",
    "McpToolCall",
    "ImageView",
    "WebSearch",
    "ImageGeneration",
    "CollabAgentToolCall",
}
_TOOL_ENDS = {"exec_command_end", "patch_apply_end", "mcp_tool_call_end", "web_search_end", "view_image_tool_call"}
_RUNNING = re.compile(r"^Process running with session ID (\d+)", re.MULTILINE)
_EXITED = re.compile(r"^Process exited with code -?\d+", re.MULTILINE)


def key_of(payload: Line, nth: int = 0) -> Key:
    """The logical event of a hook payload, or of the `data` of a row, which is in a hook's words on both roads.

    nth: of equal prompts, or compactions, of one turn. Only a rollout counts them: all their hooks are of the first.
    """
    event = str(payload["hook_event_name"])
    thread = str(payload.get("agent_id") or payload["session_id"])
    if event in _TOOLS:
        return (event, thread, str(payload.get("tool_use_id")))
    if event in _TURNS:
        return (event, thread, str(payload.get("turn_id")))
    if event == "PostCompact":
        return (event, thread, str(payload.get("turn_id")), str(nth))
    if event == "UserPromptSubmit":
        return (event, thread, str(payload.get("turn_id")), str(payload.get("prompt")), str(nth))
    if event == "SessionStart":
        source = str(payload.get("source") or "startup")
        return (event, thread, "first" if source in _ONCE else source)
    return (event, thread)


def keys_of_hooks(payloads: Iterable[Line]) -> "Counter[Key]":
    """The logical events that hooks have told of. Only those without an identifier of their own count twice."""
    counted = Counter(key_of(payload) for payload in payloads)
    return Counter({key: number if _has_no_identifier(key) else 1 for key, number in counted.items()})


def _has_no_identifier(key: Key) -> bool:
    """Of these each hook is an event of its own: a session resumes and ends, and is compacted, any number of times."""
    return (key[0] == "SessionStart" and key[2] != "first") or key[0] in _UNNAMED


def keys_of_rollout(lines: Sequence[Line], others: Iterable[Sequence[Line]] = ()) -> "Counter[Key]":
    """The logical events that one rollout file tells of. others: the files of the threads it may have history of.

    Copied history is known by its turns, which the other file has too; times and the age of ids are not looked at.
    """
    heads = {str(line["payload"]["id"]) for line in lines if line["type"] == "session_meta"}
    copied = [other for other in others if other is not lines and thread_of(other) in heads - {thread_of(lines)}]
    reader = _Reader(elsewhere=frozenset(turn for other in copied for turn in _turns_of(other)))
    for line in lines:
        reader.read(line)
    return Counter(reader.found.keys())


def thread_of(lines: Sequence[Line]) -> str:
    """The thread that a file is about: its first line says it."""
    return str(lines[0]["payload"]["id"])


def _turns_of(lines: Sequence[Line]) -> set[str]:
    return {str(line["payload"]["turn_id"]) for line in lines if line["type"] == "turn_context"}


@dataclass
class _Reader:
    """Goes through one file. `found` has the events in the order in which they are first told."""

    found: dict[Key, None] = field(default_factory=dict)
    elsewhere: frozenset[str] = frozenset()
    thread: str = ""
    is_child: bool = False
    turn: str = ""
    scripts: set[str] = field(default_factory=set)
    running: dict[str, str] = field(default_factory=dict)
    stdin: dict[str, str] = field(default_factory=dict)
    seen: "Counter[tuple[str, ...]]" = field(default_factory=Counter)

    def read(self, line: Line) -> None:
        payload = line["payload"]
        if not isinstance(payload, Mapping):
            return  # the recorded samples have these stripped
        kind = str(payload.get("type"))
        turn = payload.get("turn_id") or _passed_through(payload) or self.turn
        if line["type"] == "turn_context" or kind == "task_started":
            self.turn = str(turn)
        if line["type"] == "session_meta":
            self._meta(payload)
        elif turn in self.elsewhere:
            return  # told in the file that it was copied from
        elif line["type"] == "compacted":
            self._numbered("PostCompact", self.turn)
        elif line["type"] == "response_item" and kind in _CALLS:
            self._call(payload)
        elif line["type"] == "response_item" and kind in _OUTPUTS:
            self._output(payload)
        elif line["type"] == "response_item" and kind == "web_search_call" and payload.get("id"):
            self._whole(str(payload["id"]))
        elif line["type"] == "event_msg":
            self._message(kind, payload, str(turn))

    def _add(self, event: str, *identity: str) -> None:
        self.found[event, self.thread, *identity] = None

    def _whole(self, call: str) -> None:
        for event in _TOOLS:
            self._add(event, call)

    def _meta(self, meta: Line) -> None:
        if self.thread:
            return  # a copy of another thread's first line
        self.thread = str(meta["id"])
        self.is_child = bool(meta.get("parent_thread_id")) or isinstance(meta.get("source"), Mapping)
        if self.is_child:
            self._add("SubagentStart")
        else:
            self._add("SessionStart", "first")

    def _call(self, payload: Line) -> None:
        call = str(payload["call_id"])
        if payload["type"] == "custom_tool_call" and payload.get("name") == "exec":
            self.scripts.add(call)
            return
        if payload.get("name") == "write_stdin":
            self.stdin[call] = str(json.loads(payload["arguments"]).get("session_id"))
        self._add("PreToolUse", call)

    def _output(self, payload: Line) -> None:
        call = str(payload["call_id"])
        if call in self.scripts:
            return
        text = payload["output"] if isinstance(payload.get("output"), str) else ""
        head = text.partition("\nOutput:\n")[0]
        process = _RUNNING.search(head)
        if call in self.stdin:
            self._add("PostToolUse", call)
            started = self.running.get(self.stdin[call])
            if started and _EXITED.search(head):
                self._add("PostToolUse", started)
        elif process:
            self.running[process[1]] = call
        else:
            self._add("PostToolUse", call)

    def _message(self, kind: str, payload: Line, turn: str) -> None:
        if kind == "task_complete":
            self._add("SubagentStop" if self.is_child else "Stop", turn)
        elif kind == "turn_aborted":
            self._add("Interrupt", turn)
        elif kind == "user_message":
            self._prompt(kind, turn, str(payload["message"]))
        elif kind in _TOOL_ENDS:
            self._whole(str(payload["call_id"]))
        elif kind == "item_completed":
            item = payload["item"]
            if item["type"] == "UserMessage":
                self._prompt(kind, turn, "".join(part.get("text", "") for part in item["content"]))
            elif item["type"] in _TOOL_ITEMS:
                self._whole(str(item["id"]))

    def _prompt(self, kind: str, turn: str, text: str) -> None:
        """The same prompt can be there twice in one turn; told by two kinds of lines it still is one."""
        self._numbered("UserPromptSubmit", turn, text, told=kind)

    def _numbered(self, event: str, *identity: str, told: str = "") -> None:
        number = self.seen[event, *identity, told]
        self.seen[event, *identity, told] += 1
        self._add(event, *identity, str(number))


def _passed_through(payload: Line) -> object:
    return (payload.get("internal_chat_message_metadata_passthrough") or {}).get("turn_id")


@dataclass(frozen=True)
class Expected:
    """The logical events of a session, by the road that tells of them."""

    hooks: "Counter[Key]"
    rollout: "Counter[Key]"

    @classmethod
    def of(cls, payloads: Iterable[Line], rollouts: Iterable[Sequence[Line]]) -> "Expected":
        """What was recorded."""
        files = [lines for lines in rollouts if lines]
        found: Counter[Key] = Counter()
        for lines in files:
            found |= keys_of_rollout(lines, files)
        return cls(keys_of_hooks(payloads), found)

    @property
    def union(self) -> "Counter[Key]":
        """Every event, and how many rows it must have."""
        return self.hooks | self.rollout

    @property
    def joined(self) -> int:
        """How many events both roads tell of."""
        return sum((self.hooks & self.rollout).values())

    def capture(self, key: Key) -> str:
        """What the row of an event must say of where it comes from."""
        if key in self.hooks:
            return "both" if key in self.rollout else "hook"
        return "rollout"


@dataclass(frozen=True)
class Compared:
    """Rows against what was expected. `said` names each that is wrong."""

    rows: int
    twice: int
    lost: int
    said: list[str]

    @property
    def ok(self) -> bool:
        """Each event has its row, and no row is without an event."""
        return not self.said


def compare(expected: Expected, rows: Sequence[Mapping[str, Any]]) -> Compared:
    """rows: of the events table. Their `data` is in a hook's words; the ledger's own key is not looked at."""
    found: dict[Key, list[Mapping[str, Any]]] = {}
    seen: Counter[Key] = Counter()
    for row in sorted(rows, key=lambda row: (str(row["created_at"]), row["id"])):
        data = json.loads(row["data"]) if row.get("data") else {}
        if "hook_event_name" not in data:
            data = {**data, "hook_event_name": row["event_type"], "session_id": row["session_id"]}
        key = key_of(data)
        if row["event_type"] in _NUMBERED:
            seen[key] += 1
            key = key_of(data, seen[key] - 1)
        found.setdefault(key, []).append(row)
    said, twice, lost = [], 0, 0
    for key, wanted in expected.union.items():
        there = found.pop(key, [])
        twice += max(0, len(there) - wanted)
        lost += max(0, wanted - len(there))
        if len(there) != wanted:
            said.append(f"{' '.join(key)}: {len(there)} rows for {wanted}")
        road = expected.capture(key)
        said += [f"{' '.join(key)}: capture {row['capture']}, not {road}" for row in there if row["capture"] != road]
        said += [f"{' '.join(key)}: event_type {row['event_type']}" for row in there if row["event_type"] != key[0]]
    for key, there in found.items():
        twice += len(there)
        said.append(f"{' '.join(key)}: {len(there)} rows of which neither road has told")
    return Compared(len(rows), twice, lost, said)


Event = tuple[str, ...]
"""A logical event without its turn: hook name, session, thread, and the call or the prompt."""


def events_asked_for(
    asked: Mapping[str, Sequence[str]],
    served: Iterable[tuple[str, Sequence[Line]]],
    hooks: Sequence[Line],
    *,
    ends: Iterable[str],
) -> "Counter[Event]":
    """The logical events of threads, by what they were asked and answered: no rollout is looked at.

    asked: the prompts of the threads that were driven. served: the model's answers, thread by thread; a thread that
    nobody has driven is the sub-agent of the one that spawned it. hooks: those that were heard, for what only they
    tell. ends: the threads of which something tells that turns end.
    """
    answers = list(served)
    roots = roots_of(asked, answers)
    found: Counter[Event] = Counter()
    prompts = {thread: list(texts) for thread, texts in asked.items()}
    tasks = [json.loads(item["arguments"])["message"] for _, items in answers for item in items if _spawns(item)]
    for child in roots:
        if child not in asked:
            prompts[child] = [tasks.pop(0)]
    for thread, texts in prompts.items():
        root = roots[thread]
        found["SubagentStart" if root != thread else "SessionStart", root, thread] += 1
        for text in texts:
            found["UserPromptSubmit", root, thread, text] += 1
        if thread in ends:
            found["SubagentStop" if root != thread else "Stop", root, thread] += len(texts)
    for thread, items in answers:
        for item in items:
            if str(item["type"]).endswith("_call"):
                for event in _TOOLS:
                    found[event, roots[thread], thread, item["call_id"]] += 1
    for key, number in keys_of_hooks(hooks).items():
        if _has_no_identifier(key):
            found[key[0], roots[key[1]], key[1]] += number
    return found


def roots_of(asked: Mapping[str, Sequence[str]], answers: Iterable[tuple[str, Sequence[Line]]]) -> dict[str, str]:
    """The root of each thread: itself, if somebody has driven it."""
    roots = {thread: thread for thread in asked}
    spawner = ""
    for thread, items in answers:
        if thread not in roots:
            roots[thread] = roots[spawner]
        if any(_spawns(item) for item in items):
            spawner = thread
    return roots


def _spawns(item: Line) -> bool:
    return item.get("type") == "function_call" and item.get("name") == "spawn_agent"


def compare_events(expected: "Counter[Event]", rows: Sequence[Mapping[str, Any]]) -> Compared:
    """Rows against `events_asked_for`."""
    found: Counter[Event] = Counter()
    for row in rows:
        data = json.loads(row["data"]) if row.get("data") else {}
        event, session = str(row["event_type"]), str(row["session_id"])
        thread = str(data.get("agent_id") or session)
        more = [data.get("tool_use_id")] if event in _TOOLS else [data.get("prompt")] if "prompt" in data else []
        found[event, session, thread, *map(str, more)] += 1
    twice, lost = found - expected, expected - found
    said = [f"{' '.join(key)}: {found[key]} rows for {expected[key]}" for key in (*twice, *lost)]
    return Compared(len(rows), twice.total(), lost.total(), said)


def tokens_of(
    served: Iterable[tuple[str, str, tuple[int, int, int]]], roots: Mapping[str, str]
) -> dict[tuple[str, str], tuple[int, int, int]]:
    """What each session's answers cost, by model: fresh input, cached input, output. served: thread, model, cost."""
    total: dict[tuple[str, str], tuple[int, int, int]] = {}
    for thread, model, cost in served:
        before = total.get((roots[thread], model), (0, 0, 0))
        total[roots[thread], model] = (before[0] + cost[0], before[1] + cost[1], before[2] + cost[2])
    return total
