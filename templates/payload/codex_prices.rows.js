// Upstream adds what is missing, and never changes a rule of the user's.
DEFAULT_PRICING.push(...require("./lib/codex-prices").rowsFor(db, DEFAULT_PRICING));
