"""A language model that says what a script tells it to, on a port of this machine: `POST /v1/responses`, streamed."""

import http.server
import itertools
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

Item = dict[str, Any]
Request = dict[str, Any]
Step = Sequence[Item] | Callable[[Request], Sequence[Item]]
Script = Sequence[Step]

ROOT = ""
"""The script of every thread whose prompt names no other script."""


@dataclass(frozen=True)
class Served:
    """One answer: to which thread, what it was given, and what it cost. thread: as Codex says, or names its cache."""

    thread: str
    model: str
    items: Sequence[Item]
    usage: Mapping[str, Any]

    @property
    def cost(self) -> tuple[int, int, int]:
        """Fresh input, cached input, output."""
        cached = self.usage["input_tokens_details"]["cached_tokens"]
        return self.usage["input_tokens"] - cached, cached, self.usage["output_tokens"]


def _usage(number: int) -> dict[str, Any]:
    """No two answers cost the same: what is counted twice, or not at all, shows."""
    counts = {"input_tokens": 10 + 16 * number, "output_tokens": 5 + number}
    details = {"input_tokens_details": {"cached_tokens": 2}, "output_tokens_details": {"reasoning_tokens": 1}}
    return {**counts, **details, "total_tokens": sum(counts.values())}


_numbers = itertools.count(1)


def say(text: str) -> Item:
    """A message, which ends the turn when nothing else is asked for."""
    content = [{"type": "output_text", "text": text}]
    return {"type": "message", "id": f"msg_{next(_numbers)}", "role": "assistant", "content": content}


def call(name: str, *, namespace: str | None = None, call_id: str = "", **arguments: Any) -> Item:
    """A call of a function tool."""
    number = next(_numbers)
    item = {"type": "function_call", "id": f"fc_{number}", "call_id": call_id or f"call_{number}", "name": name}
    space = {"namespace": namespace} if namespace else {}
    return {**item, **space, "arguments": json.dumps(arguments)}


def custom(name: str, text: str) -> Item:
    """A call of a tool that takes bare text: a patch, or the script of code mode."""
    number = next(_numbers)
    return {"type": "custom_tool_call", "id": f"ctc_{number}", "call_id": f"call_{number}", "name": name, "input": text}


def tools_of(request: Request) -> dict[str, str | None]:
    """The tools that a request offers, with the namespace of those that have one."""
    offered: dict[str, str | None] = {}
    for tool in _all_tools(request):
        if tool.get("type") == "namespace":
            offered.update((str(inner.get("name")), str(tool.get("name"))) for inner in tool.get("tools", ()))
        else:
            offered[str(tool.get("name") or tool.get("type"))] = None
    return offered


def _all_tools(request: Request) -> list[Item]:
    """In the request itself or, in code mode, in an item of its input."""
    added = (item["tools"] for item in request.get("input", ()) if isinstance(item.get("tools"), list))
    return [*request.get("tools", ()), *itertools.chain.from_iterable(added)]


def output_of(request: Request, call_id: str) -> str:
    """What a call has put out, as the model is told."""
    for item in request.get("input", ()):
        if item.get("call_id") == call_id and str(item.get("type")).endswith("_output"):
            output = item["output"]
            return output if isinstance(output, str) else "\n".join(part.get("text", "") for part in output)
    return ""


class ModelServer:
    """Serves scripts while it is entered. scripts: by a word in the thread's prompt; `ROOT` for all others.

    A script's thread gets one step for each request, and a last word when there is no step left.
    """

    def __init__(self, scripts: Mapping[str, Script]) -> None:
        self.requests: list[Request] = []
        self.problems: list[str] = []
        self.served: list[Served] = []
        self._left = {word: list(script) for word, script in scripts.items()}
        self._lock = threading.Lock()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def unused(self) -> int:
        """How many steps nobody has asked for."""
        return sum(map(len, self._left.values()))

    def answer(self, request: Request) -> Served:
        """The next step of the thread that asks, and what it costs."""
        items = self._step(request)
        with self._lock:
            more = request.get("client_metadata") or {}
            thread = str(more.get("thread_id") or request.get("prompt_cache_key"))  # newer ones share a cache
            self.served.append(Served(thread, str(request.get("model")), items, _usage(len(self.served))))
            return self.served[-1]

    def _step(self, request: Request) -> list[Item]:
        with self._lock:
            self.requests.append(request)
            script = self._left[self._word_of(request)]
            step = script.pop(0) if script else [say("There is nothing left to do.")]
        try:
            return list(step(request) if callable(step) else step)
        except Exception as error:
            self.problems.append(f"a step of the script failed: {error!r}")
            return [say("The script failed.")]

    def _word_of(self, request: Request) -> str:
        said = [json.dumps(item) for item in request.get("input", ()) if _is_task(item)]
        return next((word for word in self._left if word and any(word in text for text in said)), ROOT)


def _is_task(item: Item) -> bool:
    """Whether an item is what a thread was told to do: by its user, or by the agent that spawned it."""
    return item.get("type") in {"message", "agent_message"} and item.get("role") != "assistant"


def _handler_for(server: ModelServer) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if not self.path.endswith("/v1/responses"):
                self.send_error(404)
                return
            response = {"id": f"resp_{next(_numbers)}"}
            answer = server.answer(json.loads(body))
            done = [("response.output_item.done", {"item": item}) for item in answer.items]
            ends = ("response.completed", {"response": {**response, "usage": answer.usage}})
            events = [("response.created", {"response": response}), *done, ends]
            lines = (f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n" for kind, fields in events)
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            self.wfile.write("".join(lines).encode())

        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, *what: object) -> None:
            pass

    return Handler
