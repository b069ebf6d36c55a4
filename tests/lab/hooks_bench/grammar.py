"""Contents of `hooks.json` and `config.toml`, made by a grammar: as people write them, and with every kind of fault.

Nothing here says which content Codex takes: Codex is asked.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass

EVENTS = (
    "SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "SubagentStart", "SubagentStop", "PreCompact",
    "PostCompact", "SessionEnd", "Interrupt", "PermissionRequest",
)  # fmt: skip
_OTHER_EVENTS = (
    "PreModelRequest",
    "PostModelRequest",
    "Notification",
    "stop",
    "pre_tool_use",
    "PostToolUseFailure",
    "",
)
_SCALARS = (
    "null", "true", "false", "0", "1", "-1", "5.0", "5e0", "-0", "18446744073709551615", "18446744073709551616", '""', '"x"',
    '"Bash"', '"echo hi"', "[]", "{}", '["x"]', "[1]", '{"a": 1}', '"\\ud800"', '"\\ud83d\\ude00"', "1e999", "9223372036854775808",
)  # fmt: skip
_TYPES = ('"command"', '"prompt"', '"agent"', '"http"', '"mcp_tool"', '"Command"', "null", "1", '"exec"')
_MATCHERS = ('"Bash"', '"*"', '""', '"^Bash$"', '"(?=x)"', '"["', '"(a)\\\\1"', "null", "5", '["Bash"]', '"mcp__.*"')
_GROUP_KEYS = ("matcher", "hooks", "description", "sequential", "enabled", "type", "command", "Hooks")
_HANDLER_KEYS = (
    "timeout", "async", "statusMessage", "commandWindows", "command_windows", "additionalContextLimit", "env", "name", "timeoutSec",
    "type", "command", "shell", "once", "server", "tool", "input",
)  # fmt: skip
_FAULTY = 0.62


class _Json:
    """Writes the text of one hooks file. `faults`: how many odd things there are to be."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.faults = chance.choice((1, 1, 2)) if chance.random() < _FAULTY else 0

    def odd(self, share: float) -> bool:
        """Whether this is the place for one of the faults."""
        if self.faults and self.chance.random() < share:
            self.faults -= 1
            return True
        return False

    def pick(self, choices: tuple[str, ...]) -> str:
        return self.chance.choice(choices)

    def members(self, pairs: list[tuple[str, str]]) -> str:
        if pairs and self.odd(0.06):  # a key that is there twice
            pairs = [*pairs, self.chance.choice(pairs)]
        return "{" + ", ".join(f"{json.dumps(key)}: {value}" for key, value in pairs) + "}"

    def handler(self) -> str:
        if self.odd(0.08):
            return self.pick(
                (
                    *_SCALARS,
                    '["command", "x"]',
                    '["command"]',
                    '["prompt"]',
                    '["command", "x", null, 5, false, null, null]',
                )
            )
        if self.odd(0.12):
            return self.pick((
                '{"type": "mcp_tool", "server": "s", "tool": "t"}', '{"type": "mcp_tool", "server": "s"}', '{"type": "prompt", "prompt": 5}',
                '{"type": "mcp_tool", "server": "s", "tool": "t", "input": 5}', '{"type": "agent"}', '{"type": "http", "url": "x"}',
                f'{{"type": "command", "command": "x", "deep": {"[" * 125}{"]" * 125}}}',
            ))  # fmt: skip
        pairs = [("type", self.pick(_TYPES) if self.odd(0.15) else '"command"')]
        pairs.append(
            (
                "command",
                self.pick(_SCALARS) if self.odd(0.12) else self.pick(('"true"', '"echo hi"', '"node /x/hook.js"')),
            )
        )
        if self.odd(0.1):
            pairs.pop(self.chance.randrange(2))
        if self.chance.random() < 0.5:
            pairs.append(("timeout", self.pick(_SCALARS) if self.odd(0.25) else self.pick(("5", "600", "0", "null"))))
        for _ in range(self.chance.choice((0, 0, 1, 2))):
            key = self.pick(_HANDLER_KEYS[1:] if not self.odd(0.2) else _HANDLER_KEYS)
            if key not in dict(pairs):
                pairs.append((key, self.pick(_SCALARS) if self.odd(0.5) else self.usual(key)))
        self.chance.shuffle(pairs)
        return self.members(pairs)

    def usual(self, key: str) -> str:
        usual = {"async": "false", "additionalContextLimit": "100", "input": "{}", "env": "{}", "once": "true"}
        return usual.get(key, '"x"')

    def group(self) -> str:
        if self.odd(0.1):
            return self.pick(
                (*_SCALARS, '["Bash", []]', '[null, [{"type": "command", "command": "x"}]]', '["x", [], 1]')
            )
        handlers = "[" + ", ".join(self.handler() for _ in range(self.chance.choice((0, 1, 1, 2)))) + "]"
        pairs = [] if self.odd(0.08) else [("hooks", self.pick(_SCALARS) if self.odd(0.1) else handlers)]
        if self.chance.random() < 0.4:
            pairs.append(("matcher", self.pick(_MATCHERS) if self.odd(0.5) else self.pick(_MATCHERS[:4])))
        if self.chance.random() < 0.2:
            pairs.append((self.pick(_GROUP_KEYS[2:]), self.pick(_SCALARS)))
        return self.members(pairs)

    def hooks(self) -> str:
        if self.odd(0.04):
            return self.pick(_SCALARS)
        names = self.chance.sample(EVENTS, self.chance.randrange(5))
        pairs = [
            (name, "[" + ", ".join(self.group() for _ in range(self.chance.choice((1, 1, 2)))) + "]") for name in names
        ]
        if self.chance.random() < 0.25:
            pairs.append((self.pick(_OTHER_EVENTS), self.pick(_SCALARS)))
        if pairs and self.odd(0.1):
            at = self.chance.randrange(len(pairs))
            pairs[at] = (pairs[at][0], self.pick(_SCALARS))
        return self.members(pairs)

    def root(self) -> str:
        if self.odd(0.03):
            return self.pick((*_SCALARS, f"[null, {self.hooks()}]"))
        pairs = [("hooks", self.hooks())]
        if self.chance.random() < 0.2:
            pairs.insert(0, ("description", self.pick(_SCALARS) if self.odd(0.4) else '"mine"'))
        if self.odd(0.12):
            pairs.insert(
                0, (self.pick(("$schema", "version", "Hooks", "name", "disableAllHooks")), self.pick(_SCALARS))
            )
        return self.members(pairs)

    def text(self) -> bytes:
        text = self.root()
        spoil: tuple[Callable[[str], str], ...] = (
            lambda text: "\ufeff" + text, lambda text: text.replace("{", "{ // mine\n", 1), lambda text: text.replace("}", ",}", 1),
            lambda text: text.replace('"', "'"), lambda text: text[:-1], lambda _: "", lambda text: f"{text} x", lambda text: f"\n\t{text}\r\n",
            lambda text: text.replace(": ", ":\r\n"), lambda text: text.replace("{", '{"x": NaN, ', 1), lambda text: text.replace("{", '{"h": 01, ', 1),
            lambda text: f"/* c */ {text}", lambda text: f"{text}\x00", lambda text: f"\u00a0{text}", lambda text: text.replace("{", '{"\t": 1, ', 1),
        )  # fmt: skip
        if not self.odd(0.2):
            return text.encode()
        if self.chance.random() < 0.15:
            return text.replace('"x"', '"\xe9"').encode(self.chance.choice(("latin-1", "utf-16", "utf-8")), "replace")
        return self.chance.choice(spoil)(text).encode()


