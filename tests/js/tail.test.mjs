/** Reading on: whatever interrupts it, the rows are those of one go, and only what is new is read. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { beforeEach, test } from "node:test";
import { ROOT, SAMPLES, TURN, at, call, db, deliverHook, item, message, meta, onFullDisk, output, overlay, parse, reset, response, rows, sample, session, started, temporary, text } from "./support.mjs";

const { importRollout } = overlay("codex-importer");
const { rowsOf } = overlay("codex-ledger");
const { createParser } = overlay("codex-rollout");
const CHILD = "01a207a1-0000-7000-8000-000000000002";
const OLD = new Date("2026-01-01T00:00:00Z");
const recorded = fs.existsSync(SAMPLES) ? ["v0146-direct", "v0169-direct", "v0169-codemode"] : [];

beforeEach(reset);

const usageRecord = (id, input) => ({ timestamp: at(40), type: "token_usage_record", payload: { response_id: id, usage: { input_tokens: input, output_tokens: 1 } } });
const total = (input, ms = 40) => message("token_count", { info: { total_token_usage: { input_tokens: input, output_tokens: 1 } } }, ms);
const context = (model, turn = TURN) => ({ timestamp: at(6), type: "turn_context", payload: { turn_id: turn, model } });

/** One stream with everything in it whose meaning depends on lines before it. */
const everything = [
  meta(),
  started(),
  context("gpt-é"),
  message("user_message", { message: "go €𝄞" }),
  message("user_message", { message: "go €𝄞" }, 12),
  call("a", "echo one"),
  call("b", "sleep 9"),
  response("reasoning", { encrypted_content: "x".repeat(50) }),
  output("a", "Process exited with code 3\nOutput:\nné\n"),
  output("b", "Process running with session ID 77\nOutput:\nfirst\n"),
  total(10),
  "{ broken",
  { timestamp: at(41), type: "from_the_future", payload: { type: "x" } },
  response("function_call", { name: "write_stdin", arguments: JSON.stringify({ session_id: 77, chars: "y" }), call_id: "c" }, 42),
  output("c", "Process exited with code 0\nOutput:\nlast\n", 43),
  response("custom_tool_call", { name: "exec", input: "tools.x()", call_id: "outer" }, 44),
  item("CommandExecution", { id: "exec-1", command: ["bash", "-lc", "ls"], exit_code: 0, status: "completed" }, 46),
  response("custom_tool_call_output", { call_id: "outer", output: "done" }, 47),
  call("d", "still open", 48),
  item("CommandExecution", { id: "d", command: ["still open"], exit_code: 1, status: "failed", aggregated_output: "é" }, 50),
  output("d", "Process exited with code 1\nOutput:\né", 51),
  { timestamp: at(52), type: "compacted", payload: { message: "" } },
  { timestamp: at(53), type: "compacted", payload: { message: "" } },
  context("mini"),
  total(25, 54),
  message("task_complete", { turn_id: TURN, last_agent_message: "ok" }, 55),
  message("user_message", { message: "no turn" }, 56),
  message("turn_aborted", { turn_id: "later", reason: "interrupted" }, 57),
];

const next = "01a207a1-0100-7000-8000-000000000002";
const ended = (id, more = {}, ms = 21) => item("CommandExecution", { id, command: ["ls"], exit_code: 0, aggregated_output: "all", ...more }, ms);
/** Outputs of calls of which an item has told all, or not all, or of another call with the same id. */
const toldByItems = [
  meta(),
  started(),
  call("all", "ls"),
  ended("all"),
  output("all", "Process exited with code 0\nOutput:\nall"),
  call("again", "ls"),
  ended("again"),
  call("again", "true"),
  output("again", "Process exited with code 4\nOutput:\nof the second"),
  ...[["no code", { exit_code: undefined }], ["no text", { aggregated_output: null }], ["neither", { exit_code: null, aggregated_output: null }]].flatMap(([id, more]) => [
    call(id, "ls"),
    ended(id, more),
    output(id, `Process exited with code 3\nOutput:\nof ${id}`),
  ]),
  call("colon:%3A", "ls"),
  ended("colon:%3A"),
  output("colon:%3A", "Process exited with code 0\nOutput:\nall"),
  output("all", "Process exited with code 0\nOutput:\ntold twice", 60),
  message("task_complete", { turn_id: TURN, last_agent_message: "ok" }, 70),
  started(80, "01a207a1-0100-7000-8000-000000000002"),
  call("all", "of the next turn", 81),
  output("all", "Process exited with code 5\nOutput:\nof the next turn", 82),
];

