/** Whether a session goes on: by its last line, by an open turn, by its file, by its hooks. */

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import zlib from "node:zlib";
import { ROOT, TURN, at, call, db, deliverHook, home, message, meta, overlay, reset, response, rows, session, started, text, transactions } from "./support.mjs";

const { importRollout } = overlay("codex-importer");
const { activeSessions, isOver } = overlay("codex-status");
const { startCodexWatcher } = overlay("codex-watcher");
const MINUTE = 60 * 1000;
const open = [meta(), started(), call("make", "make -j all")];
const done = [...open, message("task_complete", { turn_id: TURN }, 30)];

beforeEach(reset);

/** The stream as if its last line had been written so many minutes ago, in a file of that time. */
function write(dir, lines, minutes, { id = ROOT, folder = "sessions/2026/11/23" } = {}) {
  const last = Date.now() - minutes * MINUTE;
  const shift = last - Date.parse(lines.at(-1).timestamp);
  const file = path.join(dir, folder, `rollout-x-${id}.jsonl`);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text(lines.map(line => ({ ...line, timestamp: new Date(Date.parse(line.timestamp) + shift).toISOString() }))));
  fs.utimesSync(file, new Date(last), new Date(last));
  return file;
}

async function until(what, complaint) {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    if (what()) return;
    await sleep(10);
  }
  assert.fail(complaint);
}

const agent = () => db.prepare("SELECT status FROM agents WHERE id = ?").get(`${ROOT}-main`).status;
const states = () => [session(ROOT).status, agent()];

for (const [lines, minutes, expected] of [
  [done, 5, ["active", "waiting"]],
  [done, 11, ["completed", "completed"]],
  [open, 5, ["active", "working"]],
  [open, 16, ["active", "working"]],
  [open, 170, ["active", "working"]],
  [open, 190, ["completed", "completed"]],
  [done, -5, ["active", "waiting"]],
  [done, -360, ["completed", "completed"]],
]) {
  test(`${lines === open ? "an open turn" : "a turn that is done"}, silent for ${minutes} minutes: ${expected}`, async t => {
    await importRollout(write(home(t), lines, minutes));
    assert.deepEqual(states(), expected);
    assert.equal(session(ROOT).ended_at, expected[0] === "completed" ? session(ROOT).updated_at : null);
  });
}

test("a session that falls silent while it is followed ends, though its file is not read again", async t => {
  write(home(t), done, 5);
  startCodexWatcher();
  await until(() => session(ROOT)?.status === "active", "not imported");
  const silent = new Date(Date.now() - 11 * MINUTE).toISOString();
  db.prepare("UPDATE sessions SET updated_at = ?").run(silent);
  await until(() => session(ROOT).status === "completed", "not ended");
  assert.deepEqual([states(), session(ROOT).ended_at], [["completed", "completed"], silent]);
});

for (const [name, lines] of [["done", done], ["open", open]]) {
  test(`a session whose file is gone ends, its turn ${name}; one whose file is moved, copied or compressed does not`, async t => {
    t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
    const dir = home(t);
    const file = write(dir, lines, 1);
    startCodexWatcher();
    await until(() => session(ROOT)?.status === "active", "not imported");
    const archived = path.join(dir, "archived_sessions", path.basename(file));
    fs.mkdirSync(path.dirname(archived));
    const steps = [
      () => fs.renameSync(file, archived),
      () => (fs.copyFileSync(archived, file), fs.rmSync(archived)),
      () => (fs.writeFileSync(`${file}.zst`, zlib.zstdCompressSync(fs.readFileSync(file))), fs.rmSync(file)),
    ];
    for (const step of steps) {
      step();
      await sleep(150);
      t.mock.timers.tick(9000);
      await sleep(150);
      assert.equal(session(ROOT).status, "active");
    }
    fs.rmSync(`${file}.zst`);
    await sleep(150);
    assert.equal(session(ROOT).status, "active"); // it may be on its way
    t.mock.timers.tick(9000);
    await until(() => session(ROOT).status === "completed", "not ended");
    assert.equal(agent(), "completed");
    assert.equal(rows().length, lines.length - 1);
  });
}

