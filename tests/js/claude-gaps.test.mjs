/** What a Claude session's transcript tells while no hook does: each prompt and each call once, whoever comes first. */

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { beforeEach, test } from "node:test";
import { addSession, db, overlay, reset, rows, sent, session, temporary, text } from "./support.mjs";

/** Upstream's modules, as far as they are asked: what they were asked is in `asked`. */
const STUBS = {
  "scripts/import-history.js": `
    const path = require("node:path");
    exports.asked = [];
    exports.parseSessionFile = async file => ({ id: path.basename(file, ".jsonl") });
    exports.importSession = ({ db }, { id }) => exports.asked.push("import") && exports.make(db, id);
    exports.scanAndImportSubagents = async () => exports.asked.push("children") && { imported: exports.children };
    exports.writeSessionTokens = (_, id, tokens) => exports.asked.push(tokens);`,
  "server/routes/hooks.js": `exports.transcriptCache = { extract: () => ({ tokensByModel: "tokens", latestModel: "m" }) };`,
};
for (const [name, content] of Object.entries(STUBS)) {
  const file = path.join(process.env.SIDECAR_TREE, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, content);
}
const upstream = overlay("../../scripts/import-history");
const { stmts } = overlay("../db");
stmts.updateSessionModel = db.prepare("UPDATE sessions SET model = ? WHERE id = ? AND COALESCE(model, '') <> ?");
stmts.insertAgent = {
  run: (id, owner, name, type, kind, status, _task, parent) =>
    db.prepare("INSERT INTO agents (id, session_id, name, type, subagent_type, status, parent_agent_id) VALUES (?, ?, ?, ?, ?, ?, ?)")
      .run(id, owner, name, type, kind, status, parent),
};
const { heard, tellsCalls, transcripts } = overlay("claude-gaps");
const { eventsOf } = overlay("claude-transcript");
const { ensureTables } = overlay("agent-cli/checkpoints");

const clock = Date.now;
let number = 0;
let id = "";
const main = () => `${id}-main`;

beforeEach(t => {
  reset();
  ensureTables();
  db.exec("DELETE FROM agent_transcripts");
  number += 1;
  id = `0c1a0de3-0000-4000-8000-${String(number).padStart(12, "0")}`; // what is kept of a session outlives a test
  Object.assign(upstream, { children: 0, make: (_, made) => addSession(made) });
  upstream.asked.length = 0;
  t.after?.(() => (Date.now = clock));
  Date.now = clock;
});

const later = ms => (Date.now = () => clock() + ms);
const transcript = t => path.join(temporary(t), `${id}.jsonl`);
const line = (type, content, more = {}) => ({
  type, timestamp: new Date(clock()).toISOString(), sessionId: id, cwd: "/p", promptId: "p1", message: { role: type, content }, ...more,
});
const prompt = (said, more) => line("user", said, more);
const use = (call, more, name = "Bash", input = { command: call }) => line("assistant", [{ type: "tool_use", id: call, name, input }], more);
const result = (call, more = {}, block = {}) =>
  line("user", [{ type: "tool_result", tool_use_id: call, content: `of ${call}`, ...block }], { toolUseResult: { stdout: call }, ...more });
const write = (file, lines, flag = "a") => fs.writeFileSync(file, text(lines), { flag });
const read = (file, stopped = () => false) => transcripts.importTranscript(transcripts, { file, stamp: "s" }, stopped);
const hook = (event, fields = {}, agent = main()) => heard({ session_id: id, ...fields }, event, agent);
const insert = (event, data, { agent = main(), tool = "Bash", at = new Date(clock()).toISOString() } = {}) =>
  db.prepare("INSERT INTO events (session_id, agent_id, event_type, tool_name, data, created_at) VALUES (?, ?, ?, ?, ?, ?)")
    .run(id, agent, event, tool, JSON.stringify(data), at);
const told = () => rows().map(({ event_type, data }) => `${event_type} ${data.tool_use_id ?? data.prompt ?? "?"}`).sort();

