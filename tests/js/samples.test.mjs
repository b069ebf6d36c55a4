/** Recorded sessions, both roads: what must be one row, what must be two, and that no order of arrival matters. */

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { beforeEach, test } from "node:test";
import { SAMPLES, deliverHook, overlay, reset, rows, sample, temporary, text } from "./support.mjs";

const { importRollout } = overlay("codex-importer");

// Counted by hand in the recorded files, by the joins in patcher/codex/README.md: what only the rollout tells of are
// calls that have no hook (update_plan where it is unsupported, the web search, write_stdin) and the Post of the patch through
// the shell; what only hooks tell of is SessionEnd.
const EXPECTED = {
  "v0146-direct": { both: 16, rollout: 5, hook: 1 },
  "v0169-direct": { both: 14, rollout: 7, hook: 1 },
  "v0169-codemode": { both: 13, rollout: 0, hook: 1 },
};
const ROLLOUT_ONLY = {
  "v0146-direct": ["call_SHPATCH post", "call_WS post", "call_WS pre", "ws_1 post", "ws_1 pre"],
  "v0169-direct": ["call_PLAN post", "call_PLAN pre", "call_SHPATCH post", "call_WS post", "call_WS pre", "ws_1 post", "ws_1 pre"],
  "v0169-codemode": [],
};
const skip = fs.existsSync(SAMPLES) ? false : "no recorded streams here";

beforeEach(reset);

const counts = () => {
  const of = capture => rows("capture = ?", capture).length;
  return { both: of("both"), rollout: of("rollout"), hook: of("hook") };
};

/** The rows without what arrival decides: row ids, and the clock of a hook that no rollout corrects. */
const essence = () =>
  rows()
    .map(({ id, created_at: at, ...row }) => JSON.stringify({ ...row, at: row.capture === "hook" ? null : at, data: Object.fromEntries(Object.entries(row.data).sort()) }))
    .sort();

function random(seed) {
  let state = seed;
  return limit => (state = (state * 48271) % 2147483647) % limit;
}

for (const name of Object.keys(EXPECTED)) {
  test(`${name}: both roads together are one row for each logical event`, { skip }, async t => {
    const { hooks, lines } = sample(name);
    const file = path.join(temporary(t), "rollout-a.jsonl");
    fs.writeFileSync(file, text(lines));
    for (const payload of hooks) deliverHook(payload);
    await importRollout(file);
    assert.deepEqual(counts(), EXPECTED[name]);
    assert.deepEqual(rows("capture = 'rollout'").map(row => row.event_key.split(":")).map(([, , id, , phase]) => `${id} ${phase}`).sort(), ROLLOUT_ONLY[name]);
    assert.deepEqual(rows("capture = 'hook'").map(row => row.event_type), ["SessionEnd"]);
  });

  test(`${name}: reading the file again changes nothing`, { skip }, async t => {
    const { lines } = sample(name);
    const file = path.join(temporary(t), "rollout-a.jsonl");
    fs.writeFileSync(file, text(lines));
    const { both, rollout } = EXPECTED[name];
    assert.equal((await importRollout(file)).inserted, both + rollout);
    const before = essence();
    assert.deepEqual(await importRollout(file), { inserted: 0, completed: 0, complete: true });
    assert.deepEqual(essence(), before);
  });

  test(`${name}: no order, repetition or delay of either road changes the rows`, { skip, timeout: 60000 }, async t => {
    const { hooks, lines } = sample(name);
    const file = path.join(temporary(t), "rollout-a.jsonl");
    const deliver = {
      hook: async payload => deliverHook(payload),
      lines: async count => (fs.writeFileSync(file, text(lines.slice(0, count))), importRollout(file)),
    };
    for (const payload of hooks) deliverHook(payload);
    await deliver.lines(lines.length);
    const expected = essence();
    for (let seed = 1; seed <= 25; seed += 1) {
      reset();
      const pick = random(seed * 7919);
      const once = hooks.filter(payload => payload.hook_event_name === "SessionEnd");
      const often = hooks.filter(payload => payload.hook_event_name !== "SessionEnd");
      const parts = Array.from({ length: 4 }, () => pick(lines.length));
      const plan = [
        ...[...once, ...often, ...often.filter(() => pick(3) === 0)].map(payload => ["hook", payload]),
        ...[...parts, lines.length].map(count => ["lines", count]),
      ];
      for (let last = plan.length - 1; last > 0; last -= 1) {
        const other = pick(last + 1);
        [plan[last], plan[other]] = [plan[other], plan[last]];
      }
      for (const [road, what] of plan) await deliver[road](what);
      assert.deepEqual(essence(), expected, `seed ${seed}`);
    }
  });

  test(`${name}: hooks that are lost leave what the rollout tells`, { skip }, async t => {
    const { hooks, lines } = sample(name);
    const file = path.join(temporary(t), "rollout-a.jsonl");
    fs.writeFileSync(file, text(lines));
    hooks.filter((_, index) => index % 3 === 0).forEach(deliverHook);
    await importRollout(file);
    const { both, rollout } = EXPECTED[name];
    assert.equal(rows("capture <> 'hook'").length, both + rollout);
  });
}

test("a failing command is known to have failed, which no hook says", { skip }, async t => {
  const { hooks, lines } = sample("v0169-codemode");
  const file = path.join(temporary(t), "rollout-a.jsonl");
  fs.writeFileSync(file, text(lines));
  for (const payload of hooks) deliverHook(payload);
  await importRollout(file);
  const failed = rows("capture = 'both'").filter(row => row.data.exit_code === 2);
  assert.deepEqual(failed.map(row => [row.event_type, row.data.status, row.data.tool_response]), [["PostToolUse", "failed", "nested\n"]]);
});