# --- config.toml -------------------------------------------------------------------------------------------------------

_STRINGS = ('"x"', '""', "'a'", '"""\nx"""', '"\\u00e9"')
_VALUES = (
    *_STRINGS, "1", "0", "-1", "70000", "5000000000", "1.5", "1e3", "inf", "true", "false", "1979-05-27", "07:32:00", "[]", '["x"]', "[1]",
    '["x", 1]', "{}", "{ a = 1 }", "{ a = true }", "0xff", "1_000",
)  # fmt: skip
_KEYS: dict[str, tuple[str, ...]] = {
    "model": ('"gpt-5.5"',), "review_model": ('"x"',), "model_provider": ('"openai"', '"mock"', '"nope"'), "approval_policy": ('"never"', '"on-request"', '"sometimes"'),
    "sandbox_mode": ('"read-only"', '"workspace-write"', '"none"'), "model_reasoning_effort": ('"high"', '"xhigh"'), "model_reasoning_summary": ('"auto"', '"none"', '"yes"'),
    "model_verbosity": ('"low"', '"max"'), "personality": ('"friendly"', '"rude"'), "service_tier": ('"fast"',), "web_search": ('"live"', '"on"'),
    "model_context_window": ("1000",), "model_auto_compact_token_limit": ("1000",), "project_doc_max_bytes": ("1000",), "tool_output_token_limit": ("1000",),
    "notify": ('["notify-send"]',), "file_opener": ('"vscode"', '"vim"'), "hide_agent_reasoning": ("true",), "show_raw_agent_reasoning": ("true",),
    "check_for_update_on_startup": ("false",), "disable_paste_burst": ("true",), "instructions": ('"x"',), "developer_instructions": ('"x"',),
    "chatgpt_base_url": ('"https://x/"',), "forced_login_method": ('"api"', '"sso"'), "cli_auth_credentials_store": ('"keyring"', '"vault"'),
    "profile": ('"work"',), "project_root_markers": ('[".git"]',), "allow_login_shell": ("true",), "unknown_key": ("1",), "default_permissions": ('":read-only"', '"a"'),
    "mcp_oauth_callback_port": ("8080",), "background_terminal_max_timeout": ("1000",), "suppress_unstable_features_warning": ("true",), "oss_provider": ('"ollama"',),
    "experimental_use_unified_exec_tool": ("true",), "model_instructions_file": ('"/nowhere/x.md"', '"config.toml"'), "compact_prompt": ('"x"',), "log_dir": ('"/tmp"',),
    "forced_chatgpt_workspace_id": ('"a"', '["a"]', '"a,b"'), "desktop": ("{}",), "features": ("{}", "{ hooks = true }", "{ hooks = false }"),
    "approvals_reviewer": ('"user"', '"me"'), "mcp_servers": ("{}",), "projects": ("{}",), "profiles": ("{}",), "tui": ("{}",), "history": ("{}",), "hooks": ("{}",),
    "tools": ("{}",), "notice": ("{}",), "analytics": ("{}",), "skills": ("{}",), "plugins": ("{}",), "agents": ("{}",), "permissions": ("{}",), "shell_environment_policy": ("{}",),
    "sandbox_workspace_write": ("{}",), "model_providers": ("{}",), "memories": ("{}",), "apps": ("{}",), "otel": ("{}",), "feedback": ("{}",), "windows": ("{}",), "marketplaces": ("{}",),
    "tool_suggest": ("{}",), "ghost_snapshot": ("{}",), "realtime": ("{}",), "audio": ("{}",), "auto_review": ("{}",), "orchestrator": ("{}",), "model_catalog_json": ('"/nowhere.json"',),
}  # fmt: skip
_BOOLEANS = ("true", "false")
_TABLES: dict[str, dict[str, tuple[str, ...]]] = {
    "features": {
        "hooks": ("true", "false"), "codex_hooks": ("true", "false"), "web_search_request": _BOOLEANS, "multi_agent_v2": ("true", "{}", "{ enabled = true }"),
        "memories": _BOOLEANS, "unified_exec": _BOOLEANS, "Hooks": ("false",), "plugin_hooks": ("false",), "no_such": _BOOLEANS, "sleep_tool": ("true", "{}"),
    },
    "tui": {
        "notifications": ("true", '["a"]'), "theme": ('"x"',), "animations": _BOOLEANS, "status_line": ('["model"]',), "alternate_screen": ('"auto"', '"no"'),
        "notification_method": ('"bel"', '"osc9"', '"osc777"', '"beep"'), "show_tooltips": _BOOLEANS, "unknown": ("1",), "resume_cwd": ('"current"', '"last"'),
        "terminal_title": ('["model"]',), "session_picker_view": ('"dense"', '"wide"'), "keymap": ("{}",), "notification_condition": ('"always"', '"never"'),
    },
    "history": {"persistence": ('"none"', '"save-all"', '"all"'), "max_bytes": ("1000",)},
    "shell_environment_policy": {"inherit": ('"all"', '"core"', '"some"'), "exclude": ('["A"]',), "include_only": ('["A"]',), "set": ("{ A = '1' }",), "ignore_default_excludes": _BOOLEANS},
    "sandbox_workspace_write": {"writable_roots": ('["/tmp"]',), "network_access": _BOOLEANS, "exclude_slash_tmp": _BOOLEANS},
    "mcp_servers.docs": {
        "command": ('"npx"',), "args": ('["-y"]',), "env": ("{ A = '1' }",), "url": ('"https://x"',), "cwd": ('"/"',), "startup_timeout_sec": ("10", "10.0"), "enabled": _BOOLEANS,
        "tool_timeout_sec": ("60", "-1.0"), "bearer_token_env_var": ('"X"',), "bearer_token": ('"X"',), "enabled_tools": ('["x"]',), "http_headers": ("{ A = '1' }",), "startup_timeout_ms": ("1",),
        "type": ('"stdio"',), "scopes": ('["x"]',), "required": _BOOLEANS, "env_vars": ('["x"]',), "oauth_resource": ('"x"',),
    },
    "model_providers.mock": {
        "name": ('"mock"',), "base_url": ('"http://127.0.0.1:9/v1"',), "wire_api": ('"responses"', '"chat"'), "env_key": ('"X"',), "http_headers": ("{}",), "request_max_retries": ("0",),
        "requires_openai_auth": _BOOLEANS, "query_params": ("{ a = 'b' }",), "stream_idle_timeout_ms": ("1",), "supports_websockets": _BOOLEANS,
    },
    "model_providers.openai": {"name": ('"x"',)},
    'projects."/home/ada/x"': {"trust_level": ('"trusted"', '"untrusted"', '"maybe"'), "unknown": ("1",)},
    "profiles.work": {"model": ('"x"',), "approval_policy": ('"never"', '"maybe"'), "features": ("{ hooks = false }",), "sandbox_mode": ('"read-only"',), "model_reasoning_effort": ('"high"',)},
    "analytics": {"enabled": _BOOLEANS}, "feedback": {"enabled": _BOOLEANS}, "notice": {"hide_full_access_warning": _BOOLEANS, "model_migrations": ("{ a = 'b' }",), "hide": ("true",)},
    "tools": {"web_search": _BOOLEANS, "view_image": _BOOLEANS}, "windows": {"sandbox": ('"elevated"', '"none"')}, "agents": {"max_threads": ("4", "0"), "max_depth": ("2",), "enabled": _BOOLEANS},
    "agents.helper": {"description": ('"x"',), "nickname_candidates": ('["x"]',)}, 'plugins."a@b"': {"enabled": _BOOLEANS}, "memories": {"use_memories": _BOOLEANS, "generate_memories": _BOOLEANS},
    "skills": {"include_instructions": _BOOLEANS, "config": ("[{ path = '/x', enabled = false }]", "[]")}, "apps._default": {"enabled": _BOOLEANS}, "apps.x": {"enabled": _BOOLEANS},
    "otel": {"environment": ('"dev"',), "log_user_prompt": _BOOLEANS}, "marketplaces.m": {"source": ('"x"',), "source_type": ('"git"', '"svn"'), "ref": ('"x"',)},
    "auto_review": {"policy": ('"x"',), "timeout_ms": ("5",)}, "ghost_snapshot": {"disable_warnings": _BOOLEANS}, "realtime": {"version": ('"v1"', '"v9"')}, "permissions.a": {"description": ('"x"',)},
    "hooks": {"Stop": ("[]", "{}", "[{ hooks = [] }]", "[{ hooks = ['x'] }]", "[{ matcher = 5 }]"), "Later": ("5",), "state": ("{}",)},
    'hooks.state."/x/hooks.json:stop:0:0"': {"enabled": _BOOLEANS, "trusted_hash": ('"sha256:aa"',), "note": ("1",)},
}  # fmt: skip
_SNIPPETS = (
    "a = { b = 1,\n c = 2 }\n", "a = { b = 1, }\n", "a = 07:32\n", 'a = "\\x41\\e"\n', "a = 9223372036854775808\n", "a = 1e400\n", f"a = {'[' * 80}{']' * 80}\n",
    f"a = {'[' * 81}{']' * 81}\n", "a =\n", "[a]\n[a]\n", "a = 1\na = 2\n", "a = 01\n", "é = 1\n", "a = 2021-02-30\n", "<<<<<<< HEAD\n", "a = 'x\n", "# \x01\n", "a = 1\rb = 2\n",
    "a.b.c = 1\n[a.b.d]\ne = 1\n", "[a.b]\nx = 1\n[a]\nb.y = 2\n", "[[a]]\n[a]\n", '[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = "command"\ncommand = "x"\n',
    '[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = "http"\n', '[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = "command"\ncommand = "x"\ntimeout = 5.0\n',
    '[[hooks.PreToolUse]]\nmatcher = "["\n[[hooks.PreToolUse.hooks]]\ntype = "command"\ncommand = "x"\n', '[hooks.SessionStart]\ncommand = "x"\n', "[features.hooks]\nenabled = false\n",
    "[[hooks.PreModelRequest]]\nmatcher = 5\n", "[permissions.a]\n", '[otel]\nexporter = "none"\n', "disable_hooks = true\n", "allow_managed_hooks_only = true\n", "bypass_hook_trust = true\n",
)  # fmt: skip


