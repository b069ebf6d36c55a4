"""The user's Codex runs our hooks when the user said so, and only then; at every start the files follow the intent.

Why:      the opt-in is kept beside the database, and what follows from it is in a file that others write too.
          The handler is copied beside the database, so that the command in that file outlives an upgrade of the tree.
Upstream: `server/index.js`: with the first background service that both lines start the same way. It cannot fail the
          start: what goes wrong is said in the log. Before v1.1.1 these services stand in what `startServer` calls
          once it listens. If it moves, search for `startUpdateScheduler`.
"""

from patcher.model import MODULE, Anchor, Overlay, Patch, Position, Site, function
from patcher.patches.harnesses import HARNESSES, places_of

_MODULES = (
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
