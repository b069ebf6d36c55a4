"""The versions of Codex that can be simulated, and their differences. Leaf module."""

from dataclasses import dataclass

HOOK_SINCE = {
    "SessionStart": 114,
    "Stop": 114,
    "UserPromptSubmit": 116,
    "PreToolUse": 117,
    "PostToolUse": 117,
    "PermissionRequest": 122,
    "PreCompact": 129,
    "PostCompact": 129,
    "SubagentStart": 133,
    "SubagentStop": 133,
    "SessionEnd": 145,
    "Interrupt": 150,
}
"""The first Codex that has each hook, by the middle number of its version."""

TRUST_SINCE = 129
"""The first Codex that asks its user for trust before it runs a hook."""


@dataclass(frozen=True)
class Version:
    """One version of Codex by its middle number: 146 is 0.146.0. code: the model works in code mode."""

    minor: int
    code: bool = False

    @property
    def bare(self) -> bool:
        """Whether lines have no envelope (time and type), and there are no lines for messages and tokens."""
        return self.minor < 30

    @property
    def turn_ids(self) -> bool:
        """Whether turns have ids, and lines for their beginning and end."""
        return self.minor >= 100

    @property
    def paginated(self) -> bool:
        """Whether rollouts have items with ids, and forks copy no lines."""
        return self.minor >= 151

    @property
    def records(self) -> bool:
        """Whether each response has a `token_usage_record`."""
        return self.minor >= 154

    def has(self, hook: str) -> bool:
        """Whether it has a hook of that name."""
        return self.minor >= HOOK_SINCE[hook]

    def __str__(self) -> str:
        return f"0.{self.minor}.0, {'code mode' if self.code else 'direct tools'}"


BARE, NO_TURNS = Version(2), Version(89)
OLD, DIRECT, CODE = Version(124), Version(169), Version(169, code=True)
VERSIONS = (
    OLD, Version(146), Version(146, code=True), Version(151), Version(154), Version(154, code=True), DIRECT, CODE,
)  # fmt: skip