class _Toml:
    """Writes one config.toml: keys first, tables after them."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.odd = chance.random() < _FAULTY

    def pair(self, key: str, usual: tuple[str, ...]) -> str:
        odd = self.odd and self.chance.random() < 0.5
        return f"{key} = {self.chance.choice(_VALUES if odd else usual)}\n"

    def table(self, name: str) -> str:
        keys = _TABLES[name]
        chosen = self.chance.sample(sorted(keys), min(len(keys), self.chance.choice((0, 1, 1, 2, 3))))
        return f"[{name}]\n" + "".join(self.pair(key, keys[key]) for key in chosen)

    def text(self) -> bytes:
        names = self.chance.sample(sorted(_TABLES), self.chance.choice((0, 0, 1, 1, 2)))
        heads = {name.split(".", 1)[0] for name in names}
        keys = [key for key in self.chance.sample(sorted(_KEYS), self.chance.choice((0, 1, 1, 2))) if key not in heads]
        text = "".join(self.pair(key, _KEYS[key]) for key in keys) + "".join(self.table(name) for name in names)
        if self.odd and self.chance.random() < 0.3:
            snippet = self.chance.choice(_SNIPPETS)
            text = (
                snippet + text
                if snippet.startswith(("a", "d", "b")) and "[" not in snippet.split("=")[0]
                else text + snippet
            )
        if self.odd and self.chance.random() < 0.08:
            other_end = text.replace("\n", "\r\n").encode()
            return self.chance.choice((("\ufeff" + text).encode(), text.encode() + b"# \xff\n", other_end))
        return text.encode()


EDITS = (
    "none",
    "none",
    "none",
    "none",
    "none",
    "none",
    "remove",
    "timeout",
    "matcher",
    "async",
    "rename",
    "empty",
    "status",
    "twice",
    "disabled",
    "hash",
    "untrusted",
    "extra",
    "group-twice",
)
"""What happens to our entries, or to their trust, after they have been put in place."""


@dataclass(frozen=True)
class Content:
    """One case: the hooks file before ours go in, the settings, and an edit of ours after that."""

    number: int
    hooks: bytes | None
    config: bytes
    edit: str


def content(seed: int, number: int) -> Content:
    """The case of a number; the same for the same seed."""
    chance = random.Random(f"{seed}-{number}")  # noqa: S311 - contents, not secrets
    kind = chance.randrange(10)
    hooks = _Json(chance).text() if kind < 5 else chance.choice((None, b"{}", b'{"hooks": {}}'))  # noqa: PLR2004
    config = _Toml(chance).text() if kind >= 4 else b""  # noqa: PLR2004
    return Content(number, hooks, config, chance.choice(EDITS))