const streams = {
  everything,
  toldByItems,
  records: [meta(), started(), context("m"), usageRecord("r1", 5), usageRecord("r1", 5), total(5), usageRecord("r2", 7)],
  fork: [
    meta({ id: CHILD, session_id: CHILD, forked_from_id: ROOT }, 8000),
    ...everything.filter(line => typeof line !== "string").map(line => ({ ...line, timestamp: at(8000) })),
    started(9000, next),
    total(30, 9001),
    item("CommandExecution", { id: "new", command: ["x"] }, 9010, next),
  ],
  child: [meta({ id: CHILD, session_id: ROOT, parent_thread_id: ROOT, source: { subagent: { thread_spawn: { agent_role: "w" } } } }), ...everything.slice(1)],
  headless: ["{ lost", ...everything.slice(1)],
  ...Object.fromEntries(recorded.map(name => [name, sample(name).lines])),
};

/** All that an import leaves, without what the database counts by itself. */
function essence() {
  const events = rows().map(({ id, ...row }) => row).sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
  const all = table => db.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all().map(row => ({ ...row }));
  return { events, usage: all("token_usage"), sessions: all("sessions"), agents: all("agents") };
}

function fileOf(t, content = "", name = `rollout-x-${ROOT}.jsonl`) {
  const file = path.join(temporary(t), name);
  write(file, content);
  return file;
}

function write(file, content) {
  fs.writeFileSync(file, Buffer.isBuffer(content) || typeof content === "string" ? content : text(content));
  fs.utimesSync(file, OLD, OLD);
}

async function inOneGo(t, content, name) {
  reset();
  await importRollout(fileOf(t, content, name));
  const expected = essence();
  reset();
  return expected;
}

/** A module of ours as it is when the sidecar starts. */
function fresh(name) {
  const { cache, resolve } = createRequire(import.meta.url);
  delete cache[resolve(path.join(process.env.SIDECAR_TREE, "server", "lib", `${name}.js`))];
  return overlay(name);
}

const checkpoints = () => db.prepare("SELECT * FROM codex_rollouts ORDER BY path").all();

/** How many bytes of files are read while `work` runs. */
async function bytesRead(work) {
  const probe = await fs.promises.open(process.execPath);
  const prototype = Object.getPrototypeOf(probe);
  await probe.close();
  const { read } = prototype;
  let bytes = 0;
  prototype.read = async function (...args) {
    const result = await read.apply(this, args);
    bytes += result.bytesRead;
    return result;
  };
  try {
    await work();
  } finally {
    prototype.read = read;
  }
  return bytes;
}

test("the output of a call is not read where an item has told all of it, once, and of that call only", () => {
  const parser = createParser({ thread_id: ROOT });
  const passed = toldByItems.filter(line => {
    const text = JSON.stringify(line);
    return parser.passes(text.slice(0, 256)) || !parser.push(text);
  });
  assert.deepEqual(passed.map(({ payload }) => payload.output), ["Process exited with code 0\nOutput:\nall"]);
  assert.equal(parser.calls.calls.size, 0);
});

