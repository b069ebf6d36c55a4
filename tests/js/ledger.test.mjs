import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { beforeEach, test } from "node:test";
import { addSession, db, deliverHook, overlay, reset, rows } from "./support.mjs";

const { keyOf, record, recordHook } = overlay("codex-ledger");
const { openIngress } = overlay("harness");

beforeEach(() => {
  reset();
  addSession("s");
});

const digest = text => createHash("sha256").update(text).digest("hex").slice(0, 16);

const PRE = { session_id: "s", thread_id: "s", turn_id: "t", tool_use_id: "c", event_type: "PreToolUse", tool_name: "Bash" };

const rollout = (data = {}, more = {}) =>
  record({ ...PRE, data, created_at: "2026-01-01T00:00:00.000Z", capture: "rollout", ...more });
const hook = (data = {}) =>
  deliverHook({ session_id: "s", turn_id: "t", tool_use_id: "c", tool_name: "Bash", hook_event_name: "PreToolUse", ...data });

test("a key names the thread, the call, its turn and the phase", () => {
  assert.equal(keyOf(PRE), "call:s:c:t:pre");
  assert.equal(keyOf({ ...PRE, event_type: "PostToolUse" }), "call:s:c:t:post");
});

test("what ends or compacts a turn is named by the turn", () => {
  for (const type of ["Stop", "Interrupt", "SubagentStop", "PostCompact"]) {
    assert.equal(keyOf({ event_type: type, thread_id: "a", turn_id: "t" }), `turn:a:t:${type}`);
  }
});

test("a turn that is compacted twice keeps both, though their hooks are alike", () => {
  const compaction = type => deliverHook({ session_id: "s", turn_id: "t", hook_event_name: type, trigger: "auto" });
  for (const type of ["PreCompact", "PostCompact", "PreCompact", "PostCompact"]) compaction(type);
  const second = { ...PRE, event_type: "PostCompact", tool_use_id: null, data: {}, capture: "rollout" };
  record({ ...second, nth: 0 });
  record({ ...second, nth: 1 });
  assert.deepEqual(
    rows().map(row => `${row.event_type} ${row.capture}`).sort(),
    ["PostCompact both", "PostCompact rollout", "PreCompact hook", "PreCompact hook"]
  );
});

test("a sub-agent starts once", () => {
  assert.equal(keyOf({ event_type: "SubagentStart", thread_id: "a", turn_id: "t" }), "agent:a:SubagentStart");
});

test("equal prompts of one turn are told apart by how many came before", () => {
  const prompt = { event_type: "UserPromptSubmit", thread_id: "s", turn_id: "t", prompt: "go on" };
  assert.equal(keyOf(prompt), `prompt:s:t:${digest("go on")}`);
  assert.equal(keyOf({ ...prompt, nth: 0 }), keyOf(prompt));
  assert.equal(keyOf({ ...prompt, nth: 2 }), `prompt:s:t:${digest("go on")}:2`);
  assert.notEqual(keyOf({ ...prompt, prompt: "stop" }), keyOf(prompt));
});

test("a prompt that the handler had to cut is named by the digest of the whole", () => {
  const whole = "x".repeat(5000);
  const full = createHash("sha256").update(whole).digest("hex");
  const cut = { event_type: "UserPromptSubmit", thread_id: "s", turn_id: "t", prompt: "xx… [cut]", prompt_sha256: full };
  assert.equal(keyOf(cut), `prompt:s:t:${digest(whole)}`);
});

test("the first start of a thread happens once, a resume every time", () => {
  const start = source => keyOf({ event_type: "SessionStart", thread_id: "s", source });
  assert.deepEqual(["startup", "fork", "clear"].map(start), Array(3).fill("session:s:SessionStart"));
  assert.deepEqual(["resume", "compact", undefined].map(start), [null, null, null]);
});

test("without its identifier an event has no key", () => {
  for (const event of [
    { event_type: "PreToolUse", thread_id: "s", turn_id: "t" },
    { event_type: "PreToolUse", tool_use_id: "c" },
    { event_type: "PreToolUse", thread_id: "s", tool_use_id: 5 },
    { event_type: "Stop", thread_id: "s" },
    { event_type: "UserPromptSubmit", thread_id: "s", turn_id: "t" },
    { event_type: "PermissionRequest", thread_id: "s", turn_id: "t" },
    { event_type: "SessionEnd", thread_id: "s" },
    { event_type: "constructor", thread_id: "s", tool_use_id: "c" },
  ]) {
    assert.equal(keyOf(event), null);
  }
});

