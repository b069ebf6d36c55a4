/** Each event of a real session once: whatever road tells it first, in whatever order, told twice, or lost on one. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { hookEvents, names, read, recording, samples, transcriptEvents } from "./recorded.mjs";
import { Slots } from "./slots.mjs";

const CALLS = ["PreToolUse", "PostToolUse"];

// Counted by hand from the scripts of the model: the beginnings and ends of calls that both roads tell, or one; prompts;
// sub-agents that begin and end on either road; and how many requests each run of the agent made.
// What one road tells alone: hooks have no calls that are refused before they run (Qwen), their ends (Copilot), calls of
// the agent's own (`read_agent`), those of Copilot's sub-agents before 1.0.81, and one of two that are equal to the
// millisecond; the transcript has no calls of Qwen's sub-agents in 0.15.10.
const EXPECTED = {
  "copilot-1.0.102-background": { calls: { both: 6, transcript: 2, hook: 0 }, prompts: 1, agents: [1, 1], requests: [6] },
  "copilot-1.0.102-interrupt": { calls: { both: 1, transcript: 0, hook: 0 }, prompts: 1, agents: [0, 0], requests: [1] },
  "copilot-1.0.102-mcp": { calls: { both: 4, transcript: 0, hook: 0 }, prompts: 1, agents: [0, 0], requests: [3] },
  "copilot-1.0.102-nested": { calls: { both: 8, transcript: 0, hook: 0 }, prompts: 1, agents: [2, 2], requests: [7] },
  "copilot-1.0.102-refused": { calls: { both: 3, transcript: 1, hook: 0 }, prompts: 1, agents: [0, 0], requests: [3] },
  "copilot-1.0.102-resume": { calls: { both: 6, transcript: 0, hook: 0 }, prompts: 2, agents: [0, 0], requests: [3, 2] },
  "copilot-1.0.102-subagents": { calls: { both: 12, transcript: 0, hook: 0 }, prompts: 1, agents: [2, 2], requests: [8] },
  "copilot-1.0.102-tools": { calls: { both: 14, transcript: 0, hook: 0 }, prompts: 1, agents: [0, 0], requests: [8] },
  "copilot-1.0.102-twins": { calls: { both: 7, transcript: 1, hook: 0 }, prompts: 1, agents: [0, 0], requests: [4] },
  "copilot-1.0.24-twins": { calls: { both: 0, transcript: 8, hook: 0 }, prompts: 1, agents: [0, 0], requests: [4] },
  "copilot-1.0.55-resume": { calls: { both: 6, transcript: 0, hook: 0 }, prompts: 2, agents: [0, 0], requests: [3, 2] },
  "copilot-1.0.55-subagent": { calls: { both: 2, transcript: 4, hook: 0 }, prompts: 1, agents: [1, 1], requests: [5] },
  "copilot-1.0.55-twins": { calls: { both: 8, transcript: 0, hook: 0 }, prompts: 1, agents: [0, 0], requests: [4] },
  "copilot-1.0.80-resume": { calls: { both: 6, transcript: 0, hook: 0 }, prompts: 2, agents: [0, 0], requests: [3, 2] },
  "copilot-1.0.80-subagents": { calls: { both: 4, transcript: 8, hook: 0 }, prompts: 1, agents: [2, 2], requests: [8] },
  "qwen-0.15.10-subagent": { calls: { both: 2, transcript: 0, hook: 4 }, prompts: 1, agents: [1, 1], requests: [5] },
  "qwen-0.15.10-twins": { calls: { both: 8, transcript: 0, hook: 0 }, prompts: 1, agents: [0, 0], requests: [4] },
  "qwen-0.21.2-subagent": { calls: { both: 6, transcript: 0, hook: 0 }, prompts: 1, agents: [1, 1], requests: [5] },
  "qwen-0.21.2-twins": { calls: { both: 8, transcript: 0, hook: 0 }, prompts: 1, agents: [0, 0], requests: [4] },
  "qwen-0.24.4-background": { calls: { both: 12, transcript: 0, hook: 0 }, prompts: 1, agents: [2, 2], requests: [11] },
  "qwen-0.24.4-file": { calls: { both: 4, transcript: 0, hook: 0 }, prompts: 1, agents: [0, 0], requests: [3] },
  "qwen-0.24.4-interrupt": { calls: { both: 2, transcript: 0, hook: 0 }, prompts: 1, agents: [0, 0], requests: [1] },
  "qwen-0.24.4-nested": { calls: { both: 8, transcript: 0, hook: 0 }, prompts: 1, agents: [2, 2], requests: [7] },
  "qwen-0.24.4-refused": { calls: { both: 4, transcript: 8, hook: 0 }, prompts: 1, agents: [0, 0], requests: [7] },
  "qwen-0.24.4-resume": { calls: { both: 4, transcript: 4, hook: 0 }, prompts: 2, agents: [0, 0], requests: [3, 3] },
  "qwen-0.24.4-twins": { calls: { both: 8, transcript: 0, hook: 0 }, prompts: 1, agents: [0, 0], requests: [4] },
};

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
      assert.ok(Object.keys(state.tokens).every(model => model === "mock-model"), Object.keys(state.tokens).join());
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
