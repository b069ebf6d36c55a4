"""The *Conversation* tab of a Codex session is not empty: its messages come from the rollout files.

Why:      upstream reads Claude's transcripts only, and returns none for any other session.
Upstream: `server/routes/sessions.js`, the routes `GET /:id/transcripts` and `GET /:id/transcript`, after each has found
          the session. If they move, search for `has_transcript` and `agent_id`.
v2:       superseded. Upstream reads the conversation from the rollout itself; it leaves out the summaries of reasoning.
"""

from patcher.model import Anchor, Line, Overlay, Patch, Position, Site, route

PATCH = Patch(
    id="codex_conversation",
    summary="Shows the conversation of a Codex session, and those of its sub-agents.",
    requires=("harness_column", "codex_rollouts"),
    sites=(
        Site(
            name="list",
            file="server/routes/sessions.js",
            position=Position.BEFORE,
            template="payload/codex_conversation.list.js",
            anchors=(Anchor(scope=route("GET", "/:id/transcripts"), pattern="const result = []", before=1),),
        ),
        Site(
            name="messages",
            file="server/routes/sessions.js",
            position=Position.BEFORE,
            template="payload/codex_conversation.messages.js",
            anchors=(
                Anchor(
                    scope=route("GET", "/:id/transcript"),
                    pattern="const agentId = req.query.agent_id || null",
                    before=1,
                ),
            ),
        ),
    ),
    overlays=tuple(
        Overlay(path=f"server/lib/{name}.js", template=f"overlay/server/lib/{name}.js")
        for name in ("codex-lines", "codex-messages", "codex-conversation")
    ),
    contracts=("codex_conversation_is_complete",),
    superseded=Line.V2,
    superseded_by="`parseCodexMessage` in `server/routes/sessions.js`, for sessions of the provider `codex`",
)
