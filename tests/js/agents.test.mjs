/** Sessions of agents by hooks and transcripts: each event once, whoever reports it first and however often. */

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { beforeEach, test } from "node:test";
import { addSession, at, db, deliver, overlay, reset, rows, sent, session, temporary, text } from "./support.mjs";

const { importTranscript } = overlay("agent-cli/importer");
const { ensureTables } = overlay("agent-cli/checkpoints");

/** A reader of a made-up agent: a record is an event, or facts of the session. It stands for those of the rows. */
const reader = {
  provider: "qwen",
  folder: (_, home) => home,
  files: ["*.jsonl"],
  isWhole: name => name.endsWith(".json"),
  begin: () => ({
    session: { id: null, agent_id: null, agent_type: null, agent_name: null, parent_agent_id: null, cwd: null, model: null, title: null, started_at: null, last_at: null, turn_open: false, ended: false },
    tokens: {},
    own: {},
  }),
  take(state, { facts = {}, tokens, events = [] }) {
    Object.assign(state.session, facts);
    if (tokens) state.tokens = tokens;
    return events;
  },
};

const calls = (own, input = { a: 1 }, phase = "PreToolUse") => ({
  event_type: phase, own, tool_use_id: own, tool_name: "Bash", tool_input: input, data: { tool_use_id: own }, created_at: at(10),
});
const hook = (timestamp, more = {}) =>
  deliver({ session_id: "s", hook_event_name: "PreToolUse", tool_name: "Bash", tool_input: { a: 1 }, timestamp, ...more }, "qwen");

beforeEach(() => {
  reset();
  ensureTables();
  db.exec("DELETE FROM agent_slots; DELETE FROM agent_transcripts");
});

async function importRecords(dir, records, { name = "s.jsonl", mode = "a" } = {}) {
  const file = path.join(dir, name);
  const facts = { facts: { id: "s", cwd: "/p/demo", started_at: at(0), last_at: at(20) } };
  fs.writeFileSync(file, text([facts, ...records]), { flag: mode });
  const { size, mtimeMs } = fs.statSync(file);
  assert.equal(await importTranscript(reader, { file, path: name, stamp: `${size} ${mtimeMs}` }), true);
  return file;
}

test("equal calls without an identifier are joined by their order", async t => {
  hook(at(1));
  hook(at(2));
  await importRecords(temporary(t), [{ events: [calls("c1"), calls("c2"), calls("c3")] }]);
  assert.deepEqual(rows().map(row => row.capture).sort(), ["both", "both", "rollout"]);
  assert.deepEqual(rows("capture = 'both'").map(row => row.data.tool_use_id).sort(), ["c1", "c2"]);
});

test("an identifier joins exactly, whatever the order and the arguments", async t => {
  hook(at(1), { tool_use_id: "c2" });
  await importRecords(temporary(t), [{ events: [calls("c1"), calls("c2", { other: "arguments" })] }]);
  assert.deepEqual(rows().map(row => [row.data.tool_use_id, row.capture]).sort(), [["c1", "rollout"], ["c2", "both"]]);
  hook(at(5), { tool_use_id: "c1" });
  assert.deepEqual(rows().map(row => row.capture), ["both", "both"]);
});

test("arguments are equal in any order of their keys, and as text that holds them", async t => {
  hook(at(1), { tool_input: { b: { d: 1, c: [{ y: 1, x: 2 }] }, a: 2 } });
  hook(at(2), { tool_input: '{"z":1,"y":2}' });
  await importRecords(temporary(t), [{ events: [calls("c1", { a: 2, b: { c: [{ x: 2, y: 1 }], d: 1 } }), calls("c2", { y: 2, z: 1 })] }]);
  assert.deepEqual(rows().map(row => row.capture), ["both", "both"]);
});

test("a hook that is delivered twice is one event; a later one that is equal is another", () => {
  hook(at(1));
  hook(at(1));
  hook(at(2));
  deliver({ session_id: "s", hook_event_name: "Stop", timestamp: at(3) }, "qwen");
  deliver({ session_id: "s", hook_event_name: "Stop", timestamp: at(3) }, "qwen");
  assert.deepEqual(rows().map(row => row.event_type).sort(), ["PreToolUse", "PreToolUse", "Stop"]);
});

test("a file that is read again, cut short or copied adds nothing", async t => {
  const dir = temporary(t);
  const records = [{ events: [calls("c1"), calls("c1", { a: 1 }, "PostToolUse")] }];
  await importRecords(dir, records);
  await importRecords(dir, [], { mode: "a" });
  await importRecords(dir, records, { mode: "w" });
  await importRecords(dir, records, { name: "copy.jsonl" });
  await importRecords(dir, records, { mode: "a" });
  assert.equal(rows().length, 2);
});

test("only what is new is read: the state is kept with the rows", async t => {
  const dir = temporary(t);
  await importRecords(dir, [{ events: [calls("c1")] }]);
  const file = await importRecords(dir, [{ events: [calls("c2")] }]);
  const { consumed, state } = db.prepare("SELECT consumed, state FROM agent_transcripts WHERE path = ?").get(file);
  assert.equal(Number(consumed), fs.statSync(file).size);
  assert.equal(JSON.parse(state).session.id, "s");
  assert.equal(rows().length, 2);
});

