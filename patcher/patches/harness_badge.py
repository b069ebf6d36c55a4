"""The dashboard shows the harness of a session, and whether its events come live, from its file, or both.

Why:      Claude and Codex sessions are in one list and look the same.
Upstream: the client's list (`pages/Sessions.tsx`), after the badge of the status; the page of a session
          (`pages/SessionDetail.tsx`), before the model; its card (`components/SessionCard.tsx`), after the number of
          agents. If they move, search for `SessionStatusBadge`, `session.model` and `session.agentSummary`. In a build
          only with `--client`.
v2:       upstream shows no provider in the list and on the page: our badge is there, without the source, since every
          row comes from the file. Its card shows Codex in the title, and is not changed.
"""

from patcher.model import MODULE, Anchor, Line, Overlay, Patch, Position, Site, function
from patcher.patches.harnesses import HARNESSES

_LIST = "client/src/pages/Sessions.tsx"
_PAGE = "client/src/pages/SessionDetail.tsx"
_CARD = "client/src/components/SessionCard.tsx"
_BADGE = "payload/harness_badge.tsx"

_NAMES = "\n  ".join(f'{row.provider}: "{row.name}",' for row in HARNESSES)

PATCH = Patch(
    id="harness_badge",
    summary="Shows the harness of each session, and how its events came in (with `--client`).",
    requires=("harness_column", "session_capture"),
    sites=(
        Site(
            name="list_import",
            file=_LIST,
            position=Position.AFTER,
            template="payload/harness_badge.import.tsx",
            anchors=(Anchor(scope=MODULE, pattern='import { SessionStatusBadge } from "../components/StatusBadge"'),),
        ),
        Site(
            name="list",
            file=_LIST,
            position=Position.AFTER,
            template=_BADGE,
            anchors=(Anchor(scope=function("Sessions"), pattern="<SessionStatusBadge $$$ATTRIBUTES />"),),
        ),
        Site(
            name="page_import",
            file=_PAGE,
            position=Position.AFTER,
            template="payload/harness_badge.import.tsx",
            anchors=(Anchor(scope=MODULE, pattern='import { eventBus } from "../lib/eventBus"'),),
        ),
        Site(
            name="page",
            file=_PAGE,
            position=Position.BEFORE,
            template=_BADGE,
            anchors=(Anchor(scope=function("SessionDetail"), pattern="session.model && $MODEL"),),
        ),
        Site(
            name="card_import",
            file=_CARD,
            position=Position.AFTER,
            template="payload/harness_badge.card_import.tsx",
            line=Line.V1,
            anchors=(Anchor(scope=MODULE, pattern='import { SessionStatusBadge } from "./StatusBadge"'),),
        ),
        Site(
            name="card",
            file=_CARD,
            position=Position.AFTER,
            template=_BADGE,
            line=Line.V1,
            anchors=(
                Anchor(
                    scope=function("SessionCard"),
                    pattern="<span $$$ATTRIBUTES>$$$CHILDREN</span>",
                    containing="session.agentSummary",
                ),
            ),
        ),
    ),
    overlays=(
        Overlay(
            path="client/src/lib/harness.ts",
            template="overlay/client/src/lib/harness.ts.j2",
            params={"names": _NAMES},
        ),
        Overlay(
            path="client/src/components/HarnessBadge.tsx",
            template="overlay/client/src/components/HarnessBadge.tsx",
        ),
    ),
    contracts=("harness_is_shown",),
)
