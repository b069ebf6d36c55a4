"""`GET /api/sessions?harness=codex` lists the sessions of one harness.

Why:      the product shows Codex and Claude sessions apart.
Upstream: `server/routes/sessions.js`, route `GET /`, where the filters have been collected and before they become
          SQL. v1.1.0 had no such list of conditions. If it moves, search for `whereSql`.
"""

from patcher.model import Anchor, Patch, Pin, Position, Site, route

PATCH = Patch(
    id="filter_by_harness",
    summary="Filters the list of sessions by `?harness=`.",
    requires=("harness_column",),
    sites=(
        Site(
            name="filter",
            file="server/routes/sessions.js",
            position=Position.BEFORE,
            template="payload/filter_by_harness.js.j2",
            anchors=(
                Anchor(
                    scope=route("GET", "/"),
                    pattern="const whereSql = $SQL",
                    after=1,
                    pins=(
                        # v1.1.1 to v1.4.8, v2.0.0 to v2.0.3
                        Pin(
                            tokens="86958622b43e2d11f05f2831c0a81536434dc9b2340ce12818ebb50d7d8de706",
                            text="9663151c1b789b277a1d40b246b81d66a5b6297fa50b7f1f80fb314c16bb983e",
                            line=67,
                        ),
                        # builtin
                        Pin(
                            tokens="5b6217550368dd8b0a3fe8d25c9e4b7e72cc808e96443365ed69701679641342",
                            text="24a6c7cde08c0ba4e9ce700f03c980dde11dc3ed7633f53a468137093e682b1d",
                            line=41,
                        ),
                    ),
                ),
            ),
        ),
    ),
    contracts=("filter_separates_harnesses",),
)