test("a rollout line without identifiers is named by its place, so that reading again adds nothing", () => {
  const event = { event_type: "PreToolUse", thread_id: "s", turn_id: "t", line_id: "2026.0" };
  assert.equal(keyOf(event), "line:s:t:2026.0:PreToolUse");
});

test("the second delivery on the same road adds nothing", () => {
  assert.equal(rollout({ tool_input: { command: "ls" } }), "inserted");
  assert.equal(rollout({ tool_input: { command: "ls" } }), "known");
  hook();
  hook();
  assert.equal(rows().length, 1);
});

test("an event without a key is kept each time", () => {
  deliverHook({ session_id: "s", hook_event_name: "SessionEnd", reason: "other" });
  deliverHook({ session_id: "s", hook_event_name: "SessionEnd", reason: "other" });
  assert.equal(rows().length, 2);
});

test("the second road completes the row: each says what it knows best, whoever came first", () => {
  const told = { tool_input: { command: "ls", raw: 1 }, exit_code: 2, status: "failed", model: "r", only_rollout: 1 };
  const heard = { tool_input: { command: "ls" }, model: "h", permission_mode: "never" };
  const results = [() => (hook(heard), rollout(told)), () => (rollout(told), hook(heard))].map(deliver => {
    db.exec("DELETE FROM events");
    deliver();
    assert.equal(rows().length, 1);
    const [{ data, capture, created_at: at }] = rows();
    return { data, capture, at };
  });
  assert.deepEqual(results[0], results[1]);
  const { data, capture, at } = results[0];
  assert.equal(capture, "both");
  assert.equal(at, "2026-01-01T00:00:00.000Z");
  assert.deepEqual(data.tool_input, { command: "ls" });
  assert.deepEqual([data.model, data.permission_mode, data.exit_code, data.status, data.only_rollout], ["h", "never", 2, "failed", 1]);
});

test("nothing that is known is erased by a null", () => {
  rollout({ tool_response: "out", exit_code: 0 });
  hook({ tool_response: null, exit_code: null });
  const [{ data }] = rows();
  assert.deepEqual([data.tool_response, data.exit_code], ["out", 0]);
});

test("the time of a finished item is better than the time of a line, and stays when the file is read again", () => {
  const line = () => rollout({}, { created_at: "2026-01-01T00:00:01.000Z" });
  const item = () => rollout({ exact_time: true }, { created_at: "2026-01-01T00:00:02.000Z" });
  hook();
  assert.deepEqual([line(), item(), line(), item()], ["completed", "completed", "known", "known"]);
  assert.equal(rows()[0].created_at, "2026-01-01T00:00:02.000Z");
});

test("the hook of a thread within a session is an event of that thread", () => {
  hook();
  hook({ agent_id: "child" });
  assert.deepEqual(rows().map(row => row.event_key).sort(), ["call:child:c:t:pre", "call:s:c:t:pre"]);
});

test("a payload that is not ours is left to the sidecar", () => {
  const data = { session_id: "s", tool_use_id: "c" };
  openIngress(data, () => null);
  assert.equal(recordHook({ sessionId: "s", eventType: "PreToolUse", data }), false);
  assert.equal(recordHook({ sessionId: "s", eventType: "PreToolUse", data: "text" }), false);
  assert.equal(rows().length, 0);
});

test("when the ledger fails, the sidecar keeps the event", () => {
  const { warn } = console;
  const warnings = [];
  console.warn = message => warnings.push(message);
  db.exec("CREATE TRIGGER refuse BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'refused'); END");
  try {
    assert.equal(hook(), false);
    assert.equal(hook(), false);
  } finally {
    db.exec("DROP TRIGGER refuse");
    console.warn = warn;
  }
  assert.equal(warnings.length, 1);
});

test("a hook is recorded inside a transaction of the sidecar", () => {
  assert.doesNotThrow(() => db.transaction(() => assert.equal(hook() && hook(), true))());
  assert.equal(rows().length, 1);
});

