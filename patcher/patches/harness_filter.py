"""The page of sessions has buttons that show the sessions of one harness only.

Why:      the API's `?harness=` needs buttons. The address of the page has it as well: `/sessions?harness=codex`.
Upstream: `client/src/pages/Sessions.tsx`, in the component `Sessions`, before the button that loads the list again;
          `client/src/lib/api.ts`, in `request`, before it fetches. If they move, search for `common:refresh` and
          `fetch`. In a build only with `--client`.
v2:       superseded. A setting chooses the provider for the whole dashboard.
"""

from patcher.model import MODULE, Anchor, Line, Overlay, Patch, Position, Site, function

PATCH = Patch(
    id="harness_filter",
    summary="Filters the page of sessions by harness (with `--client`).",
    requires=("filter_by_harness", "harness_badge"),
    sites=(
        Site(
            name="buttons_import",
            file="client/src/pages/Sessions.tsx",
            position=Position.AFTER,
            template="payload/harness_filter.import.tsx",
            anchors=(Anchor(scope=MODULE, pattern='import { EmptyState } from "../components/EmptyState"'),),
        ),
        Site(
            name="buttons",
            file="client/src/pages/Sessions.tsx",
            position=Position.BEFORE,
            template="payload/harness_filter.buttons.tsx",
            anchors=(
                Anchor(
                    scope=function("Sessions"),
                    pattern="<button $$$ATTRIBUTES>$$$CHILDREN</button>",
                    containing='t("common:refresh")',
                ),
            ),
        ),
        Site(
            name="request_import",
            file="client/src/lib/api.ts",
            position=Position.BEFORE,
            template="payload/harness_filter.request_import.ts",
            anchors=(Anchor(scope=MODULE, pattern="const BASE = $PATH"),),
        ),
        Site(
            name="request",
            file="client/src/lib/api.ts",
            position=Position.BEFORE,
            template="payload/harness_filter.request.ts",
            anchors=(Anchor(scope=function("request"), pattern="const res = await fetch($$$ARGUMENTS)"),),
        ),
    ),
    overlays=(
        Overlay(
            path="client/src/components/HarnessFilter.tsx",
            template="overlay/client/src/components/HarnessFilter.tsx",
        ),
    ),
    contracts=("sessions_page_filters_by_harness",),
    superseded=Line.V2,
    superseded_by="`display` in `client/src/pages/Settings.tsx` chooses the provider that the dashboard shows",
)
