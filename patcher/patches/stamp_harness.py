"""A hook payload that names its harness sets that of its session.

Why:      this marks a session as one of Codex, at its first event, before any other code reads the session. A marked
          session is also skipped by upstream's process probe, which looks for `claude` processes only and would close
          it (v1.4.0 and later).
Upstream: `server/routes/hooks.js`, in `processEvent`, directly after the payload of `parse_outside_transaction`; and in
          `livenessReap`, after the test for a live process. If it moves, search for `ensureSession(` and
          `probe.cwds.has`.
v2:       upstream has its own route for Codex hooks, which sets `provider`, and probes for `codex` processes itself.
          Events of our Codex handler are forwarded to that route before `POST /event` handles them, so that they do not
          make a Claude-shaped session beside the native one. If it moves, search for `router.post("/codex"` and
          `hook_type, data`. Upstream has its own `scripts/codex-hook-handler.js` there; ours is in `scripts/harness/`.
"""

from patcher.model import Anchor, Line, Overlay, Patch, Position, Site, function, route
from patcher.patches.harnesses import HARNESSES, places_of

# On v2, upstream's own setting has precedence: our code must use the same directory as upstream.
_CODEX_HOME = ((Line.V1, ("CODEX_HOME",)), (Line.V2, ("DASHBOARD_CODEX_HOME", "CODEX_HOME")))

PATCH = Patch(
    id="stamp_harness",
    summary="Stamps a session with the harness that its hook payload names, and ships the handler that names it.",
    requires=("harness_column", "parse_outside_transaction"),
    sites=(
        Site(
            name="stamp",
            file="server/routes/hooks.js",
            position=Position.AFTER,
            template="payload/stamp_harness.js",
            anchors=(Anchor(scope=function("processEvent"), pattern="const ingress = $CALL", before=1),),
        ),
        Site(
            name="spare",
            file="server/routes/hooks.js",
            position=Position.AFTER,
            template="payload/stamp_harness.spare.js",
            line=Line.V1,
            since="1.4.0",
            anchors=(Anchor(scope=function("livenessReap"), pattern="if (probe.cwds.has(resolvedCwd)) continue"),),
        ),
        Site(
            name="forward",
            file="server/routes/hooks.js",
            position=Position.AFTER,
            template="payload/stamp_harness.forward.js",
            line=Line.V2,
            anchors=(
                Anchor(
                    scope=route("POST", "/event"),
                    pattern="const { hook_type, data } = req.body",
                ),
            ),
        ),
    ),
    overlays=tuple(
        Overlay(
            path=path,
            template="handler/hook-handler.js.j2",
            params={"harness": harness},
            portable=True,
            executable=True,
            line=line,
        )
        for harness in HARNESSES
        for path, line in places_of(harness)
    )
    + tuple(
        Overlay(
            path="server/lib/codex-paths.js",
            template="overlay/server/lib/codex-paths.js.j2",
            params={"variables": variables},
            line=line,
        )
        for line, variables in _CODEX_HOME
    ),
    contracts=(
        "codex_hook_stamps_session",
        "claude_hook_stays_claude",
        "unknown_provider_changes_nothing",
        "codex_session_outlives_restart",
        "codex_hooks_feed_native_ingest",
    ),
)
