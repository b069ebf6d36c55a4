/** A rollout that Codex has compressed: the same session, whether it was read before or not, and what comes after. */

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import zlib from "node:zlib";
import { ROOT, TURN, at, call, db, home, message, meta, output, overlay, reset, rows, started, temporary, text, warnings } from "./support.mjs";

const { importRollout } = overlay("codex-importer");
const { startCodexWatcher } = overlay("codex-watcher");
const OLD = new Date("2026-01-01T00:00:00Z");

const total = (input, ms) => message("token_count", { info: { total_token_usage: { input_tokens: input, output_tokens: 1 } } }, ms);
const lines = [meta(), started(), { timestamp: at(6), type: "turn_context", payload: { turn_id: TURN, model: "gpt" } }];
for (let index = 0; index < 40; index += 1) lines.push(call(`c${index}`, `echo é ${index}`), output(`c${index}`, "x".repeat(index)));
lines.push(total(100, 40), message("task_complete", { turn_id: TURN }, 50));
const EVENTS = 82;
const next = "01a207a0-0200-7000-8000-000000000001";
const later = [started(60000, next), call("b", "pwd", 60010), output("b", "/", 60020), total(130, 60030)];

beforeEach(reset);

function write(file, content) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, Buffer.isBuffer(content) ? content : text(content));
  fs.utimesSync(file, OLD, OLD);
  return file;
}

const pack = content => zlib.zstdCompressSync(Buffer.from(text(content)));
const plainIn = dir => path.join(dir, "sessions/2026/11/23", `rollout-x-${ROOT}.jsonl`);
const input = () => db.prepare("SELECT input_tokens AS n FROM token_usage").all().map(row => row.n);
const state = () => [rows().length, input(), db.prepare("SELECT COUNT(*) AS n FROM codex_rollouts").get().n];

test("a compressed file gives what the plain one gives, and leaves nothing behind", async t => {
  const [plain, scratch] = [plainIn(temporary(t)), temporary(t)];
  const { TMPDIR = "" } = process.env;
  process.env.TMPDIR = scratch;
  t.after(() => (process.env.TMPDIR = TMPDIR));
  await importRollout(write(plain, lines));
  const expected = rows().map(({ id, ...row }) => row);
  reset();
  await importRollout(write(`${plain}.zst`, pack(lines)));
  assert.deepEqual(rows().map(({ id, ...row }) => row), expected);
  assert.deepEqual(state(), [EVENTS, [100], 1]);
  assert.deepEqual(fs.readdirSync(scratch), []);
});

test("in whatever order it is plain, compressed, both, and plain again, each row and token counts once", async t => {
  const dir = temporary(t);
  const plain = plainIn(dir);
  const packed = `${plain}.zst`;
  const steps = {
    "plain": () => write(plain, lines),
    "compressed": () => write(packed, pack(lines)),
    "compressed alone": () => (fs.rmSync(plain, { force: true }), write(packed, pack(lines))),
    "plain alone": () => (fs.rmSync(packed, { force: true }), write(plain, lines)),
  };
  const orders = [["plain", "compressed", "compressed alone", "plain alone"], ["compressed alone", "plain", "plain alone"], ["compressed alone", "plain", "compressed alone"]];
  for (const order of orders) {
    reset();
    fs.rmSync(dir, { recursive: true });
    for (const step of order) {
      const file = steps[step]();
      await importRollout(file);
      assert.deepEqual(state(), [EVENTS, [100], 1], `${step} of ${order}`);
    }
  }
});

test("a session that is resumed is a plain file again, and goes on; what is still there compressed is behind it", async t => {
  const plain = plainIn(temporary(t));
  const packed = write(`${plain}.zst`, pack(lines));
  await importRollout(packed);
  await importRollout(write(plain, [...lines, ...later]));
  assert.deepEqual(state(), [EVENTS + 2, [130], 1]);
  const checkpoint = () => ({ ...db.prepare("SELECT path, consumed FROM codex_rollouts").get() });
  const before = checkpoint();
  await importRollout(packed);
  assert.deepEqual(checkpoint(), before);
  assert.deepEqual(state(), [EVENTS + 2, [130], 1]);
  await importRollout(write(plain, [...lines, ...later, call("z", "ls", 70000)]));
  assert.deepEqual(state(), [EVENTS + 3, [130], 1]);
});

test("a file of several frames is read to its end, a long one too", async t => {
  const bytes = Buffer.from(text([...lines, ...Array.from({ length: 3000 }, (_, index) => call(`f${index}`, "y".repeat(300), 55))]));
  const frames = [];
  for (let start = 0; start < bytes.length; start += 200_001) frames.push(zlib.zstdCompressSync(bytes.subarray(start, start + 200_001)));
  assert.ok(frames.length > 3);
  await importRollout(write(`${plainIn(temporary(t))}.zst`, Buffer.concat(frames)));
  assert.equal(rows().length, EVENTS + 3000);
});

test("one that is still being written, or damaged, is said once, costs no other file, and is read when it is whole", async t => {
  const dir = home(t);
  const whole = pack(lines);
  const packed = `${plainIn(dir)}.zst`;
  write(packed, Buffer.concat([Buffer.from("not zstd"), whole]));
  const id = ROOT.replace(/1$/, "2");
  write(path.join(dir, "sessions/2026/11/22", `rollout-y-${id}.jsonl.zst`), pack([meta({ id, session_id: id })]));
  const said = await warnings(async () => {
    startCodexWatcher();
    for (let wait = 0; wait < 100 && rows().length < 1; wait += 1) await sleep(10);
    await sleep(100);
  });
  assert.equal(rows().length, 1);
  assert.deepEqual(said.map(line => line.includes(packed)), [true]);
  write(packed, whole.subarray(0, whole.length - 20));
  await sleep(1200); // the first retry
  write(packed, whole);
  for (let wait = 0; wait < 400 && rows().length < EVENTS + 1; wait += 1) await sleep(10);
  assert.equal(rows().length, EVENTS + 1);
});
