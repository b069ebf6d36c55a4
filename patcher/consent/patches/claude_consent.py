"""Claude Code runs upstream's hooks only when the user has switched them on; no other byte of the settings changes.

Why:      upstream writes its hooks into `~/.claude/settings.json` at each start, unasked, and formats the whole file
          anew. With this patch the same switch decides as for the other agents, Claude Code is one of them, and the
          entries are the ones that upstream would write.
Upstream: `scripts/install-hooks.js`: `installHooks`, behind its guard against containers, no longer writes: it follows
          the choice. Its own list of entries is exported. `server/routes/settings.js`: who asks there for the hooks has
          chosen them. If it moves, search for `function installHooks` and `installHooks(true)`.
"""

from patcher.model import MODULE, Anchor, Line, Overlay, Patch, Position, Sign, Site, function, route

PATCH = Patch(
    id="claude_consent",
    summary="Installs upstream's hooks of Claude Code only with the user's consent; off returns the bytes of before.",
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
    superseded_by="the builtin miniature has no hooks of Claude Code",
    superseded_where=(Sign("package.json", "sidecar-patcher's miniature"),),
)