test("a line has the prompt, the calls or the ends that are in it", () => {
  const [said] = eventsOf(prompt("look\nat it"), id);
  assert.deepEqual([said.type, said.fields.prompt, said.fields.prompt_id, said.fields.cwd], ["UserPromptSubmit", "look\nat it", "p1", "/p"]);
  assert.equal(eventsOf(prompt([{ type: "text", text: "one" }, { type: "image" }, { type: "text", text: "two" }]), id)[0].fields.prompt, "one\ntwo");
  assert.deepEqual(eventsOf(use("c1"), id)[0].fields.tool_input, { command: "c1" });
  const [end] = eventsOf(result("c1"), id);
  assert.deepEqual([end.type, end.fields.hook_event_name, end.fields.tool_response], ["PostToolUse", "PostToolUse", { stdout: "c1" }]);
  const [failed] = eventsOf(result("c1", {}, { is_error: true }), id);
  assert.deepEqual([failed.type, failed.fields.hook_event_name, failed.fields.error], ["PostToolUse", "PostToolUseFailure", "of c1"]);
  const two = [1, 2].map(each => ({ type: "tool_result", tool_use_id: `c${each}`, content: each }));
  assert.deepEqual(eventsOf(line("user", two, { toolUseResult: "of one" }), id).map(each => each.fields.tool_response), [1, 2]);
});

test("what is not of this session's user or main agent has no event", () => {
  const not = [
    null, 7, {}, { type: "user" }, prompt(""), prompt([]), prompt(null), prompt("x", { timestamp: "no time" }), prompt("x", { message: null }),
    ...["isMeta", "isSidechain", "isCompactSummary"].map(key => prompt("x", { [key]: true })),
    prompt("x", { forkedFrom: {} }), prompt("x", { sessionId: "another" }), prompt("x", { type: "system" }),
    ...["<command-name>/clear</command-name>", "<local-command-stdout>", "<bash-input>ls</bash-input>", "<task-notification>\nx", "[Request interrupted by user]"].map(each => prompt(each)),
    line("assistant", "text"), line("assistant", [null, { type: "tool_use" }, { type: "text", text: "x" }]),
  ];
  for (const each of not) assert.deepEqual(eventsOf(each, id), [], JSON.stringify(each));
  assert.equal(eventsOf(prompt("<b>bold</b> [Request"), id).length, 1, "a user may type that");
});

test("a value that is long is cut", () => {
  const long = "x".repeat(60_000);
  const [{ fields }] = eventsOf(use("c1", {}, "Write", { content: long }), id);
  assert.ok(fields.tool_input._truncated && JSON.stringify(fields).length < 51_000 * 2);
  assert.ok(eventsOf(result("c1", { toolUseResult: long }), id)[0].fields.tool_response.endsWith("[truncated]"));
});

test("a session without hooks: upstream makes it, and its rows of calls are replaced by ours", async t => {
  const file = transcript(t);
  write(file, [prompt("do"), use("c1"), result("c1"), use("open")]);
  upstream.make = (_, made) => {
    addSession(made);
    insert("PostToolUse", { imported: true });
    insert("Stop", { imported: true });
  };
  assert.equal(await read(file), false, "the lines are young");
  assert.deepEqual([told(), upstream.asked], [[], []]);
  later(5000);
  assert.equal(await read(file), true);
  assert.deepEqual(told(), ["PostToolUse c1", "PreToolUse c1", "PreToolUse open", "Stop ?", "UserPromptSubmit do"]);
  const end = rows().find(row => row.event_type === "PostToolUse");
  assert.deepEqual([end.tool_name, end.summary, end.agent_id, end.data.tool_input], ["Bash", "Tool completed: Bash", main(), { command: "c1" }]);
  assert.deepEqual([upstream.asked, session(id).model], [["import", "children", "tokens"], "m"]);
  assert.equal(sent.filter(([type]) => type === "new_event").length, 4);
  const { consumed, stamp } = db.prepare("SELECT consumed, stamp FROM agent_transcripts").get();
  assert.deepEqual([consumed, stamp], [fs.statSync(file).size, "s"]);

  write(file, [result("open"), prompt("do", { promptId: "p2" })]);
  later(10_000);
  assert.equal(await read(file), true);
  assert.equal(rows().find(row => row.data.tool_use_id === "open" && row.event_type === "PostToolUse").data.tool_input.command, "open");
  assert.equal(told().filter(each => each === "UserPromptSubmit do").length, 2, "the same again, later");
  await read(file);
  db.exec("DELETE FROM agent_transcripts");
  await read(file);
  assert.equal(rows().length, 7, "read again from its start");
});

