/** Copies of transcripts, doubled hooks, and inputs that are large or deep: each event is one row, and tokens count once. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { beforeEach, test } from "node:test";
import { db, overlay, reset, rows, temporary } from "../support.mjs";
import { deliver } from "./deliver.mjs";
import { names, reader, recording, sent } from "./recorded.mjs";

const { importTranscript } = overlay("agent-cli/importer");
const { ensureTables } = overlay("agent-cli/checkpoints");
const ID = "01a207a0-0000-7000-8000-0000000000dd";
const TIME = "2026-11-26T00:00:00.000Z";

beforeEach(() => {
  reset();
  ensureTables();
  db.exec("DELETE FROM agent_slots; DELETE FROM agent_transcripts; DELETE FROM agent_owners");
});

const lines = records => records.map(record => `${JSON.stringify(record)}\n`).join("");

async function importText(dir, provider, name, text) {
  const file = path.join(dir, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
  await importTranscript(reader(provider), { file, path: name, stamp: name });
}

/** What the rendered handler sends of a payload. */
async function forwarded(t, provider, event, payload) {
  const bodies = [];
  const server = http.createServer(async (req, res) => {
    bodies.push(JSON.parse(Buffer.concat(await Array.fromAsync(req)).toString()));
    res.end("{}");
  });
  t.after(() => server.close());
  await new Promise(listening => server.listen(0, "127.0.0.1", listening));
  const handler = path.join(process.env.SIDECAR_TREE, "scripts", `${provider}-hook-handler.js`);
  const env = { ...process.env, CLAUDE_DASHBOARD_PORT: String(server.address().port) };
  const child = spawn(process.execPath, [handler, event], { env });
  child.stdin.end(JSON.stringify(payload));
  assert.equal(await new Promise(left => child.on("exit", left)), 0);
  while (bodies.length === 0) await new Promise(later => setTimeout(later, 10));
  return bodies[0].data;
}

/** How somebody may have called a copy of a transcript. */
const COPIES = {
  qwen: [name => name.replace(".jsonl", " (copy).jsonl"), name => name.replace("projects/", "projects/moved-")],
  copilot: [name => name.replace("/events", " (copy)/events"), name => name.replace("/events", ".bak/events")],
  droid: [name => name.replace(/(\.settings)?\.json/, " (copy)$&"), name => name.replace("sessions/", "sessions/moved-")],
  gemini: [name => name.replace(".json", "-copy.json"), name => name.replace("/chats/session", "/chats/backup/session"), name => name.replace("tmp/", "tmp/moved-")],
};
const GEMINI = path.join(import.meta.dirname, "..", "..", "javascript", "recordings");
const geminiNames = ["gemini-0.26.0-text", "gemini-0.38.0-sub", "gemini-0.61.0-sub"];
const gemini = name => {
  const { files } = JSON.parse(fs.readFileSync(path.join(GEMINI, `${name}.json`), "utf8"));
  return { provider: "gemini", files: Object.fromEntries(Object.entries(files).map(([key, records]) => [key, [records].flat()])) };
};

const inDatabase = () => ({
  events: rows().map(row => [row.session_id, row.agent_id, row.event_type, row.tool_name].join()).sort(),
  sessions: db.prepare("SELECT id FROM sessions").all().map(Object.values),
  agents: db.prepare("SELECT id FROM agents ORDER BY id").all().map(Object.values),
  tokens: db.prepare("SELECT session_id, model, input_tokens, output_tokens FROM token_usage").all().map(Object.values),
});

for (const name of [...names, ...geminiNames]) {
  test(`${name}: copies of its files add nothing`, async t => {
    const { provider, files } = name.startsWith("gemini") ? gemini(name) : recording(name);
    const dir = temporary(t);
    const textOf = (file, records) => (file.endsWith(".json") ? JSON.stringify(records[0]) : lines(records));
    for (const [file, records] of Object.entries(files)) await importText(dir, provider, file, textOf(file, records));
    const expected = inDatabase();
    for (const copy of COPIES[provider])
      for (const [file, records] of Object.entries(files)) await importText(dir, provider, copy(file), textOf(file, records));
    assert.deepEqual(inDatabase(), expected);
  });
}

for (const name of names.filter(each => recording(each).hooks.length > 0)) {
  test(`${name}: hooks that run twice add no row to what the transcript has`, async t => {
    const { provider, files, hooks } = recording(name);
    const dir = temporary(t);
    for (const [file, records] of Object.entries(files)) await importText(dir, provider, file, lines(records));
    const deliverAll = run => hooks.map(hook => sent(provider, hook)).filter(Boolean).forEach((payload, at) => deliver({ ...payload, __run: `${run} ${at}` }));
    const onlyHooks = () => rows("capture = 'hook'").length;
    deliverAll(1);
    const before = onlyHooks();
    deliverAll(2);
    assert.ok(onlyHooks() <= 2 * before, "what no transcript has is kept twice, nothing else");
    assert.ok(rows("capture = 'both'").length > 0);
  });
}

