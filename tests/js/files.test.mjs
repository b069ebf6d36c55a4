/** Which files are looked at, and when: the few that matter at once, all of them within a round. */

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT, TURN, call, db, deliverHook, home, message, meta, overlay, reset, rows, started, text } from "./support.mjs";

const { RolloutFiles, ROUND } = overlay("codex-files");
const { startCodexWatcher, stopCodexWatcher } = overlay("codex-watcher");
const { readStamps, forgetGone } = overlay("codex-checkpoints");
const { importRollout } = overlay("codex-importer");
const OLD = new Date("2026-01-01T00:00:00Z");
const DAY = 24 * 60 * 60 * 1000;

beforeEach(reset);

function write(dir, day, name, lines = [meta()], time = OLD) {
  const file = path.join(dir, "sessions", day, `rollout-${name}-${ROOT}.jsonl`);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text(lines));
  fs.utimesSync(file, time, time);
  return file;
}

/** As many old files as asked for, five in a folder; each is known, and nothing is expected of it. */
async function settled(dir, count) {
  const written = Array.from({ length: count }, (_, index) => {
    const day = new Date(Date.parse("2025-12-31") - Math.floor(index / 5) * DAY).toISOString().slice(0, 10).replaceAll("-", "/");
    return write(dir, day, index);
  });
  for (const folder of fs.readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (folder.isDirectory()) fs.utimesSync(path.join(folder.parentPath, folder.name), OLD, OLD);
  }
  const files = new RolloutFiles();
  for (const file of await files.look()) files.settle(file);
  return { written, files };
}

const paths = found => found.map(file => file.path);

test("a new file is found at the next look, in a folder that is new too", async t => {
  const dir = home(t);
  const { files } = await settled(dir, 60);
  const first = write(dir, "2026/11/23", "a");
  assert.ok(paths(await files.look()).includes(first));
  const second = write(dir, "2026/11/23", "b");
  assert.ok(paths(await files.look()).includes(second));
  const next = write(dir, "2026/11/24", "c");
  assert.ok(paths(await files.look()).includes(next));
  const archived = path.join(dir, "archived_sessions", path.basename(first));
  fs.mkdirSync(path.dirname(archived));
  fs.renameSync(first, archived);
  const found = paths(await files.look());
  assert.ok(found.includes(archived) && !found.includes(first));
});

test("every file, wherever it is, is looked at within a round, and so is a new one in an old folder", async t => {
  const dir = home(t);
  const { written, files } = await settled(dir, 400);
  const late = write(dir, "2025/12/20", "late");
  const seen = new Set();
  for (let look = 0; look <= ROUND; look += 1) paths(await files.look()).forEach(file => seen.add(file));
  assert.deepEqual([...written, late].filter(file => !seen.has(file)), []);
});

test("a look at files in which nothing happens touches a share of them", async t => {
  const dir = home(t);
  const { files } = await settled(dir, 600);
  await files.look();
  const { readdir } = fs.promises;
  let [most, listed] = [0, 0];
  fs.promises.readdir = (...args) => ((listed += 1), readdir(...args));
  try {
    for (let look = 0; look < ROUND; look += 1) most = Math.max(most, (await files.look()).length);
  } finally {
    fs.promises.readdir = readdir;
  }
  assert.ok(most <= 60, `${most} files at one look`);
  assert.ok(listed <= 3 * files.folders.size, `${listed} folders were read, of ${files.folders.size}`);
});

test("a file that a hook names is looked at from the next look on; what is no rollout of ours is not", async t => {
  const dir = home(t);
  const { written, files } = await settled(dir, 300);
  await files.look();
  const quiet = written.find(file => !files.recent.includes(files.files.get(file)));
  files.hint(quiet);
  assert.ok(paths(await files.look()).includes(quiet));
  assert.ok(paths(await files.look()).includes(quiet));
  const before = files.files.size;
  for (const named of ["/etc/passwd", `/tmp/rollout-x-${ROOT}.jsonl`, path.join(dir, `sessions/../../rollout-x-${ROOT}.jsonl`), path.join(dir, "sessions/2026/notes.jsonl")]) files.hint(named);
  assert.equal(files.files.size, before);
  files.hint(path.join(dir, `sessions/2026/11/23/rollout-gone-${ROOT}.jsonl`));
  await files.look();
  assert.equal(files.files.size, before);
});

test("files and folders that are gone are forgotten", async t => {
  const dir = home(t);
  const { files } = await settled(dir, 50);
  fs.rmSync(path.join(dir, "sessions"), { recursive: true });
  assert.deepEqual(await files.look(), []);
  assert.equal(files.files.size, 0);
  const back = write(dir, "2026/11/23", "a");
  assert.deepEqual(paths(await files.look()), [back]);
});

async function until(what, complaint) {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    if (what()) return;
    await sleep(10);
  }
  assert.fail(complaint);
}

test("after a restart, files that have not changed are not opened, and one that has goes on", async t => {
  const dir = home(t);
  const lines = [meta(), started(), call("c", "ls")];
  const file = write(dir, "2026/11/23", "x", lines);
  for (let index = 0; index < 20; index += 1) write(dir, "2026/11/22", `y-${index}`, [meta({ id: `s${index}`, session_id: `s${index}` })]);
  startCodexWatcher();
  await until(() => readStamps().size === 21, "not imported");
  await stopCodexWatcher();
  fs.appendFileSync(file, text([message("task_complete", { turn_id: TURN })]));
  fs.utimesSync(file, OLD, OLD);
  const { open } = fs.promises;
  const opened = [];
  fs.promises.open = (name, ...args) => (opened.push(name), open(name, ...args));
  try {
    startCodexWatcher();
    await until(() => rows("event_type = 'Stop'").length === 1, "not followed");
    await sleep(100);
  } finally {
    fs.promises.open = open;
  }
  assert.deepEqual(opened, [file]);
});

test("a session that is resumed in an old file is seen as soon as its hook names the file", async t => {
  const dir = home(t);
  const { written } = await settled(dir, 300);
  startCodexWatcher();
  await until(() => readStamps().size === 300, "not imported");
  const file = written.at(-1);
  fs.appendFileSync(file, text([started(), call("resumed", "ls")]));
  deliverHook({ session_id: ROOT, hook_event_name: "SessionStart", source: "resume", transcript_path: file });
  const began = Date.now();
  await until(() => rows("event_key LIKE '%:resumed:%:pre'").length === 1, "not seen");
  assert.ok(Date.now() - began < 600, `${Date.now() - began} ms`);
});

test("where a file was read to is forgotten when it has been gone for a month, what it counted is not", async t => {
  const dir = home(t);
  const file = write(dir, "2026/11/23", "x", [meta(), message("token_count", { info: { total_token_usage: { input_tokens: 9 } } })]);
  await importRollout(file);
  const row = () => db.prepare("SELECT state, usage, gone_at FROM codex_rollouts").get();
  const now = Date.now();
  forgetGone(() => false, now);
  forgetGone(() => false, now + 29 * DAY);
  assert.ok(row().state);
  forgetGone(() => true, now + 30 * DAY);
  assert.equal(row().gone_at, null);
  forgetGone(() => false, now + 40 * DAY);
  forgetGone(() => false, now + 71 * DAY);
  assert.equal(row().state, null);
  assert.match(row().usage, /"input_tokens":9/);
  await importRollout(file);
  assert.ok(row().state);
});
