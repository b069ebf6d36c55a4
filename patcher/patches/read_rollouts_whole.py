"""What is new in a rollout is told as a whole, or not at all, where upstream reads rollouts itself (v2.0.0 and later).

Why:      upstream inserts row by row and saves how far it has read at the end. A kill, a full disk or a refused row in
          between leaves the rows without that, and the next look, four seconds later, tells them again, with the
          tokens; and so on at each look.
Upstream: `server/lib/codex-ingest.js`: `ingestCodexTranscript` reads on, and calls `ingestCodexToolEvents`, which
          opens a transaction for the tool calls alone; with node:sqlite there is none within another. If they move,
          search for `upsertCodexIngestState.run` and `upsertCodexToolIngestState.run`.
v1:       not needed: our own importer writes a batch and its checkpoint in one transaction.
"""

from patcher.model import Anchor, Edit, Line, Overlay, Patch, Pin, Place, function

PATCH = Patch(
    id="read_rollouts_whole",
    summary="Takes all that is new in a rollout in one transaction where upstream reads rollouts itself (v2).",
    edits=(
        Edit(
            file="server/lib/codex-ingest.js",
            place=Place.BEFORE,
            template="payload/read_rollouts_whole.turns.js.j2",
            line=Line.V2,
            anchors=(
                Anchor(
                    scope=function("ingestCodexTranscript"),
                    pattern="if (!isCodexTranscript($$$ARGS)) return $RESULT",
                    pins=(
                        # v2.0.0 to v2.0.3
                        Pin(
                            tokens="d9d51cef5bfdce5e89a124ba61e31d122b6ea88b25467ddcb667af414babfb85",
                            text="132a4318fdd11811bb9c953d94e7df4fb01afafbc083900f0f4b01f854875e0e",
                            line=522,
                        ),
                        # miniature of the v2 line
                        Pin(
                            tokens="1040d07601c32e9c169e8a45c96def9df93659b330a93a8ce2e8350995832793",
                            text="6c06cd58ab6b8a7b7ec024afae293bb20379d1df7b4a18de7bc9f6926e2eddee",
                            line=95,
                        ),
                    ),
                ),
            ),
        ),
        Edit(
            file="server/lib/codex-ingest.js",
            place=Place.AFTER,
            template="payload/read_rollouts_whole.calls.js.j2",
            line=Line.V2,
            anchors=(
                Anchor(
                    scope=function("ingestCodexToolEvents"),
                    pattern="if (length <= 0) return $RESULT",
                    pins=(
                        # v2.0.0 to v2.0.3
                        Pin(
                            tokens="9ca7a1a7b5c0b39a990cd932cdb74ddfa5f34173114d4dc4ed403e88382e7471",
                            text="472876aad0f4547dc1390121f4fe6f9f872b5f1efc3992d26e0befba1411fc33",
                            line=467,
                        ),
                        # miniature of the v2 line
                        Pin(
                            tokens="4ffb04794d019a68e9a705752cc638ac03e4dc5cb4ac9b15b2319aa09c00377d",
                            text="d72d81df67e7f5f7a436ccf3cbe9656a51ce3a6e8b691cc9374d0aa3aa3057af",
                            line=80,
                        ),
                    ),
                ),
            ),
        ),
        Edit(
            file="server/lib/codex-ingest.js",
            place=Place.REPLACE,
            template="payload/read_rollouts_whole.within.js.j2",
            line=Line.V2,
            anchors=(
                Anchor(
                    scope=function("ingestCodexToolEvents"),
                    pattern="const events = db.transaction($WORK)($RECORDS)",
                    target="db.transaction",
                    pins=(
                        # v2.0.0 to v2.0.3
                        Pin(
                            tokens="919968b6fb2b77b4e9d8d4359ab42dbd78e887b25c49f6af251abd4ec2316e7b",
                            text="8d12b1d2df203989a8c0b871cdbcfa4a77829dc51e4ad01c52915454e9b2a25d",
                            line=499,
                        ),
                        # miniature of the v2 line
                        Pin(
                            tokens="bdd3d01e2f0bf4f361353b86eb277dd4700bf1548db1aaaa6430ede1b8050dd9",
                            text="9636b2a78f23eeeaeee0ae3d08127041f9392205caa46980c181484ca1defdaa",
                            line=83,
                        ),
                    ),
                ),
            ),
        ),
    ),
    overlays=(
        Overlay(
            path="server/lib/codex-native-batch.js",
            template="overlay/server/lib/codex-native-batch.js.j2",
            line=Line.V2,
        ),
    ),
    contracts=("failed_batch_is_told_once",),
)
