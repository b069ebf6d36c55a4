"""A Codex hook event goes through the ledger, the only code that inserts Codex rows.

Why:      the rollout file has the same event; the second source to arrive completes the row of the first.
Upstream: `server/routes/hooks.js`, the last insert of `processEvent`. An event that the ledger does not accept, or on
          which it fails, is inserted by upstream's own statement, so that none is lost. If it moves, search for
          `stmts.insertEvent.run` with `JSON.stringify(data)`.
v2:       superseded. `POST /api/hooks/codex` inserts no rows: it reads the rollout, and sets the status.
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
