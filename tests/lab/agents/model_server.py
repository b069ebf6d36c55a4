"""A language model that says what a script tells it to, on a port of this machine, in the four ways that agents speak.

A script belongs to a word: the last message of a user that has the word chooses it, and the model's answers since that
message count its steps. So a request that is sent again gets the same step, and a sub-agent has a script of its own.
"""

import http.server
import itertools
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from tests.lab.agents import wire
from tests.lab.agents.messages import Answer, Asked, Call, Usage


@dataclass(frozen=True)
class Served:
    """One answer of a script: calls, or a last word."""

    word: str
    model: str
    calls: Sequence[Call]
    usage: Usage


Tool = tuple[str, Mapping[str, Any]]
Step = Sequence[Sequence[Tool]]
"""The calls of one answer. Each is a tool's name with its arguments, or several, of which the first that is offered counts."""


@dataclass
class ModelServer:
    """Serves scripts while it is entered. latency: seconds before each answer. on_answer: is called before an answer
    of a script goes, with how many there are then. served: the answers of scripts; aside: all others.
    spoken: what was asked, for whoever wonders why an agent says nothing.
    """

    scripts: Mapping[str, Sequence[Step]]
    latency: float = 0.0
    on_answer: Callable[[int], None] = lambda number: None
    served: list[Served] = field(default_factory=list)
    aside: list[Served] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    spoken: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)
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

    def answer(self, asked: Asked) -> Answer:
        """The step that a request has come to; a last word where the script is at its end.

        A request without tools is not of the script: agents ask for titles, or who speaks next.
        """
        time.sleep(self.latency)
        with self._lock:
            number = next(self._numbers)
            usage = Usage(input=100 + 16 * number, cached=2 * number, output=5 + number)  # no two answers cost the same
            word, step = self._step(asked)
            tools = [next((tool for tool in each if tool[0] in asked.tools), each[0]) for each in step]
            calls = [Call(name, arguments, f"call_{number}_{at}") for at, (name, arguments) in enumerate(tools)]
            mine = asked.tools and word
            (self.served if mine else self.aside).append(Served(word, asked.model, calls, usage))
            told = len(self.served) if mine else 0
        if told:
            self.on_answer(told)
        text = "" if calls else _SPEAKS_NEXT if asked.wants_json else "All done."
        return Answer(number, asked.model, text, calls, usage)

    def _step(self, asked: Asked) -> tuple[str, Step]:
        for at in range(len(asked.turns) - 1, -1, -1):
            role, text = asked.turns[at]
            word = next((word for word in self.scripts if role == "user" and word in text), "")
            if word and asked.tools:
                done = sum(role == "model" for role, _ in asked.turns[at:])
                script = self.scripts[word]
                return word, script[done] if done < len(script) else ()
            if word:
                return word, ()
        return "", ()


_SPEAKS_NEXT = '{"reasoning": "it is done", "next_speaker": "user", "model_choice": "flash", "title": "A title"}'


def _handler_for(server: ModelServer) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
            path = self.path.partition("?")[0]
            server.spoken.append({"path": self.path, "body": body})
            if path.endswith(("/count_tokens", ":countTokens")):
                self._send("application/json", json.dumps({"input_tokens": 10, "totalTokens": 10}))
                return
            found = next((spoken for spoken in wire.SPOKEN if spoken.is_asked(path)), None)
            if found is None:
                self._nothing()
                return
            try:
                asked = found.read(path, body)
                answer = server.answer(asked)
                streamed = found.is_streamed(path, body)
                text = found.stream(answer) if streamed else json.dumps(found.whole(answer))
            except Exception as error:
                server.problems.append(f"{self.path}: {error!r}")
                self.send_error(500)
                return
            self._send("text/event-stream" if streamed else "application/json", text)

        def do_GET(self) -> None:
            server.spoken.append({"path": self.path})
            if self.path.partition("?")[0].endswith("/models"):
                self._send("application/json", json.dumps({"object": "list", "data": []}))
            else:
                self._nothing()

        def _nothing(self) -> None:
            self._send("application/json", json.dumps({"error": {"message": "there is no such thing"}}), 404)

        def _send(self, kind: str, text: str, status: int = 200) -> None:
            data = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *what: object) -> None:
            pass

    return Handler
