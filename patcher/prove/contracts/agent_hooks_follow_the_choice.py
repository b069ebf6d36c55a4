"""The hooks of each agent follow the user's choice, off by default; all bytes that are not ours stay.

The settings have comments. Copilot has a file of ours, which is removed with the folder that was made for it. No other
web site can flip a switch.
"""

import json
import os
from collections.abc import Callable
from dataclasses import replace

from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.cross_origin import FOREIGN_REQUESTS, send
from patcher.prove.queries import text_of
from patcher.prove.sidecar import Sidecar, eventually

_API = "/api/agent-hooks"
_PATIENCE = 3.0
_SETTINGS = '// mine\r\n{\r\n\t"theme": "dark", // a comment\r\n\t"hooks": {"Stop": [/* none */],},\r\n}'
_FILES = {
    "qwen": (".qwen/settings.json", _SETTINGS),
    "gemini": (".gemini/settings.json", _SETTINGS),
    "droid": (".factory/settings.json", _SETTINGS),
    "copilot": (".copilot/hooks/agent-monitor.json", None),
}


def _observe(bed: TestBed) -> Observation:
    with bed.sidecar() as sidecar:
        folders = {path.partition("/")[0] for path, _ in _FILES.values()}
        untouched = not any(os.path.exists(os.path.join(sidecar.home, folder)) for folder in folders)
        for path, text in _FILES.values():
            _make(os.path.join(sidecar.home, *path.split("/")), text)
        sidecar.restart()
        never = _all(sidecar, _is_original)
        flipped = all(_flip(sidecar, agent, enabled=True) for agent in _FILES)
        on = _all(sidecar, _has_ours)
        texts = [_text(sidecar, agent) for agent in _FILES]
        sidecar.restart()
        stays = texts == [_text(sidecar, agent) for agent in _FILES]
        through = _foreign(sidecar)
        for agent in _FILES:
            _choose(sidecar, agent, enabled=False)
        sidecar.restart()
        gone = eventually(lambda: _all(sidecar, _is_original), _PATIENCE)
        folder = not os.path.exists(os.path.join(sidecar.home, ".copilot", "hooks"))
    facts = {
        "without the user's consent no file is changed": untouched and never,
        "when switched on, each agent has our hooks": flipped and on,
        "another start changes nothing": stays,
        "no other web site can flip it": not through,
        "when switched off, every byte is as before": gone and folder,
    }
    wrong = [fact for fact, holds in facts.items() if not holds]
    said = f"it is not so that {'; that '.join(wrong)}" if wrong else "; ".join(facts)
    return Observation(green=not wrong, said=said)


def _make(path: str, text: str | None) -> None:
    """The file of before; for None the agent's folder alone."""
    os.makedirs(os.path.dirname(path) if text is not None else os.path.dirname(os.path.dirname(path)))
    if text is not None:
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(text)


def _text(sidecar: Sidecar, agent: str) -> str | None:
    path = os.path.join(sidecar.home, *_FILES[agent][0].split("/"))
    if text_of(path) is None:
        return None
    with open(path, encoding="utf-8", newline="") as file:
        return file.read()


def _all(sidecar: Sidecar, holds: Callable[[Sidecar, str], bool]) -> bool:
    return all(holds(sidecar, agent) for agent in _FILES)


def _is_original(sidecar: Sidecar, agent: str) -> bool:
    return _text(sidecar, agent) == _FILES[agent][1]


def _has_ours(sidecar: Sidecar, agent: str) -> bool:
    """Whether each event has our handler, and the user's own words are there."""
    text = _text(sidecar, agent) or ""
    handler = os.path.join(sidecar.data_dir, f"{agent}-hook-handler.js")
    mine = _FILES[agent][1] is None or ("// mine" in text and "// a comment" in text and "/* none */" in text)
    status = sidecar.request("GET", f"{_API}/{agent}").json
    events = status.get("entries") if isinstance(status, dict) else None
    return mine and os.path.isfile(handler) and bool(events) and text.count(os.path.basename(handler)) == events


def _flip(sidecar: Sidecar, agent: str, *, enabled: bool) -> bool:
    reply = sidecar.request("PUT", f"{_API}/{agent}", {"enabled": enabled})
    return reply.status == 200 and isinstance(reply.json, dict) and reply.json.get("state") == "ready"


def _choose(sidecar: Sidecar, agent: str, *, enabled: bool) -> None:
    """As the command does it beside a sidecar that is down: the choice alone is changed."""
    path = os.path.join(sidecar.data_dir, f"{agent}-hooks.json")
    choice = json.loads(text_of(path) or "{}")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({**choice, "enabled": enabled}, file)


def _foreign(sidecar: Sidecar) -> list[str]:
    """The requests of other web sites that got through."""
    through = []
    for request in FOREIGN_REQUESTS:
        own = replace(request, target=request.target.replace("codex-hooks", "agent-hooks/qwen"))
        before = _text(sidecar, "qwen")
        answer = send(sidecar.port, own.encode(sidecar.port, enabled=False))
        if not answer.refused or _text(sidecar, "qwen") != before:
            through.append(request.name)
    return through


CONTRACT = Contract(
    id="agent_hooks_follow_the_choice",
    summary="The hooks of Qwen Code, Copilot, Gemini and droid follow the user's choice; off restores every byte.",
    patches=("agent_hooks",),
    observe=_observe,
)
