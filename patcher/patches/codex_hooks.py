"""The user's Codex runs our hooks only if the user has opted in; at every start the hooks file follows that choice.

Why:      the choice is stored beside the database, but the hooks are in a file that other programs write too.
          The handler is copied beside the database, so that the command in that file survives an upgrade of the tree.
Upstream: `server/index.js`: before the first background service that both lines start in the same way. It cannot make
          the start fail: errors go to the log. Before v1.1.1 these services are in the callback of `startServer`. If it
          moves, search for `startUpdateScheduler`.
"""

from patcher.model import MODULE, Anchor, Overlay, Patch, Position, Site, function
from patcher.patches.harnesses import HARNESSES, places_of

_MODULES = (
    "dashboard-env",
    "json-text",
    "json-layout",
    "hooks-text",
    "user-file",
    "hooks-choice",
    "codex-hooks-text",
    "codex-hooks-file",
)

_CODEX = next(harness for harness in HARNESSES if harness.provider == "codex")

PATCH = Patch(
    id="codex_hooks",
    summary="Keeps the hooks file of Codex in step with the user's opt-in, at each start.",
    sites=(
        Site(
            name="start",
            file="server/index.js",
            position=Position.BEFORE,
            template="payload/codex_hooks.js",
            anchors=(
                Anchor(  # before v1.1.1
                    scope=MODULE,
                    pattern="startServer(app, PORT).then($LISTENING)",
                    target="const { startUpdateScheduler } = require($MODULE)",
                ),
                Anchor(
                    scope=function("startBackgroundServices"),
                    pattern="const { startUpdateScheduler } = require($MODULE)",  # quotes of a pattern are compared
                ),
            ),
        ),
    ),
    overlays=(
        *(Overlay(path=f"server/lib/{name}.js", template=f"overlay/server/lib/{name}.js") for name in _MODULES),
        *(
            Overlay(
                path="server/lib/codex-hooks-optin.js",
                template="overlay/server/lib/codex-hooks-optin.js.j2",
                params={"handler": path},
                line=line,
            )
            for path, line in places_of(_CODEX)
        ),
    ),
    contracts=("codex_hooks_follow_the_intent",),
)
