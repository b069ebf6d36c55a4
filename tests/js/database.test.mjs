/** What the database cannot write is not lost, whatever it says: an error is known by its code. */

import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DatabaseSync } from "node:sqlite";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "database-"));
after(() => fs.rmSync(folder, { recursive: true, force: true }));
process.env.CODEX_TEST_DB = path.join(folder, "dashboard.db"); // a file: another connection can lock it
const { ROOT, TURN, at, call, db, deliverHook, home, message, meta, onFullDisk, output, overlay, reset, rows, started, temporary, text, transactions, warnings } =
  await import("./support.mjs");
const { importRollout } = overlay("codex-importer");
const { isDatabaseError, isRowFault, transaction } = overlay("database");
const { startCodexWatcher } = overlay("codex-watcher");

const FULL = { errcode: 13, code: "ERR_SQLITE_ERROR", message: "database or disk is full" };
const lines = [meta(), started()];
for (let index = 0; index < 1500; index += 1) lines.push(call(`c${index}`, `echo ${index} ${"x".repeat(200)}`), output(`c${index}`, "done"));
const EVENTS = 3001;

beforeEach(() => {
  reset();
  db.exec("PRAGMA busy_timeout = 50");
});

function write(t, content) {
  const file = path.join(temporary(t), `rollout-x-${ROOT}.jsonl`);
  fs.writeFileSync(file, text(content));
  return file;
}

function count() {
  return Number(db.prepare("SELECT COUNT(*) AS n FROM events").get().n);
}

/** Each way in which this database can fail for all rows alike, and how to bring it about. */
const FAILURES = {
  full: [13, onFullDisk],
  "read-only": [8, async work => {
    db.exec("PRAGMA query_only = ON");
    await work().finally(() => db.exec("PRAGMA query_only = OFF"));
  }],
  locked: [5, async work => {
    const other = new DatabaseSync(process.env.CODEX_TEST_DB);
    other.exec("BEGIN IMMEDIATE");
    await work().finally(() => (other.exec("ROLLBACK"), other.close()));
  }],
};

for (const [name, [errcode, during]] of Object.entries(FAILURES)) {
  test(`a database that is ${name}: the error is its own, no row is passed over, and then each comes once`, async t => {
    const file = write(t, lines);
    await importRollout(file, { enough: () => true });
    const before = count();
    const consumed = () => Number(db.prepare("SELECT consumed FROM codex_rollouts").get().consumed);
    const read = consumed();
    await during(() => assert.rejects(importRollout(file), { errcode }));
    assert.equal(consumed() > read, count() > before);
    await importRollout(file);
    assert.equal(count(), EVENTS);
    assert.equal(rows("event_key IS NULL").length, 0);
    assert.equal(consumed(), fs.statSync(file).size);
  });
}

test("a disk that is full at any of the writes costs no row", async t => {
  const file = write(t, lines.slice(0, 1200));
  let writes = await transactions(() => importRollout(file));
  assert.ok(writes >= 4);
  const expected = count();
  for (; writes > 0; writes -= 1) {
    reset();
    let refused = false;
    const attempt = () => transactions(() => importRollout(file), begun => {
      if (begun === writes) db.prepare("PRAGMA max_page_count = 1").get(); // no page more than there are
      refused ||= begun === writes;
    });
    db.exec("VACUUM");
    await attempt().catch(error => assert.equal(error.errcode, 13));
    assert.ok(refused);
    db.prepare("PRAGMA max_page_count = 1000000").get();
    await importRollout(file);
    assert.equal(count(), expected, `full at write ${writes}`);
  }
});

