"""`GET /api/sessions?harness=codex` lists the sessions of one harness.

Why:      users want to see Codex and Claude sessions separately.
Upstream: `server/routes/sessions.js`, route `GET /`, after the filters are collected and before they become SQL.
          v1.1.0 had no such list of conditions. If it moves, search for `whereSql`.
"""

from patcher.model import Anchor, Patch, Position, Site, route

PATCH = Patch(
    id="filter_by_harness",
    summary="Filters the list of sessions by `?harness=`.",
    requires=("harness_column",),
    sites=(
        Site(
            name="filter",
            file="server/routes/sessions.js",
            position=Position.BEFORE,
            template="payload/filter_by_harness.js",
            anchors=(
                Anchor(
                    scope=route("GET", "/"),
                    pattern="const whereSql = $SQL",
                    after=1,
                ),
            ),
        ),
    ),
    contracts=("filter_separates_harnesses",),
)