test("upstream counts the tokens of an imported session with sub-agents itself", async t => {
  const file = transcript(t);
  upstream.children = 1;
  addSession(id);
  db.prepare("UPDATE sessions SET metadata = ? WHERE id = ?").run('{"imported":true}', id);
  write(file, [prompt("do")]);
  later(5000);
  await read(file);
  assert.deepEqual(upstream.asked, ["children"]);
});

test("what happens from the first hook on is the hooks' to tell", async t => {
  const file = transcript(t);
  addSession(id);
  write(file, [prompt("before"), use("c1")]);
  later(100);
  hook("PreToolUse", { tool_use_id: "c0" });
  write(file, [use("c2", { timestamp: new Date(Date.now() + 5).toISOString() }), prompt("after", { timestamp: new Date(Date.now() + 5).toISOString() })]);
  later(5000);
  assert.equal(await read(file), true);
  assert.deepEqual(told(), ["PreToolUse c1", "UserPromptSubmit before"]);
  assert.ok(tellsCalls(id));
  hook("PreToolUse", { tool_use_id: "c1" });
  assert.deepEqual(told(), ["UserPromptSubmit before"]);
});

test("what a hook has told is not told again", async t => {
  const file = transcript(t);
  addSession(id);
  insert("UserPromptSubmit", { prompt: "do", prompt_id: "p1" }, { tool: null });
  insert("UserPromptSubmit", { prompt: "old" }, { tool: null });
  insert("PreToolUse", { tool_use_id: "c1", tool_input: { command: "c1" } });
  write(file, [prompt("do"), prompt("do", { promptId: "p2" }), prompt("old", { promptId: undefined }), use("c1"), result("c1")]);
  later(5000);
  await read(file);
  assert.deepEqual(told(), ["PostToolUse c1", "PreToolUse c1", "UserPromptSubmit do", "UserPromptSubmit do", "UserPromptSubmit old"]);
});

test("where the hooks of an old Claude Code do not name their calls, no call is told twice", async t => {
  const file = transcript(t);
  addSession(id);
  insert("PreToolUse", { tool_name: "Bash" });
  insert("PostToolUse", { imported: true });
  write(file, [prompt("do"), use("c1"), result("c1")]);
  later(5000);
  await read(file);
  assert.deepEqual(told(), ["PostToolUse ?", "PreToolUse ?", "UserPromptSubmit do"]);
});

test("a hook that comes after its transcript takes the place of the row, and of no other", async t => {
  const file = transcript(t);
  addSession(id);
  write(file, [prompt("do"), prompt("do", { promptId: "p2" }), prompt("old", { promptId: undefined }), use("c1"), use("c2"), result("c1")]);
  later(5000);
  await read(file);
  assert.equal(rows().length, 6);
  hook("PreToolUse", { tool_use_id: "c1" });
  hook("PreToolUse", { tool_use_id: "c1" });
  hook("UserPromptSubmit", { prompt: "do", prompt_id: "p2" });
  hook("UserPromptSubmit", { prompt: "do", prompt_id: "p3" });
  assert.deepEqual(told(), ["PostToolUse c1", "PreToolUse c2", "UserPromptSubmit do", "UserPromptSubmit old"]);
  for (const data of [{}, { tool_use_id: 7 }, { prompt: null }, { tool_use_id: "c2", __provider: "codex" }, { session_id: 7 }]) {
    for (const event of ["PreToolUse", "UserPromptSubmit", "Stop"]) hook(event, data);
  }
  assert.equal(rows().length, 4);
  later(120_000);
  hook("UserPromptSubmit", { prompt: "old" });
  assert.equal(rows().length, 4, "the same prompt, a minute later");
  later(10_000);
  hook("UserPromptSubmit", { prompt: "old" });
  assert.equal(rows().length, 3);
});

