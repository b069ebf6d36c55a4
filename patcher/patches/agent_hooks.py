"""The hooks of an agent are installed only when the user has switched them on: one switch for each agent.

Why:      does for the agents in `harnesses.py` that have a hooks file what `codex_hooks` and `codex_hooks_page` do for
          Codex. Comments in their settings files stay; Copilot gets a separate file.
Upstream: `server/index.js`, after the payloads of those two patches. If it moves, search for `startUpdateScheduler`.
"""

from patcher.model import MODULE, Anchor, Overlay, Patch, Position, Site, function
from patcher.patches.harnesses import INSTALLED

_MODULES = (
    "lib/agent-hooks/agents.js",
    "lib/agent-hooks/own-file.js",
    "lib/agent-hooks/settings-file.js",
    "lib/agent-hooks/stops.js",
    "lib/agent-hooks/unfit.js",
    "lib/agent-hooks/optin.js",
    "lib/agent-hooks/words.js",
    "lib/agent-hooks/status.js",
    "routes/agent-hooks.js",
)

PATCH = Patch(
    id="agent_hooks",
    summary="Installs the hooks of other agents when the user switches them on: an API, the page, a command.",
    requires=("stamp_harness", "codex_hooks", "codex_hooks_page", "agent_sessions"),
    sites=(
        Site(
            name="start",
            file="server/index.js",
            position=Position.AFTER,
            template="payload/agent_hooks.start.js",
            anchors=(
                Anchor(  # before v1.1.1
                    scope=MODULE,
                    pattern="startServer(app, PORT).then($LISTENING)",
                    target='require("./lib/codex-hooks-optin").reconcileAtBoot()',
                ),
                Anchor(
                    scope=function("startBackgroundServices"),
                    pattern='require("./lib/codex-hooks-optin").reconcileAtBoot()',
                ),
            ),
        ),
        Site(
            name="routes",
            file="server/index.js",
            position=Position.AFTER,
            template="payload/agent_hooks.routes.js",
            anchors=(Anchor(scope=function("createApp"), pattern='app.use(require("./routes/codex-hooks"))'),),
        ),
    ),
    overlays=(
        Overlay(path="scripts/agent-hooks.js", template="overlay/scripts/agent-hooks.js", executable=True),
        Overlay(
            path="server/lib/agent-hooks/rows.js",
            template="overlay/server/lib/agent-hooks/rows.js.j2",
            params={"rows": INSTALLED},
        ),
        *(Overlay(path=f"server/{name}", template=f"overlay/server/{name}") for name in _MODULES),
    ),
    contracts=("agent_hooks_follow_the_choice",),
)
