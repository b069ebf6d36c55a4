"""One simulated session of an agent CLI: its hooks, what it writes into its transcript, and what really happened.

The shapes are those of real sessions of Qwen Code 0.24.4, Copilot CLI 1.0.102, and Gemini CLI 0.26.0 and 0.61.0.
"""

import json
import os
import random
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from patcher.patches.harnesses import HARNESSES, Harness

Payload = dict[str, Any]


@dataclass(frozen=True)
class Hook:
    """One run of a hook. payload: what the agent writes to its stdin."""

    payload: Payload


@dataclass(frozen=True)
class Write:
    """What the agent writes into a file. whole: it replaces the file, else it is appended."""

    path: str
    text: str
    whole: bool = False


Step = Hook | Write


def forwarded(harness: Harness, payload: Mapping[str, Any]) -> Payload | None:
    """The body that our hook handler posts for a payload of this agent; None for what it drops."""
    event = str(payload["hook_event_name"])
    event = harness.renamed_events.get(event, event)
    if event == "UserPromptSubmit" and payload.get("prompt") == "":
        return None
    data = dict(payload)
    data |= {there: payload[here] for here, there in harness.fields if here in payload}
    for name, spellings in harness.spellings.items():
        spelling = next((key for key in spellings if isinstance(payload.get(key), str)), None)
        if spelling:
            data[name] = payload[spelling]
    return {"hook_type": event, "data": data | {"hook_event_name": event, "__provider": harness.provider}}


class SimulatedAgent(ABC):
    """A session that `play` makes up. steps: hooks and writes, in the order in which they happen.

    calls: how often each call was made, by name and arguments; prompts: likewise. tokens: input that was not cached,
    and output.
    """

    provider: str
    shell: str
    model = "mock-model"

    def __init__(self, home: str, *, seed: str, cwd: str = "/home/user/project", now: datetime | None = None) -> None:
        """home: the user's home directory. seed: what identifiers and contents follow from. It begins now."""
        self._chance = random.Random(seed)  # noqa: S311 - no secret
        self._clock = now or datetime.now(UTC)
        self.harness = next(row for row in HARNESSES if row.provider == self.provider)
        self.folder = os.path.join(home, self.harness.folder)
        self.id = self._uuid()
        self.cwd = cwd
        self.steps: list[Step] = []
        self.calls: Counter[tuple[str, str]] = Counter()
        self.prompts: Counter[str] = Counter()
        self.tokens = (0, 0)
        self._begin()

    def play(self, turns: int = 2) -> None:
        """So many turns, with equal prompts and equal calls among them, then the end."""
        for _ in range(turns):
            self.turn(self._chance.choice(["go on", "make the tests pass", "why?"]), calls=self._chance.randint(0, 5))
        self.end()

    def turn(self, prompt: str, calls: int) -> None:
        """A prompt, calls of a few commands (several of them equal), and an answer."""
        self.prompts[prompt] += 1
        self._prompt(prompt)
        for _ in range(calls):
            arguments = {"command": self._chance.choice(["echo hi", "ls"]), "description": "look"}
            self.calls[self.shell, json.dumps(arguments, sort_keys=True)] += 1
            self._call(arguments, failed=self._chance.random() < 0.2)
            self._use()
        self._answer()
        self._use()

    def end(self) -> None:
        """The session ends, and its hooks say so."""
        self._hook("SessionEnd", reason="exit")

    @abstractmethod
    def _begin(self) -> None: ...

    @abstractmethod
    def _prompt(self, prompt: str) -> None: ...

    @abstractmethod
    def _call(self, arguments: Payload, *, failed: bool) -> None: ...

    @abstractmethod
    def _answer(self) -> None: ...

    def _use(self) -> None:
        """Each answer of the model costs ten tokens of input, two of them cached, and five of output."""
        self.tokens = (self.tokens[0] + 8, self.tokens[1] + 5)

    def _uuid(self) -> str:
        digits = f"{self._chance.getrandbits(128):032x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def _now(self) -> str:
        self._clock += timedelta(milliseconds=self._chance.randint(1, 40))
        return self._clock.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _hook(self, event: str, **fields: object) -> None:
        base = {"session_id": self.id, "cwd": self.cwd, "hook_event_name": event, "timestamp": self._now()}
        self.steps.append(Hook({**base, **fields}))

    def _append(self, path: str, *records: Payload) -> None:
        self.steps.append(Write(path, "".join(f"{json.dumps(record)}\n" for record in records)))


