"""Ask the Codex CLI which hooks it would run: `hooks/list` of `codex app-server`. Changes nothing."""

import contextlib
import json
import os
import subprocess
import threading
from collections.abc import Mapping
from typing import Any

from patcher.upstream import foreign_json

_TIMEOUT_S = 20.0


class NoAnswer(Exception):
    """Codex did not answer; the text has the reason."""


def hooks_list(codex: str, directory: str, env: Mapping[str, str]) -> dict[str, Any]:
    """Codex's answer on the hooks of a session in `directory`: `{hooks, warnings, errors}`. Raises `NoAnswer`.

    Each hook has key, eventName, command, currentHash, enabled and trustStatus (patcher/codex/README.md).
    """
    answer = _ask(codex, directory, env)
    data = answer.get("data")
    if not isinstance(data, list) or not data or not isinstance(data[0], dict):
        raise NoAnswer(f"this Codex has no `hooks/list`: {json.dumps(answer)[:200]}")
    return data[0]


def _ask(codex: str, directory: str, env: Mapping[str, str]) -> dict[str, Any]:
    try:
        process = subprocess.Popen(
            [codex, "app-server"],
            cwd=directory,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
    except OSError as error:
        raise NoAnswer(f"{codex} does not start: {error.strerror}") from error
    watch = threading.Timer(_TIMEOUT_S, process.kill)
    watch.start()
    try:
        _call(process, 1, "initialize", {"clientInfo": {"name": "sidecar-patcher", "version": "1"}})
        _send(process, {"method": "initialized"})
        return _call(process, 2, "hooks/list", {"cwds": [os.path.abspath(directory)]})
    finally:
        watch.cancel()
        _end(process)


def _call(process: "subprocess.Popen[str]", number: int, method: str, params: object) -> dict[str, Any]:
    _send(process, {"id": number, "method": method, "params": params})
    while line := process.stdout.readline() if process.stdout else "":
        with contextlib.suppress(ValueError):
            message = foreign_json.loads(line)
            if isinstance(message, dict) and message.get("id") == number and "method" not in message:
                return dict(message.get("result") or {"error": message.get("error")})
    raise NoAnswer(f"`codex app-server` did not answer `{method}`")


def _send(process: "subprocess.Popen[str]", message: object) -> None:
    if process.stdin is None:
        raise NoAnswer("`codex app-server` has no stdin")
    try:
        process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()
    except OSError as error:
        raise NoAnswer("`codex app-server` ended at once") from error


def _end(process: "subprocess.Popen[str]") -> None:
    with contextlib.suppress(OSError):
        if process.stdin:
            process.stdin.close()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()
