"""Nothing is written into Claude Code's settings without the user's consent; then exactly upstream's own hooks.

The settings have comments. A request by upstream's own button is consent too.
"""

import os

from patcher.prove import Contract, Observation, TestBed
from patcher.prove.queries import text_of
from patcher.prove.sidecar import Sidecar, eventually

_API = "/api/agent-hooks/claude"
_HOST = {"CCAM_FORCE_HOST": "1"}  # the hooks are for a machine, and the test may run in a container
_HANDLER = "scripts/hook-handler.js"
_LEAST = 8  # events: so many upstream has on each line
_LOGGED = "Claude Code hooks auto-configured"
_PATIENCE = 3.0
_SETTINGS = '{\n  // mine\n  "model": "opus", /* a comment */\n  "hooks": { "Stop": [ ] },\n}\n'


def _observe(bed: TestBed) -> Observation:
    with bed.sidecar(env=_HOST) as sidecar:
        path = os.path.join(sidecar.claude_home, "settings.json")
        none = text_of(path) is None
        os.makedirs(sidecar.claude_home, exist_ok=True)
        _write(path, "{}\n")
        sidecar.restart()
        unasked = text_of(path) == "{}\n"
        _write(path, _SETTINGS)
        sidecar.restart()
        unasked = unasked and text_of(path) == _SETTINGS
        logged = _LOGGED in sidecar.log()
        on = _flip(sidecar, enabled=True) and _is_complete(sidecar, path) and "// mine" in (text_of(path) or "")
        written = text_of(path)
        sidecar.restart()
        stays = text_of(path) == written and _LOGGED in sidecar.log()
        off = _flip(sidecar, enabled=False) and text_of(path) == _SETTINGS
        sidecar.restart()
        off = off and text_of(path) == _SETTINGS
        sidecar.request("POST", "/api/settings/reinstall-hooks", {})
        button = eventually(lambda: _is_complete(sidecar, path), _PATIENCE)
    facts = {
        "without the user's consent nothing is written": none and unasked,
        "the log does not say that the hooks are there while they are not": not logged,
        "when switched on, upstream's own hooks are there": on,
        "another start changes nothing": stays,
        "when switched off, every byte is as before": off,
        "upstream's own button switches it on": button,
    }
    wrong = [fact for fact, holds in facts.items() if not holds]
    said = f"it is not so that {'; that '.join(wrong)}" if wrong else "; ".join(facts)
    return Observation(green=not wrong, said=said)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _is_complete(sidecar: Sidecar, path: str) -> bool:
    """Whether the file has an entry for each event of upstream's list, and the sidecar says so."""
    status = sidecar.request("GET", _API).json
    there = (text_of(path) or "").count(_HANDLER)
    complete = isinstance(status, dict) and status.get("state") == "ready" and status.get("entries") == there
    return complete and there >= _LEAST


def _state(sidecar: Sidecar) -> object:
    answer = sidecar.request("GET", _API).json
    return answer.get("state") if isinstance(answer, dict) else None


def _flip(sidecar: Sidecar, *, enabled: bool) -> bool:
    reply = sidecar.request("PUT", _API, {"enabled": enabled})
    return reply.status == 200 and _state(sidecar) == ("ready" if enabled else "off")


CONTRACT = Contract(
    id="claude_hooks_wait",
    summary="Nothing is written into Claude Code's settings without the user's consent, and off restores every byte.",
    patches=("claude_consent",),
    observe=_observe,
)
