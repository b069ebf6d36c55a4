"""A Codex session is charged with the tokens that it used, where upstream reads rollouts itself (v2.0.0 and later).

Why:      the first running total of a file that continues another one (a fork, a sub-agent, a thread that goes on in a
          second file) is charged as if all of it had been used there: the parent's whole bill, once for each fork. And
          reasoning is charged twice: Codex counts it within the output.
Upstream: `server/lib/codex-ingest.js`: `ingestCodexTranscript` meets a `token_count`, `applyTokenSnapshot` books what
          its total has more than the one before. If they move, search for `upsertCodexTokenDelta.run`.
v1:       not needed: our own importer knows beginnings, and what output is.
"""

from patcher.model import Anchor, Edit, Line, Overlay, Patch, Pin, Place, function

PATCH = Patch(
    id="charge_tokens_used",
    summary="Charges a session with its own tokens, each once, where upstream reads rollouts itself (v2).",
    edits=(
        Edit(
            file="server/lib/codex-ingest.js",
            place=Place.BEFORE,
            template="payload/charge_tokens_used.beginning.js.j2",
            line=Line.V2,
            anchors=(
                Anchor(
                    scope=function("ingestCodexTranscript"),
                    pattern="counters = applyTokenSnapshot($$$ARGS)",
                    pins=(
                        # v2.0.0 to v2.0.3
                        Pin(
                            tokens="5db24522cba6bbc37705f5289c75e3ed54d83cb9d6588900a86e9e1aee9dfd7d",
                            text="d91c8ccada0f8e1a705e2d14048f37d32cbb6f67bbe3f6a26b17cc43587d2ced",
                            line=644,
                        ),
                        # miniature of the v2 line
                        Pin(
                            tokens="dbd1cf923b43e8aba4038a74e9a48ce93937fc926d06271956aab26e54e6b0f0",
                            text="7c2d1c3e946989d5a087114f705da244c8a14cbcde563ad5f361c475cdf6defe",
                            line=108,
                        ),
                    ),
                ),
            ),
        ),
        Edit(
            file="server/lib/codex-ingest.js",
            place=Place.REPLACE,
            template="payload/charge_tokens_used.reasoning.js.j2",
            line=Line.V2,
            anchors=(
                Anchor(
                    scope=function("applyTokenSnapshot"),
                    pattern="const output = delta.output_tokens + delta.reasoning_output_tokens",
                    target="delta.output_tokens + delta.reasoning_output_tokens",
                    pins=(
                        # v2.0.0 to v2.0.3
                        Pin(
                            tokens="83a635783ad084d06808ac61f25f0c35f8d01123b81cf534e58fafd293fda09c",
                            text="c88533db3cba1e937a997e59451d9174fda33477af4aebd5306ecabe7092ec6e",
                            line=425,
                        ),
                        # miniature of the v2 line
                        Pin(
                            tokens="b22c93e8fd1ff8ee4632b92605b502e2b8518f7f2155bea2d1aaecaf0f91da6c",
                            text="c88533db3cba1e937a997e59451d9174fda33477af4aebd5306ecabe7092ec6e",
                            line=64,
                        ),
                    ),
                ),
            ),
        ),
    ),
    overlays=(
        Overlay(
            path="server/lib/codex-native-tokens.js",
            template="overlay/server/lib/codex-native-tokens.js.j2",
            line=Line.V2,
        ),
    ),
    contracts=("native_tokens_are_what_was_used",),
)
