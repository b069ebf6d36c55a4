/** Which price rules the sidecar may calculate with. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { overlay } from "./support.mjs";

const { usableRules } = overlay("codex-prices");
const PRICES = { input_per_mtok: 3, output_per_mtok: 15, cache_read_per_mtok: 0.3, cache_write_per_mtok: 3.75 };
const rule = more => ({ model_pattern: "kestrel%", ...PRICES, ...more });

test("a rule with fewer prices is used as upstream uses it, and the order stays", () => {
  const rules = [{ model_pattern: "claude-a%", input_per_mtok: 3, output_per_mtok: 15 }, rule(), rule({ model_pattern: "b%" })];
  assert.deepEqual(usableRules(rules), rules);
});

test("a rule that is not a pattern, or has a price that is not a number, is left out", () => {
  const patterns = [null, 5, "(%"].map(model_pattern => rule({ model_pattern }));
  const prices = ["3", null, -1, NaN, Infinity, 1e7, {}].map(output_per_mtok => rule({ output_per_mtok }));
  assert.deepEqual(usableRules([...patterns, ...prices, rule()]), [rule()]);
});
