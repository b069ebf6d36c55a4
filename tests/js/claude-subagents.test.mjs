/** Whose a tool call of a Claude session is, and that it is told once: by its hook, by the transcript, by both. */

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { beforeEach, test } from "node:test";
import { addSession, db, overlay, reset, rows, temporary, warnings } from "./support.mjs";

const { ownerOf, rememberCall, spawnedBy, told } = overlay("claude-subagents");
const SESSION = "0c1a0de0-0000-4000-8000-000000000001";
const MAIN = `${SESSION}-main`;

beforeEach(() => {
  reset();
  told(db, SESSION).get("nobody", "PreToolUse", "%nothing%"); // forgets what was imported before
});

/** A session with sub-agents, each spawned by a call of `Agent`; and where its transcript is. */
function started(t, ...names) {
  const folder = temporary(t);
  addSession(SESSION);
  for (const name of names) {
    const insert = "INSERT INTO agents (id, session_id, name, type, subagent_type, status) VALUES (?, ?, ?, ?, ?, ?)";
    db.prepare(insert).run(`row-${name}`, SESSION, name, "subagent", "general-purpose", "working");
    record(`row-${name}`, "PreToolUse", { tool_use_id: `spawn-${name}` }, "Agent");
  }
  return path.join(folder, `${SESSION}.jsonl`);
}

function record(agentId, type, data, tool = "Bash") {
  db.prepare("INSERT INTO events (session_id, agent_id, event_type, tool_name, data) VALUES (?, ?, ?, ?, ?)").run(
    SESSION, agentId, type, tool, JSON.stringify(data),
  );
}

const imported = (agentId, type, call) => record(agentId, type, { imported: true, source: "subagent_jsonl", tool_use_id: call });

function writeMeta(transcript, name, content) {
  const folder = path.join(path.dirname(transcript), SESSION, "subagents");
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, `agent-${name}.meta.json`), content);
  return path.join(folder, `agent-${name}.jsonl`);
}

const hook = (fields = {}) => ({ session_id: SESSION, tool_use_id: "call-1", ...fields });
const owner = (data, row = {}) => ownerOf(data, { agentId: MAIN, eventType: "PreToolUse", toolName: "Bash", ...row });
const of = where => rows().filter(row => row.data.tool_use_id === where).map(row => [row.event_type, row.agent_id]);
const pattern = call => `%"tool_use_id":${JSON.stringify(call)}%`;

test("a hook that names its sub-agent is that one's, whatever else is at work", t => {
  const transcript_path = started(t, "a1", "a2");
  for (const name of ["a1", "a2"]) writeMeta(transcript_path, name, JSON.stringify({ toolUseId: `spawn-${name}` }));
  assert.equal(owner(hook({ agent_id: "a2", transcript_path })), "row-a2");
  assert.equal(owner(hook({ agent_id: "a1", transcript_path })), "row-a1");
  assert.equal(owner(hook({ transcript_path })), MAIN);
  db.exec("DELETE FROM events; DELETE FROM agents WHERE id = 'row-a1'");
  assert.equal(owner(hook({ agent_id: "a1", transcript_path })), MAIN, "an agent that is gone owns nothing");
});

test("what is not known is left to upstream", t => {
  const transcript_path = started(t, "b1");
  const named = { agent_id: "b1", transcript_path };
  assert.equal(owner(hook(named)), MAIN, "nothing is written beside the transcript");
  for (const text of ["", "{", "null", "[]", "{}", '{"toolUseId":5}', '{"toolUseId":""}', '{"toolUseId":"other"}']) {
    writeMeta(transcript_path, "b1", text);
    assert.equal(owner(hook(named)), MAIN, text);
  }
  writeMeta(transcript_path, "b1", '{"toolUseId":"spawn-b1"}');
  assert.equal(owner(hook({ ...named, agent_id: "x/../agent-b1" })), MAIN, "no name of a file");
  assert.equal(owner(hook({ ...named, transcript_path: 7 })), MAIN);
  assert.equal(owner(hook({ ...named, tool_use_id: undefined })), MAIN);
  assert.equal(owner(hook(named), { eventType: "Stop" }), MAIN);
  assert.equal(owner(hook({ ...named, __provider: "codex" })), MAIN, "another harness has a way of its own");
  assert.equal(owner(hook(named), { agentId: "row-new", toolName: "Agent" }), "row-new", "the one that is spawned");
  assert.equal(owner(hook(named)), "row-b1");
});