for (const [name, lines] of Object.entries(streams)) {
  test(`${name}: a parser that is saved and restored before any line gives what one gives that never stopped`, () => {
    const written = lines.map(line => (typeof line === "string" ? line : JSON.stringify(line)));
    const whole = parse(written, { thread_id: ROOT });
    for (let cut = 0; cut <= written.length; cut += 1) {
      const first = createParser({ thread_id: ROOT });
      const before = written.slice(0, cut).flatMap(line => first.push(line));
      const second = createParser({ thread_id: ROOT });
      assert.equal(second.restore(first.save()), true);
      const after = written.slice(cut).flatMap(line => second.push(line));
      assert.equal(JSON.stringify([...before, ...after]), JSON.stringify(whole.events), `cut before line ${cut}`);
      assert.deepEqual(second.session, whole.session);
    }
  });

  test(`${name}: passing over lines by their head changes nothing`, () => {
    const parser = createParser({ thread_id: ROOT });
    const whole = parse(lines, { thread_id: ROOT });
    const events = lines
      .map(line => (typeof line === "string" ? line : JSON.stringify(line)))
      .flatMap(line => (parser.passes(line.slice(0, 200)) ? [] : parser.push(line)));
    assert.deepEqual(rowsOf(events), rowsOf(whole.events));
    assert.deepEqual(parser.session, whole.session);
  });

  test(`${name}: a restart between any two lines gives the same rows`, { timeout: 120000 }, async t => {
    const expected = await inOneGo(t, lines);
    const file = fileOf(t);
    for (let cut = 0; cut <= lines.length; cut += 1) {
      reset();
      write(file, lines.slice(0, cut));
      await importRollout(file);
      write(file, lines);
      await importRollout(file);
      assert.deepEqual(essence(), expected, `cut before line ${cut}`);
    }
  });

  test(`${name}: a file that grows by few bytes at a time gives the same rows`, { timeout: 120000 }, async t => {
    const bytes = Buffer.from(text(lines));
    const expected = await inOneGo(t, bytes);
    const file = fileOf(t);
    const step = Math.max(7, Math.ceil(bytes.length / 400)) | 1;
    for (let end = 0; end < bytes.length + step; end += step) {
      write(file, bytes.subarray(0, end));
      await importRollout(file);
    }
    assert.deepEqual(essence(), expected);
  });
}

test("a cut at every byte around a character of several bytes, and around a line feed, loses nothing", async t => {
  const lines = [meta(), started(), message("user_message", { message: "é€𝄞é" }), call("c", "𝄞")];
  const bytes = Buffer.from(text(lines));
  const expected = await inOneGo(t, bytes);
  const file = fileOf(t);
  for (let cut = bytes.indexOf(Buffer.from("é")) - 2; cut < bytes.length; cut += 1) {
    reset();
    write(file, bytes.subarray(0, cut));
    await importRollout(file);
    write(file, bytes);
    await importRollout(file);
    assert.deepEqual(essence(), expected, `cut at byte ${cut}`);
  }
});

test("a line that is appended to a large file costs that line, not the file", async t => {
  const lines = [meta(), started()];
  for (let index = 0; index < 4000; index += 1) lines.push(call(`c${index}`, "x".repeat(1000)), output(`c${index}`, "done"));
  const file = fileOf(t, lines);
  await importRollout(file);
  const more = text([call("new", "ls")]);
  fs.appendFileSync(file, more);
  const bytes = await bytesRead(async () => assert.equal((await importRollout(file)).inserted, 1));
  assert.ok(bytes <= more.length + 4 * 1024, `${bytes} bytes were read`);
  assert.ok(await bytesRead(() => importRollout(file)) <= 4 * 1024);
});

test("what is kept of a file does not grow with it", async t => {
  const lines = [meta(), started()];
  for (let index = 0; index < 3000; index += 1) {
    const turn = `turn-${index}`;
    lines.push(message("task_started", { turn_id: turn }), message("user_message", { message: `p${index} `.repeat(50) }), call(`c${index}`, "y".repeat(200)));
    lines.push(index % 2 ? output(`c${index}`, "ok") : item("CommandExecution", { id: `exec-${index}`, command: ["z"] }), usageRecord(`r${index}`, 1));
  }
  await importRollout(fileOf(t, lines));
  const [{ state }] = checkpoints();
  assert.ok(state.length < 64 * 1024, `${state.length} characters`);
});

