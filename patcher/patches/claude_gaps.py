"""What the main agent of a Claude session does while no hook reports it is recorded from the session's transcript.

Why:      hooks may be off, and those that run while the sidecar is down are lost. Upstream imports the transcripts of
          sessions that it does not know, with neither prompts nor the beginnings of calls, and never those of a
          session that hooks began.
Upstream: `server/routes/hooks.js`, the end of `processEvent`, where the first hook of a session is noted, and a row
          that the transcript made before makes room for its hook; `scripts/import-history.js`, where a session that
          was imported before gets more calls (before v1.1.1 it gets none); `server/index.js`, after the payload of
          `agent_sessions`. If it moves, search for `touchSession`, `isNewer("PostToolUse"` and
          `startUpdateScheduler(`.
v2:       the same code.
"""

from patcher.model import MODULE, Anchor, Overlay, Patch, Position, Site, function

_WATCHER = 'require("./lib/agent-cli/watcher").startAgentWatcher()'

PATCH = Patch(
    id="claude_gaps",
    summary="Records from its transcript what a Claude session's main agent did while no hook reported it.",
    requires=("agent_sessions", "claude_subagent_once"),
    sites=(
        Site(
            name="heard",
            file="server/routes/hooks.js",
            position=Position.AFTER,
            template="payload/claude_gaps.heard.js",
            anchors=(Anchor(scope=function("processEvent"), pattern="stmts.touchSession.run(sessionId)"),),
        ),
        Site(
            name="calls",
            file="scripts/import-history.js",
            position=Position.AFTER,
            template="payload/claude_gaps.calls.js",
            since="1.1.1",
            anchors=(
                Anchor(
                    scope=function("importSession"),
                    pattern='if (!isNewer("PostToolUse", tu.timestamp)) continue',
                ),
            ),
        ),
        Site(
            name="follow",
            file="server/index.js",
            position=Position.AFTER,
            template="payload/claude_gaps.follow.js",
            anchors=(
                Anchor(  # before v1.1.1
                    scope=MODULE,
                    pattern="startServer(app, PORT).then($LISTENING)",
                    target=_WATCHER,
                ),
                Anchor(scope=function("startBackgroundServices"), pattern=_WATCHER),
            ),
        ),
    ),
    overlays=tuple(
        Overlay(path=f"server/lib/{name}.js", template=f"overlay/server/lib/{name}.js")
        for name in ("claude-transcript", "claude-spawns", "claude-rows", "claude-gaps")
    ),
    contracts=("claude_gaps_are_filled",),
)
