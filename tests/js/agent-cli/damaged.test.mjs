/** Transcripts that are damaged, or of a version that nobody has seen: no reader throws, and none remembers too much. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { names, reader, recording } from "./recorded.mjs";

const TYPES = new Set(["SessionStart", "SessionEnd", "UserPromptSubmit", "PreToolUse", "PostToolUse", "SubagentStart", "SubagentStop"]);
const FIELDS = ["event_type", "own", "tool_use_id", "tool_name", "tool_input", "prompt", "agent_id", "agent_type", "summary", "data", "created_at"];
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const MOST_REMEMBERED = 256 * 1024;
const HUGE = "x".repeat(100 * 1024);
const ODD = [null, undefined, true, -1, 1e308, "", "text", HUGE, [], [null], [[]], {}, { parts: null }, { parts: [null, 1, {}] }, JSON.parse('{"__proto__": {"polluted": 1}}'), "constructor", "__proto__", "toString"];
const long = number => String(number).padEnd(1000, "x"); // as long as a name may be
const ABOUT = new Map(ODD.map(odd => [odd, String(JSON.stringify(odd)).slice(0, 40)]));

const isTextOrNull = value => value === null || typeof value === "string";

function check(events, state, about) {
  assert.ok(Array.isArray(events), about);
  for (const event of events) {
    assert.deepEqual(Object.keys(event).filter(key => key !== "hook_agent_id").sort(), FIELDS.toSorted(), about);
    assert.ok(TYPES.has(event.event_type), about);
    assert.ok(typeof event.own === "string" && event.own !== "", about);
    assert.ok(event.created_at === null || ISO.test(event.created_at), about); // null: no record before it has a time
    for (const key of ["tool_use_id", "tool_name", "prompt", "agent_id", "agent_type"]) assert.ok(isTextOrNull(event[key]), `${about}: ${key}`);
    assert.equal(typeof event.summary, "string", about);
    assert.ok(event.summary.length <= 200 || event.summary === event.agent_type || event.summary === event.tool_name, about);
    if (event.event_type.endsWith("ToolUse")) assert.ok(event.tool_use_id && event.tool_name, about);
    JSON.stringify(event);
  }
  const { session, tokens } = state;
  for (const key of ["id", "agent_id", "agent_type", "agent_name", "parent_agent_id", "cwd", "model", "title"]) assert.ok(isTextOrNull(session[key]), `${about}: ${key}`);
  for (const key of ["started_at", "last_at"]) assert.ok(session[key] === null || ISO.test(session[key]), `${about}: ${key}`);
  for (const key of ["turn_open", "ended"]) assert.equal(typeof session[key], "boolean", `${about}: ${key}`);
  for (const counts of Object.values(tokens)) {
    assert.deepEqual(Object.keys(counts).sort(), ["cache_read", "cache_write", "input", "output"], about);
    assert.ok(Object.values(counts).every(count => Number.isFinite(count) && count >= 0), `${about}: ${JSON.stringify(counts)}`);
  }
}

/** Every place in a value: a function that puts something else there, in a copy. */
function places(value, put = other => other, path = "") {
  const here = [[path, put]];
  if (value === null || typeof value !== "object") return here;
  const inside = Object.keys(value).flatMap(key => {
    const replace = other => put(Object.assign(Array.isArray(value) ? [...value] : { ...value }, { [key]: other }));
    return places(value[key], replace, `${path}.${key}`);
  });
  return [...here, ...inside];
}

/** The state as it comes back from where it is kept: as JSON. */
const kept = state => JSON.parse(JSON.stringify(state));

const seen = new Set();

/** Whether nothing of this shape has come yet: of each shape, one is enough. */
function isNew(provider, value) {
  const shape = `${provider} ${value.type ?? ""} ${places(value).map(([path]) => path).join()}`;
  return !seen.has(shape) && Boolean(seen.add(shape));
}

for (const name of names) {
  const { provider, files } = recording(name);
  const { begin, take, hook } = reader(provider);

  test(`${name}: anything in the place of anything`, () => {
    for (const [file, records] of Object.entries(files)) {
      let before = kept(begin(file));
      for (const record of records) {
        for (const [path, put] of isNew(provider, record) ? places(record).slice(1) : []) {
          for (const odd of ODD) {
            const state = structuredClone(before);
            check(take(state, put(odd)), state, `${record.type}${path} = ${ABOUT.get(odd)}`);
          }
        }
        for (const odd of [{}, [], { type: null }, { type: "new.kind" }, { type: "constructor" }, { type: "__proto__" }]) assert.deepEqual(take(structuredClone(before), odd), []);
        const state = structuredClone(before);
        take(state, record);
        before = kept(state);
        assert.deepEqual(before, state, "what is remembered is JSON");
      }
    }
    assert.equal({}.polluted, undefined);
  });

  test(`${name}: anything in the place of anything in a hook`, () => {
    for (const [, payload] of recording(name).hooks) {
      for (const [, put] of isNew(provider, payload) ? places(payload).slice(1) : []) {
        for (const odd of ODD) {
          const told = hook(put(odd));
          assert.ok(told === null || (typeof told === "object" && told !== payload));
        }
      }
    }
  });
}

