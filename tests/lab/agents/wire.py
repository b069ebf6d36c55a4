"""The four ways in which agents speak to a model: Anthropic Messages, OpenAI Chat and Responses, Gemini."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Body = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """A call of a tool, as the model asks for it. id: what the server calls it; not every agent keeps that."""

    name: str
    arguments: Mapping[str, Any]
    id: str


@dataclass(frozen=True)
class Usage:
    """The tokens of one answer. `input` has neither `cached` nor anything else in it."""

    input: int
    cached: int
    output: int


@dataclass(frozen=True)
class Asked:
    """What a request asks, whatever it is spoken in. turns: `user` with its text, or `model`, in their order."""

    model: str
    turns: Sequence[tuple[str, str]]
    has_tools: bool
    wants_json: bool = False


@dataclass
class Answer:
    """What is to be said: `text`, or calls. The number makes identifiers."""

    number: int
    model: str
    text: str
    calls: Sequence[Call]
    usage: Usage


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


def _asked(model: object, turns: Iterable[tuple[str, str]], tools: object, *, wants_json: bool = False) -> Asked:
    return Asked(str(model or ""), list(turns), bool(tools), wants_json)


def _events(events: Iterable[tuple[str, Mapping[str, Any]]]) -> str:
    return "".join(f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n" for kind, fields in events)


def _data(chunks: Iterable[object]) -> str:
    return "".join(f"data: {chunk if isinstance(chunk, str) else json.dumps(chunk)}\n\n" for chunk in chunks)


def _text(content: object) -> str:
    """The text of what a user has said; results of tools are not text."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(
        str(part["text"]) for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)
    )


class Anthropic:
    """`POST /v1/messages`."""

    def is_asked(self, path: str) -> bool:
        return path.endswith("/messages")

    def is_streamed(self, path: str, body: Body) -> bool:
        return bool(body.get("stream"))

    def read(self, path: str, body: Body) -> Asked:
        turns = (
            ("model" if each["role"] == "assistant" else "user", _text(each["content"])) for each in body["messages"]
        )
        return _asked(body.get("model"), turns, body.get("tools"))

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
        return _events(self._events(self.whole(answer)))

    def _events(self, whole: Body) -> Iterator[tuple[str, Body]]:
        head = {**whole, "content": [], "stop_reason": None}
        yield "message_start", {"message": head}
        for index, block in enumerate(whole["content"]):
            if block["type"] == "text":
                empty, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": block["text"]}
            else:
                empty = {**block, "input": {}}
                delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
            yield "content_block_start", {"index": index, "content_block": empty}
            yield "content_block_delta", {"index": index, "delta": delta}
            yield "content_block_stop", {"index": index}
        delta = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
        yield "message_delta", {"delta": delta, "usage": whole["usage"]}
        yield "message_stop", {}


