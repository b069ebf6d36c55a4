/** What real agents do that no single recording shows: folders, names, identifiers, and times. */

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { reader } from "./recorded.mjs";

const qwen = reader("qwen");
const copilot = reader("copilot");
const droid = reader("droid");
const ROOT = "7c6000b7-6d15-4fce-9273-3d8a7a9ba059";
const OUTER = "90432d78-1e8d-4925-ade0-e19a93a85747";
const INNER = "2e2dc9a5-fb81-42ba-91ef-e89a4d7331bb";
const INSIDE = "73c2717e-c9b7-4410-8efa-22fc0d0f40d7"; // the session of OUTER inside Copilot: nothing else says it

test("folders: the user's home, or what the agent's own variables name", () => {
  assert.equal(qwen.folder({}, "/home/user"), path.resolve("/home/user/.qwen"));
  assert.equal(qwen.folder({ QWEN_HOME: "/q" }, "/home/user"), path.resolve("/q"));
  assert.equal(qwen.folder({ QWEN_HOME: "/q", QWEN_RUNTIME_DIR: "/r" }, "/home/user"), path.resolve("/r"));
  assert.equal(qwen.folder({ QWEN_HOME: "" }, "/home/user"), path.resolve("/home/user/.qwen"));
  assert.equal(copilot.folder({}, "/home/user"), path.resolve("/home/user/.copilot"));
  assert.equal(copilot.folder({ COPILOT_HOME: "/c" }, "/home/user"), path.resolve("/c"));
  assert.equal(droid.folder({}, "/home/user"), path.resolve("/home/user/.factory"));
  assert.equal(droid.folder({ FACTORY_HOME_OVERRIDE: "/f" }, "/home/user"), path.resolve("/f/.factory"));
});

for (const separator of ["/", "\\"]) {
  test(`a path says the session and the sub-agent, with ${separator}`, () => {
    const begin = (one, ...names) => {
      const { id, agent_id } = one.begin(names.join(separator)).session;
      return [id, agent_id];
    };
    assert.deepEqual(begin(qwen, "projects", "-home-p", "chats", `${ROOT}.jsonl`), [ROOT, null]);
    assert.deepEqual(begin(qwen, "projects", "-home-p", "subagents", ROOT, "agent-general-purpose-call_1.jsonl"), [ROOT, "general-purpose-call_1"]);
    assert.deepEqual(begin(copilot, "session-state", ROOT, "events.jsonl"), [ROOT, null]);
    assert.deepEqual(begin(copilot, "elsewhere", "events.jsonl"), [null, null]);
  });
}

// As Copilot CLI 1.0.102 called them in its hooks, when a model called each of them.
const NAMES = {
  apply_patch: "Edit",
  ask_user: "AskUserQuestion",
  bash: "Bash",
  create: "Write",
  edit: "Edit",
  glob: "Glob",
  grep: "Grep",
  powershell: "Bash",
  rg: "Grep",
  str_replace_editor: "Edit",
  task: "Agent",
  update_todo: "TodoWrite",
  view: "Read",
  web_fetch: "WebFetch",
  web_search: "WebSearch",
  ...Object.fromEntries(["read_bash", "write_bash", "stop_bash", "read_agent", "write_agent", "skill", "sql", "report_intent", "store_memory", "mini-add", "Bash", "Read"].map(name => [name, name])),
};

test("copilot: a tool has one name on both roads, also where hooks have the agent's own", () => {
  for (const [name, hookName] of Object.entries(NAMES)) {
    const state = copilot.begin(`session-state/${ROOT}/events.jsonl`);
    const [told] = copilot.take(state, { type: "tool.execution_start", id: "e", timestamp: "2026-11-26T00:00:00Z", data: { toolCallId: "c", toolName: name, arguments: '{"a": 1}' } });
    assert.deepEqual([told.tool_name, told.tool_input], [hookName, { a: 1 }]);
    for (const sent of [name, hookName]) {
      const { tool_name, tool_input } = copilot.hook({ hook_event_name: "PreToolUse", session_id: ROOT, tool_name: sent, tool_input: '{"a": 1}' });
      assert.deepEqual([tool_name, tool_input], [hookName, { a: 1 }]);
    }
  }
});