test("a file that is moved to the archive goes on where it was", async t => {
  const file = fileOf(t, everything.slice(0, 20));
  const expected = await inOneGo(t, everything);
  await importRollout(file);
  const moved = path.join(temporary(t), path.basename(file));
  fs.renameSync(file, moved);
  const bytes = await bytesRead(async () => assert.deepEqual(await importRollout(moved), { inserted: 0, completed: 0, complete: true }));
  assert.ok(bytes <= 4 * 1024, `${bytes} bytes were read`);
  write(moved, everything);
  await importRollout(moved);
  assert.deepEqual(essence(), expected);
  assert.deepEqual(checkpoints().map(row => row.path), [moved]);
});

test("a file that is copied has its tokens counted once", async t => {
  const file = fileOf(t, everything);
  await importRollout(file);
  const before = essence();
  const copy = fileOf(t, everything);
  await importRollout(copy);
  assert.deepEqual(essence(), before);
  assert.equal(checkpoints().length, 1);
});

test("a file that was cut short is read from its start, and gives no row twice", async t => {
  const expected = await inOneGo(t, everything);
  const file = fileOf(t, everything);
  await importRollout(file);
  write(file, everything.slice(0, 6));
  assert.equal((await importRollout(file)).inserted, 0);
  write(file, everything);
  await importRollout(file);
  assert.deepEqual(essence().events, expected.events);
  assert.deepEqual(essence().usage, expected.usage);
});

test("another file at the same path, longer than the first, is read from its start", async t => {
  const file = fileOf(t, [meta(), started(), call("c", "ls")]);
  await importRollout(file);
  const theirs = text(everything.slice(1)).replaceAll(TURN, next);
  fs.writeFileSync(file, text([meta({ id: CHILD, session_id: CHILD })]) + theirs);
  await importRollout(file);
  assert.equal(rows("session_id = ?", ROOT).length, 2);
  const given = essence().events.filter(row => row.session_id === CHILD).length;
  assert.equal(given, (await inOneGo(t, everything)).events.length);
});

test("a file that was rewritten behind its first lines is read from its start", async t => {
  const head = [meta({ padding: "p".repeat(2000) }), started()];
  const file = fileOf(t, [...head, call("c", "ls"), output("c", "x".repeat(3000))]);
  await importRollout(file);
  write(file, [...head, call("d", "other"), output("d", "y".repeat(4000))]);
  await importRollout(file);
  assert.deepEqual(rows("event_type = 'PreToolUse'").map(row => row.data.tool_use_id).sort(), ["c", "d"]);
});

test("the last line needs no line feed: it is told as soon as it is whole, and once", async t => {
  const file = fileOf(t);
  const expected = await inOneGo(t, everything);
  const whole = text(everything).trimEnd();
  for (const end of [30, 1]) {
    write(file, whole.slice(0, -end));
    await importRollout(file);
    assert.ok(rows().length < expected.events.length, `without its last ${end} bytes`);
  }
  for (const content of [whole, `${whole}\n`, `${whole}\r\n`]) {
    write(file, content);
    await importRollout(file);
    assert.deepEqual(essence(), expected);
  }
  assert.equal(Number(checkpoints()[0].consumed), fs.statSync(file).size);
});

test("a byte order mark, carriage returns and blank lines change nothing", async t => {
  const expected = await inOneGo(t, everything);
  await importRollout(fileOf(t, `\ufeff${text(everything).replaceAll("\n", "\r\n\r\n")}`));
  assert.deepEqual(essence(), expected);
});

