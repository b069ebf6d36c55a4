"""The switch of the Codex hooks is in the dashboard's own settings, directly below the section of the Claude hooks.

Why:      users look for it beside the other hooks, and there is no link to the page `/codex-hooks`.
Upstream: `client/src/pages/Settings.tsx`, in the component `Settings`. The window is the whole section above ours. On
          the v2 line that section is for Codex too, so ours explains how the two work together. If it moves, search for
          `hooks.title`. In a build only with `--client`.
"""

from patcher.model import MODULE, Anchor, Line, Overlay, Patch, Position, Site, function

PATCH = Patch(
    id="settings_switch",
    summary="Puts the switch of the Codex hooks into the dashboard's own settings (with `--client`).",
    requires=("codex_hooks_page",),
    sites=(
        Site(
            name="import",
            file="client/src/pages/Settings.tsx",
            position=Position.AFTER,
            template="payload/settings_switch.import.tsx",
            anchors=(
                Anchor(
                    scope=MODULE,
                    pattern='import { ImportHistory } from "../components/ImportHistory"',
                ),
            ),
        ),
        Site(
            name="section",
            file="client/src/pages/Settings.tsx",
            position=Position.AFTER,
            template="payload/settings_switch.section.tsx",
            line=Line.V1,
            anchors=(
                Anchor(
                    scope=function("Settings"),
                    pattern="<section $$$ATTRIBUTES>$$$CHILDREN</section>",
                    containing='{t("hooks.title")}',
                ),
            ),
        ),
        Site(
            name="beside",
            file="client/src/pages/Settings.tsx",
            position=Position.AFTER,
            template="payload/settings_switch.beside.tsx",
            line=Line.V2,
            anchors=(
                Anchor(
                    scope=function("Settings"),
                    pattern="<section $$$ATTRIBUTES>$$$CHILDREN</section>",
                    containing='{t("hooks.title")}',
                ),
            ),
        ),
    ),
    overlays=(
        Overlay(
            path="client/src/components/CodexHooksSwitch.tsx",
            template="overlay/client/src/components/CodexHooksSwitch.tsx",
        ),
    ),
    contracts=("settings_has_the_switch",),
)
