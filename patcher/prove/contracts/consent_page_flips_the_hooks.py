"""The consent page exists, and its switch adds the hooks to the user's file and removes them again."""

import json
import os
from typing import Any

from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.cross_origin import PATH, send
from patcher.prove.queries import hooks_of
from patcher.prove.sidecar import Sidecar

_LABEL = "Codex CLI session tracking (experimental)"
_OTHERS = '{ "hooks": { "Stop": [ { "hooks": [ { "type": "command", "command": "say done" } ] } ] } }\n'


def _page(sidecar: Sidecar) -> str:
    request = f"GET /codex-hooks HTTP/1.1\r\nHost: localhost:{sidecar.port}\r\nConnection: close\r\n\r\n"
    response = send(sidecar.port, request.encode())
    return response.body if response.status == 200 else ""


def _hooked(sidecar: Sidecar) -> list[str]:
    """The events that have a hook of ours."""
    hooks: dict[str, Any] = json.loads(hooks_of(sidecar) or "")["hooks"]
    return [event for event, groups in hooks.items() if "codex-hook-handler.js" in json.dumps(groups)]


def _observe(bed: TestBed) -> Observation:
    with bed.sidecar() as sidecar:
        with open(os.path.join(sidecar.codex_home, "hooks.json"), "w", encoding="utf-8") as file:
            file.write(_OTHERS)
        has_page = _LABEL in _page(sidecar)
        statuses, counts = [], []
        for enabled in (True, False):
            reply = sidecar.request("PUT", PATH, {"enabled": enabled})
            status = reply.json if isinstance(reply.json, dict) else {}
            statuses.append((reply.status, status.get("enabled"), status.get("state")))
            counts.append(len(_hooked(sidecar)))
        restored = hooks_of(sidecar) == _OTHERS
    flips = statuses == [(200, True, "waiting-for-trust"), (200, False, "off")] and counts == [11, 0] and restored
    page = "`/codex-hooks` shows the switch" if has_page else "`/codex-hooks` shows no switch"
    codes = " and ".join(str(status) for status, _, _ in statuses)
    said = (
        f"{page}; `PUT {PATH}` on and off answers {codes}, {counts[0]} and then {counts[1]} events have a hook "
        f"of ours, and the user's file is {'as it was' if restored else 'another'} afterwards"
    )
    return Observation(green=has_page and flips, said=said)


CONTRACT = Contract(
    id="consent_page_flips_the_hooks",
    summary="`/codex-hooks` shows the switch, and `PUT /api/codex-hooks` installs and removes the hooks.",
    patches=("codex_hooks_page",),
    observe=_observe,
)
