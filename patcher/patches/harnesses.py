"""The agent CLIs that the patches add to the sidecar: one row each, from which its hook handler is rendered."""

from dataclasses import dataclass

from patcher.model import Line


@dataclass(frozen=True)
class HooksFile:
    """Where an agent CLI reads its hooks, and in what shape.

    `path` is relative to the agent's folder. `shape` is "settings" for a file of the user's that has `hooks` among
    other keys, like Claude Code's, and "own" for a file that only we write. `timeout` is the timeout in an entry, in
    the agent's own unit, under the key `timeout_key`. `stops` are the agent's settings that switch its hooks off: a
    file in its folder, a key in it, and the value that does so, or None for a list of commands that it does not run.
    """

    path: str
    shape: str
    timeout: int
    timeout_key: str = "timeout"
    stops: tuple[tuple[str, str, bool | None], ...] = ()


@dataclass(frozen=True)
class Facts:
    """Facts about an agent for the table in `patcher/agents/README.md`.

    `hooks` and `transcripts`: since which version they are recorded. `join`: by what a hook and the transcript's
    record of the same call become one row. `unknown`: what is missing.
    """

    hooks: str = ""
    transcripts: str = ""
    join: str = ""
    unknown: str = ""


@dataclass(frozen=True)
class Harness:
    """One agent CLI. The facts of the `codex` row are in `patcher/codex/README.md`, of the others in `patcher/agents`.

    `title` is its full name, `name` the short one in a badge. `provider` is the value of `__provider` in a forwarded
    payload and of `sessions.harness`; `handler` is the file name below `scripts/`. Each `*_keys` names the payload's
    spellings of one identifier; the first match is used, even if the usual field is there too. `native_line` is the
    line of upstream that has its own handler with that file name, or None.

    `events` are the installed events, as pairs of the agent's name and ours; `fields` the payload's fields likewise.
    `folder` is the agent's folder below the user's home; the environment variables `folder_variables` replace it,
    `home_variables` the home. `hooks_file` is None if the harness has its own installer. `transcripts`: whether
    `server/lib/agent-cli/PROVIDER.js` reads them.
    """

    provider: str
    title: str
    name: str
    handler: str
    facts: Facts = Facts()
    session_keys: tuple[str, ...] = ("session_id",)
    turn_keys: tuple[str, ...] = ("turn_id",)
    tool_keys: tuple[str, ...] = ("tool_use_id",)
    native_line: Line | None = None
    events: tuple[tuple[str, str], ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    folder: str = ""
    folder_variables: tuple[str, ...] = ()
    home_variables: tuple[str, ...] = ()
    hooks_file: HooksFile | None = None
    transcripts: bool = True

    @property
    def renamed_events(self) -> dict[str, str]:
        """The events with another name here: our name by the agent's."""
        return {event: name for event, name in self.events if event != name}

    @property
    def spellings(self) -> dict[str, tuple[str, ...]]:
        """The payload's spellings of each identifier, by our name."""
        return {"session_id": self.session_keys, "turn_id": self.turn_keys, "tool_use_id": self.tool_keys}


def _same(*events: str) -> tuple[tuple[str, str], ...]:
    """Events with the same name here and in the agent."""
    return tuple((event, event) for event in events)


HARNESSES = (
    Harness(
        provider="codex",
        title="OpenAI Codex CLI",
        name="Codex",
        handler="codex-hook-handler.js",
        facts=Facts(
            hooks="yes, once they are trusted",
            transcripts="yes, also compressed",
            join="the call's identifier and its turn",
            unknown="see `patcher/codex/README.md`",
        ),
        native_line=Line.V2,
        transcripts=False,  # by the `codex-*` modules
    ),
    Harness(
        provider="qwen",
        title="Qwen Code",
        name="Qwen Code",
        handler="qwen-hook-handler.js",
        facts=Facts(
            hooks="since 0.15.10",
            transcripts="since 0.15.10",
            join="the call's identifier since 0.21.2; before that, name, arguments and order",
            unknown="calls of sub-agents in transcripts (0.15.10)",
        ),
        turn_keys=("prompt_id",),
        tool_keys=("tool_call_id",),  # its `tool_use_id` is not in the transcript
        events=(
            *_same("SessionStart", "SessionEnd", "UserPromptSubmit", "PreToolUse", "PostToolUse", "SubagentStart"),
            *_same("SubagentStop", "Notification", "Stop"), ("PostToolUseFailure", "PostToolUse"),
        ),
        folder=".qwen",
        folder_variables=("QWEN_HOME",),
        hooks_file=HooksFile(
            path="settings.json",
            shape="settings",
            timeout=5000,  # milliseconds in old versions; new ones take 1000 and more for them
            stops=(("settings.json", "disableAllHooks", True),),
        ),
    ),
    Harness(
        provider="copilot",
        title="GitHub Copilot CLI",
        name="Copilot",
        handler="copilot-hook-handler.js",
        facts=Facts(
            hooks="since 1.0.55; sub-agents since 1.0.102",
            transcripts="since 1.0.24",
            join="name, arguments and order",
            unknown="cost in dollars; input tokens until the session ends (before 1.0.102)",
        ),
        session_keys=("session_id", "sessionId"),  # `SubagentStart` has the second
        events=(
            *_same("SessionStart", "SessionEnd", "UserPromptSubmit", "PreToolUse", "PostToolUse", "SubagentStart"),
            *_same("SubagentStop", "Stop"), ("PostToolUseFailure", "PostToolUse"),
        ),
        fields=(("tool_result", "tool_response"), ("transcriptPath", "transcript_path")),
        folder=".copilot",
        folder_variables=("COPILOT_HOME",),
        hooks_file=HooksFile(
            path="hooks/agent-monitor.json",
            shape="own",
            timeout=5,
            timeout_key="timeoutSec",
            stops=(("settings.json", "disableAllHooks", True), ("config.json", "disableAllHooks", True)),
        ),
    ),
    Harness(
        provider="gemini",
        title="Gemini CLI",
        name="Gemini",
        handler="gemini-hook-handler.js",
        facts=Facts(
            hooks="since 0.26.0",
            transcripts="since 0.26.0, in both of its formats",
            join="name, arguments and order",
            unknown="tokens of answers without text (0.26) and of sub-agents (0.36); the end of an interrupted call",
        ),
        events=(
            *_same("SessionStart", "SessionEnd", "Notification"),
            ("BeforeAgent", "UserPromptSubmit"), ("AfterAgent", "Stop"),
            ("BeforeTool", "PreToolUse"), ("AfterTool", "PostToolUse"),
        ),
        folder=".gemini",
        home_variables=("GEMINI_CLI_HOME",),
        hooks_file=HooksFile(
            path="settings.json",
            shape="settings",
            timeout=5000,
            stops=(
                ("settings.json", "hooksConfig.enabled", False),
                ("settings.json", "hooksConfig.disabled", None),
                ("settings.json", "hooks.enabled", False),  # its name before 0.30
            ),
        ),
    ),
    Harness(
        provider="droid",
        title="Factory droid",
        name="droid",
        handler="droid-hook-handler.js",
        facts=Facts(
            hooks="since 0.215.0",
            transcripts="since 0.215.0",
            join="name, arguments and order",
            unknown="tokens by model, where a session has used several: its latest model has all",
        ),
        events=_same(
            *("SessionStart", "SessionEnd", "UserPromptSubmit", "PreToolUse", "PostToolUse", "SubagentStop"),
            *("Notification", "Stop"),
        ),
        folder=".factory",
        home_variables=("FACTORY_HOME_OVERRIDE",),
        hooks_file=HooksFile(
            path="settings.json",
            shape="settings",
            timeout=5,
            stops=(("settings.json", "hooks.hooksDisabled", True), ("hooks.json", "hooksDisabled", True)),
        ),
    ),
)  # fmt: skip


def _installed(harness: Harness, file: HooksFile) -> dict[str, object]:
    """An agent's row for the installer (`server/lib/agent-hooks`), as JSON."""
    return {
        "provider": harness.provider,
        "title": harness.title,
        "handler": harness.handler,
        "source": f"scripts/{harness.handler}",
        "folder": harness.folder,
        "variables": harness.folder_variables,
        "home_variables": harness.home_variables,
        "path": file.path,
        "shape": file.shape,
        "timeout": file.timeout,
        "timeout_key": file.timeout_key,
        "events": [event for event, _ in harness.events],
        "stops": [{"file": name, "key": key, "value": value} for name, key, value in file.stops],
    }


INSTALLED = tuple(_installed(harness, harness.hooks_file) for harness in HARNESSES if harness.hooks_file)
"""The rows of the installer."""


def places_of(harness: Harness) -> tuple[tuple[str, Line | None], ...]:
    """Where the generated tree has the harness's handler, and on which line of upstream; None for every line.

    The base name is the same everywhere: an installed hook is recognised by it. Where upstream has a file of that
    name in `scripts/`, ours is one folder deeper.
    """
    shallow, deep = f"scripts/{harness.handler}", f"scripts/harness/{harness.handler}"
    if harness.native_line is None:
        return ((shallow, None),)
    return tuple((deep if line is harness.native_line else shallow, line) for line in (Line.V1, Line.V2))


def handler_path(provider: str, line: Line) -> str:
    """Where a tree generated from this line of upstream has the handler. Raises `KeyError` for an unknown provider."""
    rows = {harness.provider: harness for harness in HARNESSES}
    return next(path for path, on in places_of(rows[provider]) if on in {None, line})
