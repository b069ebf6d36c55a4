"""Each event row has its source (`capture`) and the key of its logical event (`event_key`).

Why:      the unique index guarantees "exactly once": hook and transcript lead to one row. The modules that write such
          rows are in `parse_outside_transaction`, because they need `harness.js`.
Upstream: `server/db.js`, before the composite index on the sessions' status and update time, where the events
          table already exists. If it moves, search for `idx_sessions_status_updated`.
v2:       the same, for the agents that upstream does not support. It records Codex itself, from the rollout alone.
"""

from patcher.model import MODULE, Anchor, Patch, Position, Site

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
    contracts=("existing_database_gains_columns",),
)