class SimulatedQwen(SimulatedAgent):
    """Qwen Code: the hook's `tool_call_id` is that of the transcript; an empty prompt after each call."""

    provider = "qwen"
    shell = "run_shell_command"

    def _begin(self) -> None:
        self._path = os.path.join(self.folder, "projects", "-home-user-project", "chats", f"{self.id}.jsonl")
        self._hook("SessionStart", source="startup", model=self.model)

    def _record(self, kind: str, **fields: object) -> None:
        base = {"uuid": self._uuid(), "sessionId": self.id, "timestamp": self._now(), "type": kind, "cwd": self.cwd}
        self._append(self._path, {**base, **fields})

    def _model(self, *parts: Payload) -> None:
        usage = {"promptTokenCount": 10, "candidatesTokenCount": 5, "thoughtsTokenCount": 0, "totalTokenCount": 15}
        self._record(
            "assistant",
            provenance="assistant_output",
            model=self.model,
            message={"role": "model", "parts": list(parts)},
            usageMetadata={**usage, "cachedContentTokenCount": 2},
        )

    def _prompt(self, prompt: str) -> None:
        self._hook("UserPromptSubmit", prompt=prompt)
        self._record("user", provenance="real_user", message={"role": "user", "parts": [{"text": prompt}]})

    def _call(self, arguments: Payload, *, failed: bool) -> None:
        call = f"call_{self._chance.getrandbits(32):08x}"
        facts = {"tool_name": self.shell, "tool_input": arguments, "tool_call_id": call}
        self._model({"functionCall": {"id": call, "name": self.shell, "args": arguments}})
        self._hook("PreToolUse", **facts, tool_use_id=f"toolu_{self._uuid()}")
        self._hook("PostToolUse", **facts, tool_use_id=f"toolu_{self._uuid()}", tool_response={"llmContent": "hi"})
        response = {"functionResponse": {"id": call, "name": self.shell, "response": {"output": "hi"}}}
        self._record(
            "tool_result",
            provenance="tool_result",
            message={"role": "user", "parts": [response]},
            toolCallResult={"callId": call, "status": "error" if failed else "success"},
        )
        self._hook("UserPromptSubmit", prompt="")

    def _answer(self) -> None:
        self._model({"text": "Done."})
        self._hook("Stop")


class SimulatedCopilot(SimulatedAgent):
    """Copilot CLI: hooks without identifiers, and with Claude's tool names."""

    provider = "copilot"
    shell = "Bash"

    def _begin(self) -> None:
        self._path = os.path.join(self.folder, "session-state", self.id, "events.jsonl")
        self._hook("SessionStart", source="new")
        self._event("session.start", sessionId=self.id, selectedModel=self.model, context={"cwd": self.cwd})

    def _event(self, kind: str, **data: object) -> None:
        self._append(self._path, {"type": kind, "data": data, "id": self._uuid(), "timestamp": self._now()})

    def _usage(self) -> None:
        counts = {"inputTokens": 10, "outputTokens": 5, "cacheReadTokens": 2, "cacheWriteTokens": 0}
        self._event("session.usage_record", usage={"model": self.model, **counts, "cost": 0.0})

    def _prompt(self, prompt: str) -> None:
        self._hook("UserPromptSubmit", prompt=prompt)
        self._event("user.message", content=prompt, messageId=self._uuid())

    def _call(self, arguments: Payload, *, failed: bool) -> None:
        call = f"call_{self._chance.getrandbits(32):08x}"
        self._usage()
        requests = [{"toolCallId": call, "name": "bash", "arguments": arguments, "type": "function"}]
        self._event("assistant.message", messageId=self._uuid(), model=self.model, content="", toolRequests=requests)
        self._event("tool.execution_start", toolCallId=call, toolName="bash", arguments=arguments, model=self.model)
        self._hook("PreToolUse", tool_name="Bash", tool_input=arguments)
        result = {"result_type": "failure" if failed else "success", "text_result_for_llm": "hi"}
        self._hook("PostToolUse", tool_name="Bash", tool_input=arguments, tool_result=result)
        self._event("tool.execution_complete", toolCallId=call, success=not failed, result={"content": "hi"})

    def _answer(self) -> None:
        self._usage()
        self._event("assistant.message", messageId=self._uuid(), model=self.model, content="Done.", toolRequests=[])
        self._event("assistant.turn_end", turnId="0")
        self._hook("Stop", stop_reason="end_turn")


