/** Each event of a real session once: whatever road tells it first, in whatever order, told twice, or lost on one. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { EXPECTED } from "./expected.mjs";
import { hookEvents, names, read, recording, samples, transcriptEvents } from "./recorded.mjs";
import { Slots } from "./slots.mjs";

const CALLS = ["PreToolUse", "PostToolUse"];
const MODELS = { copilot: "mock-model", droid: "custom:mock-model-0", qwen: "mock-model" };

/** A generator of whole numbers below a limit. */
function random(seed) {
  let state = seed;
  return limit => (state = (state * 48271) % 2147483647) % limit;
}

function shuffled(items, seed) {
  const next = random(seed);
  return items.map(item => [next(1e6), item]).sort(([a], [b]) => a - b).map(([, item]) => item);
}

function halves(items) {
  const middle = Math.ceil(items.length / 2);
  return [items.slice(0, middle), items.slice(middle)];
}

const ORDERS = {
  "hooks first": (hooks, told) => [...hooks, ...told],
  "transcript first": (hooks, told) => [...told, ...hooks],
  alternating: (hooks, told) => Array.from({ length: Math.max(hooks.length, told.length) }, (_, index) => [hooks[index], told[index]]).flat().filter(Boolean),
  reversed: (hooks, told) => [...hooks, ...told].reverse(),
  "random, one": (hooks, told) => shuffled([...hooks, ...told], 7),
  "random, two": (hooks, told) => shuffled([...hooks, ...told], 1234),
  halves: (hooks, told) => [halves(hooks)[0], halves(told)[1], halves(told)[0], halves(hooks)[1]].flat(),
};

function ledger(items) {
  const slots = new Slots();
  for (const item of items) {
    const event = item();
    if (event) slots.tell(event);
  }
  return slots;
}

const total = ({ both, transcript, hook }) => both + transcript + hook;

/** How many events of each kind there are: calls, prompts, sub-agents that begin and that end. */
function sums(slots) {
  const of = (...types) => total(slots.count(...types));
  return { calls: of(...CALLS), prompts: of("UserPromptSubmit"), agents: [of("SubagentStart"), of("SubagentStop")] };
}

test("each recording has its expectation", () => assert.deepEqual(names.toSorted(), Object.keys(EXPECTED).toSorted()));

for (const name of names) {
  const recorded = recording(name);
  const { calls, prompts, agents, requests } = EXPECTED[name];
  const expected = { calls: total(calls), prompts, agents };

  test(`${name}: both roads tell a call under one identifier, or in one group`, () => {
    const slots = ledger([...hookEvents(recorded), ...transcriptEvents(recorded)]);
    assert.deepEqual(slots.count(...CALLS), calls);
    assert.equal(new Set(slots.all.map(slot => slot.session)).size, 1);
  });

  for (const [order, arrange] of Object.entries(ORDERS)) {
    test(`${name}: each event once, ${order}`, () => {
      const arranged = arrange(hookEvents(recorded), transcriptEvents(recorded));
      assert.deepEqual(sums(ledger(arranged)), expected);
      assert.deepEqual(sums(ledger(arranged.flatMap(item => [item, item]))), expected, "each told twice");
      assert.deepEqual(sums(ledger([...arranged, ...shuffled(arranged, 99)])), expected, "and once more, later");
    });

    test(`${name}: what one road loses is told by the other, ${order}`, () => {
      const [hooks, told] = [hookEvents(recorded), transcriptEvents(recorded)];
      const some = (items, seed) => items.filter((_, index) => random(seed + index * 7919)(3) > 0);
      for (const seed of [1, 2, 3, 4, 5]) {
        const lost = sums(ledger(arrange(some(hooks, seed), told)));
        const hookOnly = name === "qwen-0.15.10-subagent"; // it has what only hooks tell
        if (!hookOnly) assert.deepEqual(lost, expected, "hooks lost");
        const less = sums(ledger(arrange(some(hooks, seed), some(told, seed + 100))));
        assert.ok(less.calls <= expected.calls && less.prompts <= expected.prompts, "nothing twice");
      }
    });
  }

  test(`${name}: each request's tokens once`, () => {
    const totals = { input: 0, output: 0, cache_read: 0, cache_write: 0 };
    for (const { state } of read(recorded)) {
      assert.ok(Object.keys(state.tokens).every(model => model === MODELS[recorded.provider]), Object.keys(state.tokens).join());
      for (const tokens of Object.values(state.tokens)) for (const key of Object.keys(totals)) totals[key] += tokens[key];
    }
    // The n-th request of a run cost 100 + n tokens, 7 of them from the cache, and 10 + n for its answer.
    const numbers = requests.flatMap(count => Array.from({ length: count }, (_, index) => index + 1));
    const sum = of => numbers.reduce((before, number) => before + of(number), 0);
    assert.deepEqual(totals, { input: sum(n => 93 + n), output: sum(n => 10 + n), cache_read: sum(() => 7), cache_write: 0 });
  });
}

for (const provider of ["qwen", "copilot"]) {
  const found = samples(provider);
  const skip = found.length > 0 ? false : "no recorded sessions beside the repository";
  test(`${provider}: the sessions beside the repository, in each order`, { skip }, () => {
    for (const recorded of found) {
      for (const arrange of Object.values(ORDERS)) {
        const slots = ledger(arrange(hookEvents(recorded), transcriptEvents(recorded)).flatMap(item => [item, item]));
        assert.deepEqual(slots.count(...CALLS), { both: 4, transcript: 0, hook: 0 }, recorded.name);
        assert.equal(total(slots.count("UserPromptSubmit")), 1, recorded.name);
      }
    }
  });
}
