"""A running sidecar brought into each state that the page can show, as a user's machine would come into it."""

import contextlib
import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from patcher.node.find import Node
from patcher.prove import Sidecar
from patcher.prove.cross_origin import PATH

Status = dict[str, Any]

_AN_HOUR_AGO = 3600


def status(sidecar: Sidecar) -> Status:
    """What the API says now."""
    answer: Status = sidecar.get(PATH)
    return answer


def flip(sidecar: Sidecar, *, enabled: bool) -> Status:
    """Flip the switch as a program does."""
    answer: Status = sidecar.request("PUT", PATH, {"enabled": enabled}).json
    return answer


def configure(sidecar: Sidecar, text: str) -> None:
    """Write Codex's settings, in one step."""
    path = os.path.join(sidecar.codex_home, "config.toml")
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(f"{path}.new", path)


def trust(sidecar: Sidecar) -> None:
    """What Codex writes when its user trusts all hooks."""
    entries = status(sidecar)["trust"]["entries"]
    configure(
        sidecar,
        "".join(f'[hooks.state.{json.dumps(e["key"])}]\ntrusted_hash = "{e["hash"]}"\n\n' for e in entries),
    )


def age(sidecar: Sidecar) -> None:
    """Hooks and trust are an hour old."""
    when = time.time() - _AN_HOUR_AGO
    for name in ("hooks.json", "config.toml"):
        os.utime(os.path.join(sidecar.codex_home, name), (when, when))


def hook(sidecar: Sidecar, session: str | None = None) -> None:
    """A hook of a Codex session arrives."""
    payload = {
        "session_id": session or str(uuid.uuid4()),
        "cwd": "/project",
        "source": "startup",
        "__provider": "codex",
    }
    sidecar.post_hook("SessionStart", payload)


def rollout(sidecar: Sidecar, *, seconds_ago: float, more: dict[str, Any] | None = None) -> str:
    """A Codex session that began so long ago, and had a turn, by its rollout file. Gives its id."""
    session = str(uuid.uuid4())
    began = datetime.fromtimestamp(time.time() - seconds_ago, UTC)
    stamp = began.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    folder = os.path.join(sidecar.codex_home, "sessions", began.strftime("%Y/%m/%d"))
    os.makedirs(folder, exist_ok=True)
    meta = {"id": session, "session_id": session, "timestamp": stamp, "cwd": "/project", **(more or {})}
    lines = [
        {"timestamp": stamp, "type": "session_meta", "payload": meta},
        {"timestamp": stamp, "type": "event_msg", "payload": {"type": "task_started", "turn_id": "1"}},
    ]
    with open(
        os.path.join(folder, f"rollout-{began:%Y-%m-%dT%H-%M-%S}-{session}.jsonl"), "w", encoding="utf-8"
    ) as file:
        file.writelines(f"{json.dumps(line)}\n" for line in lines)
    return session


def _on(sidecar: Sidecar) -> None:
    flip(sidecar, enabled=True)


def _ready(sidecar: Sidecar) -> None:
    _on(sidecar)
    trust(sidecar)
    age(sidecar)


def _receiving(sidecar: Sidecar) -> None:
    _ready(sidecar)
    hook(sidecar)


def _silent(sidecar: Sidecar) -> None:
    _ready(sidecar)
    rollout(sidecar, seconds_ago=300)


def _feature_off(sidecar: Sidecar) -> None:
    _on(sidecar)
    configure(sidecar, 'model = "gpt-5.5"\n\n[features]\nhooks = false\n')


def _broken(sidecar: Sidecar) -> None:
    with open(os.path.join(sidecar.codex_home, "hooks.json"), "w", encoding="utf-8") as file:
        file.write('{ "hooks": { "Stop": [ } }\n')
    _on(sidecar)


STATES: dict[str, Callable[[Sidecar], object]] = {
    "off": lambda sidecar: None,
    "waiting-for-trust": _on,
    "feature-off": _feature_off,
    "ready": _ready,
    "receiving": _receiving,
    "silent": _silent,
    "broken": _broken,
    "forced-off": _on,
    "gone": _receiving,
}
"""What brings a fresh sidecar into each state. `gone` is what the page shows once the sidecar is stopped."""


@contextlib.contextmanager
def sidecar_in(state: str, tree: str, node: Node) -> Iterator[Sidecar]:
    """A sidecar of its own, in this state; for `gone` it still runs, and is to be stopped."""
    forced = {"DASHBOARD_CODEX_HOOKS": "off"} if state == "forced-off" else {}
    with Sidecar(tree, node, env=forced) as sidecar:
        STATES[state](sidecar)
        yield sidecar
