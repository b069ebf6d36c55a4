"""A tool call of Claude Code that fails has its end: the hook for it is installed, and recorded as the call's end.

Why:      for a failing tool Claude Code runs the hook `PostToolUseFailure` instead of `PostToolUse`. Upstream does not
          install it, so such a call has no end. Claude Code before 2.0.56 does not have that hook, and runs no hook
          at all if its settings name an unknown one: for it, judged by the newest transcript, it is not installed.
Upstream: `scripts/install-hooks.js`, the lists of hooks and `installHooks`; in `server/routes/hooks.js` the beginning
          of `processEvent`, and its summary of an end. If it moves, search for `HOOK_TYPES` and `Tool completed`.
v2:       the same code.
"""

from patcher.model import MODULE, Anchor, Overlay, Patch, Position, Site, function

PATCH = Patch(
    id="claude_failed_calls",
    summary="Installs Claude's hook for a tool that fails, and records it as the end of the call.",
    sites=(
        Site(
            name="type",
            file="server/routes/hooks.js",
            position=Position.BEFORE,
            template="payload/claude_failed_calls.type.js",
            anchors=(Anchor(scope=function("processEvent"), pattern="const sessionId = data.session_id"),),
        ),
        Site(
            name="summary",
            file="server/routes/hooks.js",
            position=Position.AFTER,
            template="payload/claude_failed_calls.summary.js",
            anchors=(Anchor(scope=function("processEvent"), pattern="summary = `Tool completed: ${toolName}`"),),
        ),
        Site(
            name="install",
            file="scripts/install-hooks.js",
            position=Position.AFTER,
            template="payload/claude_failed_calls.install.js",
            anchors=(Anchor(scope=MODULE, pattern="const HOOK_TYPES = $LIST", before=2),),
        ),
        Site(
            name="withdraw",
            file="scripts/install-hooks.js",
            position=Position.AFTER,
            template="payload/claude_failed_calls.withdraw.js",
            anchors=(
                Anchor(
                    scope=function("installHooks"),
                    pattern="if (!settings.hooks) settings.hooks = {}",
                ),
            ),
        ),
    ),
    overlays=(Overlay(path="server/lib/claude-failures.js", template="overlay/server/lib/claude-failures.js"),),
    contracts=("claude_failed_call_has_its_end",),
)
