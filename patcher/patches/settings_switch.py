"""The switch of the Codex hooks stands in the dashboard's own settings, right below the section of the Claude hooks.

Why:      people look for it where the switch of the other hooks is, and the page `/codex-hooks` has no link there.
Upstream: `client/src/pages/Settings.tsx`, in the component `Settings`. The whole section is the window: it is what ours
          stands below. On the v2 line that section is for Codex too, so ours says how the two go together. If it moves,
          search for `hooks.title`. In a build only with `--client`.
"""

from patcher.model import MODULE, Anchor, Line, Overlay, Patch, Pin, Position, Site, function

PATCH = Patch(
    id="settings_switch",
    summary="Puts the switch of the Codex hooks into the dashboard's own settings (with `--client`).",
    requires=("codex_hooks_page",),
    sites=(
        Site(
            name="import",
            file="client/src/pages/Settings.tsx",
            position=Position.AFTER,
            template="payload/settings_switch.import.tsx.j2",
            anchors=(
                Anchor(
                    scope=MODULE,
                    pattern='import { ImportHistory } from "../components/ImportHistory"',
                    pins=(
                        # v1.1.1 to v2.0.3
                        Pin(
                            tokens="ed085c2cca4d3c9782ed1ba9a4549d92d4e681e7d167862b29543a919a0b7566",
                            text="b0f9ea3b42a4e803f8a551c6d16e6ef0535b9ea97c69ec1e14c5329dd0652446",
                            line=55,
                        ),
                        # builtin
                        Pin(
                            tokens="ed085c2cca4d3c9782ed1ba9a4549d92d4e681e7d167862b29543a919a0b7566",
                            text="b0f9ea3b42a4e803f8a551c6d16e6ef0535b9ea97c69ec1e14c5329dd0652446",
                            line=4,
                        ),
                    ),
                ),
            ),
        ),
        Site(
            name="section",
            file="client/src/pages/Settings.tsx",
            position=Position.AFTER,
            template="payload/settings_switch.section.tsx.j2",
            line=Line.V1,
            anchors=(
                Anchor(
                    scope=function("Settings"),
                    pattern="<section $$$ATTRIBUTES>$$$CHILDREN</section>",
                    containing='{t("hooks.title")}',
                    pins=(
                        # v1.1.1 to v1.3.0
                        Pin(
                            tokens="ca770a6742f275405d4dbb5e36bf6167450e489c24992cbf9cadb1260372cc9e",
                            text="b6cee73bca65e76f554ea55f62af1ecdf7ff3e042a88ed28b8144995f2c4de8a",
                            line=877,
                        ),
                        # v1.4.0 to v1.4.8: the sections have names
                        Pin(
                            tokens="051d49da0f34f65ee5bb8edeedf1d77814ca8ea36ce8df2da5eb1b80d83d2147",
                            text="716f02165030f1644dfb0628cd33be678335ea3b0ffd4e26e5feef640399837b",
                            line=1296,
                        ),
                        # builtin
                        Pin(
                            tokens="f04a07478955c626dcea981e4d06c02bc506fb115b5afbf08dbe6abbb22201fe",
                            text="0378bf952e1df8416cbba1bfdf8122bc63c9088458c2ae8e987dc6f12b664e06",
                            line=18,
                        ),
                    ),
                ),
            ),
        ),
        Site(
            name="beside",
            file="client/src/pages/Settings.tsx",
            position=Position.AFTER,
            template="payload/settings_switch.beside.tsx.j2",
            line=Line.V2,
            anchors=(
                Anchor(
                    scope=function("Settings"),
                    pattern="<section $$$ATTRIBUTES>$$$CHILDREN</section>",
                    containing='{t("hooks.title")}',
                    pins=(
                        # v2.0.0 to v2.0.3: Claude and Codex in one section, installed from a dialogue
                        Pin(
                            tokens="9f5e2f7bf3e6a571545d9892163d344b7866301da0b425b50e54ddf02d1460cb",
                            text="1abcfb1dde805dd1eb0bad12184ec87b059c0efed50e943e8be25359a8dd6625",
                            line=1915,
                        ),
                    ),
                ),
            ),
        ),
    ),
    overlays=(
        Overlay(
            path="client/src/components/CodexHooksSwitch.tsx",
            template="overlay/client/src/components/CodexHooksSwitch.tsx.j2",
        ),
    ),
    contracts=("settings_has_the_switch",),
)
