"""Transcripts are parsed before the write transaction opens, and a Codex transcript is not parsed at all.

Why:      parsing a long transcript inside the transaction holds the write lock during that time, and every other
          writer waits; and the Claude parser must not read a Codex rollout.
Upstream: `server/routes/hooks.js`. The route `POST /event` parses the transcript, `processEvent` uses the result.
          v1.4.0 added a second parse in `SessionEnd`. If it moves, search for `transcriptCache.extract` and
          `processEvent(`.
v2:       also needed. Claude transcripts are still parsed inside the write transaction; Codex events of our handler
          do not reach this code (see `stamp_harness`).
"""

from patcher.model import Anchor, Overlay, Patch, Position, Site, function, route
from patcher.patches.harnesses import HARNESSES

# What the patches for other agents than Claude Code share: rows, sessions and sub-agents. They need `harness.js`.
_SHARED = ("database", "event-rows", "file-lines", "json-values", "session-rows", "subagents")

PATCH = Patch(
    id="parse_outside_transaction",
    summary="Reads transcripts before the write transaction opens; Codex ones never reach the Claude parser.",
    sites=(
        Site(
            name="open",
            file="server/routes/hooks.js",
            position=Position.BEFORE,
            template="payload/parse_outside_transaction.open.js",
            anchors=(
                Anchor(
                    scope=route("POST", "/event"),
                    pattern="const result = processEvent(hook_type, data)",
                ),
            ),
        ),
        Site(
            name="take",
            file="server/routes/hooks.js",
            position=Position.AFTER,
            template="payload/parse_outside_transaction.take.js",
            anchors=(
                Anchor(
                    scope=function("processEvent"),
                    pattern="const session = ensureSession(sessionId, data)",
                    before=2,
                ),
            ),
        ),
        Site(
            name="transcript",
            file="server/routes/hooks.js",
            position=Position.REPLACE,
            template="payload/parse_outside_transaction.transcript.js",
            anchors=(
                Anchor(
                    scope=function("processEvent"),
                    pattern="const result = transcriptCache.extract(data.transcript_path)",
                    target="transcriptCache.extract(data.transcript_path)",
                ),
            ),
        ),
        Site(
            name="session_end",
            file="server/routes/hooks.js",
            position=Position.REPLACE,
            template="payload/parse_outside_transaction.transcript.js",
            since="1.4.0",
            anchors=(
                Anchor(
                    scope=function("processEvent"),
                    pattern="const endResult = $_",
                    target="transcriptCache.extract(data.transcript_path)",
                ),
            ),
        ),
    ),
    overlays=(
        Overlay(
            path="server/lib/harness.js",
            template="overlay/server/lib/harness.js.j2",
            params={"harnesses": HARNESSES},
        ),
        *(Overlay(path=f"server/lib/{name}.js", template=f"overlay/server/lib/{name}.js") for name in _SHARED),
    ),
    contracts=("transcript_parsed_outside_write_lock", "codex_transcript_is_not_parsed_as_claude"),
)
