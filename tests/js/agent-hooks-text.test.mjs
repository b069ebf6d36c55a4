import assert from "node:assert/strict";
import { test } from "node:test";
import { meaning, settings } from "./agent-hooks-cases.mjs";
import { isLeftOf } from "./hooks-cases.mjs";
import { overlay } from "./support.mjs";

const { agents, entriesOf } = overlay("agent-hooks/agents");
const { eventsIn, install, uninstall } = overlay("agent-hooks/settings-file");
const CASES = Number(process.env.AGENT_HOOKS_FILES || 150);
const BASE = Number(process.env.AGENT_HOOKS_SEED || 0);
const oursOf = agent => ({ handler: agent.handler, entries: entriesOf(agent) });
const SETTINGS = agents().filter(({ shape }) => shape === "settings");

/** What a file means without the groups that end in `ours`, and without what is empty then and was not there. */
function without(value, original, ours) {
  const { hooks } = value;
  for (const { event, handler } of ours.entries) {
    assert.deepEqual(hooks[event].pop(), { hooks: [handler] }, `last in ${event}`);
    if (!hooks[event].length && !Object.hasOwn(original.hooks ?? {}, event)) delete hooks[event];
  }
  if (!Object.keys(hooks).length && !Object.hasOwn(original, "hooks")) delete value.hooks;
  return value;
}

for (const agent of SETTINGS) {
  const ours = oursOf(agent);
  test(`${agent.title}: enable, enable again, disable: ${CASES} random files with comments come back to the byte`, () => {
    for (let seed = BASE; seed < BASE + CASES; seed += 1) {
      const original = settings(seed);
      const enabled = install(original, ours);
      const shown = `seed ${seed}\n${original}\n----\n${enabled}`;
      assert.deepEqual(without(meaning(enabled), meaning(original), ours), meaning(original), shown);
      assert.ok(isLeftOf(original, enabled), `foreign bytes: ${shown}`);
      assert.deepEqual(eventsIn(enabled, ours).current.sort(), agent.events.toSorted(), shown);
      assert.equal(install(enabled, ours), enabled, `enabled again: ${shown}`);
      assert.equal(uninstall(enabled, ours), original, `disabled: ${shown}`);
      assert.equal(uninstall(original, ours), original, `nothing to disable: ${shown}`);
    }
  });

  test(`${agent.title}: an older version's entries are put right, and nothing else moves: ${CASES} files`, () => {
    const older = { handler: ours.handler, entries: ours.entries.slice(2).map(each => ({ ...each, handler: { ...each.handler, timeout: 1 } })) };
    for (let seed = BASE; seed < BASE + CASES; seed += 1) {
      const original = settings(seed);
      const before = install(original, older);
      const enabled = install(before, ours);
      assert.deepEqual(without(meaning(enabled), meaning(original), ours), meaning(original), `seed ${seed}`);
      assert.equal(uninstall(enabled, ours), original, `seed ${seed}\n${original}\n---\n${enabled}\n---\n${uninstall(enabled, ours)}`);
    }
  });
}