class Chat:
    """`POST /v1/chat/completions`."""

    def is_asked(self, path: str) -> bool:
        return path.endswith("/chat/completions")

    def is_streamed(self, path: str, body: Body) -> bool:
        return bool(body.get("stream"))

    def read(self, path: str, body: Body) -> Asked:
        roles = {"user": "user", "assistant": "model"}
        turns = (
            (roles[each["role"]], _text(each.get("content"))) for each in body["messages"] if each["role"] in roles
        )
        return _asked(body.get("model"), turns, body.get("tools"), wants_json=bool(body.get("response_format")))

    def whole(self, answer: Answer) -> Body:
        message = {"role": "assistant", **self._message(answer)}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if answer.calls else "stop"}
        return {**self._head(answer, "chat.completion"), "choices": [choice], "usage": self._usage(answer)}

    def stream(self, answer: Answer) -> str:
        head = self._head(answer, "chat.completion.chunk")
        finish = "tool_calls" if answer.calls else "stop"
        deltas: Sequence[tuple[Body, str | None]] = (
            ({"role": "assistant", "content": ""}, None),
            (self._message(answer), None),
            ({}, finish),
        )
        chunks = ({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": end}]} for delta, end in deltas)
        return _data([*chunks, {**head, "choices": [], "usage": self._usage(answer)}, "[DONE]"])

    def _head(self, answer: Answer, kind: str) -> Body:
        return {"id": f"chatcmpl-{answer.number}", "object": kind, "created": 1, "model": answer.model}

    def _message(self, answer: Answer) -> Body:
        if not answer.calls:
            return {"content": answer.text}
        calls = [
            {
                "index": index,
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
            }
            for index, call in enumerate(answer.calls)
        ]
        return {"content": None, "tool_calls": calls}

    def _usage(self, answer: Answer) -> Body:
        usage = answer.usage
        prompt = usage.input + usage.cached
        return {
            "prompt_tokens": prompt,
            "completion_tokens": usage.output,
            "total_tokens": prompt + usage.output,
            "prompt_tokens_details": {"cached_tokens": usage.cached},
        }


class Responses:
    """`POST /v1/responses`."""

    def is_asked(self, path: str) -> bool:
        return path.endswith("/responses")

    def is_streamed(self, path: str, body: Body) -> bool:
        return bool(body.get("stream"))

    def read(self, path: str, body: Body) -> Asked:
        items = body.get("input") or []
        said = [{"role": "user", "content": items}] if isinstance(items, str) else items
        return _asked(body.get("model"), self._turns(said), body.get("tools"))

    def _turns(self, items: Iterable[Body]) -> Iterator[tuple[str, str]]:
        """Items of one answer stand side by side, and are one turn of the model's."""
        before = ""
        for item in items:
            mine = item.get("role") == "assistant" or item.get("type") in {"function_call", "reasoning"}
            if not mine:
                yield "user", _text(item.get("content"))
            elif before != "model":
                yield "model", ""
            before = "model" if mine else "user"

    def whole(self, answer: Answer) -> Body:
        content = [{"type": "output_text", "text": answer.text, "annotations": []}]
        message = {"type": "message", "id": f"msg_{answer.number}", "role": "assistant", "status": "completed"}
        calls = [
            {
                "type": "function_call",
                "id": f"fc_{call.id}",
                "call_id": call.id,
                "name": call.name,
                "arguments": json.dumps(call.arguments),
                "status": "completed",
            }
            for call in answer.calls
        ]
        usage = answer.usage
        prompt = usage.input + usage.cached
        return {
            "id": f"resp_{answer.number}",
            "object": "response",
            "created_at": 1,
            "model": answer.model,
            "status": "completed",
            "output": calls or [{**message, "content": content}],
            "usage": {
                "input_tokens": prompt,
                "input_tokens_details": {"cached_tokens": usage.cached},
                "output_tokens": usage.output,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": prompt + usage.output,
            },
        }

    def stream(self, answer: Answer) -> str:
        return _events(self._events(self.whole(answer)))

    def _events(self, whole: Body) -> Iterator[tuple[str, Body]]:
        yield "response.created", {"response": {**whole, "status": "in_progress", "output": [], "usage": None}}
        for index, item in enumerate(whole["output"]):
            where = {"output_index": index, "item_id": item["id"]}
            if item["type"] == "message":
                part = item["content"][0]
                yield "response.output_item.added", {"output_index": index, "item": {**item, "content": []}}
                yield "response.content_part.added", {**where, "content_index": 0, "part": {**part, "text": ""}}
                yield "response.output_text.delta", {**where, "content_index": 0, "delta": part["text"]}
                yield "response.output_text.done", {**where, "content_index": 0, "text": part["text"]}
                yield "response.content_part.done", {**where, "content_index": 0, "part": part}
            else:
                yield "response.output_item.added", {"output_index": index, "item": {**item, "arguments": ""}}
                yield "response.function_call_arguments.delta", {**where, "delta": item["arguments"]}
                yield "response.function_call_arguments.done", {**where, "arguments": item["arguments"]}
            yield "response.output_item.done", {"output_index": index, "item": item}
        yield "response.completed", {"response": whole}


class Gemini:
    """`POST /v1beta/models/MODEL:generateContent` and `:streamGenerateContent`."""

    def is_asked(self, path: str) -> bool:
        return path.endswith((":generateContent", ":streamGenerateContent"))

    def is_streamed(self, path: str, body: Body) -> bool:
        return path.endswith(":streamGenerateContent")

    def read(self, path: str, body: Body) -> Asked:
        turns = (
            ("model" if each.get("role") == "model" else "user", _text(each.get("parts")))
            for each in body.get("contents", ())
        )
        form = body.get("generationConfig", {}).get("responseMimeType")
        model = path.rpartition("/")[2].partition(":")[0]
        return _asked(model, turns, body.get("tools"), wants_json=form == "application/json")

    def whole(self, answer: Answer) -> Body:
        calls = [{"functionCall": {"id": call.id, "name": call.name, "args": call.arguments}} for call in answer.calls]
        content = {"role": "model", "parts": calls or [{"text": answer.text}]}
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
        return _data([self.whole(answer)])


SPOKEN: Sequence[Spoken] = (Anthropic(), Chat(), Responses(), Gemini())