test("the table of an earlier version goes on: nothing is read again, no checkpoint goes, deleted stays deleted", async t => {
  const file = fileOf(t, everything.slice(0, 20));
  const gone = fileOf(t, [meta({ id: CHILD, session_id: CHILD })], `rollout-y-${CHILD}.jsonl`);
  for (const each of [file, gone]) await importRollout(each, { stamp: "9 9" });
  const before = checkpoints();
  db.exec(`
    DROP TRIGGER codex_session_deleted;
    ALTER TABLE codex_rollouts RENAME TO new_rollouts;
    DROP INDEX idx_codex_rollouts_session;
    CREATE TABLE codex_rollouts (
      path TEXT PRIMARY KEY, name TEXT NOT NULL, session_id TEXT REFERENCES sessions (id) ON DELETE CASCADE,
      thread_id TEXT, consumed INTEGER NOT NULL, fingerprint TEXT NOT NULL, state TEXT, usage TEXT NOT NULL,
      stamp TEXT, gone_at INTEGER);
    CREATE INDEX idx_codex_rollouts_name ON codex_rollouts (name);
    CREATE INDEX idx_codex_rollouts_session ON codex_rollouts (session_id);
    INSERT INTO codex_rollouts
      SELECT path, name, session_id, thread_id, consumed, fingerprint, state, usage, stamp || ' false', gone_at FROM new_rollouts;
    INSERT INTO codex_rollouts
      SELECT '/a/' || name, name, session_id, thread_id, 1, fingerprint, 'no JSON', usage, NULL, 7 FROM new_rollouts;
    DROP TABLE new_rollouts;
    PRAGMA foreign_keys = OFF;
    DELETE FROM sessions WHERE id = '${CHILD}';
    PRAGMA foreign_keys = ON`);
  assert.deepEqual(fresh("codex-checkpoints").readStamps(), new Map(before.map(row => [row.path, "9 9"])));
  const after = checkpoints();
  assert.deepEqual(after.map(row => ({ ...row })), before.map(row => ({ ...row, ...(row.path === gone && { deleted: 1, usage: "[]" }) })));
  write(file, everything);
  await importRollout(file);
  assert.equal(rows("session_id = ?", ROOT).length, (await inOneGo(t, everything)).events.length);
});

test("a state that another version saved is not trusted: the file is read from its start", async t => {
  const file = fileOf(t, everything.slice(0, 10));
  const expected = await inOneGo(t, everything);
  await importRollout(file);
  for (const state of ['{"version":0}', "not JSON", "[]"]) {
    db.prepare("UPDATE codex_rollouts SET state = ?").run(state);
    write(file, everything);
    await importRollout(file);
    assert.deepEqual(essence(), expected);
  }
});

test("a line of many megabytes is one event, cut; a longer one than memory should hold is passed over", async t => {
  const long = "z".repeat(20 * 1024 * 1024);
  const lines = [meta(), started(), call("c", "ls"), output("c", long), call("d", "ls")];
  await importRollout(fileOf(t, lines));
  const [post] = rows("event_type = 'PostToolUse'");
  assert.ok(post.data.tool_response.length < 70000);
  assert.equal(rows("event_key LIKE '%:d:%:pre'").length, 1);
  reset();
  const file = fileOf(t, text([meta(), started()]));
  for (let part = 0; part < 65; part += 1) fs.appendFileSync(file, Buffer.alloc(1024 * 1024, 120));
  fs.appendFileSync(file, `\n${text([call("d", "ls")])}`);
  await importRollout(file);
  assert.equal(rows("event_key LIKE '%:d:%:pre'").length, 1);
  assert.equal(Number(checkpoints()[0].consumed), fs.statSync(file).size);
});

test("tokens of sub-agents are in the sum after a restart, in whatever order the files grow", async t => {
  const child = [meta({ id: CHILD, session_id: ROOT, parent_thread_id: ROOT, source: { subagent: {} } }), context("gpt", next)];
  const files = [fileOf(t, [meta(), context("gpt"), total(100)]), fileOf(t, [...child, total(10)], `rollout-y-${CHILD}.jsonl`)];
  for (const file of files) await importRollout(file);
  fs.appendFileSync(files[0], text([total(150)]));
  await importRollout(files[0]);
  fs.appendFileSync(files[1], text([total(30)]));
  await importRollout(files[1]);
  const used = db.prepare("SELECT model, input_tokens AS i FROM token_usage").all().map(row => ({ ...row }));
  assert.deepEqual(used, [{ model: "gpt", i: 180 }]);
});