test("copilot: of which session a hook is", () => {
  const transcript_path = `/home/user/.copilot/session-state/${ROOT}/events.jsonl`;
  const of = payload => copilot.hook(payload)?.session_id ?? null;
  const inAgent = (agent_id, parent_agent_id) => ({ session_id: agent_id, agent_id, parent_agent_id });
  assert.equal(of({ hook_event_name: "PreToolUse", session_id: ROOT }), ROOT);
  assert.equal(of({ hook_event_name: "SubagentStart", session_id: ROOT, agent_id: OUTER, parent_agent_id: ROOT, transcript_path }), ROOT);
  assert.equal(of({ hook_event_name: "SubagentStart", session_id: INSIDE, agent_id: INNER, parent_agent_id: OUTER, transcript_path }), ROOT);
  assert.equal(of({ hook_event_name: "SubagentStop", session_id: INSIDE, agent_id: INNER, transcript_path: transcript_path.replaceAll("/", "\\") }), ROOT);
  assert.equal(of({ hook_event_name: "PreToolUse", ...inAgent(OUTER, ROOT) }), ROOT);
  assert.equal(of({ hook_event_name: "PreToolUse", ...inAgent(INNER, OUTER) }), OUTER, "its parent's, which the server looks up");
  assert.equal(of({ hook_event_name: "PreToolUse", ...inAgent(INNER, undefined) }), null);
  for (const type of ["Stop", "UserPromptSubmit"]) assert.equal(of({ hook_event_name: type, ...inAgent(OUTER, ROOT), transcript_path, prompt: "go" }), null);
  // 1.0.55 to 1.0.80
  for (const type of ["PreToolUse", "PostToolUse", "UserPromptSubmit", "Stop"]) assert.equal(of({ hook_event_name: type, session_id: "call_1_0" }), null);
  assert.equal(of({ hook_event_name: "SubagentStart", session_id: ROOT, transcript_path }), null);
  assert.equal(of({ hook_event_name: "SubagentStop", session_id: ROOT, agent_id: "one", transcript_path }), null);
});

test("qwen: the identifier of a call is the transcript's, or none", () => {
  const id = payload => qwen.hook({ hook_event_name: "PreToolUse", ...payload }).tool_use_id;
  assert.equal(id({ tool_use_id: "toolu_1", tool_call_id: "call_1" }), "call_1");
  assert.equal(id({ tool_use_id: "toolu_1" }), undefined);
});

test("qwen: a session that was branched from another begins with copies, which are not its own", () => {
  const state = qwen.begin(`projects/p/chats/${ROOT}.jsonl`);
  const record = { type: "user", uuid: "u", timestamp: "2026-11-26T00:00:00.000Z", provenance: "real_user", message: { parts: [{ text: "hi" }] } };
  assert.deepEqual(qwen.take(state, { ...record, forkedFrom: { sessionId: OUTER, messageUuid: "u" } }), []);
  assert.equal(state.session.started_at, null);
  assert.deepEqual(qwen.take(state, { ...record, provenance: "system", subtype: "cron" }), [], "nobody typed it");
  assert.equal(qwen.take(state, record).length, 1);
  assert.deepEqual(qwen.take(state, { ...record, subtype: "mid_turn_user_message" }).map(event => event.prompt), ["hi"]);
});

test("qwen: where no request is told of, the answers tell the tokens", () => {
  const state = qwen.begin(`projects/p/chats/${ROOT}.jsonl`);
  const usageMetadata = { promptTokenCount: 100, cachedContentTokenCount: 40, candidatesTokenCount: 10, thoughtsTokenCount: 5, totalTokenCount: 115 };
  qwen.take(state, { type: "assistant", uuid: "u", timestamp: "2026-11-26T00:00:00.000Z", model: "m", message: { parts: [{ text: "hi" }] }, usageMetadata });
  assert.deepEqual(state.tokens, { m: { input: 60, output: 15, cache_read: 40, cache_write: 0 } });
});

