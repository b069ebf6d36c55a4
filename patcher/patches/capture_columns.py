"""Each event row says how it was captured, and which logical event it is.

Why:      the unique index is what makes "exactly once" true: hook and rollout file lead to one row.
Upstream: `server/db.js`, before the composite index on the sessions' status and update time, where the events
          table already exists. If it moves, search for `idx_sessions_status_updated`.
v2:       superseded. Only the rollout makes rows there, hooks only say that there is more of it to read, and two
          durable byte cursors in each file keep a line from being read twice: there is nothing to join.
"""

from patcher.model import MODULE, Anchor, Line, Patch, Position, Site

PATCH = Patch(
    id="capture_columns",
    summary="Adds `capture` and `event_key` to events, unique per session where the key is known.",
    sites=(
        Site(
            name="migration",
            file="server/db.js",
            position=Position.BEFORE,
            template="payload/capture_columns.js",
            anchors=(
                Anchor(
                    scope=MODULE,
                    pattern="db.exec($SQL)",
                    containing="idx_sessions_status_updated",
                ),
            ),
        ),
    ),
    contracts=("existing_database_gains_columns", "hooked_then_imported_has_no_row_twice"),
    superseded=Line.V2,
    superseded_by="rows come from the rollout alone, by byte cursors in `codex_ingest_state`",
)
