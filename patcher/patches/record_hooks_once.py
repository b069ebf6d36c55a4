"""A Codex hook event goes through the ledger, the one place that inserts Codex rows.

Why:      the rollout file tells of the same event; whoever comes second completes the row.
Upstream: `server/routes/hooks.js`, the last insert of `processEvent`. An event that the ledger does not take, or that
          it fails on, is inserted by upstream's own statement: never lost. If it moves, search for
          `stmts.insertEvent.run` with `JSON.stringify(data)`.
v2:       superseded. `POST /api/hooks/codex` inserts nothing of its own: it reads the rollout on, and sets the status.
"""

from patcher.model import Anchor, Line, Overlay, Patch, Position, Site, function

_MODULES = (
    "codex-keys", "codex-threads", "codex-turns", "codex-calls", "codex-ledger",
)  # fmt: skip

PATCH = Patch(
    id="record_hooks_once",
    summary="Records Codex hook events through the ledger, one row for each logical event.",
    requires=("capture_columns", "parse_outside_transaction"),
    sites=(
        Site(
            name="insert",
            file="server/routes/hooks.js",
            position=Position.REPLACE,
            template="payload/record_hooks_once.js.j2",
            anchors=(
                Anchor(
                    scope=function("processEvent"),
                    pattern=(
                        "stmts.insertEvent.run(sessionId, agentId, eventType, toolName, summary, JSON.stringify(data))"
                    ),
                ),
            ),
        ),
    ),
    overlays=tuple(
        Overlay(path=f"server/lib/{name}.js", template=f"overlay/server/lib/{name}.js") for name in _MODULES
    ),
    contracts=("hooked_then_imported_has_no_row_twice",),
    superseded=Line.V2,
    superseded_by="`POST /api/hooks/codex` reads the rollout on and inserts nothing of its own",
)