test("a session is at work from its prompt to its answer, and titled as the agent titles it", () => {
  const at = number => new Date(Date.UTC(2026, 10, 26, 0, 0, number)).toISOString();
  const turns = (one, file, records) => {
    const state = one.begin(file);
    return [records.map((record, number) => (one.take(state, { uuid: `u${number}`, id: `i${number}`, timestamp: at(number), ...record }), state.session.turn_open)), state.session];
  };
  const call = { functionCall: { id: "c", name: "glob", args: {} } };
  const [opened, session] = turns(qwen, `projects/p/chats/${ROOT}.jsonl`, [
    { type: "user", message: { parts: [{ text: "hi" }] }, cwd: "/one" },
    { type: "assistant", message: { parts: [call] }, model: "first" },
    { type: "tool_result", message: { parts: [{ functionResponse: { id: "c", name: "glob", response: {} } }] } },
    { type: "system", subtype: "custom_title", systemPayload: { customTitle: "Greeting" } },
    { type: "assistant", message: { parts: [{ text: "thinking", thought: true }, { text: "hello" }] }, model: "second", cwd: "/two" },
  ]);
  assert.deepEqual(opened, [true, true, true, true, false]);
  assert.deepEqual([session.title, session.model, session.cwd, session.started_at, session.last_at], ["Greeting", "second", "/two", at(0), at(4)]);
  const [told, other] = turns(copilot, `session-state/${ROOT}/events.jsonl`, [
    { type: "session.start", data: { selectedModel: "m", context: { cwd: "/one" } } },
    { type: "user.message", data: { content: "hi\nthere" } },
    { type: "user.message", agentId: OUTER, data: { content: "look", source: `agent-${ROOT}` } },
    { type: "assistant.message", agentId: OUTER, data: { content: "found", toolRequests: [] } },
    { type: "assistant.message", data: { toolRequests: [{}] } },
    { type: "abort", data: {} },
    { type: "session.shutdown", data: {} },
  ]);
  assert.deepEqual(told, [false, true, true, true, true, false, false]);
  assert.deepEqual([other.title, other.model, other.cwd, other.ended], ["hi", "m", "/one", true]);
});

/** A droid's log or document that has been read, with its events. */
function droidRead(file, ...records) {
  const state = droid.begin(`sessions/-home-p/${file}`);
  return { state, events: records.flatMap(record => droid.take(state, record)) };
}

test("droid: a sub-agent's files are those of the session that has called it, also its tokens", () => {
  const log = droidRead(`${OUTER}.jsonl`, { type: "session_start", id: OUTER, title: "Worker: look", cwd: "/p", callingSessionId: ROOT });
  assert.deepEqual([log.state.session.id, log.state.session.agent_id, log.state.session.agent_name, log.state.session.title], [ROOT, OUTER, "Worker: look", null]);
  const tokenUsage = { inputTokens: 5, outputTokens: 4, cacheReadTokens: 3, cacheCreationTokens: 2, thinkingTokens: 1 };
  const tags = [{ name: "subagent", metadata: { callingSessionId: ROOT } }];
  const document = droidRead(`${OUTER}.settings.json`, { model: "m", tags, tokenUsage });
  assert.deepEqual([document.state.session.id, document.state.session.agent_id, document.state.session.model], [ROOT, null, null]);
  assert.deepEqual(document.state.tokens, { m: { input: 5, output: 4, cache_read: 3, cache_write: 2 } });
  const own = droidRead(`${ROOT}.settings.json`, { model: "m", tags: [{ name: "exec" }], tokenUsage });
  assert.deepEqual([own.state.session.id, own.state.session.agent_id, own.state.session.model], [ROOT, null, "m"]);
  assert.deepEqual([droid.isWhole(`sessions/p/${ROOT}.settings.json`), droid.isWhole(`sessions/p/${ROOT}.jsonl`)], [true, false]);
});

