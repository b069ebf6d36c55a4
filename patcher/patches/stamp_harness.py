"""A hook payload that says whose it is stamps its session.

Why:      this is how a Codex session becomes one: at its first event, before anything else looks at it. A stamped
          session is also left alone by upstream's process probe, which looks for `claude` processes only and
          would close it (v1.4.0 and later).
Upstream: `server/routes/hooks.js`, in `processEvent`, right behind what `parse_outside_transaction` brings there; and
          in `livenessReap`, behind the test for a live process. If it moves, search for `ensureSession(` and
          `probe.cwds.has`.
v2:       upstream has a route of its own for Codex hooks, which stamps `provider`, and probes for `codex` processes
          itself. What our handler sends is handed to that route before `POST /event` looks at it, so that it makes no
          Claude-shaped session beside the native one. If it moves, search for `router.post("/codex"` and
          `hook_type, data`. Upstream owns `scripts/codex-hook-handler.js` there; ours is in `scripts/harness/`.
"""

from patcher.harnesses import HARNESSES, places_of
from patcher.model import Anchor, Line, Overlay, Patch, Pin, Position, Site, function, route

# Where upstream has a setting of its own for it, that comes first: ours must look where upstream looks.
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
            template="payload/stamp_harness.js.j2",
            line=Line.V1,
            anchors=(
                Anchor(
                    scope=function("processEvent"),
                    pattern="const ingress = $CALL",
                    before=1,
                    pins=(
                        # v1.1.1 to v1.4.8
                        Pin(
                            tokens="d66d8a391172a49ce71cb13d88b3c77259442566047f6cab522c708ebb485928",
                            text="01d783ee9f185c9d904ee7df42c630c5cbece06cef5b58e6af9b0bd72171ca19",
                            line=101,
                        ),
                        # builtin
                        Pin(
                            tokens="d66d8a391172a49ce71cb13d88b3c77259442566047f6cab522c708ebb485928",
                            text="01d783ee9f185c9d904ee7df42c630c5cbece06cef5b58e6af9b0bd72171ca19",
                            line=130,
                        ),
                    ),
                ),
            ),
        ),
        Site(
            name="spare",
            file="server/routes/hooks.js",
            position=Position.AFTER,
            template="payload/stamp_harness.spare.js.j2",
            line=Line.V1,
            since="1.4.0",
            anchors=(
                Anchor(
                    scope=function("livenessReap"),
                    pattern="if (probe.cwds.has(resolvedCwd)) continue",
                    pins=(
                        # v1.3.0 at b7c3b9ae43ba: the probe as it began, in a function without parameters
                        Pin(
                            tokens="987377742d95cc5a6056487673d199a8819572a0a071ad72bf7de809f5563138",
                            text="7580a4328af23f5bbf08d138e3ac2ee12811668adfe366d48d306ed49c7722f9",
                            line=1327,
                        ),
                        # v1.4.0 to v1.4.8
                        Pin(
                            tokens="8eb024d4dc1702a1a94d5f15346dc88b168896fdce9a84d2a6c06f431de98982",
                            text="7580a4328af23f5bbf08d138e3ac2ee12811668adfe366d48d306ed49c7722f9",
                            line=1450,
                        ),
                        # builtin
                        Pin(
                            tokens="daa1e5d2655e20387ba6d6ce068cdd592711396311a23ea75bfea7eaf6f98f14",
                            text="7580a4328af23f5bbf08d138e3ac2ee12811668adfe366d48d306ed49c7722f9",
                            line=317,
                        ),
                    ),
                ),
            ),
        ),
        Site(
            name="forward",
            file="server/routes/hooks.js",
            position=Position.AFTER,
            template="payload/stamp_harness.forward.js.j2",
            line=Line.V2,
            anchors=(
                Anchor(
                    scope=route("POST", "/event"),
                    pattern="const { hook_type, data } = req.body",
                    pins=(
                        # v2.0.0 to v2.0.3, miniature of the v2 line
                        Pin(
                            tokens="35bcc30f3cd3918045a357f80988391641b10283fd26b3fee484f3cc741aa506",
                            text="6f02d11486394d5df2a09619f3595bcdaf6ac1ef10721dccad5e648448caedef",
                            line=1119,
                        ),
                    ),
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
