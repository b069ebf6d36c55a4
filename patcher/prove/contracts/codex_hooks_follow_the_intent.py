"""After each start, the hooks file of Codex follows the user's choice: with our hooks or not, other hooks unchanged.

The choice is the file that the API and the command write; here only the start of the sidecar reads it.
"""

import json
import os
from typing import Any

from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.queries import hooks_of
from patcher.prove.sidecar import Sidecar, eventually

_PATIENCE = 3.0
_FOREIGN = '{\n  "hooks": {\n    "Stop": [{"hooks": [{"type":"command", "command": "true", "timeout": 1e1}]}]\n  }\n}\n'
_HANDLER = "codex-hook-handler.js"
_EVENTS = 11


def _observe(bed: TestBed) -> Observation:
    with bed.sidecar() as sidecar:
        untouched = hooks_of(sidecar) is None
        _write(os.path.join(sidecar.codex_home, "hooks.json"), _FOREIGN)
        sidecar.restart()
        never = hooks_of(sidecar) == _FOREIGN
        _intend(sidecar, enabled=True)
        sidecar.restart()
        once = eventually(lambda: _once(sidecar), _PATIENCE)
        installed = hooks_of(sidecar)
        sidecar.restart()
        stays = hooks_of(sidecar) == installed
        _intend(sidecar, enabled=False)
        sidecar.restart()
        gone = eventually(lambda: hooks_of(sidecar) == _FOREIGN, _PATIENCE)
    facts = {
        "without the user's consent the hooks file is not changed": untouched and never,
        f"opted in it has ours once in each of {_EVENTS} events": once,
        "another start changes nothing": stays,
        "opted out it is as it was": gone,
    }
    wrong = [fact for fact, holds in facts.items() if not holds]
    said = f"it is not so that {'; that '.join(wrong)}" if wrong else "; ".join(facts)
    return Observation(green=not wrong, said=said)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _intend(sidecar: Sidecar, *, enabled: bool) -> None:
    intent = {"schema": 1, "enabled": enabled}
    _write(os.path.join(sidecar.data_dir, "codex-hooks.json"), json.dumps(intent))


def _once(sidecar: Sidecar) -> bool:
    events: dict[str, list[dict[str, Any]]] = json.loads(hooks_of(sidecar) or "")["hooks"]
    ours = {name: sum(_HANDLER in json.dumps(group) for group in groups) for name, groups in events.items()}
    foreign = json.loads(_FOREIGN)["hooks"]["Stop"][0]
    return list(ours.values()) == [1] * _EVENTS and events["Stop"][0] == foreign


CONTRACT = Contract(
    id="codex_hooks_follow_the_intent",
    summary="At each start the hooks file of Codex follows the user's opt-in, and keeps what is not ours.",
    patches=("codex_hooks",),
    observe=_observe,
)
