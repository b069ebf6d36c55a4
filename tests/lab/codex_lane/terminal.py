"""Codex on a terminal, and a person in front of it who trusts the hooks once. The terminal is a tmux of our own."""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping

from tests.lab.codex_lane.codex import CodexFailed
from tests.lab.drift import nodejs

_PATIENCE = 60.0
_FOLDER = "Do you trust the contents of this directory?"
_REVIEW = "Hooks need review"
_TRUST_ALL = "Trust all and continue"


def required() -> None:
    """Raises `nodejs.Unavailable` where there is no tmux."""
    if shutil.which("tmux") is None:
        raise nodejs.Unavailable("there is no tmux to show a terminal with")


def trust_all(program: str, *, project: str, env: Mapping[str, str], socket: str) -> str:
    """Start Codex, choose `Trust all and continue`, and leave. Gives the screen on which that was chosen.

    Raises `CodexFailed` when it does not ask.
    """
    config = os.path.join(env["CODEX_HOME"], "config.toml")
    with_terminal = {**env, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    _tmux(
        socket, "-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "50", program, cwd=project, env=with_terminal
    )
    try:
        screen = _until(socket, _REVIEW)
        before = _read(config)
        for _ in range(3):  # to the second choice, wherever the mark begins
            if any("›" in line and _TRUST_ALL in line for line in _screen(socket).splitlines()):
                break
            _keys(socket, "Down")
        else:
            raise CodexFailed(f"there is no `{_TRUST_ALL}`:\n{_screen(socket)}")
        _keys(socket, "Enter")
        _wait_for_the_file(config, before)
        return screen
    finally:
        _tmux(socket, "kill-server", check=False)


def _until(socket: str, words: str) -> str:
    """Look until words are on the screen; says yes to the folder on the way."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        screen = _screen(socket)
        if words in screen:
            return screen
        if _FOLDER in screen:
            _keys(socket, "Enter")
        time.sleep(0.2)
    raise CodexFailed(f"`{words}` did not come:\n{_screen(socket)}")


def _wait_for_the_file(config: str, before: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        now = _read(config)
        if now != before and "trusted_hash" in now:
            time.sleep(0.5)  # it may write once more
            return
        time.sleep(0.1)
    raise CodexFailed("trust was given and config.toml did not change")


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _screen(socket: str) -> str:
    return _tmux(socket, "capture-pane", "-p", check=False)


def _keys(socket: str, *keys: str) -> None:
    _tmux(socket, "send-keys", *keys)
    time.sleep(0.4)


def _tmux(
    socket: str, *words: str, cwd: str | None = None, env: Mapping[str, str] | None = None, check: bool = True
) -> str:
    done = subprocess.run(
        ["tmux", "-S", socket, *words],
        cwd=cwd,
        env=dict(env) if env else None,
        capture_output=True,
        text=True,
        check=False,
    )
    if check and done.returncode != 0:
        raise CodexFailed(f"tmux {words[0]} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout
