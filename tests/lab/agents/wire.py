"""The four ways in which agents speak to a model: Anthropic Messages, OpenAI Chat and Responses, Gemini."""

import json
from collections.abc import Iterator, Sequence
from typing import Protocol

from tests.lab.agents.messages import Answer, Asked, Body, asked_in, data_stream, event_stream, text_of
from tests.lab.agents.openai import Chat, Responses


class Spoken(Protocol):
    """One of the four. `path` is without its query."""

    def is_asked(self, path: str) -> bool:
        """Whether a request to this path is spoken so."""

    def is_streamed(self, path: str, body: Body) -> bool:
        """Whether the answer is to be an event stream."""

    def read(self, path: str, body: Body) -> Asked:
        """What it asks."""

    def whole(self, answer: Answer) -> Body:
        """The answer in one piece."""

    def stream(self, answer: Answer) -> str:
        """The answer as an event stream."""


class Anthropic:
    """`POST /v1/messages`."""

    def is_asked(self, path: str) -> bool:
        return path.endswith("/messages")

    def is_streamed(self, path: str, body: Body) -> bool:
        return bool(body.get("stream"))

    def read(self, path: str, body: Body) -> Asked:
        turns = (
            ("model" if each["role"] == "assistant" else "user", text_of(each["content"])) for each in body["messages"]
        )
        return asked_in(body.get("model"), turns, body.get("tools"))

    def whole(self, answer: Answer) -> Body:
        calls = [
            {"type": "tool_use", "id": f"toolu_{call.id}", "name": call.name, "input": call.arguments}
            for call in answer.calls
        ]
        usage = answer.usage
        return {
            "id": f"msg_{answer.number}",
            "type": "message",
            "role": "assistant",
            "model": answer.model,
            "content": calls or [{"type": "text", "text": answer.text}],
            "stop_reason": "tool_use" if calls else "end_turn",
            "stop_sequence": None,
            "usage": {
                "input_tokens": usage.input,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": usage.cached,
                "output_tokens": usage.output,
            },
        }

    def stream(self, answer: Answer) -> str:
        return event_stream(self._events(self.whole(answer)))

    def _events(self, whole: Body) -> Iterator[tuple[str, Body]]:
        head = {**whole, "content": [], "stop_reason": None}
        yield "message_start", {"message": head}
        for index, block in enumerate(whole["content"]):
            empty: Body
            delta: Body
            if block["type"] == "text":
                empty, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": block["text"]}
            else:
                empty = {**block, "input": {}}
                delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
            yield "content_block_start", {"index": index, "content_block": empty}
            yield "content_block_delta", {"index": index, "delta": delta}
            yield "content_block_stop", {"index": index}
        end = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
        yield "message_delta", {"delta": end, "usage": whole["usage"]}
        yield "message_stop", {}


class Gemini:
    """`POST /v1beta/models/MODEL:generateContent` and `:streamGenerateContent`."""

    def is_asked(self, path: str) -> bool:
        return path.endswith((":generateContent", ":streamGenerateContent"))

    def is_streamed(self, path: str, body: Body) -> bool:
        return path.endswith(":streamGenerateContent")

    def read(self, path: str, body: Body) -> Asked:
        turns = (
            ("model" if each.get("role") == "model" else "user", text_of(each.get("parts")))
            for each in body.get("contents", ())
        )
        form = body.get("generationConfig", {}).get("responseMimeType")
        model = path.rpartition("/")[2].partition(":")[0]
        tools = [each for group in body.get("tools") or () for each in group.get("functionDeclarations", ())]
        return asked_in(model, turns, tools, wants_json=form == "application/json")

    def whole(self, answer: Answer) -> Body:
        calls: list[Body] = [
            {"functionCall": {"id": call.id, "name": call.name, "args": call.arguments}} for call in answer.calls
        ]
        content: Body = {"role": "model", "parts": calls or [{"text": answer.text}]}
        usage = answer.usage
        prompt = usage.input + usage.cached
        return {
            "candidates": [{"content": content, "finishReason": "STOP", "index": 0}],
            "usageMetadata": {
                "promptTokenCount": prompt,
                "cachedContentTokenCount": usage.cached,
                "candidatesTokenCount": usage.output,
                "totalTokenCount": prompt + usage.output,
            },
            "modelVersion": answer.model,
            "responseId": f"response-{answer.number}",
        }

    def stream(self, answer: Answer) -> str:
        return data_stream([self.whole(answer)])


SPOKEN: Sequence[Spoken] = (Anthropic(), Chat(), Responses(), Gemini())
