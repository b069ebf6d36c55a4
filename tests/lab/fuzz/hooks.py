"""`hooks.json`, `config.toml`, a rollout file and the list of running sidecars, as the doctor reads them."""

import json
from collections.abc import Iterable
from pathlib import Path

from hypothesis import strategies as st

from patcher.doctor import installation
from patcher.doctor.environment import Environment
from patcher.doctor.rollouts import newest
from patcher.doctor.sidecar import ports_of_the_handler
from tests.lab.fuzz.engine import Reader
from tests.lab.fuzz.mutations import changed_json, damaged

_COMMAND = "node /x/codex-hook-handler.js"
_HANDLER = {"type": "command", "command": _COMMAND, "timeout": 5, "statusMessage": "x", "async": False}
_HOOKS = {"hooks": {event: [{"matcher": "*", "hooks": [_HANDLER]}] for event in ("SessionStart", "Stop", "SessionEnd")}}
_CONFIG = b"""\
[features]
hooks = true
[hooks.state."/x/hooks.json:session_start:0:0"]
trusted_hash = "sha256:0"
enabled = false
[[hooks.Stop]]
hooks = [{type = "command", command = "node codex-hook-handler.js", timeout = 2}]
"""
_ROLLOUT = {
    "type": "session_meta",
    "payload": {"id": "a", "session_id": "a", "timestamp": "t", "cli_version": "0.169.0"},
}
_SERVERS = {"servers": [{"port": 4821, "pid": 1, "dataDir": "/x"}]}
_TOML = (
    b"[[",
    b"]]",
    b'"""',
    b"= {",
    b"hooks = 3\n",
    b"[features]\n",
    b"state = 1\n",
    b"1979-05-27T07:32:00Z",
    b"nan",
    b'"\\uD800"',
    b"[" * 3000,
)


def make(given: Path) -> Reader:
    values = (_COMMAND, _HANDLER, "SessionStart", "0.1", "0.²3.4", "9" * 5000, "1.2.3", 10**30, -(10**30), 65535)
    config = st.one_of(
        damaged(st.just(_CONFIG), _TOML), st.integers(1, 3000).map(lambda deep: b"a = " + b"[" * deep + b"]" * deep)
    )
    return Reader(
        st.tuples(
            changed_json(_HOOKS, values),
            config,
            changed_json(_ROLLOUT, values, most=2),
            changed_json(_SERVERS, values, most=2),
        ),
        _read,
    )


def _read(files: tuple[bytes, bytes, bytes, bytes]) -> Iterable[str]:
    paths = (
        "home/hooks.json",
        "home/config.toml",
        "home/sessions/1/2/3/rollout-1.jsonl",
        "claude/.agent-dashboard.json",
    )
    for path, data in zip(paths, files, strict=True):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(data)
    Path("project/.codex").mkdir(parents=True)
    Path("project/.codex/hooks.json").write_bytes(files[0])
    env = {"CLAUDE_HOME": "claude", "PATH": ""}
    for home in ("home", None):
        environment = Environment(
            "tree", {**env, "HOME": "."}, codex_home=home, directory=str(Path("project").absolute())
        )
        found = installation.duplicates(environment)
        json.dumps(found.detail).encode()
        yield f"duplicates: {found.state}"
    yield "session" if newest("home") else "no session"
    yield f"{len(ports_of_the_handler(env))} ports"