test("an error of the database is known by the code of whichever wrapper, and never by its text", () => {
  const error = (fields, message = "constraint busy full locked") => Object.assign(new Error(message), fields);
  const ofRow = [{ code: "ERR_SQLITE_ERROR", errcode: 1811 }, { code: "ERR_SQLITE_ERROR", errcode: 18 }, { code: "SQLITE_CONSTRAINT_CHECK" },
    { code: "SQLITE_TOOBIG" }, { code: "SQLITE_MISMATCH" }, { code: "ERR_INVALID_ARG_TYPE" }];
  for (const fields of ofRow) assert.deepEqual([isRowFault(error(fields)), isDatabaseError(error(fields))], [true, false], JSON.stringify(fields));
  assert.ok(isRowFault(new RangeError("The bound string is too big")));
  const ofDatabase = [5, 6, 7, 8, 10, 778, 11, 13, 14, 26, 1].map(errcode => ({ code: "ERR_SQLITE_ERROR", errcode }));
  ofDatabase.push(...["BUSY", "BUSY_SNAPSHOT", "LOCKED", "NOMEM", "READONLY", "IOERR_WRITE", "FULL", "CANTOPEN"].map(name => ({ code: `SQLITE_${name}` })));
  for (const fields of ofDatabase) assert.deepEqual([isRowFault(error(fields)), isDatabaseError(error(fields))], [false, true], JSON.stringify(fields));
  for (const fields of [{}, { code: "ENOSPC", syscall: "write" }, { code: "EIO" }, { code: "EMFILE" }, { code: "ERR_INVALID_STATE" }]) {
    assert.deepEqual([isRowFault(error(fields)), isDatabaseError(error(fields))], [false, false], JSON.stringify(fields));
  }
});

test("the sidecar's own transaction loses the error of a full disk; ours does not, and leaves none open", async () => {
  const fill = () => db.prepare("INSERT INTO sessions (id, name) VALUES ('big', ?)").run("x".repeat(1e6));
  await onFullDisk(async () => {
    assert.throws(() => db.transaction(fill)(), /no transaction is active/);
    assert.throws(() => transaction(fill), FULL);
  });
  assert.equal(transaction(() => db.prepare("SELECT 1 AS one").get().one), 1);
});

test("what a full disk takes from a hook, the rollout brings; and with room, the two are one row", async t => {
  const turn = [meta(), started(), call("c", "ls")];
  const hook = { session_id: ROOT, hook_event_name: "PreToolUse", turn_id: TURN, tool_use_id: "c", tool_name: "Bash", tool_input: { command: "ls", padding: "y".repeat(1e6) } };
  db.prepare("INSERT INTO sessions (id, name, harness) VALUES (?, 'demo', 'codex')").run(ROOT);
  db.prepare("INSERT INTO agents (id, session_id, name) VALUES (?, ?, 'main')").run(`${ROOT}-main`, ROOT);
  await onFullDisk(async () => assert.throws(() => deliverHook(hook), FULL));
  assert.equal(count(), 0);
  await importRollout(write(t, turn));
  assert.deepEqual(rows("event_type = 'PreToolUse'").map(row => row.capture), ["rollout"]);
  deliverHook(hook);
  assert.deepEqual(rows("event_type = 'PreToolUse'").map(row => row.capture), ["both"]);
});

test("while the disk is full it is said once, tried now and then, and all files come when there is room", async t => {
  const dir = home(t, "200");
  for (let index = 0; index < 30; index += 1) {
    const id = ROOT.slice(0, -2) + String(10 + index);
    const file = path.join(dir, "sessions/2026/11/23", `rollout-x-${id}.jsonl`);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text([meta({ id, session_id: id }), message("user_message", { message: "z".repeat(20000) }), call("c", at(0))]));
  }
  const said = await warnings(() => onFullDisk(async () => {
    const attempts = await transactions(async () => {
      startCodexWatcher();
      await sleep(1000);
    });
    assert.ok(count() < 90);
    assert.ok(attempts < 15, `${attempts} attempts in a second`); // one a poll, whatever the number of files
  }));
  assert.deepEqual(said, ["[codex-watcher] database or disk is full"]);
  for (let wait = 0; wait < 600 && count() < 90; wait += 1) await sleep(20);
  assert.equal(count(), 90);
});
