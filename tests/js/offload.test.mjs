import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { beforeEach, test } from "node:test";
import { ROOT, call, db, item, meta, output, overlay, reset, response, started, temporary, text, transactions } from "./support.mjs";

// Every thread that is started is seen, and can be kept from starting: before the overlays take hold of the class.
const threads = createRequire(import.meta.url)("node:worker_threads");
const workers = [];
let refuse = false;
threads.Worker = class extends threads.Worker {
  constructor(...given) {
    if (refuse) throw new Error("no more threads");
    super(...given);
    workers.push(this);
  }
};
const { importRollout } = overlay("codex-importer");

beforeEach(reset);

/** 2 MB with everything that text can be: characters of all widths, bytes that are none, lines that are no JSON. */
function long() {
  const lines = [meta(), started()];
  for (let index = 0; index < 1000; index += 1) lines.push(call(`c${index}`, `echo é€𝄞 ${index}`), output(`c${index}`, "aé€𝄞\u0000\n".repeat(100 + (index % 7))));
  const bytes = Buffer.from(text(lines).replaceAll("echo é€𝄞 5", "echo \u0001\u0001 5"));
  for (let at = bytes.indexOf(1); at >= 0; at = bytes.indexOf(1, at)) bytes[at] = 0xff;
  return Buffer.concat([bytes, Buffer.from("{broken\n"), Buffer.from(text([call("last", "ls")]))]);
}

function fileOf(t, bytes) {
  const file = path.join(temporary(t), `rollout-x-${ROOT}.jsonl`);
  fs.writeFileSync(file, bytes);
  fs.utimesSync(file, 1e9, 1e9);
  return file;
}

function all(sql = "SELECT session_id, event_type, tool_name, summary, data, typeof(data) AS kind, created_at, event_key FROM events ORDER BY event_key") {
  return db.prepare(sql).all().map(row => ({ ...row }));
}

/** The same file read in steps that are too short for another thread. */
async function readHere(t, bytes) {
  const file = fileOf(t, "");
  for (let end = 0; end < bytes.length; ) {
    end = Math.min(bytes.length, end + 300 * 1024);
    fs.writeFileSync(file, bytes.subarray(0, end));
    fs.utimesSync(file, 1e9, 1e9);
    await importRollout(file);
  }
  const rows = all();
  reset();
  return rows;
}

test("a long file is read by another thread, and gives the rows that it gives here", async t => {
  const bytes = long();
  const here = await readHere(t, bytes);
  assert.equal(workers.length, 0);
  assert.equal(here.length, 2002);
  assert.deepEqual(await importRollout(fileOf(t, bytes)), { inserted: 2002, completed: 0, complete: true });
  assert.equal(workers.length, 1);
  assert.deepEqual(all(), here);
  assert.ok(here.every(({ kind }) => kind === "text"));
});

test("a row from the other thread has all that one has which was read here", async t => {
  const next = "01a207a1-0100-7000-8000-000000000002";
  const nested = item("CommandExecution", { id: "exec-1", command: ["ls"], exit_code: 0, aggregated_output: "" }, 30);
  const script = [response("custom_tool_call", { name: "exec", input: "x", call_id: "s" }), nested];
  const later = [output("bg", "Process running with session ID 7\nOutput:\n"), started(40, next), item("CommandExecution", { id: "bg", exit_code: 0 }, 41, next)];
  const file = fileOf(t, text([meta(), started(), ...script, call("bg", "sleep"), ...later]));
  const read = async size => {
    const handle = await fs.promises.open(file);
    const found = [];
    const request = { size, consumed: 0, state: null, threadId: ROOT, deletedTo: null };
    for await (const { rows } of overlay("codex-offload").openBatches(handle, request)) found.push(...rows);
    return found.map(row => Object.entries({ ...row, data: Buffer.from(row.data).toString() }).filter(([, value]) => value ?? false).sort());
  };
  const here = await read(0);
  const columns = new Set(here.flat().map(([column]) => column));
  for (const column of ["end_turn_id", "nested", "script"]) assert.ok(columns.has(column), column);
  assert.deepEqual(await read(1e9), here);
});

test("the memory of a batch that is written goes back to the other thread", async t => {
  const handle = await fs.promises.open(fileOf(t, long()));
  const buffers = [];
  const request = { size: 1e9, consumed: 0, state: null, threadId: ROOT, deletedTo: null };
  for await (const { rows } of overlay("codex-offload").openBatches(handle, request)) {
    assert.ok(buffers.every(buffer => buffer.detached), `${buffers.length} batches`);
    buffers.push(rows[0].data.buffer);
  }
  assert.ok(buffers.length > 3, `${buffers.length} batches`);
});

test("a row that a hook has brought is completed from the other thread", async t => {
  const file = fileOf(t, long());
  await importRollout(file);
  const [before] = all("SELECT * FROM events WHERE event_key LIKE '%:c7:%:post'");
  db.exec("DELETE FROM codex_rollouts; UPDATE events SET capture = 'hook', data = '{\"tool_response\":\"by hook\"}' WHERE event_key LIKE '%:c7:%:post'");
  assert.deepEqual(await importRollout(file), { inserted: 0, completed: 1, complete: true });
  const [after] = all("SELECT * FROM events WHERE event_key LIKE '%:c7:%:post'");
  assert.deepEqual([after.capture, JSON.parse(after.data)], ["both", { ...JSON.parse(before.data), tool_response: "by hook" }]);
});

test("one thread serves many files, and a file that is left half-way is read on from there", async t => {
  const file = fileOf(t, long());
  const before = workers.length;
  assert.equal((await importRollout(file, { enough: () => true })).complete, false);
  const some = all().length;
  assert.ok(some > 0 && some < 2002, `${some} rows`);
  assert.deepEqual(await importRollout(file), { inserted: 2002 - some, completed: 0, complete: true });
  assert.ok(workers.length - before <= 1);
});

test("an error in the other thread has its code here", async t => {
  const { openBatches } = overlay("codex-offload");
  for (const size of [0, 1e9]) {
    const handle = await fs.promises.open(temporary(t)); // a folder can be opened, not read
    const batches = openBatches(handle, { size, consumed: 0, state: null, threadId: ROOT, deletedTo: null });
    await assert.rejects(batches.next(), { code: "EISDIR", syscall: "read" });
  }
});

test("a thread that dies loses nothing, and is done without from then on", async t => {
  const file = fileOf(t, long());
  const endThread = () => workers.at(-1).terminate();
  await transactions(() => assert.rejects(importRollout(file), /the thread that read the file is gone/), endThread);
  const some = all().length;
  assert.ok(some > 0 && some < 2002, `${some} rows`);
  assert.deepEqual(await importRollout(file), { inserted: 2002 - some, completed: 0, complete: true });
});

test("where no thread can be started, the sidecar's own reads", async t => {
  const offload = createRequire(import.meta.url).resolve(path.join(process.env.SIDECAR_TREE, "server/lib/codex-offload.js"));
  delete createRequire(import.meta.url).cache[offload];
  refuse = true;
  const { openBatches } = overlay("codex-offload");
  const [file, rows] = [fileOf(t, long()), []];
  const handle = await fs.promises.open(file);
  for await (const batch of openBatches(handle, { size: 1e9, consumed: 0, state: null, threadId: ROOT, deletedTo: null })) rows.push(...batch.rows);
  assert.equal(rows.length, 2002);
  assert.equal(handle.fd, -1);
});
