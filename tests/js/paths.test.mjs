import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { overlay, temporary } from "./support.mjs";

const { archivedDir, codexHome, sessionsDir } = overlay("codex-paths");
const { RolloutFiles } = overlay("codex-files");
const look = () => new RolloutFiles().look();
const paths = async () => (await look()).map(file => file.path).sort();

function home(t) {
  process.env.CODEX_HOME = temporary(t);
  t.after(() => delete process.env.CODEX_HOME);
  return process.env.CODEX_HOME;
}

function write(file) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, "{}\n");
  return file;
}

test("a home that is not there has no rollouts", async t => {
  home(t);
  assert.deepEqual(await look(), []);
  process.env.CODEX_HOME = "/nowhere/at/all";
  assert.deepEqual(await look(), []);
});

test("without CODEX_HOME it is .codex in the user's home", async t => {
  t.after(() => delete process.env.CODEX_HOME);
  process.env.CODEX_HOME = "";
  assert.equal(path.basename(codexHome()), ".codex");
});

test("rollouts are found by date and in the archive, and nothing else is", async t => {
  const root = home(t);
  const dated = write(path.join(sessionsDir(), "2026/11/23/rollout-a.jsonl"));
  const archived = write(path.join(archivedDir(), "rollout-b.jsonl"));
  write(path.join(root, "sessions/2026/11/23/notes.jsonl"));
  write(path.join(root, "sessions/2026/11/rollout-c.jsonl"));
  write(path.join(root, "sessions/drafts/11/23/rollout-d.jsonl"));
  write(path.join(root, "archived_sessions/deeper/rollout-e.jsonl"));
  assert.deepEqual(await paths(), [archived, dated].sort());
  const { size, mtimeMs } = fs.statSync(dated);
  assert.deepEqual((await look()).find(file => file.path === dated), { path: dated, size, mtimeMs, stamp: null });
});

test("a link to a folder is not followed", async t => {
  const root = home(t);
  const dated = write(path.join(sessionsDir(), "2026/11/23/rollout-a.jsonl"));
  fs.symlinkSync(path.join(root, "sessions"), path.join(sessionsDir(), "2026/11/24"));
  fs.symlinkSync(path.join(root, "sessions/2026"), path.join(sessionsDir(), "2027"));
  assert.deepEqual(await paths(), [dated]);
});

test("a file that vanishes or cannot be read does not hide the others", async t => {
  home(t);
  const dated = write(path.join(sessionsDir(), "2026/11/23/rollout-a.jsonl"));
  fs.symlinkSync("/nowhere", path.join(sessionsDir(), "2026/11/23/rollout-z.jsonl"));
  fs.mkdirSync(path.join(sessionsDir(), "2026/11/23/rollout-dir.jsonl"));
  assert.deepEqual(await paths(), [dated]);
});
