"""The sidecar listens on this machine only, and answers only its own page and local programs.

Why:      upstream up to v1.3.0 listens on every interface and allows reading to pages of every origin (its own
          advisory, GHSA-gr74-4xfh-6jw9, High): anybody in the same network, or any page in the user's browser, can read
          transcripts and change settings.
Upstream: `server/index.js`: before everything that `createApp` adds, in place of the CORS that allows every origin; and
          where `startServer` listens. `server/websocket.js`: the socket, whose upgrade requests do not go through
          middleware. If it moves, search for `cors()`, `server.listen(` and `new WebSocketServer(`.
v1.4.0:   superseded since then, on both lines: recognised by the guard in `createApp`, the address that `startServer`
          listens on, and the check of the host in the socket.
"""

from patcher.model import Anchor, Overlay, Patch, Position, Sign, Site, function

PATCH = Patch(
    id="local_only",
    summary="Listens to this machine only, and answers no other web site: HTTP and the socket.",
    requires=("codex_hooks_page",),
    sites=(
        Site(
            name="guard",
            file="server/index.js",
            position=Position.REPLACE,
            template="payload/local_only.guard.js",
            anchors=(
                Anchor(
                    scope=function("createApp"),
                    pattern="app.use(cors())",
                    target="cors()",
                ),
            ),
        ),
        Site(
            name="listen",
            file="server/index.js",
            position=Position.REPLACE,
            template="payload/local_only.listen.js",
            anchors=(
                Anchor(
                    scope=function("startServer"),
                    pattern="server.listen(port, $LISTENING)",
                    target="server.listen",
                ),
            ),
        ),
        Site(
            name="socket",
            file="server/websocket.js",
            position=Position.REPLACE,
            template="payload/local_only.socket.js.j2",
            anchors=(
                Anchor(
                    scope=function("initWebSocket"),
                    pattern="wss = new WebSocketServer($OPTIONS)",
                    target="new WebSocketServer($OPTIONS)",
                ),
            ),
        ),
    ),
    overlays=(Overlay(path="server/lib/local-only.js", template="overlay/server/lib/local-only.js"),),
    contracts=("nobody_else_on_the_network",),
    superseded_where=(
        Sign("server/index.js", r"\.use\(\s*hostGuard\s*\)"),
        Sign("server/index.js", r"\.listen\(\s*port\s*,\s*host\b"),
        Sign("server/websocket.js", r"\bisHostAllowed\("),
    ),
    superseded_by="`server/lib/security.js` (v1.4.0), by the same variables",
)
