"""Transcripts are parsed before the write transaction opens, and a Codex transcript is not parsed at all.

Why:      parsing a long transcript inside the transaction holds the write lock for as long as it takes, and every
          other writer waits; and the Claude parser must not read a Codex rollout.
Upstream: `server/routes/hooks.js`. The route `POST /event` opens the event, `processEvent` takes what was read.
          v1.4.0 added a second look at the transcript in `SessionEnd`. If it moves, search for
          `transcriptCache.extract` and `processEvent(`.
v2:       stays. Claude transcripts are still parsed inside the write transaction; what our handler sends for Codex
          never gets this far (see `stamp_harness`).
"""

from patcher.harnesses import HARNESSES
from patcher.model import Anchor, Overlay, Patch, Pin, Position, Site, function, route

PATCH = Patch(
    id="parse_outside_transaction",
    summary="Reads transcripts before the write transaction opens; Codex ones never reach the Claude parser.",
    sites=(
        Site(
            name="open",
            file="server/routes/hooks.js",
            position=Position.BEFORE,
            template="payload/parse_outside_transaction.open.js.j2",
            anchors=(
                Anchor(
                    scope=route("POST", "/event"),
                    pattern="const result = processEvent(hook_type, data)",
                    pins=(
                        # v1.1.1 to v1.4.8, v2.0.0 to v2.0.3
                        Pin(
                            tokens="25a0db91ff701755866887408b02907c2969ebe202ba09ce9643c8976881483a",
                            text="82392ecd4a87a583df91cba07ae94a9beabb193ed4a79aa236970088ec793c79",
                            line=714,
                        ),
                        # builtin
                        Pin(
                            tokens="25a0db91ff701755866887408b02907c2969ebe202ba09ce9643c8976881483a",
                            text="82392ecd4a87a583df91cba07ae94a9beabb193ed4a79aa236970088ec793c79",
                            line=290,
                        ),
                    ),
                ),
            ),
        ),
        Site(
            name="take",
            file="server/routes/hooks.js",
            position=Position.AFTER,
            template="payload/parse_outside_transaction.take.js.j2",
            anchors=(
                Anchor(
                    scope=function("processEvent"),
                    pattern="const session = ensureSession(sessionId, data)",
                    before=2,
                    pins=(
                        # v1.1.1 to v1.4.8, v2.0.0 to v2.0.3
                        Pin(
                            tokens="4dd440233141441b187c3958402d68ee47efd72628af970aecca663723a9e712",
                            text="2ddbb9693cca003ed28e8bab6626f9de8b7d33deaf3fe23fe0f6631673699fe5",
                            line=101,
                        ),
                        # builtin
                        Pin(
                            tokens="4dd440233141441b187c3958402d68ee47efd72628af970aecca663723a9e712",
                            text="2ddbb9693cca003ed28e8bab6626f9de8b7d33deaf3fe23fe0f6631673699fe5",
                            line=130,
                        ),
                    ),
                ),
            ),
        ),
        Site(
            name="transcript",
            file="server/routes/hooks.js",
            position=Position.REPLACE,
            template="payload/parse_outside_transaction.transcript.js.j2",
            anchors=(
                Anchor(
                    scope=function("processEvent"),
                    pattern="const result = transcriptCache.extract(data.transcript_path)",
                    target="transcriptCache.extract(data.transcript_path)",
                    pins=(
                        # v1.1.1 to v1.4.8, v2.0.0 to v2.0.3
                        Pin(
                            tokens="22ed0ed6dd54ce82916badd0a3cf1e36922bccac1a2bdb653d87f1a7e6acb17a",
                            text="dc74b5e1aaf8f82074fa0c92666c410e99f9dc5e280aa4b3d58b2bea9c699ab1",
                            line=492,
                        ),
                        # builtin
                        Pin(
                            tokens="22ed0ed6dd54ce82916badd0a3cf1e36922bccac1a2bdb653d87f1a7e6acb17a",
                            text="dc74b5e1aaf8f82074fa0c92666c410e99f9dc5e280aa4b3d58b2bea9c699ab1",
                            line=236,
                        ),
                    ),
                ),
            ),
        ),
        Site(
            name="session_end",
            file="server/routes/hooks.js",
            position=Position.REPLACE,
            template="payload/parse_outside_transaction.transcript.js.j2",
            since="1.4.0",
            anchors=(
                Anchor(
                    scope=function("processEvent"),
                    pattern="const endResult = $_",
                    target="transcriptCache.extract(data.transcript_path)",
                    pins=(
                        # v1.4.0 to v1.4.8, v2.0.0 to v2.0.3
                        Pin(
                            tokens="e09748798633b66c19a818a8f1e789b23017a43fb16478af89abc3932937af6f",
                            text="bf3c9f14c8c44220d05e1821ffcc66075c2664c7eb8e38b31a1583837ac304a8",
                            line=679,
                        ),
                        # builtin
                        Pin(
                            tokens="e09748798633b66c19a818a8f1e789b23017a43fb16478af89abc3932937af6f",
                            text="bf3c9f14c8c44220d05e1821ffcc66075c2664c7eb8e38b31a1583837ac304a8",
                            line=222,
                        ),
                    ),
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
    ),
    contracts=("transcript_parsed_outside_write_lock", "codex_transcript_is_not_parsed_as_claude"),
)
