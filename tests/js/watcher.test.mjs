import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT, TURN, call, db, home, message, meta, overlay, reset, rows, started, text, transactions, warnings } from "./support.mjs";

const { startCodexWatcher, stopCodexWatcher } = overlay("codex-watcher");

beforeEach(reset);

function rollout(dir, name = "a", lines = [meta(), started(), call("c", "ls")]) {
  const file = path.join(dir, "sessions/2026/11/23", `rollout-${name}-${ROOT}.jsonl`);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text(lines));
  return file;
}

async function until(what, message) {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    if (what()) return;
    await sleep(10);
  }
  assert.fail(message);
}

const count = () => rows().length;

test("what is there is imported at start, what comes later is followed", async t => {
  const dir = home(t);
  const file = rollout(dir);
  startCodexWatcher();
  await until(() => count() === 2, "not imported");
  fs.appendFileSync(file, text([message("task_complete", { turn_id: TURN })]));
  await until(() => count() === 3, "not followed");
  rollout(dir, "b", [meta({ id: "b", session_id: "b" })]);
  await until(() => count() === 4, "new file not seen");
});

test("a half-written line is read when it is whole", async t => {
  const dir = home(t);
  const file = rollout(dir);
  const line = text([message("task_complete", { turn_id: TURN })]);
  fs.appendFileSync(file, line.slice(0, 30));
  startCodexWatcher();
  await until(() => count() === 2, "not imported");
  await sleep(60);
  assert.equal(count(), 2);
  fs.appendFileSync(file, line.slice(30));
  await until(() => count() === 3, "not completed");
});

test("starting returns at once, and starting twice is starting once", async t => {
  const dir = home(t);
  rollout(dir);
  startCodexWatcher();
  startCodexWatcher();
  assert.equal(count(), 0);
  await until(() => count() === 2, "not imported");
  await stopCodexWatcher();
  db.exec("DELETE FROM events");
  rollout(dir, "b", [meta({ id: "b", session_id: "b" })]);
  await sleep(80);
  assert.equal(count(), 0);
});

test("after a stop nothing touches the database, even in the middle of a large file", async t => {
  const dir = home(t);
  const lines = [meta(), started()];
  for (let index = 0; index < 20000; index += 1) lines.push(call(`c${index}`, "ls"));
  rollout(dir, "a", lines);
  startCodexWatcher();
  await until(() => count() > 0, "not begun");
  const stopped = stopCodexWatcher();
  const before = count();
  assert.ok(before < 20001, "it was done before it could be stopped");
  const touched = await transactions(async () => {
    await stopped;
    await sleep(60);
  });
  assert.deepEqual([touched, count()], [0, before]);
});

test("stopping what is not on is fine, and so is starting again", async t => {
  const dir = home(t);
  rollout(dir);
  await stopCodexWatcher();
  await stopCodexWatcher();
  startCodexWatcher();
  await until(() => count() === 2, "not imported");
  await stopCodexWatcher();
  reset();
  startCodexWatcher();
  await until(() => count() === 2, "not imported again");
});

test("a file that cannot be imported stops no other, is said once, and is tried again", async t => {
  const dir = home(t);
  rollout(dir, "a", [meta({ id: "bad", session_id: "bad" })]);
  rollout(dir, "b");
  db.exec("CREATE TRIGGER refuse BEFORE INSERT ON sessions WHEN NEW.id = 'bad' BEGIN SELECT RAISE(ABORT, 'refused'); END");
  const said = await warnings(async () => {
    startCodexWatcher();
    await until(() => count() === 2, "the other file was not imported");
    await sleep(80);
  });
  db.exec("DROP TRIGGER refuse");
  assert.equal(said.length, 1);
  await until(() => count() === 3, "not tried again");
});

test("a file that cannot be opened is said once, with its name, and comes when it can be", async t => {
  const dir = home(t);
  const [denied, file] = [rollout(dir, "a", [meta({ id: "denied", session_id: "denied" })]), rollout(dir, "b")];
  fs.chmodSync(dir, 0o755);
  fs.chmodSync(denied, process.geteuid() === 0 ? 0o600 : 0);
  let opened = 0;
  const { open } = fs.promises;
  fs.promises.open = (name, ...args) => ((opened += name === denied), open(name, ...args));
  t.after(() => (fs.promises.open = open));
  const said = await warnings(async () => {
    if (process.geteuid() === 0) process.seteuid(65534); // root may read everything
    try {
      startCodexWatcher();
      await until(() => count() === 2, "the other file was not imported");
      await sleep(500);
    } finally {
      if (process.getuid() === 0) process.seteuid(0);
    }
  });
  assert.ok(file && said.length === 1 && said[0].includes(denied), said.join("\n"));
  assert.ok(opened > 0 && opened < 4, `${opened} attempts`);
  fs.chmodSync(denied, 0o644);
  await until(() => count() === 3, "not tried again");
});

test("a first import goes on at once while there is more, whatever the interval", async t => {
  const dir = home(t, "50000"); // between two rounds, it would wait for longer than all of it takes
  for (let index = 0; index < 3000; index += 1) rollout(dir, String(index), [meta({ id: `s${index}`, session_id: `s${index}` })]);
  const began = Date.now();
  startCodexWatcher();
  while (count() < 3000 && Date.now() - began < 45000) await sleep(20);
  assert.equal(count(), 3000);
  assert.ok(Date.now() - began > 1000, "it takes more than one round, or this tells nothing");
});

test("a file that has not changed is not read again", async t => {
  const dir = home(t);
  rollout(dir);
  startCodexWatcher();
  await until(() => count() === 2, "not imported");
  await sleep(40);
  db.exec("DELETE FROM events");
  await sleep(100);
  assert.equal(count(), 0);
});

test("a home that is not there is no error, and is watched for", async t => {
  const dir = home(t);
  process.env.CODEX_HOME = path.join(dir, "later");
  startCodexWatcher();
  await sleep(50);
  rollout(process.env.CODEX_HOME);
  await until(() => rows("session_id = ?", ROOT).length === 2, "not seen");
});

test("a nonsensical interval is the default one", async t => {
  const dir = home(t, "soon");
  const file = rollout(dir);
  startCodexWatcher();
  await until(() => count() === 2, "not imported");
  fs.appendFileSync(file, text([message("task_complete", { turn_id: TURN })]));
  await until(() => count() === 3, "not followed");
});