test("a session is stamped with its harness, and has its folder, model and tokens", async t => {
  const tokens = { "m-1": { input: 10, output: 5, cache_read: 2, cache_write: 1 } };
  await importRecords(temporary(t), [{ facts: { model: "m-1", title: "Say hello" }, tokens, events: [calls("c1")] }]);
  const { harness, cwd, model, name, started_at: startedAt } = session("s");
  assert.deepEqual([harness, cwd, model, name, startedAt], ["qwen", "/p/demo", "m-1", "Say hello", at(0)]);
  const usage = db.prepare("SELECT model, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens FROM token_usage").all();
  assert.deepEqual(usage.map(row => Object.values(row)), [["m-1", 10, 5, 2, 1]]);
});

test("a name that the user has chosen stays", async t => {
  addSession("s", { harness: "qwen" });
  db.exec("UPDATE sessions SET name = 'mine'");
  await importRecords(temporary(t), [{ facts: { title: "Say hello" }, events: [calls("c1")] }]);
  assert.equal(session("s").name, "mine");
});

test("what the user has deleted does not come back, what is new does", async t => {
  const dir = temporary(t);
  const tokens = count => ({ "m-1": { input: count, output: 0, cache_read: 0, cache_write: 0 } });
  hook(at(1));
  await importRecords(dir, [{ tokens: tokens(10), events: [calls("c1"), calls("c2")] }]);
  db.exec("DELETE FROM sessions");
  await importRecords(dir, [{ events: [calls("c1"), calls("c2")] }], { mode: "w" });
  assert.equal(session("s"), undefined);
  await importRecords(dir, [{ tokens: tokens(15), events: [calls("c3")] }]);
  assert.deepEqual(rows().map(row => row.data.tool_use_id), ["c3"]);
  assert.equal(Number(db.prepare("SELECT input_tokens FROM token_usage").get().input_tokens), 5);
});

test("a sub-agent's calls are its own, and it ends", async t => {
  const start = { event_type: "SubagentStart", own: "a1", agent_id: "a1", agent_type: "explore", data: {}, created_at: at(5) };
  const call = { ...calls("c1"), agent_id: "a1" };
  const stop = { ...start, event_type: "SubagentStop" };
  await importRecords(temporary(t), [{ events: [start, call, stop, calls("c2")] }]);
  deliver({ session_id: "s", agent_id: "a1", agent_type: "explore", hook_event_name: "PreToolUse", tool_name: "Bash", tool_input: { a: 1 }, timestamp: at(9) }, "qwen");
  assert.deepEqual(rows("event_type = 'PreToolUse'").map(row => [row.agent_id, row.capture]).sort(), [["s-main", "rollout"], ["s:a1", "both"]]);
  const { status, parent_agent_id: parent } = db.prepare("SELECT * FROM agents WHERE id = 's:a1'").get();
  assert.deepEqual([status, parent], ["completed", "s-main"]);
});

test("a transcript that is rewritten as a whole is read anew, and half of one is not read", async t => {
  const file = path.join(temporary(t), "s.json");
  const whole = count => JSON.stringify({ facts: { id: "s", last_at: at(9) }, events: [..."abc"].slice(0, count).map(own => calls(own)) });
  const look = async content => {
    fs.writeFileSync(file, content);
    return importTranscript(reader, { file, path: "s.json", stamp: content });
  };
  assert.equal(await look(whole(1)), true);
  assert.equal(await look(whole(2).slice(0, -5)), false);
  assert.equal(await look(whole(3)), true);
  assert.equal(rows().length, 3);
});

test("an old session is over; one of now goes on until it says that it ends", async t => {
  const now = new Date().toISOString();
  await importRecords(temporary(t), [{ events: [calls("c1")] }]);
  assert.equal(session("s").status, "completed");
  const dir = temporary(t);
  await importRecords(dir, [{ facts: { last_at: now, turn_open: true }, events: [calls("c2")] }]);
  assert.equal(session("s").status, "active");
  await importRecords(dir, [{ facts: { last_at: now, ended: true, turn_open: false }, events: [calls("c3")] }]);
  assert.equal(session("s").status, "completed");
});

test("clients hear of new events once, and not of what happened long ago", async t => {
  const dir = temporary(t);
  const file = await importRecords(dir, [{ events: [calls("c1")] }]);
  assert.equal(sent.filter(([type]) => type === "new_event").length, 1);
  fs.writeFileSync(file, text([{ events: [calls("c2")] }]), { flag: "a" });
  fs.utimesSync(file, 1, 1);
  await importTranscript(reader, { file, path: "s.jsonl", stamp: "old" });
  assert.equal(sent.filter(([type]) => type === "new_event").length, 1);
});

test("a reader that fails on a record costs no other", async t => {
  const failing = { ...reader, take: (state, record) => (record.bad ? null.x : reader.take(state, record)) };
  const file = path.join(temporary(t), "s.jsonl");
  fs.writeFileSync(file, text([{ facts: { id: "s" } }, { bad: 1 }, "not json", "null", "5", { events: [calls("c1")] }]));
  assert.equal(await importTranscript(failing, { file, path: "s.jsonl", stamp: "1" }), true);
  assert.equal(rows().length, 1);
});