test("two equal calls at once are two, also when the transcript has shown one of them so far", async t => {
  const dir = temporary(t);
  const call = number => ({ type: "tool.execution_start", id: `s${number}`, timestamp: TIME, data: { toolCallId: `c${number}`, toolName: "bash", arguments: { command: "ls" } } });
  const hook = run => deliver({ hook_event_name: "PreToolUse", session_id: ID, timestamp: TIME, tool_name: "Bash", tool_input: { command: "ls" }, __provider: "copilot", __run: run });
  const name = `session-state/${ID}/events.jsonl`;
  await importText(dir, "copilot", name, lines([call(1)]));
  hook("1");
  hook("2");
  assert.equal(rows().length, 1);
  await importText(dir, "copilot", name, lines([call(1), call(2)]));
  assert.equal(rows().length, 2);
  hook("3");
  assert.equal(rows().length, 2);
});

const callOf = {
  gemini: input => [`tmp/p/chats/session-2026-11-26T00-00-01a207a0.jsonl`, [
    { sessionId: ID, startTime: TIME, lastUpdated: TIME, kind: "main" },
    { id: "m", timestamp: TIME, type: "gemini", content: "", toolCalls: [{ id: "c", name: "write_file", args: input, status: "success", timestamp: TIME }] },
  ]],
  copilot: input => [`session-state/${ID}/events.jsonl`, [
    { type: "tool.execution_start", id: "s", timestamp: TIME, data: { toolCallId: "c", toolName: "write_file", arguments: input } },
    { type: "tool.execution_complete", id: "e", timestamp: TIME, data: { toolCallId: "c", success: true, result: { content: "done" } } },
  ]],
};
const HOOKS = { gemini: ["BeforeTool", "AfterTool"], copilot: ["PreToolUse", "PostToolUse"] };

for (const provider of ["gemini", "copilot"]) {
  for (const first of ["hooks", "transcript"]) {
    test(`${provider}: a call that the handler has to cut is one, ${first} first`, async t => {
      const dir = temporary(t);
      const input = { file_path: "/p/a", content: "x".repeat(1_500_000), more: ["y".repeat(70_000)] };
      const [name, records] = callOf[provider](input);
      const told = [];
      for (const event of HOOKS[provider]) told.push(await forwarded(t, provider, event, { session_id: ID, hook_event_name: event, timestamp: TIME, tool_name: "write_file", tool_input: input }));
      if (first === "hooks") told.forEach(deliver);
      await importText(dir, provider, name, lines(records));
      if (first === "transcript") told.forEach(deliver);
      assert.deepEqual(rows().map(row => [row.event_type, row.capture]).sort(), [["PostToolUse", "both"], ["PreToolUse", "both"]]);
    });
  }

  test(`${provider}: a call whose input is nested beyond the stack costs no event`, async t => {
    const [name, records] = callOf[provider]({ deep: "DEEP", other: 1 });
    const deep = `${"[".repeat(20_000)}1${"]".repeat(20_000)}`;
    await importText(temporary(t), provider, name, lines(records).replace('"DEEP"', deep));
    assert.deepEqual(rows().map(row => row.event_type).sort(), ["PostToolUse", "PreToolUse"]);
  });
}

const PROMPTS = {
  qwen: prompt => [`projects/p/chats/${ID}.jsonl`, [{ uuid: "a", sessionId: ID, timestamp: TIME, type: "user", message: { parts: [{ text: prompt }] } }]],
  copilot: prompt => [`session-state/${ID}/events.jsonl`, [{ type: "user.message", id: "a", timestamp: TIME, data: { content: prompt } }]],
};
for (const [provider, recordOf] of Object.entries(PROMPTS)) {
  test(`${provider}: a prompt that the handler has to cut is one`, async t => {
    const prompt = `do ${"z".repeat(1_500_000)}`;
    deliver(await forwarded(t, provider, "UserPromptSubmit", { session_id: ID, hook_event_name: "UserPromptSubmit", timestamp: TIME, prompt }));
    const [name, records] = recordOf(prompt);
    await importText(temporary(t), provider, name, lines(records));
    assert.deepEqual(rows().map(row => row.capture), ["both"]);
  });
}

