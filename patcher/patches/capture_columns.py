"""Each event row has its source (`capture`) and the key of its logical event (`event_key`).

Why:      the unique index guarantees "exactly once": hook and rollout file lead to one row.
Upstream: `server/db.js`, before the composite index on the sessions' status and update time, where the events
          table already exists. If it moves, search for `idx_sessions_status_updated`.
v2:       superseded. Only the rollout makes rows there; a hook only triggers reading it. Two durable byte cursors for
          each file ensure that no line is read twice, so there are no two sources to join.
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
