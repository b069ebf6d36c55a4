"""A Codex session has its cost, by OpenAI's prices for its models; a model without a price of its own is named.

Why:      upstream of the v1 line has prices for Claude only, so that every Codex session costs $0.00.
Upstream: `server/db.js`, before the statement that adds missing default prices: it never changes an existing rule, so
          those of the user stay. `server/routes/pricing.js`, where both routes calculate costs: up to v1.2.0 they do
          not name models without a price. `calculateCost` itself, by which every route calculates: a rule that is not
          a pattern, or whose price is not a number, makes each cost fail or `null`. If it moves, search for
          `addMissing(DEFAULT_PRICING)` and `calculateCost(`.
v2:       superseded. Upstream has its own table of OpenAI's prices (`gpt_model_pricing`), and names models without one.
"""

from patcher.model import MODULE, Anchor, Line, Overlay, Patch, Position, Site, function, route

PATCH = Patch(
    id="codex_prices",
    summary="Prices the tokens of Codex's models, and names those that have no price of their own.",
    sites=(
        Site(
            name="rows",
            file="server/db.js",
            position=Position.BEFORE,
            template="payload/codex_prices.rows.js",
            line=Line.V1,
            anchors=(
                Anchor(
                    scope=MODULE,
                    pattern="addMissing(DEFAULT_PRICING)",
                ),
            ),
        ),
        Site(
            name="rules",
            file="server/routes/pricing.js",
            position=Position.BEFORE,
            template="payload/codex_prices.rules.js",
            line=Line.V1,
            anchors=(
                Anchor(
                    scope=function("calculateCost"),
                    pattern="const sortedRules = [...pricingRules].sort($$$ORDER)",
                ),
            ),
        ),
        Site(
            name="total",
            file="server/routes/pricing.js",
            position=Position.REPLACE,
            template="payload/codex_prices.unpriced.js.j2",
            line=Line.V1,
            anchors=(
                Anchor(
                    scope=route("GET", "/cost"),
                    pattern="const result = calculateCost($$$USED)",
                    target="calculateCost($$$USED)",
                ),
            ),
        ),
        Site(
            name="session",
            file="server/routes/pricing.js",
            position=Position.REPLACE,
            template="payload/codex_prices.unpriced.js.j2",
            line=Line.V1,
            anchors=(
                Anchor(
                    scope=route("GET", "/cost/:sessionId"),
                    pattern="const result = calculateCost($$$USED)",
                    target="calculateCost($$$USED)",
                ),
            ),
        ),
    ),
    overlays=(
        Overlay(path="server/lib/codex-prices.js", template="overlay/server/lib/codex-prices.js", line=Line.V1),
        Overlay(path="server/lib/codex-prices.json", template="overlay/server/lib/codex-prices.json", line=Line.V1),
    ),
    contracts=("codex_session_has_its_cost",),
    superseded=Line.V2,
    superseded_by="`gpt_model_pricing`, and `unpriced_models` in every cost",
)
