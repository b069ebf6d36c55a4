"""New lines of a rollout are imported in one transaction, where upstream reads rollouts itself (v2.0.0 and later).

Why:      upstream inserts row by row and saves its position at the end. After a kill, a full disk or a refused row in
          between, the rows are stored but the position is not, so the next poll, four seconds later, imports them and
          their tokens again; and so does each later poll.
Upstream: `server/lib/codex-ingest.js`: `ingestCodexTranscript` reads new lines and calls `ingestCodexToolEvents`, which
          opens a transaction for the tool calls alone; node:sqlite has no nested transactions. If they move, search for
          `upsertCodexIngestState.run` and `upsertCodexToolIngestState.run`.
v1:       not needed: our own importer writes a batch and its checkpoint in one transaction.
"""

from patcher.model import Anchor, Line, Overlay, Patch, Position, Site, function

PATCH = Patch(
    id="read_rollouts_whole",
    summary="Takes all that is new in a rollout in one transaction where upstream reads rollouts itself (v2).",
    sites=(
        Site(
            name="turns",
            file="server/lib/codex-ingest.js",
            position=Position.BEFORE,
            template="payload/read_rollouts_whole.turns.js",
            line=Line.V2,
            anchors=(
                Anchor(
                    scope=function("ingestCodexTranscript"),
                    pattern="if (!isCodexTranscript($$$ARGS)) return $RESULT",
                ),
            ),
        ),
        Site(
            name="calls",
            file="server/lib/codex-ingest.js",
            position=Position.AFTER,
            template="payload/read_rollouts_whole.calls.js",
            line=Line.V2,
            anchors=(
                Anchor(
                    scope=function("ingestCodexToolEvents"),
                    pattern="if (length <= 0) return $RESULT",
                ),
            ),
        ),
        Site(
            name="within",
            file="server/lib/codex-ingest.js",
            position=Position.REPLACE,
            template="payload/read_rollouts_whole.within.js",
            line=Line.V2,
            anchors=(
                Anchor(
                    scope=function("ingestCodexToolEvents"),
                    pattern="const events = db.transaction($WORK)($RECORDS)",
                    target="db.transaction",
                ),
            ),
        ),
    ),
    overlays=(
        Overlay(
            path="server/lib/codex-native-batch.js",
            template="overlay/server/lib/codex-native-batch.js",
            line=Line.V2,
        ),
    ),
    contracts=("failed_batch_is_told_once",),
)