test("lines that are older than the file are copies; a file of another name, and what is no file, are left alone", async t => {
  const file = transcript(t);
  write(file, [prompt("copied", { timestamp: "2026-01-01T00:00:00.000Z" }), prompt("own")]);
  later(5000);
  await read(file);
  assert.deepEqual(told(), ["UserPromptSubmit own"]);
  const other = path.join(path.dirname(file), "agent-a1.jsonl");
  write(other, [prompt("x")]);
  assert.equal(await read(other), true);
  await assert.rejects(read(path.join(path.dirname(file), "0c1a0de3-0000-4000-8000-000000000000.jsonl")), { code: "ENOENT" });
  assert.equal(rows().length, 1);
});

test("history stays as upstream imports it: what was last written more than a week ago is not read", async t => {
  const file = transcript(t);
  write(file, [prompt("old")]);
  later(7 * 24 * 60 * 60 * 1000 + 5000);
  assert.equal(await read(file), true);
  assert.deepEqual([told(), upstream.asked], [[], []]);
  later(6 * 24 * 60 * 60 * 1000);
  assert.equal(await read(file), true);
  assert.deepEqual(told(), ["UserPromptSubmit old"]);
});

test("a long transcript is read in batches, until it is stopped", async t => {
  const file = transcript(t);
  const calls = Array.from({ length: 1200 }, (_, each) => `c${each}`);
  write(file, calls.flatMap(call => [use(call), result(call)]));
  later(60_000);
  assert.equal(await read(file, () => true), false);
  assert.equal(await read(file), true);
  assert.equal(rows().length, 2400);
  assert.ok(rows("event_type = 'PostToolUse'").every(row => row.data.tool_input.command === row.data.tool_use_id));
});

// --- sub-agents -------------------------------------------------------------------------------------------------

const agents = () => db.prepare("SELECT id, name FROM agents WHERE type = 'subagent'").all();
const spawns = call => use(call, {}, "Agent", { description: "look around", subagent_type: "Explore", prompt: "look" });

test("a call that spawns a sub-agent is that one's, which is made unless it is there", async t => {
  const file = transcript(t);
  addSession(id);
  const call = spawns("s1");
  write(file, [call, spawns("s2"), spawns("s3")]);
  const add = (agent, data, at) => {
    db.prepare("INSERT INTO agents (id, session_id, name, type) VALUES (?, ?, ?, 'subagent')").run(agent, id, agent);
    insert("PreToolUse", { imported: true, subagent_type: "Explore", ...data }, { agent: data.subagent_id ? main() : agent, tool: "Agent", at });
  };
  add("by-time", {}, call.timestamp);
  add(`${id}-jsonl-a2`, { subagent_id: `${id}-jsonl-a2`, source: "subagent_jsonl" }, "2026-11-26T00:00:00.000Z");
  const folder = path.join(path.dirname(file), id, "subagents");
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, "agent-a2.jsonl"), "");
  fs.writeFileSync(path.join(folder, "agent-a2.meta.json"), '{"toolUseId":"s2"}');
  later(5000);
  await read(file);
  assert.deepEqual(rows().map(row => [row.data.tool_use_id, row.agent_id]), [["s1", "by-time"], ["s2", `${id}-jsonl-a2`], ["s3", `${id}-spawn-s3`]]);
  assert.ok(rows().every(row => row.summary === "Subagent spawned: look around"));
  assert.equal(agents().length, 3);

  insert("PreToolUse", { tool_use_id: "of the sub-agent" }, { agent: "by-time" });
  db.prepare("INSERT INTO agents (id, session_id, name, type) VALUES ('by-hook', ?, 'look around', 'subagent')").run(id);
  hook("PreToolUse", { tool_use_id: "s1" }, "by-hook");
  assert.deepEqual(agents().map(each => each.id).includes("by-time"), false);
  assert.equal(rows().find(row => row.data.tool_use_id === "of the sub-agent").agent_id, "by-hook");
});
