"""Sessions of the agents that upstream does not support, from their hooks and transcripts, each event once.

Why:      hooks are live, but have neither model nor tokens, and may be off; transcripts have both, but later.
Upstream: `server/index.js`: the transcripts are followed from where the other background services start, until the
          shutdown begins. Before v1.1.1 these services are in the callback of `startServer`. If it moves,
          search for `startUpdateScheduler(` and `shutdownInProgress`. A hook's payload is first checked in
          `POST /event` (`server/routes/hooks.js`), and recorded through `record_hooks_once`.
v2:       ours runs before upstream's last insert in `processEvent` (`server/routes/hooks.js`), and the filter
          `?providers=` accepts the agents' names (`VALID_PROVIDERS` in `server/lib/provider-filter.js`).
"""

from patcher.model import MODULE, Anchor, Line, Overlay, Patch, Position, Site, function, route
from patcher.patches.harnesses import HARNESSES

_MODULES = ("checkpoints", "importer", "ledger", "records", "session", "slots", "values", "watcher")
_PROVIDERS = tuple(harness.provider for harness in HARNESSES if harness.transcripts)
_FOLDER = "server/lib/agent-cli"

PATCH = Patch(
    id="agent_sessions",
    summary="Records the sessions of Qwen Code, Copilot, Gemini and droid, from their hooks and their transcripts.",
    requires=("harness_column", "capture_columns", "stamp_harness"),
    sites=(
        Site(
            name="start",
            file="server/index.js",
            position=Position.BEFORE,
            template="payload/agent_sessions.start.js",
            anchors=(
                Anchor(  # before v1.1.1
                    scope=MODULE,
                    pattern="startServer(app, PORT).then($LISTENING)",
                    target="startUpdateScheduler({ broadcast })",
                ),
                Anchor(
                    scope=function("startBackgroundServices"),
                    pattern="startUpdateScheduler({ broadcast })",
                ),
            ),
        ),
        Site(
            name="stop",
            file="server/index.js",
            position=Position.BEFORE,
            template="payload/agent_sessions.stop.js",
            anchors=(Anchor(scope=function("shutdown"), pattern="shutdownInProgress = true"),),
        ),
        Site(
            name="admit",
            file="server/routes/hooks.js",
            position=Position.AFTER,
            template="payload/agent_sessions.admit.js",
            anchors=(Anchor(scope=route("POST", "/event"), pattern="const { hook_type, data } = req.body"),),
        ),
        Site(
            name="insert",
            file="server/routes/hooks.js",
            position=Position.REPLACE,
            template="payload/agent_sessions.insert.js.j2",
            line=Line.V2,
            anchors=(
                Anchor(
                    scope=function("processEvent"),
                    pattern=(
                        "stmts.insertEvent.run(sessionId, agentId, eventType, toolName, summary, JSON.stringify(data))"
                    ),
                ),
            ),
        ),
        Site(
            name="providers",
            file="server/lib/provider-filter.js",
            position=Position.AFTER,
            template="payload/agent_sessions.providers.js",
            line=Line.V2,
            anchors=(Anchor(scope=MODULE, pattern="const VALID_PROVIDERS = new Set($NAMES)"),),
        ),
    ),
    overlays=(
        *(
            Overlay(path=f"{_FOLDER}/{name}.js", template=f"overlay/{_FOLDER}/{name}.js")
            for name in (*_MODULES, *_PROVIDERS)
        ),
        Overlay(
            path=f"{_FOLDER}/readers.js",
            template=f"overlay/{_FOLDER}/readers.js.j2",
            params={"readers": ", ".join(f'require("./{provider}")' for provider in _PROVIDERS)},
        ),
    ),
    contracts=("agent_sessions_are_recorded_once",),
)
