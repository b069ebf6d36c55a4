"""Codex rollouts are imported when the sidecar starts, and followed while it runs.

Why:      hooks may be off, missed or untrusted; the rollout file always exists.
Upstream: `server/index.js`: started with the other background services, and stopped first on shutdown, before the
          database closes. Before v1.1.1 these services are in the callback of `startServer`. If it moves, search for
          `startUpdateScheduler(` and `shutdownInProgress`.
v2:       superseded. Upstream reads `sessions/` below CODEX_HOME itself (`startCodexSessionSync`), with byte cursors
          that survive a restart.
"""

from patcher.model import MODULE, Anchor, Line, Overlay, Patch, Position, Site, function

_MODULES = (
    "codex-files", "codex-zstd", "codex-tool-calls", "codex-tool-output", "codex-rollout-turns", "codex-rollout-tokens",
    "codex-rollout-calls", "codex-rollout-heads", "codex-rollout-lines", "codex-rollout", "codex-checkpoints",
    "codex-reader", "codex-offload", "codex-tokens", "codex-absorb", "codex-session", "codex-status", "codex-importer",
    "codex-watcher",
)  # fmt: skip

PATCH = Patch(
    id="codex_rollouts",
    summary="Imports and follows Codex rollout files while the sidecar runs.",
    requires=("harness_column", "capture_columns", "stamp_harness", "record_hooks_once"),
    sites=(
        Site(
            name="start",
            file="server/index.js",
            position=Position.AFTER,
            template="payload/codex_rollouts.start.js",
            anchors=(
                Anchor(  # before v1.1.1
                    scope=MODULE,
                    pattern="startServer(app, PORT).then($LISTENING)",
                    target="startUpdateScheduler({ broadcast })",
                ),
                Anchor(
                    scope=function("startBackgroundServices"),
                    pattern="startUpdateScheduler({ broadcast })",
                ),
            ),
        ),
        Site(
            name="stop",
            file="server/index.js",
            position=Position.AFTER,
            template="payload/codex_rollouts.stop.js",
            anchors=(
                Anchor(
                    scope=function("shutdown"),
                    pattern="shutdownInProgress = true",
                ),
            ),
        ),
    ),
    overlays=tuple(
        Overlay(path=f"server/lib/{name}.js", template=f"overlay/server/lib/{name}.js") for name in _MODULES
    ),
    contracts=("rollout_alone_is_recorded_once", "hooked_then_imported_has_no_row_twice"),
    superseded=Line.V2,
    superseded_by="`server/lib/codex-ingest.js`, followed by `startCodexSessionSync`",
)
