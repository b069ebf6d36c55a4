import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { beforeEach, test } from "node:test";
import { ROOT, TURN, at, call, db, deliverHook, item, message, meta, output, overlay, reset, rows, sent, session, started, temporary, text, transactions, warnings } from "./support.mjs";

const { importRollout } = overlay("codex-importer");
const CHILD = "01a207a1-0000-7000-8000-000000000002";
const OLD = new Date("2026-01-01T00:00:00Z");

beforeEach(reset);

function write(t, content, { name = `rollout-x-${ROOT}.jsonl`, old = false } = {}) {
  const file = path.join(temporary(t), name);
  fs.writeFileSync(file, typeof content === "string" || Buffer.isBuffer(content) ? content : text(content));
  if (old) fs.utimesSync(file, OLD, OLD);
  return file;
}

/** A stream that happened just now. */
function now(lines) {
  const shift = Date.now() - Date.parse(at(0)) - 5000;
  return lines.map(line => ({ ...line, timestamp: new Date(Date.parse(line.timestamp) + shift).toISOString() }));
}

const turn = [meta(), started(), message("user_message", { message: "go" }), call("c", "ls"), output("c", "Output:\n"), message("task_complete", { turn_id: TURN })];

test("a file makes its session, stamped, named by its folder and started when it says", async t => {
  await importRollout(write(t, turn, { old: true }));
  const { name, harness, cwd, started_at: startedAt, status } = session(ROOT);
  assert.deepEqual([name, harness, cwd, startedAt, status], ["demo", "codex", "/p/demo", at(0), "completed"]);
  assert.deepEqual(db.prepare("SELECT id, type, status FROM agents").all().map(row => ({ ...row })), [{ id: `${ROOT}-main`, type: "main", status: "completed" }]);
  assert.ok(rows().every(row => row.agent_id === `${ROOT}-main` && row.capture === "rollout"));
  assert.equal(rows().length, 5);
});

test("a session without a folder is named by its id", async t => {
  await importRollout(write(t, [meta({ cwd: undefined })]));
  assert.equal(session(ROOT).name, `Session ${ROOT.slice(0, 8)}`);
});

test("the last line waits until it is whole", async t => {
  const whole = text(turn);
  const file = write(t, whole.slice(0, -20));
  assert.equal((await importRollout(file)).inserted, 4);
  fs.writeFileSync(file, whole);
  assert.deepEqual(await importRollout(file), { inserted: 1, completed: 0, complete: true });
});

test("a broken line, and bytes that are no text, cost no other line", async t => {
  const bytes = Buffer.from(text(turn).replace('"ls', '"\u0001\u0001'), "utf8");
  const at = bytes.indexOf(1);
  const broken = Buffer.concat([Buffer.from("{broken\n"), bytes.subarray(0, at), Buffer.from([0xff, 0xfe]), bytes.subarray(at + 2)]);
  assert.equal((await importRollout(write(t, broken))).inserted, 5);
});

test("a file larger than a chunk, with characters and lines across its edges, is read as it is", async t => {
  const long = "é€𝄞".repeat(40000);
  const lines = [meta(), started(), message("user_message", { message: long })];
  for (let index = 0; index < 1200; index += 1) lines.push(call(`c${index}`, `echo é ${index}`));
  assert.equal((await importRollout(write(t, lines))).inserted, 1202);
  assert.equal(rows("event_type = 'UserPromptSubmit'")[0].data.prompt.slice(0, 4000), long.slice(0, 4000));
  assert.equal(rows("event_key LIKE '%:c1199:%:pre'")[0].data.tool_input.command, "echo é 1199");
});

test("others have their turn while a large file is imported", async t => {
  const lines = [meta(), started()];
  for (let index = 0; index < 6000; index += 1) lines.push(call(`c${index}`, "ls"));
  const file = write(t, lines);
  let turns = 0;
  const timer = setInterval(() => (turns += 1), 0);
  const count = await transactions(() => importRollout(file));
  clearInterval(timer);
  assert.ok(count >= 12, `${count} transactions`);
  assert.ok(turns >= count - 3, `${turns} turns in ${count} transactions`);
});

