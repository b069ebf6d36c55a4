"""Claude Code's notification of a finished sub-agent is not recorded as a prompt of the user.

Why:      it is a `UserPromptSubmit` whose prompt begins with `<task-notification>`, and a line of the user in the
          transcript. Upstream counts it as a prompt, and on v2 shows it as the last request of the user.
Upstream: `server/routes/hooks.js`, the case `UserPromptSubmit` of `processEvent`; and `extractFirstUserText` in
          `server/lib/transcript-cache.js`, which exists since v1.4.0. If it moves, search for
          `User prompt submitted` and `SYNTHETIC_USER_TEXT_RE`.
v2:       the same code.
"""

from patcher.model import Anchor, Overlay, Patch, Position, Site, function

PATCH = Patch(
    id="claude_notifications",
    summary="Records the notification of a finished Claude sub-agent separately from the user's prompts.",
    sites=(
        Site(
            name="event",
            file="server/routes/hooks.js",
            position=Position.AFTER,
            template="payload/claude_notifications.event.js",
            anchors=(Anchor(scope=function("processEvent"), pattern='summary = "User prompt submitted"'),),
        ),
        Site(
            name="preview",
            file="server/lib/transcript-cache.js",
            position=Position.AFTER,
            template="payload/claude_notifications.preview.js",
            since="1.4.0",
            anchors=(
                Anchor(
                    scope=function("extractFirstUserText"),
                    pattern="if (!text || SYNTHETIC_USER_TEXT_RE.test(text)) return null",
                ),
            ),
        ),
    ),
    overlays=(
        Overlay(path="server/lib/claude-notifications.js", template="overlay/server/lib/claude-notifications.js"),
    ),
    contracts=("claude_notification_is_not_a_prompt",),
)