test("hooks before, between and after the parts of a file complete its rows, and are completed by them", { skip: recorded.length === 0 }, async t => {
  const { hooks, lines } = sample("v0169-direct");
  const file = fileOf(t);
  const captures = () => Object.fromEntries(["both", "rollout", "hook"].map(by => [by, rows("capture = ?", by).length]));
  for (const split of [0, 1, 5, 12, hooks.length]) {
    reset();
    hooks.slice(0, split).forEach(deliverHook);
    write(file, lines.slice(0, 15));
    await importRollout(file);
    hooks.slice(split).forEach(deliverHook);
    write(file, lines);
    await importRollout(file);
    assert.deepEqual(captures(), { both: 14, rollout: 7, hook: 1 }, `${split} hooks first`);
    assert.equal(session(rows()[0].session_id).model, "gpt-5.5");
  }
});

test("a failing transaction leaves the checkpoint where the rows are", async t => {
  const file = fileOf(t, everything.slice(0, 8));
  await importRollout(file);
  const before = checkpoints();
  write(file, everything);
  await onFullDisk(() => assert.rejects(importRollout(file), { errcode: 13 })); // SQLITE_FULL
  assert.deepEqual(checkpoints(), before);
  await importRollout(file);
  assert.equal(rows().length, (await inOneGo(t, everything)).events.length);
});

test("a process that is killed at any point neither loses nor repeats", { timeout: 120000 }, async t => {
  const lines = [meta(), started(), context("gpt")];
  for (let index = 0; index < 6000; index += 1) lines.push(call(`c${index}`, `echo é ${index}`), output(`c${index}`, "Process exited with code 0\nOutput:\nx"), total(index * 10));
  const dir = temporary(t);
  const file = fileOf(t, lines);
  const database = path.join(dir, "kill.db");
  const script = `
    const { createRequire } = require("module");
    const path = require("path");
    const lib = path.join(process.env.SIDECAR_TREE, "server", "lib");
    process.stdout.write("up");
    require(path.join(lib, "codex-importer.js")).importRollout(${JSON.stringify(file)}).then(() => process.exit(0), e => (console.error(e), process.exit(1)));`;
  const run = killAfter =>
    new Promise(resolve => {
      const child = spawn(process.execPath, ["-e", script], { env: { ...process.env, CODEX_TEST_DB: database }, stdio: ["ignore", "pipe", "inherit"] });
      child.stdout.once("data", () => killAfter !== null && setTimeout(() => child.kill("SIGKILL"), killAfter));
      child.once("exit", (code, signal) => resolve(signal ?? code));
    });
  let kills = 0;
  let state = 20261123;
  for (let attempt = 0; attempt < 14; attempt += 1) {
    state = (state * 48271) % 2147483647;
    const outcome = await run(20 + (state % 120));
    if (outcome === "SIGKILL") kills += 1;
    else break;
  }
  assert.equal(await run(null), 0);
  assert.ok(kills > 0, "it was never killed");
  const { DatabaseSync } = await import("node:sqlite");
  const left = new DatabaseSync(database);
  t.after(() => left.close());
  const counted = left.prepare("SELECT COUNT(*) AS n, COUNT(DISTINCT event_key) AS k FROM events").get();
  assert.deepEqual({ ...counted }, { n: 12001, k: 12001 });
  assert.equal(left.prepare("SELECT input_tokens AS i FROM token_usage").get().i, 59990);
  assert.equal(Number(left.prepare("SELECT consumed FROM codex_rollouts").get().consumed), fs.statSync(file).size);
});