test("half of a character is the same event, whether it was sent as UTF-8 or not", async t => {
  const [name, records] = callOf.copilot({ text: "a\uD83D", other: "\uDC00b" });
  const hook = type => deliver({ hook_event_name: type, session_id: ID, timestamp: TIME, tool_name: "write_file", tool_input: { text: "a\uFFFD", other: "\uFFFDb" }, __provider: "copilot" });
  ["PreToolUse", "PostToolUse"].forEach(hook);
  await importText(temporary(t), "copilot", name, lines(records));
  assert.deepEqual(rows().map(row => row.capture), ["both", "both"]);
});

test("copilot: a call whose input is a text keeps it", async t => {
  const patch = "*** Begin Patch\n*** Add File: a\n+x\n*** End Patch";
  const [name, records] = callOf.copilot(patch);
  deliver({ hook_event_name: "PreToolUse", session_id: ID, timestamp: TIME, tool_name: "write_file", tool_input: patch, __provider: "copilot" });
  await importText(temporary(t), "copilot", name, lines(records));
  assert.deepEqual(rows().map(row => [row.capture, row.data.tool_input]).sort(), [["both", patch], ["rollout", patch]]);
});

test("gemini: the second end of a session is dropped, whatever its time is", () => {
  const { hook } = reader("gemini");
  const times = { none: [undefined, undefined], number: [1795655000000, 1795655000200], text: [TIME, "2026-11-26T00:00:00.200Z"] };
  for (const [kind, [first, second]] of Object.entries(times)) {
    const end = timestamp => hook({ hook_event_name: "SessionEnd", session_id: `${ID}-${kind}`, timestamp });
    assert.notEqual(end(first), null, kind);
    assert.equal(end(second), null, kind);
  }
});

// As recorded with Copilot 1.0.87: the hooks of a sub-agent name neither it nor its parent.
const CHILD = "01a207a0-0000-7000-8000-0000000000ee";
const child = (type, more = {}) => deliver({ hook_event_name: type, session_id: CHILD, timestamp: TIME, __provider: "copilot", ...more });
const CHILD_FILE = [`session-state/${ID}/events.jsonl`, [
  { type: "session.start", id: "0", timestamp: TIME, data: { sessionId: ID } },
  { type: "subagent.started", id: "1", timestamp: TIME, agentId: CHILD, data: { toolCallId: "call_1_0", agentName: "general-purpose" } },
  { type: "tool.execution_start", id: "2", timestamp: TIME, agentId: CHILD, data: { toolCallId: "c", toolName: "bash", arguments: { command: "ls" } } },
  { type: "tool.execution_complete", id: "3", timestamp: TIME, agentId: CHILD, data: { toolCallId: "c", success: true, result: { content: "" } } },
  { type: "subagent.completed", id: "4", timestamp: TIME, agentId: CHILD, data: {} },
]];
const childHooks = [
  ["UserPromptSubmit", { prompt: "look around" }],
  ["PreToolUse", { tool_name: "Bash", tool_input: { command: "ls" } }],
  ["PostToolUse", { tool_name: "Bash", tool_input: { command: "ls" } }],
  ["Stop", { transcript_path: `/home/user/.copilot/session-state/${ID}/events.jsonl` }],
];

for (const known of [0, 2, 5]) {
  test(`copilot: hooks of a sub-agent that name no parent are its session's, ${known} records known before`, async t => {
    const dir = temporary(t);
    const [name, records] = CHILD_FILE;
    if (known) await importText(dir, "copilot", name, lines(records.slice(0, known)));
    for (const [type, more] of childHooks) child(type, more);
    await importText(dir, "copilot", name, lines(records));
    for (const [type, more] of childHooks) child(type, more);
    const found = rows().map(row => [row.event_type, row.session_id, row.agent_id].join());
    const of = type => `${type},${ID},${ID}:${CHILD}`;
    assert.deepEqual(found.sort(), [of("PostToolUse"), of("PreToolUse"), `SessionStart,${ID},${ID}-main`, of("SubagentStart"), of("SubagentStop")].sort());
    assert.deepEqual(inDatabase().sessions, [[ID]]);
  });
}

test("copilot: totals of all runs are not added up where no message has tokens", async t => {
  const shutdown = (id, input, output) => ({ type: "session.shutdown", id, timestamp: TIME, data: { modelMetrics: { m: { usage: { inputTokens: input, outputTokens: output } } } } });
  const records = [{ type: "session.start", id: "a", timestamp: TIME, data: { sessionId: ID } }, shutdown("b", 254, 13), { type: "session.resume", id: "c", timestamp: TIME, data: {} }, shutdown("d", 580, 30)];
  await importText(temporary(t), "copilot", `session-state/${ID}/events.jsonl`, lines(records));
  assert.deepEqual(inDatabase().tokens, [[ID, "m", 580, 30]]);
});