class SimulatedGemini(SimulatedAgent):
    """Gemini CLI 0.39 and later: hooks without identifiers; a message is written again with its calls."""

    provider = "gemini"
    shell = "run_shell_command"
    _ending = ".jsonl"

    def _begin(self) -> None:
        name = f"session-{self._clock:%Y-%m-%dT%H-%M}-{self.id[:8]}{self._ending}"
        self._path = os.path.join(self.folder, "tmp", "project", "chats", name)
        self._messages: list[Payload] = []
        self._head = {"sessionId": self.id, "projectHash": "0" * 64, "startTime": self._now(), "kind": "main"}
        self._hook("SessionStart", source="startup")
        self._write_head()

    def _write_head(self) -> None:
        self._append(self._path, {**self._head, "lastUpdated": self._head["startTime"]})

    def _hook(self, event: str, **fields: object) -> None:
        super()._hook(event, transcript_path=self._path, **fields)

    def _save(self, message: Payload) -> None:
        self._append(self._path, message, {"$set": {"lastUpdated": self._now()}})

    def _message(self, kind: str, content: object, **fields: object) -> Payload:
        return {"id": self._uuid(), "timestamp": self._now(), "type": kind, "content": content, **fields}

    def _model(self, content: str) -> Payload:
        tokens = {"input": 10, "output": 5, "cached": 2, "thoughts": 0, "tool": 0, "total": 15}
        return self._message("gemini", content, thoughts=[], tokens=tokens, model=self.model)

    def _prompt(self, prompt: str) -> None:
        self._hook("BeforeAgent", prompt=prompt)
        self._save(self._message("user", [{"text": prompt}]))

    def _call(self, arguments: Payload, *, failed: bool) -> None:
        message = self._model("")
        self._save(message)
        self._hook("BeforeTool", tool_name=self.shell, tool_input=arguments)
        self._hook("AfterTool", tool_name=self.shell, tool_input=arguments, tool_response={"llmContent": "hi"})
        call = f"{self.shell}-{self._chance.getrandbits(40):x}"
        response = {"functionResponse": {"id": call, "name": self.shell, "response": {"output": "hi"}}}
        facts = {"id": call, "name": self.shell, "args": arguments, "result": [response], "timestamp": self._now()}
        self._save({**message, "toolCalls": [{**facts, "status": "error" if failed else "success"}]})
        self._save(self._message("user", [response]))

    def _answer(self) -> None:
        self._save(self._model("Done."))
        self._hook("AfterAgent", prompt_response="Done.")


class SimulatedEarlyGemini(SimulatedGemini):
    """Gemini CLI before 0.39: one document, written anew at each change."""

    _ending = ".json"

    def _write_head(self) -> None:
        self._messages = []

    def _save(self, message: Payload) -> None:
        if message["type"] == "user" and not isinstance(message["content"], str):
            texts = [part["text"] for part in message["content"] if "text" in part]
            if not texts:
                return  # it has no messages of results
            message = {**message, "content": texts[0]}
        others = [known for known in self._messages if known["id"] != message["id"]]
        self._messages = [*others, message]
        document = {**self._head, "lastUpdated": self._now(), "messages": self._messages}
        self.steps.append(Write(self._path, json.dumps(document), whole=True))


AGENTS = (SimulatedQwen, SimulatedCopilot, SimulatedGemini, SimulatedEarlyGemini)


def writes(agent: SimulatedAgent) -> Iterator[Write]:
    """What the agent writes, in order."""
    return (step for step in agent.steps if isinstance(step, Write))
