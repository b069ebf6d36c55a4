/** What the user deletes stays deleted, however it is deleted; a session that goes on comes back with what is new. */

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { beforeEach, test } from "node:test";
import zlib from "node:zlib";
import { ROOT, TURN, at, call, db, deliverHook, message, meta, output, overlay, reset, rows, session, started, temporary, text, transactions } from "./support.mjs";

const { importRollout } = overlay("codex-importer");
const CHILD = "01a207a1-0000-7000-8000-000000000002";
const OLD = new Date("2026-01-01T00:00:00Z");

const context = { timestamp: at(6), type: "turn_context", payload: { turn_id: TURN, model: "gpt" } };
const total = (input, ms) => message("token_count", { info: { total_token_usage: { input_tokens: input, output_tokens: 1 } } }, ms);
const before = [meta(), started(), context, message("user_message", { message: "go" }), call("a", "ls"), output("a", "x"), total(100, 30), message("task_complete", { turn_id: TURN }, 31)];
const next = "01a207a0-0200-7000-8000-000000000001";
const later = [started(60000, next), call("b", "pwd", 60010), output("b", "/", 60020), total(130, 60030)];

beforeEach(reset);

function fileOf(t, lines, name = `rollout-x-${ROOT}.jsonl`) {
  const file = path.join(temporary(t), name);
  write(file, lines);
  return file;
}

function write(file, lines) {
  fs.writeFileSync(file, text(lines));
  fs.utimesSync(file, OLD, OLD);
}

/** As the watcher does: with the stamp that is saved when the file has been read to its end. */
async function read(file) {
  return importRollout(file, { stamp: "read" });
}

const calls = () => rows("event_type = 'PreToolUse'").map(row => row.data.tool_use_id);
const input = () => db.prepare("SELECT input_tokens AS n FROM token_usage").all().map(row => row.n);

const WAYS = {
  "one by one, with foreign keys": () => db.exec("DELETE FROM events; DELETE FROM agents; DELETE FROM token_usage; DELETE FROM sessions WHERE id IS NOT NULL"),
  "all at once, by cascade": () => db.exec("DELETE FROM sessions; DELETE FROM token_usage"),
  "all at once, without foreign keys": () => db.exec("PRAGMA foreign_keys = OFF; DELETE FROM token_usage; DELETE FROM events; DELETE FROM agents; DELETE FROM sessions; PRAGMA foreign_keys = ON"),
};

for (const [way, remove] of Object.entries(WAYS)) {
  test(`${way}: nothing comes back, wherever the file is read again`, async t => {
    const file = fileOf(t, before);
    await read(file);
    assert.equal(rows().length, 5);
    remove();
    await read(file);
    const moved = fileOf(t, [], path.basename(file));
    fs.renameSync(file, moved);
    await read(moved);
    const packed = `${moved}.zst`;
    fs.writeFileSync(packed, zlib.zstdCompressSync(fs.readFileSync(moved)));
    await read(packed);
    fs.rmSync(moved);
    await read(packed);
    write(moved, [before[0], ...before.slice(2)]); // written anew
    await read(moved);
    write(moved, before.slice(0, 4)); // cut short
    await read(moved);
    for (const table of ["sessions", "agents", "events", "token_usage"]) {
      assert.equal(db.prepare(`SELECT COUNT(*) AS n FROM ${table}`).get().n, 0, table);
    }
  });

  test(`${way}: a session that goes on comes back with what is new, and its tokens are those since`, async t => {
    const file = fileOf(t, before);
    await read(file);
    remove();
    write(file, [...before, ...later]);
    await read(file);
    assert.deepEqual([calls(), input()], [["b"], [30]]);
    assert.deepEqual([session(ROOT).name, session(ROOT).model, session(ROOT).started_at], ["demo", "gpt", at(0)]);
    write(file, [...before, ...later, call("c", "ls", 70000), total(150, 70010)]);
    await read(file);
    assert.deepEqual([calls(), input()], [["b", "c"], [50]]);
  });
}

test("lines that say nothing do not bring a session back", async t => {
  const file = fileOf(t, before);
  await read(file);
  db.exec("DELETE FROM sessions");
  write(file, [...before, total(110, 40), { timestamp: at(41), type: "compacted_later", payload: {} }]);
  await read(file);
  assert.equal(session(ROOT), undefined);
});

test("a session that a hook takes up again does not bring back what was before", async t => {
  const file = fileOf(t, before);
  await read(file);
  db.exec("DELETE FROM sessions; DELETE FROM token_usage");
  deliverHook({ session_id: ROOT, hook_event_name: "SessionStart", source: "resume", transcript_path: file });
  await read(file);
  assert.deepEqual(rows().map(row => row.event_type), ["SessionStart"]);
  write(file, [...before, ...later]);
  await read(file);
  assert.deepEqual([calls(), input()], [["b"], [30]]);
});

test("what is deleted while its file is being read is not brought back by the rest of the file", async t => {
  const lines = [meta(), started(), context];
  for (let index = 0; index < 2000; index += 1) lines.push(call(`c${index}`, "ls"), output(`c${index}`, "x"));
  for (const remove of Object.values(WAYS)) {
    reset();
    const file = fileOf(t, [...lines, total(100, 30)]);
    await transactions(() => read(file), begun => begun === 3 && remove());
    for (let poll = 0; poll < 3; poll += 1) await read(file);
    assert.equal(rows().length, 0);
    fs.appendFileSync(file, text(later));
    await read(file);
    assert.deepEqual([calls(), input()], [["b"], [30]]);
  }
});

test("a sub-agent that goes on brings its session back, with what is new", async t => {
  const child = [meta({ id: CHILD, session_id: ROOT, parent_thread_id: ROOT, source: { subagent: { thread_spawn: { parent_thread_id: ROOT } } } }), started(20, next), call("k", "ls", 30), total(7, 35)];
  const [root, agent] = [fileOf(t, before), fileOf(t, child, `rollout-y-${CHILD}.jsonl`)];
  await read(root);
  await read(agent);
  db.exec("DELETE FROM sessions; DELETE FROM token_usage");
  await read(root);
  write(agent, [...child, call("l", "ls", 80000), total(9, 80010)]);
  await read(agent);
  assert.deepEqual([calls(), input()], [["l"], [2]]);
});

test("a state of another version, read from its start, does not bring back what was deleted", async t => {
  const file = fileOf(t, before);
  await read(file);
  db.exec("DELETE FROM sessions; DELETE FROM token_usage; UPDATE codex_rollouts SET state = '{\"version\":0}'");
  write(file, [...before, ...later]);
  await read(file);
  assert.deepEqual(calls(), ["b"]);
});
