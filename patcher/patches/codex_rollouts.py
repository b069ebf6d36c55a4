"""Codex rollouts are imported when the sidecar starts, and followed while it runs.

Why:      hooks may be off, missed or untrusted; the rollout file is durable (CODEX.md section 7).
Upstream: `server/index.js`: started with the other background services, stopped first on shutdown, before the
          database closes. Both came in v1.1.1. If it moves, search for `startUpdateScheduler(` and
          `shutdownInProgress`.
v2:       superseded. Upstream follows `sessions/` below CODEX_HOME itself (`startCodexSessionSync`), from byte cursors
          that outlive a restart.
"""

from patcher.model import Anchor, Line, Overlay, Patch, Pin, Position, Site, function

_MODULES = (
    "codex-files", "codex-zstd", "codex-tool-calls", "codex-tool-output", "codex-rollout-turns", "codex-rollout-tokens",
    "codex-rollout-calls", "codex-rollout-heads", "codex-rollout-lines", "codex-rollout", "codex-checkpoints",
    "codex-reader", "codex-offload", "codex-tokens", "codex-session", "codex-status", "codex-importer", "codex-watcher",
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
            template="payload/codex_rollouts.start.js.j2",
            anchors=(
                Anchor(
                    scope=function("startBackgroundServices"),
                    pattern="startUpdateScheduler({ broadcast })",
                    pins=(
                        # v1.1.1 to v1.4.8
                        Pin(
                            tokens="64e55918386dd839a04ccb43b8c08033d38c37612210ffd4741e6f19bf06c5f3",
                            text="0afadba50c5b60510e02847be7fe185e0cc5307d24954476fdf02c6712a1d05e",
                            line=190,
                        ),
                        # builtin
                        Pin(
                            tokens="64e55918386dd839a04ccb43b8c08033d38c37612210ffd4741e6f19bf06c5f3",
                            text="0afadba50c5b60510e02847be7fe185e0cc5307d24954476fdf02c6712a1d05e",
                            line=34,
                        ),
                    ),
                ),
            ),
        ),
        Site(
            name="stop",
            file="server/index.js",
            position=Position.AFTER,
            template="payload/codex_rollouts.stop.js.j2",
            anchors=(
                Anchor(
                    scope=function("shutdown"),
                    pattern="shutdownInProgress = true",
                    pins=(
                        # v1.1.1 to v1.4.8
                        Pin(
                            tokens="8dda452209e1cc6b956fe6bc44097992a71f7c334d2b2166b44ef9c22c6f1831",
                            text="c87479c74e2bb3c85eb64dfe1878bdc842c1f0bbcc9148b2bd3e16721a3d21ae",
                            line=229,
                        ),
                        # builtin
                        Pin(
                            tokens="8dda452209e1cc6b956fe6bc44097992a71f7c334d2b2166b44ef9c22c6f1831",
                            text="c87479c74e2bb3c85eb64dfe1878bdc842c1f0bbcc9148b2bd3e16721a3d21ae",
                            line=64,
                        ),
                    ),
                ),
            ),
        ),
    ),
    overlays=tuple(
        Overlay(path=f"server/lib/{name}.js", template=f"overlay/server/lib/{name}.js.j2") for name in _MODULES
    ),
    contracts=("rollout_alone_is_recorded_once", "hooked_then_imported_has_no_row_twice"),
    superseded=Line.V2,
    superseded_by="`server/lib/codex-ingest.js`, followed by `startCodexSessionSync`",
)
