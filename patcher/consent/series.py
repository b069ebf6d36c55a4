"""Upstream's hooks of Claude Code only after the user's consent: `--series consent`, on top of `codex`."""

from patcher import Series

from .contracts import claude_hooks_wait
from .patches import claude_consent

SERIES = Series(
    "consent",
    version="1.0.0",
    patches=(claude_consent.PATCH,),
    contracts=(claude_hooks_wait.CONTRACT,),
)