test("droid: a fork begins with a copy of its origin, which is not its own", () => {
  const said = (id, text, more = {}) => ({ type: "message", id, timestamp: "2026-11-26T00:00:00.000Z", message: { role: "user", content: [{ type: "text", text }], ...more } });
  const head = { type: "session_start", id: OUTER, title: "first", cwd: "/p", parent: ROOT, forkedAtMessageId: "b" };
  const { events, state } = droidRead(`${OUTER}.jsonl`, head, said("a", "first"), said("b", "last of the copy"), said("c", "its own"));
  assert.deepEqual(events.map(event => event.prompt), ["its own"]);
  assert.deepEqual([state.session.id, state.session.agent_id, state.session.title], [OUTER, null, "first"]);
});

test("droid: what the agent says in the user's place is not a prompt", () => {
  const message = (id, content, more) => ({ type: "message", id, timestamp: "2026-11-26T00:00:00.000Z", message: { role: "user", content, ...more } });
  const text = (...texts) => texts.map(each => ({ type: "text", text: each }));
  const { events } = droidRead(
    `${ROOT}.jsonl`,
    { type: "session_start", id: ROOT, title: "t", cwd: "/p" },
    message("context-a", text("<system-reminder>tools</system-reminder>"), { visibility: "llm_only" }),
    message("b", [], { visibility: "user_only", hookEventName: "SessionStart" }),
    message("task-completion:c", text("Background task completed."), { visibility: "llm_only" }),
    message("d", text("<system-reminder>a plan</system-reminder>", "typed")),
    message("e", "typed, too"),
  );
  assert.deepEqual(events.map(event => [event.event_type, event.prompt]), [["UserPromptSubmit", "typed"], ["UserPromptSubmit", "typed, too"]]);
});

test("droid: of a sub-agent's hooks, those of its calls are of the session that has called it", () => {
  const of = (type, session_id, owner, more = {}) => {
    const told = droid.hook({ hook_event_name: type, session_id, ...more }, owner);
    return told && [told.session_id, told.agent_id ?? null];
  };
  const TYPES = ["UserPromptSubmit", "Stop", "SessionEnd", "Notification", "SessionStart"];
  for (const type of TYPES) assert.deepEqual(of(type, ROOT, null), [ROOT, null]);
  assert.deepEqual(of("PreToolUse", INNER, null), [INNER, null], "nothing is known of it");
  assert.equal(of("SessionStart", OUTER, null, { calling_session_id: ROOT }), null);
  for (const [session, owner] of [[OUTER, null], [INNER, ROOT]]) {
    for (const type of ["PreToolUse", "PostToolUse"]) assert.deepEqual(of(type, session, owner), [ROOT, session]);
    for (const type of TYPES) assert.equal(of(type, session, owner), null, type);
  }
});

test("droid: the end of a session that has ended is not another one, unless it has gone on", () => {
  const admitted = (...types) => types.map(hook_event_name => droid.hook({ hook_event_name, session_id: INSIDE }, null) !== null);
  assert.deepEqual(admitted("SessionStart", "SessionEnd", "SessionEnd", "SessionStart", "SessionEnd", "SessionEnd"), [true, true, false, true, true, false]);
  assert.deepEqual(admitted("Stop", "SessionEnd"), [true, true]);
});

test("a record without a time is of the latest time before it", () => {
  const state = copilot.begin(`session-state/${ROOT}/events.jsonl`);
  const [first] = copilot.take(state, { type: "user.message", id: "a", data: { content: "hi" } });
  assert.equal(first.created_at, null, "there is none: it is of the time of the file");
  copilot.take(state, { type: "session.start", id: "b", timestamp: "2026-11-26T00:00:00Z", data: {} });
  const [event] = copilot.take(state, { type: "user.message", id: "c", timestamp: "yesterday", data: { content: "hi" } });
  assert.equal(event.created_at, "2026-11-26T00:00:00.000Z");
});
