"""The agents of the lane, one row each: which package, how it is told of its model, how it runs, and what it writes."""

import glob
import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from patcher.node.find import Node
from patcher.patches.harnesses import HARNESSES
from patcher.prove import NotSeen
from patcher.prove.sidecar import eventually
from tests.lab.agents.model_server import Tool
from tests.lab.drift import nodejs

if TYPE_CHECKING:
    from tests.lab.agents.stage import Stage


@dataclass(frozen=True)
class Agent:
    """One agent CLI. The functions take the home directory and, where they say so, the port of the model.

    provider: the harness of its sessions. newest, older: the versions that are run; `version` of `--version` besides.
    program: below `node_modules`; a script is run by Node. prompt, go_on: the arguments of a new session with a prompt,
    and of the newest session (`{newest}` is its id) with another one; go_on_variables: of that run's environment.
    shell, read: a tool's name and its arguments. spawn: the same for a sub-agent, by its prompt and whether it works in
    the background: the first that is offered counts. transcripts: below home. finish: the tool by which a sub-agent
    ends. children_since: the first version that was seen to have transcripts of sub-agents; nothing for all.
    reports_prompts: whether a hook reports what was typed. named: how it calls a model. upstreams_own: whether upstream
    has its hooks, transcripts and tokens; it counts those of an answer with two calls twice, and those of sub-agents not
    at all.
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
    spawn: Callable[[str, bool], Sequence[Tool]]
    transcripts: Sequence[str]
    install: Callable[["Stage"], None]
    remove: Callable[["Stage"], None] = lambda stage: None
    go_on_variables: Mapping[str, str] = field(default_factory=dict)
    finish: Tool | None = None
    children_since: str = ""
    reports_prompts: bool = True
    named: Callable[[str], str] = str
    upstreams_own: bool = False

    def command(self, version: str, node: Node) -> list[str]:
        """How it is started, fetched with npm where it is not here. Raises `nodejs.Unavailable`."""
        modules = nodejs.installed(self.package, version)
        system = f"{platform.system().lower()}-{'arm64' if platform.machine() in {'arm64', 'aarch64'} else 'x64'}"
        path = os.path.join(modules, *self.program.format(system=system).split("/"))
        if not os.path.isfile(path):
            raise nodejs.Unavailable(f"{self.package} {version} brings no program for this machine at {path}")
        return [node.path, path] if path.endswith(".js") else [path]

    def tells_of_children(self, version: str) -> bool:
        """Whether its transcripts have what sub-agents do."""
        return _numbers(version) >= _numbers(self.children_since or version)

    def files(self, home: str) -> list[str]:
        """The transcripts that it has written."""
        found = (glob.glob(os.path.join(home, *pattern.split("/"))) for pattern in self.transcripts)
        return sorted(path for paths in found for path in paths)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("-", maxsplit=1)[0].split("."))


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
    """The sidecar installs Claude's hooks by itself when it starts: they go where Claude Code is, and the recorder's.

    Where hooks are only recorded, the sidecar's own are left out.
    """
    settings = _installed_by_upstream(stage)
    for event, groups in settings["hooks"].items():
        own = groups if stage.handler else []
        settings["hooks"][event] = [*own, {"hooks": [{"type": "command", "command": stage.hook_command(event)}]}]
    write_json(os.path.join(stage.home, ".claude", "settings.json"), settings)


def _without_upstreams_own(stage: "Stage") -> None:
    """Takes out the hooks that the sidecar has installed."""
    write_json(os.path.join(stage.home, ".claude", "settings.json"), {**_installed_by_upstream(stage), "hooks": {}})


def _installed_by_upstream(stage: "Stage") -> dict[str, Any]:
    path = os.path.join(stage.sidecar.claude_home, "settings.json")
    if not eventually(lambda: os.path.exists(path), 5):
        raise NotSeen(f"the sidecar did not install Claude's hooks: there is no {path}")
    with open(path, encoding="utf-8") as file:
        return dict(json.load(file))


def _rows_own(stage: "Stage") -> None:
    """The hooks file of the agent's row: our entries, as the installer of the tree writes them, and the recorder's.

    Where hooks are only recorded, and in a tree without the installer, the lane writes them itself.
    """
    [row] = [harness for harness in HARNESSES if harness.provider == stage.agent.provider]
    file = row.hooks_file
    assert file is not None
    handler = "" if stage.enable_hooks() else stage.handler
    path = os.path.join(stage.home, row.folder, *file.path.split("/"))
    groups: dict[str, list[dict[str, Any]]] = {}
    if file.shape == "own":
        path = os.path.join(os.path.dirname(path), "recorder.json")
    elif os.path.exists(path):
        with open(path, encoding="utf-8") as stream:
            groups = json.load(stream).get("hooks", {})
    for event, _ in row.events:
        command = stage.hook_command(event, handler=handler)
        if file.shape == "own":
            groups[event] = [{"type": "command", "bash": command, file.timeout_key: 20}]
        else:
            entry = {"type": "command", "command": command, file.timeout_key: 20_000}
            groups.setdefault(event, []).append({"hooks": [entry]})
    version = {"version": 1} if file.shape == "own" else {}
    _merge(path, {**version, "hooks": groups})


_ABOUT = {"description": "look around", "subagent_type": "general-purpose"}

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
    spawn=lambda prompt, background: [
        (name, {**_ABOUT, "prompt": prompt, "run_in_background": background}) for name in ("Agent", "Task")
    ],
    transcripts=(".claude/projects/*/*.jsonl", ".claude/projects/*/*/subagents/*.jsonl"),
    install=_upstreams_own,
    remove=_without_upstreams_own,
    upstreams_own=True,
)

QWEN = Agent(
    name="qwen",
    provider="qwen",
    package="@qwen-code/qwen-code",
    newest="0.24.4",
    older="0.21.2",
    model="mock-model",
    program="@qwen-code/qwen-code/cli-entry.js",
    environment=lambda url: {"OPENAI_API_KEY": "mock", "OPENAI_BASE_URL": f"{url}/v1", "OPENAI_MODEL": "mock-model"},
    configure=lambda home, port: _merge(
        os.path.join(home, ".qwen", "settings.json"),
        {"security": {"auth": {"selectedType": "openai"}}, "general": {"enableAutoUpdate": False}},
    ),
    prompt=lambda text: ["--approval-mode", "yolo", "-p", text],
    go_on=lambda text: ["--approval-mode", "yolo", "--continue", "-p", text],
    shell=lambda command: (
        "run_shell_command",
        {"command": command, "description": "run it", "is_background": False},
    ),
    read=lambda path: ("read_file", {"file_path": path}),
    spawn=lambda prompt, background: [
        (name, {**_ABOUT, "prompt": prompt, "run_in_background": background}) for name in ("agent", "task")
    ],
    transcripts=(".qwen/projects/*/chats/*.jsonl", ".qwen/projects/*/subagents/*/*.jsonl"),
    install=_rows_own,
)

COPILOT = Agent(
    name="copilot",
    provider="copilot",
    package="@github/copilot",
    newest="1.0.102",
    older="1.0.80",
    model="mock-model",
    program="@github/copilot/npm-loader.js",
    environment=lambda url: {
        "COPILOT_OFFLINE": "true",
        "COPILOT_PROVIDER_BASE_URL": f"{url}/v1",
        "COPILOT_PROVIDER_API_KEY": "mock",
        "COPILOT_MODEL": "mock-model",
        "COPILOT_AUTO_UPDATE": "false",
    },
    configure=lambda home, port: None,
    prompt=lambda text: ["--allow-all-tools", "--allow-all-paths", "-p", text],
    go_on=lambda text: ["--allow-all-tools", "--allow-all-paths", "--continue", "-p", text],
    shell=lambda command: ("bash", {"command": command, "description": "run it"}),
    read=lambda path: ("view", {"path": path}),
    spawn=lambda prompt, background: [
        (
            "task",
            {
                "agent_type": "general-purpose",
                "name": "looker",
                "description": "look around",
                "prompt": prompt,
                "mode": "background" if background else "sync",
            },
        )
    ],
    transcripts=(".copilot/session-state/*/events.jsonl",),
    install=_rows_own,
)

GEMINI = Agent(
    name="gemini",
    provider="gemini",
    package="@google/gemini-cli",
    newest="0.61.0",
    older="0.36.0",
    model="gemini-2.5-flash",
    program="@google/gemini-cli/bundle/gemini.js",
    environment=lambda url: {
        "GEMINI_API_KEY": "mock",
        "GOOGLE_GEMINI_BASE_URL": url,
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
    },
    configure=lambda home, port: _merge(
        os.path.join(home, ".gemini", "settings.json"),
        {
            "security": {"auth": {"selectedType": "gemini-api-key"}},
            "general": {"enableAutoUpdate": False},
            "privacy": {"usageStatisticsEnabled": False},
        },
    ),
    prompt=lambda text: ["--approval-mode", "yolo", "-m", "gemini-2.5-flash", "-p", text],
    go_on=lambda text: ["--approval-mode", "yolo", "-m", "gemini-2.5-flash", "--resume", "latest", "-p", text],
    shell=lambda command: ("run_shell_command", {"command": command, "description": "run it"}),
    read=lambda path: ("read_file", {"file_path": path}),
    spawn=lambda prompt, background: [
        ("invoke_agent", {"agent_name": "generalist", "prompt": prompt}),
        ("generalist", {"request": prompt}),
    ],
    transcripts=(".gemini/tmp/*/chats/*.json*", ".gemini/tmp/*/chats/*/*.json*"),
    children_since="0.52.0",  # 0.36.0 has none
    finish=("complete_task", {"result": {"response": "The child is done."}}),
    install=_rows_own,
)

_OWN_MODEL = {"model": "mock-model", "displayName": "mock-model", "apiKey": "mock"}
DROID = Agent(
    name="droid",
    provider="droid",
    package="@factory/cli-linux-x64",
    newest="0.225.2",
    older="0.215.0",
    model="mock-model",
    program="@factory/cli-{system}/bin/droid",
    environment=lambda url: {
        "FACTORY_AIRGAP_ENABLED": "1",  # without it and without an account there are no sub-agents
        **dict.fromkeys(("FACTORY_API_BASE_URL", "FACTORY_TELEMETRY_INGEST_BASE_URL"), url),
    },
    configure=lambda home, port: _merge(
        os.path.join(home, ".factory", "settings.json"),
        {"customModels": [{**_OWN_MODEL, "baseUrl": _url(port, "/v1"), "provider": "generic-chat-completion-api"}]},
    ),
    prompt=lambda text: ["exec", "--skip-permissions-unsafe", "--model", "custom:mock-model", text],
    go_on=lambda text: ["exec", "--skip-permissions-unsafe", "--session-id", "{newest}", text],
    go_on_variables={"FACTORY_AIRGAP_ENABLED": ""},  # it first asks the network for the session, and takes a 404
    shell=lambda command: ("Execute", {"command": command, "riskLevel": "low", "riskLevelReason": "a test"}),
    read=lambda path: ("Read", {"file_path": path}),
    spawn=lambda prompt, background: [
        ("Task", {**_ABOUT, "subagent_type": "worker", "prompt": prompt, "await": not background})
    ],
    transcripts=(".factory/sessions/*/*.jsonl", ".factory/sessions/*/*.settings.json"),
    install=_rows_own,
    reports_prompts=False,
    named=lambda model: f"custom:{model}-0",
)

AGENTS = {agent.name: agent for agent in (CLAUDE, QWEN, COPILOT, GEMINI, DROID)}
