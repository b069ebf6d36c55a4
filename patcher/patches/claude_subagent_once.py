"""A tool call of a Claude sub-agent has one row for its beginning and one for its end, under that sub-agent.

Why:      upstream records it live, under the main agent while that one is working, and imports it from the sub-agent's
          transcript when the sub-agent stops, under the sub-agent: two rows with one `tool_use_id`. The hook's
          `agent_id` names the sub-agent, but upstream does not read it.
Upstream: `scripts/import-history.js`, where tool calls of a sub-agent are imported, and in `server/routes/hooks.js` the
          end of `processEvent`. If it moves, search for `eventExists`, `findLiveSubagentForJsonl` and `touchSession`.
v2:       the same code.
"""

from patcher.model import Anchor, Overlay, Patch, Position, Site, function

PATCH = Patch(
    id="claude_subagent_once",
    summary="Records a tool call of a Claude sub-agent once, under the sub-agent, whichever source comes first.",
    requires=("parse_outside_transaction",),
    sites=(
        Site(
            name="owner",
            file="server/routes/hooks.js",
            position=Position.BEFORE,
            template="payload/claude_subagent_once.owner.js",
            anchors=(Anchor(scope=function("processEvent"), pattern="stmts.touchSession.run(sessionId)"),),
        ),
        Site(
            name="told",
            file="scripts/import-history.js",
            position=Position.REPLACE,
            template="payload/claude_subagent_once.told.js",
            anchors=(
                Anchor(
                    scope=function("importSubagentFromJsonl"),
                    pattern="const eventExists = db.prepare($SQL)",
                    target="db.prepare($SQL)",
                ),
            ),
        ),
        Site(
            name="spawned",
            file="scripts/import-history.js",
            position=Position.BEFORE,
            template="payload/claude_subagent_once.spawned.js",
            anchors=(
                Anchor(
                    scope=function("findLiveSubagentForJsonl"),
                    pattern="if (!subData.agentType || !subData.startedAt) return null",
                ),
            ),
        ),
        Site(
            name="call",
            file="scripts/import-history.js",
            position=Position.AFTER,
            template="payload/claude_subagent_once.call.js",
            anchors=(Anchor(scope=function("parseSubagentFile"), pattern="const toolEvents = $EVENTS"),),
        ),
    ),
    overlays=(Overlay(path="server/lib/claude-subagents.js", template="overlay/server/lib/claude-subagents.js"),),
    contracts=("claude_subagent_calls_are_told_once",),
)