test("an agent that only its transcript has made is known by its name", t => {
  const transcript_path = started(t);
  const insert = "INSERT INTO agents (id, session_id, name, type) VALUES (?, ?, 'x', 'subagent')";
  db.prepare(insert).run(`${SESSION}-jsonl-a9`, SESSION);
  assert.equal(owner(hook({ agent_id: "a9", transcript_path })), `${SESSION}-jsonl-a9`);
});

test("a row that was imported makes room for its hook's, once", t => {
  started(t, "a1");
  for (const call of ["call-1", "call-2"]) for (const type of ["PreToolUse", "PostToolUse"]) imported("row-a1", type, call);
  assert.equal(owner(hook()), "row-a1", "a hook that names nobody is its transcript's");
  assert.deepEqual(of("call-1"), [["PostToolUse", "row-a1"]]);
  assert.equal(owner(hook()), MAIN);
  assert.equal(of("call-2").length, 2);
});

test("the importer is told of rows under any agent, and brings them home", t => {
  started(t, "a1", "a2");
  record(MAIN, "PreToolUse", { tool_use_id: "call-1" });
  record("row-a2", "PostToolUse", { tool_use_id: "call-1" });
  record(MAIN, "PreToolUse", { tool_use_id: 'odd "id"' });
  db.prepare("INSERT INTO events (session_id, event_type, data) VALUES (?, 'PreToolUse', ?)").run(SESSION, 'broken "tool_use_id"');
  const asked = told(db, SESSION);
  assert.equal(asked.get("row-a1", "PreToolUse", pattern("call-1")), true);
  assert.equal(asked.get("row-a1", "PostToolUse", pattern("call-1")), true);
  assert.equal(asked.get("row-a1", "PreToolUse", pattern('odd "id"')), true);
  assert.equal(asked.get("row-a1", "PostToolUse", pattern("call-2")), false);
  db.exec("DELETE FROM events WHERE data LIKE 'broken%'");
  assert.deepEqual(of("call-1"), [["PreToolUse", "row-a1"], ["PostToolUse", "row-a1"]]);
  assert.equal(asked.get("row-a2", "PreToolUse", pattern("spawn-a1")), true, "a nested one");
  assert.deepEqual(of("spawn-a1"), [["PreToolUse", "row-a1"]]);
});

test("a transcript belongs to the agent of the call that spawned it, by nothing else", t => {
  const transcript = started(t, "a1", "a2");
  const file = writeMeta(transcript, "a2", '{"agentType":"general-purpose","toolUseId":"spawn-a2"}');
  const [known, unknown] = [[], []];
  rememberCall(known, file);
  rememberCall(unknown, file.replace("a2", "a3"));
  assert.deepEqual({ ...spawnedBy(db, SESSION, known) }, { id: "row-a2" });
  assert.equal(spawnedBy(db, SESSION, unknown), undefined);
  assert.equal(spawnedBy(db, SESSION, undefined), undefined);
  assert.equal(spawnedBy(db, "another", known), undefined);
});

test("an error of the database costs the owner, not the event", async t => {
  started(t, "a1");
  db.exec("ALTER TABLE events RENAME TO elsewhere");
  const said = await warnings(() => assert.equal(owner(hook({ agent_id: "a1" })), MAIN));
  db.exec("ALTER TABLE elsewhere RENAME TO events");
  assert.match(said.join(), /sub-agents.*no such table/);
});

test("a hook costs the same however long the session is", t => {
  const transcript_path = started(t, "a1");
  writeMeta(transcript_path, "a1", '{"toolUseId":"spawn-a1"}');
  db.exec("BEGIN");
  const long = "x".repeat(2000);
  for (let i = 0; i < 5000; i += 1) record(MAIN, "PreToolUse", { tool_use_id: `old-${i}`, tool_input: long });
  db.exec("COMMIT");
  owner(hook({ agent_id: "a1", transcript_path }));
  const began = performance.now();
  for (let i = 0; i < 200; i += 1) owner(hook({ tool_use_id: `new-${i}`, agent_id: "a1", transcript_path }));
  assert.ok(performance.now() - began < 200, `${performance.now() - began} ms for 200 hooks`);
});
