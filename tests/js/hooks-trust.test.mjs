import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { home, overlay } from "./support.mjs";

const { hashOf, hooksFileNames, readTrust } = overlay("codex-hooks-trust");

// What `hooks/list` of Codex 0.169.0 gave as `currentHash` for these.
const MEASURED = [
  ["PreToolUse", { matcher: "x" }, { command: "true", statusMessage: "hi <b> & \u2028 é" }, "9ca7218e5d96c863d1090ead148a984c6014d230459cde6c8eee9707dc7ce6a8"],
  ["PreToolUse", { matcher: "x" }, { command: "true", async: true, timeout: 0 }, "b27d57ce32a0bf4de2710b65565474d9175b4d5190a5ed75d2bfefa60a6ced42"],
  ["PreToolUse", {}, { command: 'node "/data dir/é/codex-hook-handler.js"', timeout: 5 }, "16a7ac0b6b48efdedb8c07b42e8a47c1191ac4218cb472556968154a50596da3"],
];

for (const [event, group, handler, hash] of MEASURED) {
  test(`the hash of ${event} ${JSON.stringify(handler)} is the one that Codex computes`, () => {
    assert.equal(hashOf(event, group, { type: "command", ...handler }, "linux"), `sha256:${hash}`);
  });
}

test("what Codex does not look at does not change the hash, and what it looks at does", () => {
  const hash = (group, handler, event = "PreToolUse", platform = "linux") => hashOf(event, group, handler, platform);
  const plain = hash({}, { command: "c" });
  assert.equal(hash({}, { command: "c", timeout: 600, commandWindows: "w", note: 1 }), plain);
  assert.notEqual(hash({ matcher: "" }, { command: "c" }), plain);
  assert.notEqual(hash({}, { command: "c", timeout: 5 }), plain);
  assert.notEqual(hash({}, { command: "c", statusMessage: "" }), plain);
  assert.equal(hash({}, { command: "c", commandWindows: "w" }, "PreToolUse", "win32"), hash({}, { command: "w" }));
  assert.equal(hash({ matcher: "x" }, { command: "c" }, "Stop"), hash({}, { command: "c" }, "Stop"));
  assert.equal(hash({}, { command: "c", timeout: 30 }, "SessionEnd"), hash({}, { command: "c", timeout: 3 }, "SessionEnd"));
  assert.equal(hash({}, { command: "c" }, "Interrupt"), hash({}, { command: "c", timeout: 1 }, "Interrupt"));
});

const EVENTS = ["SessionStart", "Stop", "SubagentStop", "SessionEnd", "Interrupt"];
const ENTRIES = EVENTS.map(event => ({ event, group: 0, index: 0 }));

/** A Codex home with a hook for each event, of which some are trusted. */
function trusting(t, trusted, more = "") {
  const dir = home(t);
  const hooks = Object.fromEntries(EVENTS.map(event => [event, [{ hooks: [{ type: "command", command: "c", timeout: 3 }] }]]));
  fs.writeFileSync(path.join(dir, "hooks.json"), JSON.stringify({ hooks }));
  const states = readTrust(ENTRIES).trust.entries.filter(entry => trusted.includes(entry.event));
  const text = states.map(({ key, hash }) => `[hooks.state.${JSON.stringify(key)}]\ntrusted_hash = '${hash}'\n`).join("\n");
  fs.writeFileSync(path.join(dir, "config.toml"), text + more);
  return dir;
}

const without = (...events) => EVENTS.filter(event => !events.includes(event));
const WORDS = [
  ["all of them", EVENTS, null, "trusted"],
  ["none", [], null, "untrusted"],
  ["all that 0.146 knows", without("Interrupt"), "0.146.0", "trusted"],
  ["all that 0.146 knows, now on 0.169", without("Interrupt"), "0.169.0", "partly"],
  ["all that an unknown Codex may know", without("Interrupt"), null, "trusted"],
  ["all that an older one may know", without("Interrupt", "SessionEnd"), null, "trusted"],
  ["the newest, and not the one before", without("SessionEnd"), null, "partly"],
  ["not one of the oldest", without("Stop"), null, "partly"],
  ["none, on a Codex that is older than trust", [], "0.124.0", "trusted"],
  ["none, on a version that says nothing", [], "nightly", "untrusted"],
];

for (const [what, trusted, version, word] of WORDS) {
  test(`trusted ${what}: ${word}`, t => {
    trusting(t, trusted);
    assert.equal(readTrust(ENTRIES, version).trust.state, word);
  });
}

test("settings that nobody can read make trust and flag unknown", t => {
  trusting(t, EVENTS, "\n[features\n");
  const { trust, feature, config } = readTrust(ENTRIES);
  assert.equal(trust.state, "unknown");
  assert.equal(feature.enabled, null);
  assert.match(config.problem, /^line \d+: /);
});

test("a home that is not there trusts nothing, and hooks are on by default", t => {
  process.env.CODEX_HOME = path.join(home(t), "nowhere");
  assert.deepEqual(readTrust([]), {
    feature: { enabled: true, key: null, old_name: false },
    trust: { state: "untrusted", entries: [] },
    config: { path: path.join(process.env.CODEX_HOME, "config.toml"), problem: null },
  });
  assert.equal(hooksFileNames()[0], path.join(process.env.CODEX_HOME, "hooks.json"));
});

test("nothing of Codex is written", t => {
  const dir = trusting(t, EVENTS);
  const before = fs.readdirSync(dir).map(name => [name, fs.readFileSync(path.join(dir, name), "utf8")]);
  readTrust(ENTRIES);
  assert.deepEqual(fs.readdirSync(dir).map(name => [name, fs.readFileSync(path.join(dir, name), "utf8")]), before);
});

test("a linked folder has two spellings: resolved where CODEX_HOME names it, as written otherwise", t => {
  const base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "linked-")));
  t.after(() => fs.rmSync(base, { recursive: true }));
  const kept = { CODEX_HOME: process.env.CODEX_HOME, HOME: process.env.HOME };
  t.after(() => {
    for (const [name, value] of Object.entries(kept)) value === undefined ? delete process.env[name] : (process.env[name] = value);
  });
  fs.mkdirSync(path.join(base, "real"));
  fs.symlinkSync(path.join(base, "real"), path.join(base, ".codex"));
  const [real, written] = ["real", ".codex"].map(name => path.join(base, name, "hooks.json"));
  process.env.CODEX_HOME = path.join(base, ".codex");
  assert.deepEqual(hooksFileNames(), [real, written]);
  delete process.env.CODEX_HOME;
  process.env.HOME = base;
  assert.deepEqual(hooksFileNames(), [written, real]);
});
