"""The user decides about the Codex hooks: an API, and a page with one switch and the truth of now.

Why:      hooks change a file that belongs to the user, so the user is asked (CODEX.md section 3); and between the
          switch and the first event there are Codex's own flag and the user's trust, which a page can tell of.
Upstream: `server/index.js`, in `createApp`, in front of all middleware: upstream's CORS answers every origin up to
          v1.3.0 and every port of this machine after, and its body parser takes what no other page may send. The
          page stands in front of the client's catch-all, which `startServer` adds. If it moves, search for
          `const app = express()`.
"""

from patcher.model import Anchor, Overlay, Patch, Pin, Position, Site, function

_MODULES = (
    "lib/codex-toml.js",
    "lib/codex-shape.js",
    "lib/codex-hooks-shape.js",
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
    "lib/codex-hooks-guard.js",
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
            template="payload/codex_hooks_page.js.j2",
            anchors=(
                Anchor(
                    scope=function("createApp"),
                    pattern="const app = express()",
                    after=3,
                    pins=(
                        # v1.1.1 to v1.3.0: every origin may read every answer
                        Pin(
                            tokens="1c92e04c8bab23f67e97c43f586f0dc126836501558ee37c1af9074e5071c260",
                            text="5337b50963a95047034fcb1ec854f7545227d6684087759da1cdbb09462950ac",
                            line=56,
                        ),
                        # v1.4.0 to v2.0.3: a guard of hosts, and a token where one is set
                        Pin(
                            tokens="45ca4a209ca2504ed70ac4a58394f665dad63aec46126a626e1a1eff3710f1f0",
                            text="13e0b11035a599bdf562115ffb8537f6bd3ebf4d4da0b823a7521dfc1cb72327",
                            line=67,
                        ),
                        # builtin
                        Pin(
                            tokens="87e8e65252de639f5e08791271eb78e492967ba78d3eaf45af3f600228bfde5e",
                            text="56d4396aa4f4a102b2f78d9814e3b996cd740b0345750067a2258810dab94be5",
                            line=7,
                        ),
                    ),
                ),
            ),
        ),
    ),
    overlays=(
        Overlay(path="scripts/codex-hooks.js", template="overlay/scripts/codex-hooks.js.j2", executable=True),
        *(Overlay(path=f"server/{name}", template=f"overlay/server/{name}.j2") for name in _MODULES),
        Overlay(
            path="server/routes/codex-hooks.html",
            template="overlay/server/routes/codex-hooks.html.j2",
            params={"label": "Codex CLI session tracking (experimental)"},
        ),
    ),
    contracts=("consent_page_flips_the_hooks", "foreign_sites_cannot_flip_the_switch"),
)
