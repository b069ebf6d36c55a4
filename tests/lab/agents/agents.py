"""The agents of the lane, one row each: which package, how it is told of its model, how it runs, and what it writes."""

import glob
import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patcher.node.find import Node
from patcher.prove.sidecar import eventually
from tests.lab.drift import nodejs

if TYPE_CHECKING:
    from tests.lab.agents.stage import Stage

Tool = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Agent:
    """One agent CLI. The functions take the home directory and, where they say so, the port of the model.

    provider: the harness of its sessions. newest, older: the versions that are run; `version` of `--version` besides.
    program: below `node_modules`; a script is run by Node. prompt, go_on: the arguments of a new session with a prompt,
    and of the newest session with another one. shell, read: a tool's name and its arguments. spawn: the same for a
    sub-agent, by its prompt and whether it works in the background; None where it has none. transcripts: below home.
    """

    name: str
    provider: str
    package: str
    newest: str
    older: str
    model: str
    program: str
    environment: Callable[[str], Mapping[str, str]]
    configure: Callable[[str, int], None]
    prompt: Callable[[str], Sequence[str]]
    go_on: Callable[[str], Sequence[str]]
    shell: Callable[[str], Tool]
    read: Callable[[str], Tool]
    spawn: Callable[[str, bool], Tool] | None
    transcripts: Sequence[str]
    install: Callable[["Stage"], None]
    has_tokens: bool = True

    def command(self, version: str, node: Node) -> list[str]:
        """How it is started, fetched with npm where it is not here. Raises `nodejs.Unavailable`."""
        modules = nodejs.installed(self.package, version)
        system = f"{platform.system().lower()}-{'arm64' if platform.machine() in {'arm64', 'aarch64'} else 'x64'}"
        path = os.path.join(modules, *self.program.format(system=system).split("/"))
        if not os.path.isfile(path):
            raise nodejs.Unavailable(f"{self.package} {version} brings no program for this machine at {path}")
        return [node.path, path] if path.endswith(".js") else [path]

    def files(self, home: str) -> list[str]:
        """The transcripts that it has written."""
        found = (glob.glob(os.path.join(home, *pattern.split("/"))) for pattern in self.transcripts)
        return sorted(path for paths in found for path in paths)


def write_json(path: str, content: object) -> None:
    """Write a file, and the folders above it."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)


def _url(port: int, path: str = "") -> str:
    return f"http://127.0.0.1:{port}{path}"


def _merge(path: str, content: Mapping[str, object]) -> None:
    """Write settings beside those that are there: hooks are somebody else's."""
    present: dict[str, object] = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            present = json.load(file)
    write_json(path, {**present, **content})


def _upstreams_own(stage: "Stage") -> None:
    """The sidecar installs Claude's hooks by itself when it starts."""
    path = os.path.join(stage.home, ".claude", "settings.json")
    eventually(lambda: os.path.exists(path), 5)
    with open(path, encoding="utf-8") as file:
        settings = json.load(file)
    for event, groups in settings["hooks"].items():
        groups.append({"hooks": [{"type": "command", "command": stage.hook_command(event)}]})
    write_json(path, settings)


CLAUDE = Agent(
    name="claude",
    provider="claude",
    package="@anthropic-ai/claude-code",
    newest="2.1.332",
    older="2.1.197",
    model="claude-sonnet-4-5",
    program="@anthropic-ai/claude-code-{system}/claude",
    environment=lambda url: {
        "ANTHROPIC_API_KEY": "mock",
        "ANTHROPIC_BASE_URL": url,
        "DISABLE_AUTOUPDATER": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    },
    configure=lambda home, port: None,
    prompt=lambda text: ["-p", text, "--allowedTools", "Bash,Read,Agent,Task", "--model", "claude-sonnet-4-5"],
    go_on=lambda text: [
        *("--continue", "-p", text),
        *("--allowedTools", "Bash,Read,Agent,Task", "--model", "claude-sonnet-4-5"),
    ],
    shell=lambda command: ("Bash", {"command": command, "description": "run it"}),
    read=lambda path: ("Read", {"file_path": path}),
    spawn=lambda prompt, background: (
        "Agent",
        {
            "description": "look around",
            "prompt": prompt,
            "subagent_type": "general-purpose",
            "run_in_background": background,
        },
    ),
    transcripts=(".claude/projects/*/*.jsonl", ".claude/projects/*/*/subagents/*.jsonl"),
    install=_upstreams_own,
    has_tokens=False,  # upstream's own count of them: twins are counted twice, sub-agents not at all
)

AGENTS = {agent.name: agent for agent in (CLAUDE,)}
