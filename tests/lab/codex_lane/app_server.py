"""`codex app-server` as a desktop application drives it: threads that are started, forked, resumed and given turns."""

import contextlib
import json
import queue
import subprocess
import threading
import time
from typing import Any, Self

from tests.lab.codex_lane.codex import Codex, CodexFailed

_PATIENCE = 60.0

Message = dict[str, Any]


class AppServer:
    """A running `codex app-server` of a Codex. A context manager."""

    def __init__(self, codex: Codex) -> None:
        self._codex = codex
        self._messages: queue.Queue[Message] = queue.Queue()
        self._number = 0

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [self._codex.program, "app-server"],
            cwd=self._codex.project,
            env=self._codex.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        client = {"name": "sidecar-patcher", "version": "1"}
        self._ask("initialize", {"clientInfo": client, "capabilities": {"experimentalApi": True}})
        self._tell({"method": "initialized"})
        return self

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(OSError):
            self._pipe(self._process.stdin).close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)
        self._pipe(self._process.stdout).close()

    def start(self) -> str:
        """A new thread; returns its id."""
        thread = self._thread(self._ask("thread/start", {"cwd": self._codex.project}))
        self._codex.asked[thread] = []
        return thread

    def fork(self, thread: str) -> str:
        """A thread that goes on from here under an id of its own, which is returned."""
        fork = self._thread(self._ask("thread/fork", {"threadId": thread}))
        self._codex.asked[fork] = []
        return fork

    def resume(self, thread: str) -> None:
        """Load a thread that another process has written."""
        self._ask("thread/resume", {"threadId": thread})

    def turn(self, thread: str, prompt: str) -> None:
        """A turn, to its end. Raises `CodexFailed` when it does not end."""
        self._codex.asked.setdefault(thread, []).append(prompt)
        self._ask("turn/start", {"threadId": thread, "input": [{"type": "text", "text": prompt}]})

        def is_end(message: Message) -> bool:
            return message.get("method") == "turn/completed" and message["params"].get("threadId", thread) == thread

        self._wait(is_end, f"the turn {prompt!r}")

    def _thread(self, answer: Message) -> str:
        return str(answer["thread"]["id"])

    def _ask(self, method: str, params: object) -> Message:
        self._number += 1
        number = self._number
        self._tell({"id": number, "method": method, "params": params})
        answer = self._wait(lambda message: message.get("id") == number and "method" not in message, method)
        if not isinstance(answer.get("result"), dict):
            raise CodexFailed(f"`codex app-server` answered {method} with {json.dumps(answer)[:300]}")
        return dict(answer["result"])

    def _tell(self, message: object) -> None:
        pipe = self._pipe(self._process.stdin)
        try:
            pipe.write(json.dumps(message) + "\n")
            pipe.flush()
        except OSError as error:
            raise CodexFailed("`codex app-server` has ended") from error

    def _wait(self, is_it: Any, what: str) -> Message:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                message = self._messages.get(timeout=0.2)
                if is_it(message):
                    return message
        raise CodexFailed(f"`codex app-server`: {what} did not come to its end within {_PATIENCE:g} s")

    def _read(self) -> None:
        for line in self._pipe(self._process.stdout):
            with contextlib.suppress(ValueError):
                message = json.loads(line)
                if isinstance(message, dict):
                    self._messages.put(message)

    @staticmethod
    def _pipe(pipe: Any) -> Any:
        assert pipe is not None
        return pipe