test("one event that will not go in costs no other, and is said", async t => {
  const { warn } = console;
  console.warn = () => {};
  db.exec("CREATE TRIGGER refuse BEFORE INSERT ON events WHEN NEW.event_type = 'Stop' BEGIN SELECT RAISE(ABORT, 'refused'); END");
  try {
    assert.equal((await importRollout(write(t, turn))).inserted, 4);
  } finally {
    db.exec("DROP TRIGGER refuse");
    console.warn = warn;
  }
  assert.equal(rows().length, 4);
});

test("a database that cannot write fails the import at once, so that it is done again", async t => {
  const file = write(t, turn);
  db.exec("PRAGMA query_only = ON");
  try {
    const count = await transactions(() => assert.rejects(importRollout(file), { errcode: 8 })); // SQLITE_READONLY
    assert.equal(count, 1);
  } finally {
    db.exec("PRAGMA query_only = OFF");
  }
  assert.equal((await importRollout(file)).inserted, 5);
});

test("clients hear of what happens now, of each row once", async t => {
  const file = write(t, now(turn));
  await importRollout(file);
  const heard = sent.map(([type]) => type);
  assert.deepEqual(heard, ["session_created", "agent_created", ...Array(5).fill("new_event"), "agent_updated", "session_updated"]);
  sent.length = 0;
  await importRollout(file);
  assert.deepEqual(sent, []);
});

test("clients hear nothing of what happened long ago", async t => {
  await importRollout(write(t, turn, { old: true }));
  assert.deepEqual(sent, []);
});

test("a session that only files tell of is active while its last line is fresh, and over after that", async t => {
  const file = write(t, now(turn));
  await importRollout(file);
  assert.equal(session(ROOT).status, "active");
  fs.writeFileSync(file, text(turn));
  db.prepare("UPDATE sessions SET updated_at = ?").run(at(0));
  await importRollout(file);
  assert.deepEqual([session(ROOT).status, session(ROOT).ended_at], ["completed", session(ROOT).updated_at]);
  fs.writeFileSync(file, text([...turn, ...now([started(100, "next")])]));
  await importRollout(file);
  assert.deepEqual([session(ROOT).status, session(ROOT).ended_at], ["active", null]);
});

test("a status that a hook decided is not the import's to change", async t => {
  deliverHook({ session_id: ROOT, hook_event_name: "SessionEnd", reason: "other" });
  db.prepare("UPDATE sessions SET status = 'completed', ended_at = 'then'").run();
  await importRollout(write(t, now(turn)));
  assert.deepEqual([session(ROOT).status, session(ROOT).ended_at], ["completed", "then"]);
  db.prepare("UPDATE sessions SET status = 'active'").run();
  await importRollout(write(t, turn, { old: true }));
  assert.equal(session(ROOT).status, "active");
});

test("nor is one that is abandoned or in error", async t => {
  await importRollout(write(t, turn));
  db.prepare("UPDATE sessions SET status = 'abandoned'").run();
  await importRollout(write(t, turn));
  assert.equal(session(ROOT).status, "abandoned");
});

test("the last activity never goes backwards", async t => {
  const file = write(t, turn);
  await importRollout(file);
  assert.equal(session(ROOT).updated_at, at(25));
  db.prepare("UPDATE sessions SET updated_at = '2030-01-01T00:00:00.000Z'").run();
  await importRollout(file);
  assert.equal(session(ROOT).updated_at, "2030-01-01T00:00:00.000Z");
});

test("a session that a hook made unstamped gets its stamp", async t => {
  db.prepare("INSERT INTO sessions (id, name) VALUES (?, 'mine')").run(ROOT);
  await importRollout(write(t, turn));
  assert.deepEqual([session(ROOT).harness, session(ROOT).name], ["codex", "mine"]);
});

const context = (model, turn = TURN) => ({ timestamp: at(6), type: "turn_context", payload: { turn_id: turn, model } });
const total = (input, cached, out) => message("token_count", { info: { total_token_usage: { input_tokens: input, cached_input_tokens: cached, output_tokens: out } } });
const usage = () => db.prepare("SELECT model, input_tokens AS i, cache_read_tokens AS r, output_tokens AS o FROM token_usage ORDER BY model").all().map(row => ({ ...row }));

test("tokens are the session's by model, cached ones apart, and counted once however often the file is read", async t => {
  const file = write(t, [meta(), context("gpt"), total(100, 60, 7)]);
  await importRollout(file);
  await importRollout(file);
  assert.deepEqual(usage(), [{ model: "gpt", i: 40, r: 60, o: 7 }]);
  assert.equal(session(ROOT).model, "gpt");
});

