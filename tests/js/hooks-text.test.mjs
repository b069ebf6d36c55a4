import assert from "node:assert/strict";
import { test } from "node:test";
import { EVENTS, OURS, entries, foreignFile, handlersIn, isLeftOf, meaning, usedFile } from "./hooks-cases.mjs";
import { overlay } from "./support.mjs";

const { HooksTextError, entriesIn, install, namesHandler, uninstall } = overlay("codex-hooks-text");
const CASES = Number(process.env.HOOKS_CASES || 150);
const BASE = Number(process.env.HOOKS_SEED || 0);
const WANTED = entries();
const NAME = "codex-hook-handler.js";

const isExactlyOurs = handler => Boolean(handler) && handler.command === OURS;
const group = (command, more = {}) => ({ hooks: [{ type: "command", command }], ...more });
const file = hooks => JSON.stringify({ hooks }, null, 2);
const stop = groups => file({ Stop: groups });

/** What the file means without what we add, and without lists and objects that are empty then and were not there. */
function withoutOurs(value, original) {
  const hooks = value.hooks;
  for (const event of EVENTS) {
    hooks[event] = hooks[event].filter(each => !(each && Array.isArray(each.hooks) && each.hooks.length === 1 && isExactlyOurs(each.hooks[0])));
    if (!hooks[event].length && !Object.hasOwn(original.hooks || {}, event)) delete hooks[event];
  }
  if (!Object.keys(hooks).length && !Object.hasOwn(original, "hooks")) delete value.hooks;
  return value;
}

test(`enable, enable again, disable: ${CASES} random files come back to the byte`, () => {
  for (let seed = BASE; seed < BASE + CASES; seed += 1) {
    const original = foreignFile(seed);
    const enabled = install(original, WANTED);
    const { ours, others } = handlersIn(enabled, isExactlyOurs);
    assert.deepEqual([...ours.keys()].map(key => key.split(":")[0]).sort(), [...EVENTS].sort(), `seed ${seed}: ours once per event`);
    for (const { event, matcher, handler } of WANTED) {
      const { hooks } = meaning(enabled);
      assert.deepEqual(hooks[event].at(-1), matcher ? { matcher, hooks: [handler] } : { hooks: [handler] }, `seed ${seed}: last in ${event}`);
    }
    assert.deepEqual(others, handlersIn(original, isExactlyOurs).others, `seed ${seed}: places of the others`);
    assert.deepEqual(withoutOurs(meaning(enabled), meaning(original)), meaning(original), `seed ${seed}: everything else equal`);
    assert.ok(isLeftOf(original, enabled), `seed ${seed}: foreign bytes`);
    assert.equal(install(enabled, WANTED), enabled, `seed ${seed}: enabled again`);
    assert.equal(uninstall(enabled), original, `seed ${seed}: disabled`);
    assert.equal(uninstall(original), original, `seed ${seed}: nothing to disable`);
  }
});

test(`${CASES} files that older versions and people have been at: ours once per event, and no other handler moves`, () => {
  const named = handler => namesHandler(handler && handler.command);
  for (let seed = BASE; seed < BASE + CASES; seed += 1) {
    const before = usedFile(seed);
    const enabled = install(before, WANTED);
    const { ours, others } = handlersIn(enabled, named);
    const expected = handlersIn(before, named).others;
    assert.deepEqual([...ours.keys()].map(key => key.split(":")[0]).sort(), [...EVENTS].sort(), `seed ${seed}`);
    for (const [key, { matcher, handler }] of ours) {
      const wanted = WANTED.find(each => key.startsWith(`${each.event}:`));
      assert.deepEqual([matcher, handler.command, handler.timeout], [wanted.matcher, OURS, wanted.handler.timeout], `seed ${seed}: ${key}`);
    }
    const placed = known => [...known].filter(([, { handler }]) => !(handler && handler.removed));
    assert.deepEqual(new Map(placed(others)), expected, `seed ${seed}: places of the others`);
    assert.equal(install(enabled, WANTED), enabled, `seed ${seed}: enabled again`);
    const disabled = uninstall(enabled);
    const left = disabled === null ? { ours: new Map(), others: new Map() } : handlersIn(disabled, named);
    assert.equal(left.ours.size, 0, `seed ${seed}: none of ours left`);
    assert.deepEqual(new Map(placed(left.others)), expected, `seed ${seed}: places after disable`);
    if (disabled !== null) assert.equal(uninstall(disabled), disabled, `seed ${seed}: disabled again`);
  }
});

