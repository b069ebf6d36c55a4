import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { test } from "node:test";
import { ROOT, overlay, temporary, warnings } from "./support.mjs";

const { archivedDir, codexHome, rolloutName, sessionsDir, threadInName } = overlay("codex-paths");
const { ROUND, RolloutFiles } = overlay("codex-files");
const zlib = createRequire(import.meta.url)("node:zlib");
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

const named = letter => `rollout-${letter}-${ROOT}.jsonl`;

test("rollouts are found by date, flat and in the archive, compressed too, and nothing else is", async t => {
  const root = home(t);
  const dated = write(path.join(sessionsDir(), "2026/11/23", named("a")));
  const archived = write(path.join(archivedDir(), named("b")));
  const flat = write(path.join(sessionsDir(), named("f")));
  const month = write(path.join(sessionsDir(), "2026/11", named("c")));
  const packed = write(path.join(sessionsDir(), "2026/11/23", `${named("p")}.zst`));
  write(path.join(root, "sessions/2026/11/23/notes.jsonl"));
  write(path.join(root, "sessions/2026/11/23/rollout-x.jsonl"));
  for (const copy of [` (copy).jsonl`, ".backup.jsonl", ".jsonl.bak", ".jsonl.zst.tmp"]) {
    write(dated.replace(/\.jsonl$/, copy));
  }
  write(path.join(root, "sessions/drafts/11/23", named("d")));
  write(path.join(root, "archived_sessions/deeper", named("e")));
  assert.deepEqual(await paths(), [archived, dated, flat, month, packed].sort());
  const { size, mtimeMs } = fs.statSync(dated);
  assert.deepEqual((await look()).find(file => file.path === dated), { path: dated, size, mtimeMs, stamp: null });
});

test("a rollout has one name and one thread, wherever it is and however it is packed", () => {
  for (const file of [named("a"), `/x/${named("a")}`, `/y/${named("a")}.zst`]) {
    assert.deepEqual([rolloutName(file), threadInName(file)], [named("a"), ROOT]);
  }
  assert.equal(threadInName("/x/rollout-a.jsonl"), null);
});

test("a link is followed to what is elsewhere, and not to what is found without it", async t => {
  const [root, other] = [home(t), temporary(t)];
  const dated = write(path.join(sessionsDir(), "2026/11/23", named("a")));
  write(path.join(other, "11/05", named("y")));
  write(path.join(other, "day", named("d")));
  write(path.join(other, "file", named("f")));
  fs.symlinkSync(other, path.join(sessionsDir(), "2025"));
  fs.symlinkSync(path.join(other, "day"), path.join(sessionsDir(), "2026/11/22"));
  fs.symlinkSync(path.join(other, "file", named("f")), path.join(sessionsDir(), "2026/11/23", named("f")));
  fs.symlinkSync(path.join(root, "sessions"), path.join(sessionsDir(), "2026/11/24"));
  fs.symlinkSync(path.join(root, "sessions/2026"), path.join(sessionsDir(), "2027"));
  fs.symlinkSync(dated, path.join(sessionsDir(), "2026/11/23", named("z")));
  fs.symlinkSync(path.join(sessionsDir(), "2028"), path.join(sessionsDir(), "2028"));
  const found = ["2025/11/05/" + named("y"), "2026/11/22/" + named("d"), "2026/11/23/" + named("a"), "2026/11/23/" + named("f")];
  assert.deepEqual(await paths(), found.map(name => path.join(sessionsDir(), name)));
});

test("a home that is a link has its files, and a hook may name them by where they really are", async t => {
  const [root, other] = [home(t), temporary(t)];
  fs.symlinkSync(other, path.join(root, "sessions"));
  const file = write(path.join(other, "2026/11/23", named("a")));
  const there = path.join(root, "sessions/2026/11/23", named("a"));
  assert.deepEqual(await paths(), [there]);
  const files = new RolloutFiles();
  files.hint(file);
  assert.ok(files.has(there));
});

test("a file that vanishes, a pipe and a folder of a rollout's name do not hide the others", async t => {
  home(t);
  const dated = write(path.join(sessionsDir(), "2026/11/23", named("a")));
  fs.symlinkSync("/nowhere", path.join(sessionsDir(), "2026/11/23", named("z")));
  fs.mkdirSync(path.join(sessionsDir(), "2026/11/23", named("y")));
  const pipe = path.join(temporary(t), "pipe");
  spawnSync("mkfifo", [pipe]);
  fs.renameSync(pipe, path.join(sessionsDir(), "2026/11/23", named("x")));
  fs.symlinkSync("/dev/null", path.join(sessionsDir(), "2026/11/23", named("w")));
  assert.deepEqual(await paths(), [dated]);
});

test("a folder that cannot be read is said once, what is known of it stays, and it is read when it can be", async t => {
  const root = home(t);
  const file = write(path.join(sessionsDir(), "2026/11/23", named("a")));
  const readable = write(path.join(sessionsDir(), "2026/11/22", named("b")));
  const folder = path.dirname(file);
  const files = new RolloutFiles();
  assert.equal((await files.look()).length, 2);
  fs.chmodSync(root, 0o755);
  fs.chmodSync(folder, 0o700);
  const asNobody = process.geteuid() === 0;
  if (!asNobody) fs.chmodSync(folder, 0);
  const said = await warnings(async () => {
    if (asNobody) process.seteuid(65534); // root may read everything
    try {
      for (let look = 0; look < 2 * ROUND; look += 1) {
        assert.deepEqual((await files.look()).filter(({ path: found }) => found === file), []);
      }
      assert.ok(files.has(file) && files.has(readable));
      assert.deepEqual((await new RolloutFiles().look()).map(({ path: found }) => found), [readable]);
    } finally {
      if (asNobody) process.seteuid(0);
    }
  });
  assert.deepEqual(said, [`[codex-files] ${folder}: this folder cannot be read (permission denied); its sessions come when it can`]);
  fs.chmodSync(folder, 0o755);
  const seen = new Set();
  for (let look = 0; look <= ROUND; look += 1) (await files.look()).forEach(({ path: found }) => seen.add(found));
  assert.ok(seen.has(file));
});

test("rollouts of a kind that we cannot read are said once, by kind", async t => {
  home(t);
  for (const name of ["a.json", "b.json", "c.jsonl.gz", "d.jsonl.bak", "e.jsonl.tmp"]) write(path.join(sessionsDir(), `rollout-${name}`));
  const said = await warnings(async () => {
    assert.deepEqual(await paths(), []);
    assert.deepEqual(await paths(), []);
  });
  assert.deepEqual(said.map(line => /end in (\S+)/.exec(line)[1]), [".json", ".jsonl.gz"]);
});

test("where Node has no zstd, compressed files are left out, and that is said once", async t => {
  home(t);
  for (const day of ["21", "22"]) write(path.join(sessionsDir(), "2026/11", day, `${named("a")}.zst`));
  const { createZstdDecompress } = zlib;
  delete zlib.createZstdDecompress;
  t.after(() => (zlib.createZstdDecompress = createZstdDecompress));
  const said = await warnings(async () => assert.deepEqual(await paths(), []));
  assert.equal(said.length, 1);
  assert.match(said[0], /\.jsonl\.zst.* 22\.15 /);
});
