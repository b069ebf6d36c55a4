"""The two ways in which OpenAI's models are spoken to: Chat and Responses."""

import json
from collections.abc import Iterable, Iterator, Sequence

from tests.lab.agents.messages import Answer, Asked, Body, asked_in, data_stream, event_stream, text_of


class Chat:
    """`POST /v1/chat/completions`."""

    def is_asked(self, path: str) -> bool:
        return path.endswith("/chat/completions")

    def is_streamed(self, path: str, body: Body) -> bool:
        return bool(body.get("stream"))

    def read(self, path: str, body: Body) -> Asked:
        roles = {"user": "user", "assistant": "model"}
        turns = (
            (roles[each["role"]], text_of(each.get("content"))) for each in body["messages"] if each["role"] in roles
        )
        return asked_in(body.get("model"), turns, body.get("tools"), wants_json=bool(body.get("response_format")))

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
        return data_stream([*chunks, {**head, "choices": [], "usage": self._usage(answer)}, "[DONE]"])

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
        return asked_in(body.get("model"), self._turns(said), body.get("tools"))

    def _turns(self, items: Iterable[Body]) -> Iterator[tuple[str, str]]:
        """Items of one answer stand side by side, and are one turn of the model's."""
        before = ""
        for item in items:
            mine = item.get("role") == "assistant" or item.get("type") in {"function_call", "reasoning"}
            if not mine:
                yield "user", text_of(item.get("content"))
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
        return event_stream(self._events(self.whole(answer)))

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
