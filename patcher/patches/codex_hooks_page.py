"""The user decides about the Codex hooks: an API, and a page with one switch and the current status.

Why:      hooks change a file that belongs to the user, so the user is asked. After the switch, Codex's own feature flag
          and the user's trust are needed too; the page shows their status.
Upstream: `server/index.js`, in `createApp`, before all middleware: upstream's CORS allows every origin up to v1.3.0 and
          every port of this machine after, and its body parser accepts requests of other pages. The page comes before
          the client's catch-all route, which `startServer` adds. If it moves, search for `const app = express()`.
"""

from patcher.model import Anchor, Overlay, Patch, Position, Site, function

_MODULES = (
    "lib/codex-toml.js",
    "lib/codex-shape.js",
    "lib/codex-hooks-shape.js",
    "lib/codex-hooks-json.js",
    "lib/codex-config-shape.js",
    "lib/codex-config.js",
    "lib/codex-settings.js",
    "lib/codex-version.js",
    "lib/codex-problems.js",
    "lib/codex-hooks-trust.js",
    "lib/codex-hooks-seen.js",
    "lib/codex-newest-session.js",
    "lib/codex-hooks-words.js",
    "lib/codex-hooks-status.js",
    "lib/request-guard.js",
    "lib/codex-hooks-guard.js",
    "lib/hooks-http.js",
    "routes/codex-hooks.js",
)

PATCH = Patch(
    id="codex_hooks_page",
    summary="Serves the switch of the Codex hooks to this machine: an API, the page `/codex-hooks`, a command.",
    requires=("codex_hooks",),
    sites=(
        Site(
            name="routes",
            file="server/index.js",
            position=Position.AFTER,
            template="payload/codex_hooks_page.js",
            anchors=(
                Anchor(
                    scope=function("createApp"),
                    pattern="const app = express()",
                    after=3,
                ),
            ),
        ),
    ),
    overlays=(
        Overlay(path="scripts/codex-hooks.js", template="overlay/scripts/codex-hooks.js", executable=True),
        *(Overlay(path=f"server/{name}", template=f"overlay/server/{name}") for name in _MODULES),
        Overlay(
            path="server/routes/codex-hooks.html",
            template="overlay/server/routes/codex-hooks.html.j2",
            params={"label": "Codex CLI session tracking (experimental)"},
        ),
    ),
    contracts=("consent_page_flips_the_hooks", "foreign_sites_cannot_flip_the_switch"),
)