test("qwen: what is remembered stays small", () => {
  const { begin, take } = reader("qwen");
  const state = begin("projects/p/chats/s.jsonl");
  for (let number = 0; number < 500; number += 1) {
    const timestamp = new Date(1795655000000 + number).toISOString();
    const part = { functionCall: { id: `c${number}`, name: "write_file", args: { content: "x".repeat(number * 400) } } };
    take(state, { type: "assistant", uuid: `u${number}`, timestamp, model: long(number), message: { parts: [part] }, usageMetadata: { promptTokenCount: 1 } });
    take(state, { type: "system", subtype: "custom_title", timestamp, systemPayload: { customTitle: HUGE } });
  }
  assert.ok(JSON.stringify(state).length < MOST_REMEMBERED, `${JSON.stringify(state).length} characters`);
  assert.equal(Object.values(state.tokens).reduce((sum, { input }) => sum + input, 0), 500);
});

test("copilot: what is remembered stays small", () => {
  const { begin, take } = reader("copilot");
  const state = begin("session-state/s/events.jsonl");
  for (let number = 0; number < 500; number += 1) {
    const timestamp = new Date(1795655000000 + number).toISOString();
    const tell = (type, data) => take(state, { type, id: `${type} ${number}`, timestamp, agentId: long(number), data });
    tell("subagent.started", { agentName: long(number) });
    tell("tool.execution_start", { toolCallId: `c${number}`, toolName: "create", arguments: { file_text: "x".repeat(number * 400) } });
    tell("session.usage_record", { usage: { model: long(number), inputTokens: 1 } });
  }
  assert.ok(JSON.stringify(state).length < MOST_REMEMBERED, `${JSON.stringify(state).length} characters`);
  assert.equal(Object.values(state.tokens).reduce((sum, { input }) => sum + input, 0), 500);
});

test("droid: what is remembered stays small", () => {
  const { begin, take } = reader("droid");
  const state = begin("sessions/p/s.jsonl");
  for (let number = 0; number < 500; number += 1) {
    const timestamp = new Date(1795655000000 + number).toISOString();
    const call = { type: "tool_use", id: `c${number}`, name: "Create", input: { content: "x".repeat(number * 400) } };
    take(state, { type: "session_start", title: HUGE, cwd: HUGE, callingSessionId: long(number) });
    take(state, { type: "message", id: `m${number}`, timestamp, message: { role: "assistant", content: [call], modelId: long(number) } });
    take(state, { type: "message", id: `u${number}`, timestamp, message: { role: "user", content: `Subagent type: ${HUGE}` } });
    take(state, { model: long(number), tokenUsage: { inputTokens: 1 } });
  }
  assert.ok(JSON.stringify(state).length < MOST_REMEMBERED, `${JSON.stringify(state).length} characters`);
});

test("a call that is too large to be remembered has its end, under its identifier", () => {
  const { begin, take } = reader("qwen");
  const state = begin("projects/p/chats/s.jsonl");
  const timestamp = "2026-11-26T00:00:00.000Z";
  const args = { content: "x".repeat(300 * 1024) };
  const [pre] = take(state, { type: "assistant", uuid: "a", timestamp, message: { parts: [{ functionCall: { id: "c", name: "write_file", args } }] } });
  const [post] = take(state, { type: "tool_result", uuid: "b", timestamp, message: { parts: [{ functionResponse: { id: "c", name: "write_file", response: { output: HUGE } } }] } });
  assert.deepEqual(pre.tool_input, args, "whole: it joins by it");
  assert.ok(pre.data.tool_input.content.length < 65 * 1024);
  assert.deepEqual([post.tool_use_id, post.tool_name], ["c", "write_file"]);
  assert.ok(post.data.tool_response.output.length < 65 * 1024);
});

test("copilot: so has one of Copilot's", () => {
  const { begin, take } = reader("copilot");
  const state = begin("session-state/s/events.jsonl");
  const tell = (type, data) => take(state, { type, id: type, timestamp: "2026-11-26T00:00:00.000Z", data });
  tell("tool.execution_start", { toolCallId: "c", toolName: "create", arguments: { file_text: "x".repeat(300 * 1024) } });
  const [post] = tell("tool.execution_complete", { toolCallId: "c", success: true, result: { content: "done" } });
  assert.deepEqual([post.tool_use_id, post.tool_name, post.tool_input], ["c", "Write", null]);
});

test("copilot: calls that are too large together have their ends", () => {
  const { begin, take } = reader("copilot");
  const state = begin("session-state/s/events.jsonl");
  const tell = (type, data) => take(state, { type, id: `${type} ${data.toolCallId}`, timestamp: "2026-11-26T00:00:00.000Z", data });
  const ids = Array.from({ length: 20 }, (_, number) => `c${number}`);
  for (const toolCallId of ids) tell("tool.execution_start", { toolCallId, toolName: "create", arguments: { file_text: "x".repeat(80 * 1024) } });
  assert.ok(JSON.stringify(state).length < MOST_REMEMBERED, `${JSON.stringify(state).length} characters`);
  const ends = ids.flatMap(toolCallId => tell("tool.execution_complete", { toolCallId, success: true, result: { content: "done" } }));
  assert.deepEqual(ends.map(end => [end.tool_use_id, end.tool_name]), ids.map(id => [id, "Write"]));
  assert.equal(ends.at(-1).tool_input.file_text.length, 80 * 1024, "the newest is known whole");
  assert.deepEqual(state.own.calls, []);
});
