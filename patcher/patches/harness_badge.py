"""The dashboard shows the harness of a session, and whether its events come live, from its file, or both.

Why:      Claude and Codex sessions stand in one list and look the same.
Upstream: the client's list (`pages/Sessions.tsx`), card (`components/SessionCard.tsx`) and page of a session
          (`pages/SessionDetail.tsx`): after the badge of the status, on the card after the number of agents. If they
          move, search for `SessionStatusBadge` and `session.agentSummary`. In a build only with `--client`.
v2:       upstream tells a Codex card by its title, and shows no provider in the list and on the page: ours stands
          there, without the source, since every row comes from the file.
"""

from patcher.model import MODULE, Anchor, Line, Overlay, Patch, Position, Scope, Site, function

_STATUS = "<SessionStatusBadge $$$ATTRIBUTES />"
_PAYLOAD = "harness_badge"


def _import(name: str, file: str, pattern: str, template: str, line: Line | None = None) -> Site:
    anchors = (Anchor(scope=MODULE, pattern=pattern),)
    return Site(name, file, Position.AFTER, f"payload/{template}.tsx", anchors, line)


def _badge(name: str, file: str, scope: Scope) -> Site:
    anchors = (Anchor(scope=scope, pattern=_STATUS),)
    return Site(name, file, Position.AFTER, f"payload/{_PAYLOAD}.tsx", anchors)


PATCH = Patch(
    id="harness_badge",
    summary="Shows the harness of each session, and how its events came in (with `--client`).",
    requires=("harness_column", "session_capture"),
    sites=(
        _import(
            "list_import",
            "client/src/pages/Sessions.tsx",
            'import { SessionStatusBadge } from "../components/StatusBadge"',
            f"{_PAYLOAD}.import",
        ),
        _badge("list", "client/src/pages/Sessions.tsx", function("Sessions")),
        _import(
            "page_import",
            "client/src/pages/SessionDetail.tsx",
            'import { eventBus } from "../lib/eventBus"',
            f"{_PAYLOAD}.import",
        ),
        _badge("page", "client/src/pages/SessionDetail.tsx", function("SessionDetail")),
        _import(
            "card_import",
            "client/src/components/SessionCard.tsx",
            'import { SessionStatusBadge } from "./StatusBadge"',
            f"{_PAYLOAD}.import_beside",
            Line.V1,
        ),
        Site(
            name="card",
            file="client/src/components/SessionCard.tsx",
            position=Position.AFTER,
            template=f"payload/{_PAYLOAD}.tsx",
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
    overlays=tuple(
        Overlay(path=f"client/src/{name}", template=f"overlay/client/src/{name}")
        for name in ("lib/harness.ts", "components/HarnessBadge.tsx")
    ),
    contracts=("harness_is_shown",),
)
