import assert from "node:assert/strict";
import { test } from "node:test";
import { meaning, settings } from "./agent-hooks-cases.mjs";
import { isLeftOf, random } from "./hooks-cases.mjs";
import { overlay } from "./support.mjs";

const { bare } = overlay("json-text");
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

/** A meaning without the lists of events that are empty, and without `hooks` when nothing is in it. */
function full({ hooks = {}, ...rest }) {
  return [rest, Object.fromEntries(Object.entries(hooks).filter(([, groups]) => !Array.isArray(groups) || groups.length))];
}

/** Where a comment may stand outside of the groups of events: behind a bracket that opens or a comma, before one that closes. */
function placesAround(text) {
  let depth = 0;
  const places = [];
  for (const { 0: token, index } of bare(text).matchAll(/"(?:\\[^]|[^"\\])*"|[[{,\]}]/g)) {
    if ("[{".includes(token)) depth += 1;
    if (token[0] !== '"' && depth <= 3) places.push("]}".includes(token) ? index : index + 1);
    if ("]}".includes(token)) depth -= 1;
  }
  return places;
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

  test(`${agent.title}: comments that the user writes between ours stay when ours go: ${CASES} files`, () => {
    for (let seed = BASE; seed < BASE + CASES; seed += 1) {
      const original = settings(seed);
      const enabled = install(original, ours);
      const next = random(seed);
      const places = placesAround(enabled);
      let edited = enabled;
      let added = 0;
      for (const at of places.reverse()) {
        if (next() > 0.1) continue;
        added += 1;
        const comment = next() < 0.5 ? `/* user${added}. */` : `// user${added}.\n`;
        edited = edited.slice(0, at) + comment + edited.slice(at);
      }
      const left = uninstall(edited, ours);
      const shown = `seed ${seed}\n${edited}\n---\n${left}`;
      for (let each = 1; each <= added; each += 1) assert.ok(left.includes(`user${each}.`), `comment ${each}: ${shown}`);
      assert.ok(!left.includes(`/${ours.handler}\\"`), shown);
      assert.deepEqual(full(meaning(left)), full(meaning(original)), shown);
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

test("what is nested beyond the stack is refused, as what cannot be edited", () => {
  const ours = oursOf(SETTINGS[0]);
  const text = `{"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}`;
  assert.throws(() => install(text, ours), { code: "not-safe" });
  assert.equal(uninstall(text, ours), text);
});