test("the stored data is the payload itself", () => {
  hook({ tool_input: { command: "ls" }, transcript_path: "/r.jsonl" });
  const [{ data, capture }] = rows();
  assert.equal(capture, "hook");
  assert.deepEqual(data, {
    session_id: "s",
    turn_id: "t",
    tool_use_id: "c",
    tool_name: "Bash",
    hook_event_name: "PreToolUse",
    tool_input: { command: "ls" },
    rollout_path: "/r.jsonl",
    __provider: "codex",
  });
});

const end = (data, more) => rollout(data, { event_type: "PostToolUse", ...more });
const keys = () => rows().map(row => `${row.event_key} ${row.capture}`).sort();

test("a call id that comes again in a later turn is another call, on both roads", () => {
  for (const turn of ["t1", "t2"]) {
    hook({ turn_id: turn, tool_use_id: "call_0" });
    hook({ turn_id: turn, tool_use_id: "call_0", hook_event_name: "PostToolUse" });
    rollout({}, { turn_id: turn, tool_use_id: "call_0" });
    end({}, { turn_id: turn, tool_use_id: "call_0" });
  }
  assert.deepEqual(keys(), ["t1:post", "t1:pre", "t2:post", "t2:pre"].map(each => `call:s:call_0:${each} both`));
});

test("the end of a background command in a later turn is that of its call, whichever road is first", () => {
  const line = () => end({ end_turn_id: "t2" }, { end_turn_id: "t2" });
  const late = () => hook({ turn_id: "t2", hook_event_name: "PostToolUse" });
  for (const deliver of [() => (late(), line()), () => (line(), late())]) {
    db.exec("DELETE FROM events");
    hook();
    rollout();
    deliver();
    late();
    assert.deepEqual(keys(), ["call:s:c:t:post both", "call:s:c:t:pre both"]);
    assert.equal(rows("event_type = 'PostToolUse'")[0].data.turn_id, "t2");
  }
});

test("an end whose beginning has yet to come is not taken for that of an earlier call with its id", () => {
  hook({ turn_id: "t1" });
  hook({ turn_id: "t2", hook_event_name: "PostToolUse" });
  hook({ turn_id: "t2" });
  end({}, { turn_id: "t1" });
  assert.deepEqual(keys(), ["call:s:c:t1:post rollout", "call:s:c:t1:pre hook", "call:s:c:t2:post hook", "call:s:c:t2:pre hook"]);
});

test("a call of a script is known by its id, in whatever turn its lines and its hooks say it ended", () => {
  rollout({}, { tool_use_id: "exec-1", turn_id: "t2", nested: true });
  hook({ tool_use_id: "exec-1", turn_id: "t1" });
  assert.deepEqual(keys(), ["call:s:exec-1:t2:pre both"]);
});

test("where lines name no turn, their calls join those of the hooks, one by one", () => {
  for (const turn of ["t1", "t2"]) hook({ turn_id: turn, tool_use_id: "call_0" });
  for (const turn of ["@1.0", "@2.0"]) rollout({}, { turn_id: turn, tool_use_id: "call_0" });
  assert.deepEqual(keys(), ["call:s:call_0:t1:pre both", "call:s:call_0:t2:pre both"]);
});

test("a row that an earlier version has written, without the turn in its key, is completed by the hook's second half", () => {
  hook();
  db.exec("UPDATE events SET event_key = 'tool:s:c:pre'");
  hook();
  hook({ hook_event_name: "PostToolUse" });
  assert.deepEqual(keys(), ["call:s:c:t:post hook", "call:s:c:t:pre hook"]);
});

test("a script is shown until a call that it makes is told of, in either order", () => {
  const script = () => rollout({}, { tool_use_id: "outer", script: true });
  const nested = () => hook({ tool_use_id: "exec-1" });
  const other = () => rollout({}, { tool_use_id: "outer", turn_id: "other", script: true });
  for (const deliver of [() => (script(), nested(), other()), () => (nested(), script(), other())]) {
    db.exec("DELETE FROM events; DELETE FROM codex_turns");
    deliver();
    assert.deepEqual(keys(), ["call:s:exec-1:t:pre hook", "script:s:other:outer:pre rollout"]);
  }
});
