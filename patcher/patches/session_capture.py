"""A session has the source of its events: `capture` is `hook`, `rollout` or `both`.

Why:      the dashboard can show whether a session is reported live, or read from its file.
Upstream: `server/routes/sessions.js`, the routes `GET /` and `GET /:id`, before each answers. If they move, search for
          `agent_count` and `listEventsBySession`.
v2:       not needed: rows come from the rollout alone; a hook only triggers reading it.
"""

from patcher.model import Anchor, Line, Overlay, Patch, Position, Site, route

PATCH = Patch(
    id="session_capture",
    summary="Adds to each session whether its events came from hooks, its file, or both.",
    requires=("harness_column", "capture_columns"),
    sites=(
        Site(
            name="list",
            file="server/routes/sessions.js",
            position=Position.BEFORE,
            template="payload/session_capture.list.js",
            line=Line.V1,
            anchors=(Anchor(scope=route("GET", "/"), pattern="res.json($BODY)"),),
        ),
        Site(
            name="one",
            file="server/routes/sessions.js",
            position=Position.BEFORE,
            template="payload/session_capture.one.js",
            line=Line.V1,
            anchors=(Anchor(scope=route("GET", "/:id"), pattern="res.json($BODY)"),),
        ),
    ),
    overlays=(
        Overlay(
            path="server/lib/session-capture.js",
            template="overlay/server/lib/session-capture.js",
            line=Line.V1,
        ),
    ),
    contracts=("session_says_how_it_came_in",),
)