test("no file: one is made, and none is left", () => {
  const made = install(null, WANTED);
  assert.equal(made, `${JSON.stringify(meaning(made), null, 2)}\n`);
  assert.deepEqual(Object.keys(meaning(made).hooks), EVENTS);
  assert.equal(uninstall(made), null);
  assert.equal(uninstall(install(made, entries(`node "/moved/${NAME}"`))), null, "healed meanwhile");
  assert.equal(uninstall(null), null);
});

test("a file that we made and that somebody else wrote to stays", () => {
  const made = meaning(install(null, WANTED));
  const described = `${JSON.stringify({ description: "mine", ...made }, null, 2)}\n`;
  assert.deepEqual(meaning(uninstall(described)), { description: "mine" });
  const compact = JSON.stringify(made);
  assert.notEqual(uninstall(compact), null);
});

test("empty shells of the user stay, ours go", () => {
  for (const text of ["{}", "{ }\n", '{"hooks":{}}', '{\n  "hooks": {\n  }\n}\n', '{"hooks": {"PreToolUse": [], "Stop": [ ]}}']) {
    assert.equal(uninstall(install(text, WANTED)), text);
  }
});

test("what is added has the file's own indentation and line ending", () => {
  const tabbed = '{\r\n\t"hooks": {\r\n\t\t"Stop": [\r\n\t\t\t{\r\n\t\t\t\t"hooks": []\r\n\t\t\t}\r\n\t\t]\r\n\t}\r\n}';
  const enabled = install(tabbed, WANTED);
  assert.ok(!enabled.replaceAll("\r\n", "").includes("\n"));
  assert.match(enabled, /\r\n\t\t\t\{\r\n\t\t\t\t"hooks": \[\r\n\t\t\t\t\t\{\r\n\t\t\t\t\t\t"type": "command"/);
  assert.ok(!install('{"hooks":{"Stop":[{"hooks":[]}]}}', WANTED).includes("\n"));
});

test("a moved handler heals where it is, in the middle as well", () => {
  const old = `node "/old/${NAME}"`;
  const before = stop([group("a"), { ...group(old), note: 1 }, group("c")]);
  const healed = meaning(install(before, WANTED)).hooks.Stop;
  assert.deepEqual(healed, [group("a"), { hooks: [{ type: "command", command: OURS, timeout: 5 }], note: 1 }, group("c")]);
  assert.deepEqual(entriesIn(before).map(entry => [entry.event, entry.group, entry.index]), [["Stop", 1, 0]]);
});

test("a wrong matcher is put right in a group of our own, and left alone beside a foreign handler", () => {
  const alone = install(file({ SessionStart: [group(OURS, { matcher: "clear" })], Stop: [group(OURS, { matcher: "" })] }), WANTED);
  assert.equal(meaning(alone).hooks.SessionStart[0].matcher, "startup|resume");
  assert.ok(!Object.hasOwn(meaning(alone).hooks.Stop[0], "matcher"));
  const mixed = { matcher: "Bash", hooks: [{ type: "command", command: "a" }, { type: "command", command: OURS }] };
  const { PreToolUse } = meaning(install(file({ PreToolUse: [mixed] }), WANTED)).hooks;
  assert.deepEqual(PreToolUse[0], { matcher: "Bash", hooks: [{ type: "command", command: "a" }] });
  assert.equal(PreToolUse[1].hooks[0].command, OURS);
});

test("of two entries of ours the one that is right stays; what stands between them does not move", () => {
  const right = { hooks: [{ type: "command", command: OURS, timeout: 5 }] };
  const twice = stop([group(OURS.replace("/data", "/old")), group("a"), right, group("b")]);
  const { Stop } = meaning(install(twice, WANTED)).hooks;
  assert.deepEqual(Stop[0], { hooks: [], removed: NAME });
  assert.deepEqual([Stop[1], Stop[3]], [group("a"), group("b")]);
  assert.deepEqual(Stop[2], right);
  assert.equal(Stop.length, 4);
});

test("what the user put behind ours keeps its place when ours goes, and ours gets its own back", () => {
  const enabled = meaning(install(stop([group("front")]), WANTED));
  enabled.hooks.Stop.push(group("behind"));
  const text = JSON.stringify(enabled, null, 2);
  const disabled = uninstall(text);
  assert.deepEqual(meaning(disabled).hooks, { Stop: [group("front"), { hooks: [], removed: NAME }, group("behind")] });
  assert.equal(meaning(install(disabled, WANTED)).hooks.Stop[1].hooks[0].command, OURS, "the trust of its place is back");
  const alone = meaning(disabled);
  alone.hooks.Stop.pop();
  assert.deepEqual(meaning(uninstall(JSON.stringify(alone))).hooks, { Stop: [group("front")] }, "nothing behind: it goes");
});

test("a handler of ours before a foreign one in the same group leaves an inert one", () => {
  const text = stop([{ hooks: [{ type: "command", command: OURS }, { type: "command", command: "b" }] }]);
  const { Stop } = meaning(uninstall(text)).hooks;
  assert.deepEqual(Stop[0].hooks, [{ type: "command", command: "", removed: NAME }, { type: "command", command: "b" }]);
});

test("an entry in an event that we do not use is taken out", () => {
  const text = file({ PermissionRequest: [group("a"), group(OURS)] });
  assert.deepEqual(meaning(install(text, WANTED)).hooks.PermissionRequest, [group("a")]);
});

test("what a handler of ours has besides stays", () => {
  const handler = { statusMessage: "…", type: "command", command: "old", command_windows: `& 'C:\\${NAME}'`, timeout: 5 };
  const wanted = WANTED.map(each => ({ ...each, handler: { ...each.handler, commandWindows: "w" } }));
  const healed = meaning(install(stop([{ hooks: [handler] }]), wanted)).hooks.Stop[0].hooks[0];
  assert.deepEqual(healed, { ...handler, command: OURS, command_windows: "w" });
});

test("our handler's name is compared at its boundaries", () => {
  const yes = [
    `node "/a b/${NAME}"`, `node '/it'\\''s/${NAME}' Stop`, `node C:\\x\\${NAME}`, NAME, `x;${NAME}&`, `node "C:\\a b\\${NAME}"`,
    `& 'C:\\it''s\\${NAME}'`, `"$HOME"/${NAME}`, `node /a\\ b/${NAME}`,
  ];
  const no = [
    `my-${NAME}`, "node /x/hook-handler.js", `node "/x/my ${NAME}"`, `node /x/my\\ ${NAME}`, `/x/${NAME}.bak`, `/${NAME}/y`,
    `node "/x/${NAME} "`, "", null, undefined, 5, [NAME],
  ];
  assert.deepEqual(yes.filter(command => !namesHandler(command)), []);
  assert.deepEqual(no.filter(namesHandler), []);
});

test("Claude's handler is never ours, nor ours Claude's", () => {
  const claude = stop([group("node /x/scripts/hook-handler.js Stop")]);
  assert.deepEqual(entriesIn(claude), []);
  assert.equal(uninstall(claude), claude);
});

test("of keys that are there twice the last one counts", () => {
  const text = '{"hooks": {"Stop": 1}, "hooks": {"Stop": [], "Stop": [{"hooks": []}]}}';
  const enabled = install(text, WANTED);
  assert.equal(meaning(enabled).hooks.Stop.length, 2);
  assert.equal(uninstall(enabled), text);
});

test("a key that an earlier one hides behind is not taken away", () => {
  const text = `{\n "hooks": {\n  "Stop": [{"hooks": [1]}],\n  "Stop": [\n   ${JSON.stringify(group(OURS))}\n  ]\n }\n}`;
  assert.deepEqual(meaning(uninstall(text)).hooks.Stop, []);
});

const refused = [
  ["", "not-json"], ["{", "not-json"], ["{'a': 1}", "not-json"], ['{"a": 1,}', "not-json"], ["// x\n{}", "not-json"],
  ["[]", "not-object"], ["null", "not-object"], ['"hooks"', "not-object"],
  ['{"hooks": []}', "hooks-not-object"], ['{"hooks": null}', "hooks-not-object"],
  ['{"hooks": {"Stop": {}}}', "event-not-list"], ['{"hooks": {"Stop": null}}', "event-not-list"],
];
for (const [text, code] of refused) {
  test(`${JSON.stringify(text)} is refused: ${code}`, () => {
    assert.throws(() => install(text, WANTED), error => error instanceof HooksTextError && error.code === code);
  });
}

test("an event of somebody else may be anything", () => {
  const text = '{"hooks": {"Later": {"a": 1}}}';
  assert.equal(uninstall(install(text, WANTED)), text);
});

test("depth and size are no problem", () => {
  const deep = `{"x": ${"[".repeat(50000)}${"]".repeat(50000)}, "hooks": {}}`;
  assert.equal(uninstall(install(deep, WANTED)), deep);
  const wide = file({ Stop: Array.from({ length: 2000 }, (_, index) => group(`echo ${index}`)) });
  assert.equal(uninstall(install(wide, WANTED)), wide);
});
