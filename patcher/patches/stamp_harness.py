"""A hook payload that says whose it is stamps its session.

Why:      this is how a Codex session becomes one: at its first event, before anything else looks at it. A stamped
          session is also left alone by upstream's process probe, which looks for `claude` processes only and
          would close it (v1.4.0 and later).
Upstream: `server/routes/hooks.js`, in `processEvent`, right behind what `parse_outside_transaction` brings there; and
          in `livenessReap`, behind the test for a live process. If it moves, search for `ensureSession(` and
          `probe.cwds.has`.
"""

from patcher.harnesses import HARNESSES
from patcher.model import Anchor, Edit, Overlay, Patch, Pin, Place, Versions, function

PATCH = Patch(
    id="stamp_harness",
    summary="Stamps a session with the harness that its hook payload names, and ships the handler that names it.",
    requires=("harness_column", "parse_outside_transaction"),
    edits=(
        Edit(
            file="server/routes/hooks.js",
            place=Place.AFTER,
            template="payload/stamp_harness.js.j2",
            anchors=(
                Anchor(
                    scope=function("processEvent"),
                    pattern="const ingress = $CALL",
                    before=1,
                    pins=(
                        # v1.1.1 to v1.4.8
                        Pin(
                            tokens="d66d8a391172a49ce71cb13d88b3c77259442566047f6cab522c708ebb485928",
                            text="a8506c3677708f01ec8fef77ac3c96d1fa04d71f726d062f5ff9a4de2de7caf8",
                            line=101,
                        ),
                        # builtin
                        Pin(
                            tokens="d66d8a391172a49ce71cb13d88b3c77259442566047f6cab522c708ebb485928",
                            text="a8506c3677708f01ec8fef77ac3c96d1fa04d71f726d062f5ff9a4de2de7caf8",
                            line=130,
                        ),
                    ),
                ),
            ),
        ),
        Edit(
            file="server/routes/hooks.js",
            place=Place.AFTER,
            template="payload/stamp_harness.spare.js.j2",
            versions=Versions(since="1.4.0"),
            anchors=(
                Anchor(
                    scope=function("livenessReap"),
                    pattern="if (probe.cwds.has(resolvedCwd)) continue",
                    pins=(
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
    ),
    overlays=tuple(
        Overlay(
            path=f"scripts/{harness.handler}",
            template="handler/hook-handler.js.j2",
            params={"harness": harness},
            portable=True,
            executable=True,
        )
        for harness in HARNESSES
    ),
    contracts=(
        "codex_hook_stamps_session",
        "claude_hook_stays_claude",
        "unknown_provider_changes_nothing",
        "codex_session_outlives_restart",
    ),
)