test("a sub-agent's events and tokens are its root's, and its model is not", async t => {
  const child = meta({ id: CHILD, session_id: ROOT, parent_thread_id: ROOT, source: { subagent: {} } }, 1000);
  const [one, other] = [context("gpt", "a-1"), context("mini", "a-2")];
  await importRollout(write(t, [meta(), context("gpt"), total(100, 0, 7)]));
  await importRollout(write(t, [child, one, total(10, 0, 1), other, total(30, 0, 3)], { name: `rollout-y-${CHILD}.jsonl` }));
  assert.equal(session(ROOT).model, "gpt");
  assert.deepEqual(rows().map(row => [row.session_id, row.event_type]), [[ROOT, "SessionStart"], [ROOT, "SubagentStart"]]);
  assert.deepEqual(usage(), [{ model: "gpt", i: 110, r: 0, o: 8 }, { model: "mini", i: 20, r: 0, o: 2 }]);
});

test("a fork and its parent together tell each event once", async t => {
  const fork = meta({ id: CHILD, session_id: CHILD, forked_from_id: ROOT }, 8000);
  const history = turn.map(line => ({ ...line, timestamp: at(8000) }));
  const next = "01a207a1-0100-7000-8000-000000000002";
  const live = [started(9000, next), item("CommandExecution", { id: "new", command: [] }, 9010, next)];
  await importRollout(write(t, turn));
  await importRollout(write(t, [fork, ...history, ...live], { name: `rollout-y-${CHILD}.jsonl` }));
  assert.equal(rows("session_id = ?", ROOT).length, 5);
  assert.deepEqual(rows("session_id = ?", CHILD).map(row => row.event_type), ["SessionStart", "PreToolUse", "PostToolUse"]);
});

test("what an earlier version has told of a file is told once when the file is read again", async t => {
  const file = write(t, turn);
  deliverHook({ session_id: ROOT, turn_id: TURN, tool_use_id: "c", tool_name: "Bash", hook_event_name: "PreToolUse" });
  await importRollout(file);
  const before = rows().map(({ id, ...row }) => row);
  db.exec(`
    UPDATE events SET event_key = 'tool:${ROOT}:c:' || substr(event_key, -length(replace(event_key, rtrim(event_key, 'prestospt'), ''))) WHERE event_key LIKE 'call:%';
    INSERT INTO events (session_id, event_type, data, capture, event_key) VALUES ('${ROOT}', 'PreToolUse', '{}', 'rollout', 'tool:${ROOT}:of-a-parent:pre');
    DELETE FROM codex_threads; DELETE FROM codex_turns; DELETE FROM codex_tokens;
    UPDATE codex_rollouts SET state = '{"version":1}'`);
  assert.deepEqual(rows("event_key LIKE 'tool:%'").length, 3);
  await importRollout(file);
  assert.deepEqual(rows().map(({ id, ...row }) => row), before);
});

test("tokens ahead of the first model are its own, also when it comes later", async t => {
  const lines = [meta(), started(), total(100, 0, 7)];
  const file = write(t, lines);
  await importRollout(file);
  assert.deepEqual(usage(), [{ model: "unknown", i: 100, r: 0, o: 7 }]);
  fs.writeFileSync(file, text([...lines, context("gpt"), total(150, 0, 9)]));
  await importRollout(file);
  assert.deepEqual(usage(), [{ model: "gpt", i: 150, r: 0, o: 9 }]);
});

test("a file that is no rollout adds nothing", async t => {
  const nothing = { inserted: 0, completed: 0, complete: true };
  const file = write(t, "hello\n{}\n", { name: `rollout-z-${ROOT}.jsonl` });
  const said = await warnings(async () => {
    assert.deepEqual(await importRollout(file), nothing);
    assert.deepEqual(await importRollout(file), nothing);
    assert.deepEqual(await importRollout(write(t, "", { name: `rollout-e-${ROOT}.jsonl` })), nothing);
  });
  assert.deepEqual(said.map(line => line.includes(file)), [true]);
  const noLine = write(t, Buffer.alloc(3000, 7), { name: `rollout-n-${ROOT}.jsonl`, old: true });
  assert.equal((await warnings(() => importRollout(noLine)))[0].includes(noLine), true);
  assert.equal(db.prepare("SELECT COUNT(*) AS n FROM sessions").get().n, 0);
});
