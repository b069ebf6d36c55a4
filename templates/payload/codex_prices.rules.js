// A rule that nobody can calculate with would make each cost fail.
pricingRules = require("../lib/codex-prices").usableRules(pricingRules);
