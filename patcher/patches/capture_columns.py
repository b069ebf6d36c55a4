"""Each event row has its source (`capture`) and the key of its logical event (`event_key`).

Why:      the unique index guarantees "exactly once": hook and transcript lead to one row. The modules that write such
          rows, and those of their sessions, come with it.
Upstream: `server/db.js`, before the composite index on the sessions' status and update time, where the events
          table already exists. If it moves, search for `idx_sessions_status_updated`.
v2:       the same, for the agents that upstream does not know. It records Codex itself, from the rollout alone.
"""

from patcher.model import MODULE, Anchor, Overlay, Patch, Position, Site

_MODULES = ("database", "event-rows", "file-lines", "json-values", "session-rows", "subagents")

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
    overlays=tuple(
        Overlay(path=f"server/lib/{name}.js", template=f"overlay/server/lib/{name}.js") for name in _MODULES
    ),
    contracts=("existing_database_gains_columns",),
)
