"""A Codex model that only the rule of its family fits is named, where upstream prices Codex itself (v2.0.0 and later).

Why:      `gpt-5%` and its like price every newer model of the family, whatever its own price is, and nothing says so.
Upstream: `server/routes/pricing.js`, where both routes calculate costs. If they move, search for
          `calculateProviderCost(`.
v1:       not needed: `codex_prices` names them.
"""

from patcher.model import Anchor, Line, Overlay, Patch, Position, Site, route

PATCH = Patch(
    id="family_prices",
    summary="Names the models that upstream prices only by the rule of their family (v2).",
    sites=(
        Site(
            name="total",
            file="server/routes/pricing.js",
            position=Position.REPLACE,
            template="payload/family_prices.js.j2",
            line=Line.V2,
            anchors=(
                Anchor(
                    scope=route("GET", "/cost"),
                    pattern="const result = calculateProviderCost($$$USED)",
                    target="calculateProviderCost($$$USED)",
                ),
            ),
        ),
        Site(
            name="session",
            file="server/routes/pricing.js",
            position=Position.REPLACE,
            template="payload/family_prices.js.j2",
            line=Line.V2,
            anchors=(
                Anchor(
                    scope=route("GET", "/cost/:sessionId"),
                    pattern="const result = calculateProviderCost($$$USED)",
                    target="calculateProviderCost($$$USED)",
                ),
            ),
        ),
    ),
    overlays=(
        Overlay(path="server/lib/family-prices.js", template="overlay/server/lib/family-prices.js", line=Line.V2),
        Overlay(path="server/lib/codex-prices.json", template="overlay/server/lib/codex-prices.json", line=Line.V2),
    ),
    contracts=("family_price_is_said",),
)
