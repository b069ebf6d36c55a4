"""Each session has a column with the agent CLI that it belongs to.

Why:      all other patches of the series read or write `sessions.harness`.
Upstream: `server/db.js`. The migration is after the composite index on the sessions' status and update time (added in
          v1.1.1), before any statement on sessions is prepared; the statement is before the exports. If it moves,
          search for `idx_sessions_status_updated` and `module.exports`.
v2:       upstream writes `sessions.provider` itself; `harness` is a generated column that mirrors it, so that none of
          upstream's statements has to change. It is after the migration that adds `provider`. If that moves, search for
          `idx_sessions_provider`. A database of a patched v1 tree is migrated there: provider, agents, and the position
          up to which each rollout was read, so that upstream does not import the same history again.
"""

from patcher.model import MODULE, Anchor, Line, Overlay, Patch, Position, Site

PATCH = Patch(
    id="harness_column",
    summary="Adds an indexed `harness` column to sessions, `claude` by default; on v2 it mirrors `provider`.",
    sites=(
        Site(
            name="migration",
            file="server/db.js",
            position=Position.AFTER,
            template="payload/harness_column.migration.js",
            line=Line.V1,
            anchors=(
                Anchor(
                    scope=MODULE,
                    pattern="db.exec($SQL)",
                    containing="idx_sessions_status_updated",
                ),
            ),
        ),
        Site(
            name="statement",
            file="server/db.js",
            position=Position.BEFORE,
            template="payload/harness_column.statement.js",
            line=Line.V1,
            anchors=(
                Anchor(
                    scope=MODULE,
                    pattern="module.exports = $EXPORTS",
                ),
            ),
        ),
        Site(
            name="statement_v2",
            file="server/db.js",
            position=Position.BEFORE,
            template="payload/harness_column.statement_v2.js",
            line=Line.V2,
            anchors=(
                Anchor(
                    scope=MODULE,
                    pattern="module.exports = $EXPORTS",
                ),
            ),
        ),
        Site(
            name="provider",
            file="server/db.js",
            position=Position.AFTER,
            template="payload/harness_column.provider.js",
            line=Line.V2,
            anchors=(
                Anchor(
                    scope=MODULE,
                    pattern="db.exec($SQL)",
                    containing="idx_sessions_provider",
                ),
            ),
        ),
    ),
    overlays=(
        Overlay(
            path="server/lib/harness-column.js",
            template="overlay/server/lib/harness-column.js",
            line=Line.V2,
        ),
    ),
    contracts=("existing_database_gains_columns", "v1_database_goes_on_natively"),
)