test("a file that is gone ends its session after a restart too, and one of another Codex home does not", async t => {
  t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
  const dir = home(t);
  const file = write(dir, open, 1);
  await importRollout(file);
  process.env.CODEX_HOME = path.join(dir, "another");
  startCodexWatcher();
  await sleep(100);
  t.mock.timers.tick(9000);
  await sleep(100);
  assert.equal(session(ROOT).status, "active");
  fs.rmSync(file);
  await sleep(100);
  t.mock.timers.tick(9000);
  await until(() => session(ROOT).status === "completed", "not ended");
});

test("where hooks tell, the status is theirs, until they too have been silent for long", () => {
  const facts = (minutes, more = {}) => ({ updated_at: new Date(Date.now() - minutes * MINUTE).toISOString(), hooked: 1, turn_open: 1, ...more });
  for (const [minutes, gone, expected] of [[1, false, false], [60, false, false], [190, false, true], [0.2, true, false], [1, true, true]]) {
    assert.equal(isOver(facts(minutes), gone), expected, `${minutes} minutes, gone: ${gone}`);
  }
});

test("a Codex that is killed in a turn that hooks told of is not at work for ever", async t => {
  write(home(t), open, 1);
  deliverHook({ session_id: ROOT, hook_event_name: "PreToolUse", turn_id: TURN, tool_use_id: "make", tool_name: "Bash" });
  db.prepare("UPDATE agents SET status = 'working'").run();
  startCodexWatcher();
  await until(() => rows("capture = 'both'").length === 1, "not imported");
  await sleep(60);
  assert.equal(session(ROOT).status, "active");
  db.prepare("UPDATE sessions SET updated_at = ?").run(new Date(Date.now() - 190 * MINUTE).toISOString());
  await until(() => session(ROOT).status === "completed", "not ended");
  assert.equal(agent(), "completed");
});

test("what was given up or has ended is taken up again by something new, and by nothing else", async t => {
  const dir = home(t);
  const file = write(dir, done, 1);
  await importRollout(file);
  db.exec("UPDATE sessions SET status = 'abandoned'; DELETE FROM codex_rollouts");
  await importRollout(file);
  assert.equal(session(ROOT).status, "abandoned");
  fs.appendFileSync(file, text([{ ...started(), timestamp: new Date().toISOString() }, { ...call("more", "ls"), timestamp: new Date().toISOString() }]));
  await importRollout(file);
  assert.deepEqual(states(), ["active", "working"]);
  db.exec("UPDATE sessions SET status = 'error'");
  fs.appendFileSync(file, text([{ ...call("again", "ls"), timestamp: new Date().toISOString() }]));
  await importRollout(file);
  assert.equal(session(ROOT).status, "error");
});

test("a session of another tool is not ours to end", async t => {
  home(t);
  db.prepare("INSERT INTO sessions (id, name, updated_at) VALUES ('claude', 'x', ?)").run(at(0));
  assert.deepEqual(activeSessions(), []);
});

test("an old session in a file that somebody has just touched is not given up and taken up again while it is read", async t => {
  const file = write(home(t), [...done.slice(0, 1), { ...response("reasoning"), padding: "x".repeat(3e6) }, ...done.slice(1)], 400);
  fs.utimesSync(file, new Date(), new Date());
  const seen = new Set();
  const stale = () => {
    seen.add(session(ROOT)?.status);
    // As the sidecar does when another session starts.
    db.prepare("UPDATE sessions SET status = 'abandoned', updated_at = ? WHERE status = 'active'").run(new Date().toISOString());
  };
  assert.ok((await transactions(() => importRollout(file), stale)) > 1);
  assert.deepEqual([...seen], [undefined, "completed"]);
  assert.deepEqual(states(), ["completed", "completed"]);
});
