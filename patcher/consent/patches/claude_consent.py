"""Upstream's hooks of Claude Code are installed only after the user's consent; all other bytes stay.

Why:      upstream writes its hooks into `~/.claude/settings.json` at each start, without asking, and reformats the
          whole file. With this patch Claude Code has a switch like the other agents, and the entries are the ones
          that upstream would write.
Upstream: `scripts/install-hooks.js`: `installHooks`, after its check for containers, no longer writes: it applies the
          user's choice. Its list of entries is exported. `server/routes/settings.js`: a request for the hooks there
          is the user's consent. If it moves, search for `function installHooks` and `installHooks(true)`.
"""

from patcher.model import MODULE, Anchor, Line, Overlay, Patch, Position, Site, function, route

PATCH = Patch(
    id="claude_consent",
    summary="Installs upstream's hooks of Claude Code only after the user's consent; off restores every byte.",
    requires=("agent_hooks",),
    sites=(
        Site(
            name="install",
            file="scripts/install-hooks.js",
            position=Position.BEFORE,
            template="payload/install.js",
            anchors=(Anchor(scope=function("installHooks"), pattern="let settings = {}"),),
        ),
        Site(
            name="entries",
            file="scripts/install-hooks.js",
            position=Position.AFTER,
            template="payload/entries.js",
            anchors=(Anchor(scope=MODULE, pattern="module.exports = $EXPORTS"),),
        ),
        Site(
            name="log",
            file="server/index.js",
            position=Position.REPLACE,
            template="payload/log.js",
            anchors=(Anchor(scope=MODULE, pattern='console.log("Claude Code hooks auto-configured.")'),),
        ),
        Site(
            name="again",
            file="server/routes/settings.js",
            position=Position.BEFORE,
            template="payload/chosen.js",
            anchors=(Anchor(scope=route("POST", "/reinstall-hooks"), pattern="const success = installHooks(true)"),),
        ),
        Site(
            name="chosen",
            file="server/routes/settings.js",
            position=Position.BEFORE,
            template="payload/chosen.js",
            line=Line.V2,
            anchors=(
                Anchor(
                    scope=route("POST", "/install-hooks"),
                    pattern='const ok = require("../../scripts/install-hooks").installHooks(true)',
                ),
            ),
        ),
    ),
    overlays=(Overlay(path="server/lib/agent-hooks/claude.js", template="overlay/claude.js"),),
    contracts=("claude_hooks_wait",),
)
