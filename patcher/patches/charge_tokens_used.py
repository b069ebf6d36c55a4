"""A Codex session is charged with its own tokens only, where upstream reads rollouts itself (v2.0.0 and later).

Why:      the first running total of a file that continues another one (a fork, a sub-agent, a thread that continues in
          a second file) is charged completely: all tokens of the parent, once for each fork. And reasoning is charged
          twice: Codex counts it within the output.
Upstream: `server/lib/codex-ingest.js`: `ingestCodexTranscript` reads a `token_count`, `applyTokenSnapshot` charges the
          difference to the previous total. If they move, search for `upsertCodexTokenDelta.run`.
v1:       not needed: our own importer handles both.
"""

from patcher.model import Anchor, Line, Overlay, Patch, Position, Site, function

PATCH = Patch(
    id="charge_tokens_used",
    summary="Charges a session with its own tokens, each once, where upstream reads rollouts itself (v2).",
    sites=(
        Site(
            name="beginning",
            file="server/lib/codex-ingest.js",
            position=Position.BEFORE,
            template="payload/charge_tokens_used.beginning.js",
            line=Line.V2,
            anchors=(
                Anchor(
                    scope=function("ingestCodexTranscript"),
                    pattern="counters = applyTokenSnapshot($$$ARGS)",
                ),
            ),
        ),
        Site(
            name="reasoning",
            file="server/lib/codex-ingest.js",
            position=Position.REPLACE,
            template="payload/charge_tokens_used.reasoning.js",
            line=Line.V2,
            anchors=(
                Anchor(
                    scope=function("applyTokenSnapshot"),
                    pattern="const output = delta.output_tokens + delta.reasoning_output_tokens",
                    target="delta.output_tokens + delta.reasoning_output_tokens",
                ),
            ),
        ),
    ),
    overlays=(
        Overlay(
            path="server/lib/codex-native-tokens.js",
            template="overlay/server/lib/codex-native-tokens.js",
            line=Line.V2,
        ),
    ),
    contracts=("native_tokens_are_what_was_used",),
)
