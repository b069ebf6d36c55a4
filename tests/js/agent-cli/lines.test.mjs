/** Transcripts with damaged or unusual lines: their events and tokens are those of the whole ones. */

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { beforeEach, test } from "node:test";
import { db, overlay, reset, rows, session, temporary } from "../support.mjs";
import { reader, recording } from "./recorded.mjs";

const { importTranscript } = overlay("agent-cli/importer");
const { ensureTables } = overlay("agent-cli/checkpoints");
const { RecordReader } = overlay("agent-cli/records");
const { isoTime } = overlay("json-values");

const gemini = name => {
  const file = path.join(import.meta.dirname, "..", "..", "javascript", "recordings", `${name}.json`);
  const { files } = JSON.parse(fs.readFileSync(file, "utf8"));
  return { provider: "gemini", files: Object.fromEntries(Object.entries(files).map(([key, records]) => [key, [records].flat()])) };
};
const RECORDINGS = {
  ...Object.fromEntries(["copilot-1.0.102-nested", "copilot-1.0.24-twins", "copilot-1.0.55-resume", "qwen-0.24.4-nested", "qwen-0.15.10-twins"].map(name => [name, recording(name)])),
  ...Object.fromEntries(["gemini-0.61.0-sub", "gemini-0.26.0-text"].map(name => [name, gemini(name)])),
};

beforeEach(() => {
  reset();
  ensureTables();
  db.exec("DELETE FROM agent_slots; DELETE FROM agent_transcripts; DELETE FROM agent_owners");
});

const whole = lines => lines.map(line => `${line}\n`).join("");
const third = (lines, change) => whole(lines.map((line, at) => (at % 3 === 1 ? change(line) : line)));
const times = (text, change) => text.replace(/"(timestamp|startTime|lastUpdated)":"([^"]*)"/g, (_, key, time) => `"${key}":${change(time)}`);

/** What a crash, an editor, another system or a defect of the agent makes of a file of lines. */
const LINES = {
  "two records on a line": lines => whole(lines.reduce((made, line, at) => (at % 2 ? [...made.slice(0, -1), made.at(-1) + line] : [...made, line]), [])),
  "half of a record, with the whole one behind it": lines => third(lines, line => line.slice(0, line.length * 0.6) + line),
  "half of a record on a line of its own": lines => third(lines, line => `${line.slice(0, line.length * 0.6)}\n${line}`),
  "NUL bytes before a record": lines => third(lines, line => "\0".repeat(5000) + line),
  "NUL bytes at the end": lines => whole(lines) + "\0".repeat(1728),
  "line feeds in strings": lines => whole(lines).replace(/\\n/g, "\n"),
  "carriage returns in strings, too": lines => whole(lines).replace(/\\n/g, "\\n\r\n"),
  "each record twice": lines => whole(lines.flatMap(line => [line, line])),
  "all records twice": lines => whole([...lines, ...lines]),
  "other JSON between the records": lines => whole(lines.flatMap(line => [line, "null", "[]", "5", '"text"', '{"type":"of tomorrow"}', "no JSON {", ""])),
  "no line feed behind the last carriage return": lines => `${lines.join("\r\n")}\r`,
  "records without names": lines => whole(lines.map(line => line.replace(/"uuid":"[^"]*",?/, "").replace(/("type":"\w+\.\w+".*)"id":"[^"]*",/, "$1"))),
};
/** The same for files of any kind. */
const FILES = {
  "a byte order mark": text => `\uFEFF${text}`,
  "CRLF": text => text.replace(/\n/g, "\r\n"),
  "no times": text => times(text, () => null),
  "times as milliseconds": text => times(text, time => Date.parse(time)),
  "times as text of milliseconds": text => times(text, time => `"${Date.parse(time)}"`),
  "a clock that goes backwards": text => {
    let hours = 0;
    return times(text, time => JSON.stringify(new Date(Date.parse(time) - 3600000 * (hours += 1)).toISOString()));
  },
};

async function importBytes(dir, provider, name, bytes) {
  const file = path.join(dir, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, bytes);
  await importTranscript(reader(provider), { file, path: name, stamp: `${bytes.length}` });
}

/** What the database has of the files, each of them changed; `pieces`: in how many they are written. */
async function found(t, { provider, files }, change, pieces = 1) {
  const dir = temporary(t);
  for (const [name, records] of Object.entries(files)) {
    const bytes = Buffer.from(change(records.map(record => JSON.stringify(record)), name.endsWith(".json")));
    const many = name.endsWith(".json") ? 1 : pieces;
    for (let piece = 1; piece <= many; piece += 1) await importBytes(dir, provider, name, bytes.subarray(0, (bytes.length * piece) / many));
  }
  const tokens = db.prepare("SELECT session_id, model, input_tokens, output_tokens, cache_read_tokens FROM token_usage ORDER BY 1, 2").all();
  const sessions = db.prepare("SELECT id, harness, cwd, model FROM sessions ORDER BY id").all();
  const events = rows().map(row => [row.session_id, row.agent_id, row.event_type, row.tool_name, row.data.prompt ?? null].join());
  return { events: events.sort(), sessions: sessions.map(Object.values), tokens: tokens.map(Object.values) };
}

const asFile = (lines, isDocument) => (isDocument ? lines[0] : whole(lines));

for (const [name, recorded] of Object.entries(RECORDINGS)) {
  const isLog = Object.keys(recorded.files).every(file => file.endsWith(".jsonl"));
  for (const [damage, change] of [...Object.entries(isLog ? LINES : {}), ...Object.entries(FILES).map(([key, bend]) => [key, (...file) => bend(asFile(...file))])]) {
    for (const pieces of isLog ? [1, 7] : [1]) {
      test(`${name}: ${damage}, read in ${pieces}`, async t => {
        const expected = await found(t, recorded, asFile);
        reset();
        db.exec("DELETE FROM agent_slots; DELETE FROM agent_transcripts; DELETE FROM agent_owners");
        assert.deepEqual(await found(t, recorded, change, pieces), expected);
        assert.ok(expected.events.length > 3);
      });
    }
  }
}

test("what is in a record is not one, and neither is text that looks like one", () => {
  const cut = '{"type":"a","data":{"x":{"type":"user.message","data":{"content":"no"}},"y":"z';
  assert.deepEqual(new RecordReader().take(cut), []);
  const told = JSON.stringify({ type: "b", text: '{"type":"user.message"}' });
  assert.deepEqual(new RecordReader().take(cut + told), [JSON.parse(told)]);
});

test("damaged lines that are huge cost neither much time nor a record behind them", () => {
  const records = new RecordReader();
  const began = performance.now();
  assert.deepEqual(records.take("{".repeat(300_000)), []);
  assert.deepEqual(records.take('{"'.repeat(1_000_000)), []);
  for (let line = 0; line < 3000; line += 1) records.take(`${" ".repeat(1000)}}`);
  assert.deepEqual(records.take('{"type":"a"}'), [{ type: "a" }]);
  assert.ok(records.length < 1024 * 1024);
  assert.ok(performance.now() - began < 20_000);
});

test("a file without a record of the agent's is not a session", async t => {
  const dir = temporary(t);
  const contents = { empty: "", blank: "\n\n", half: "{", nul: "\0\0\0", text: "some notes\n", json: '[1]\nnull\n{"type":"of tomorrow"}\n{"type":"user","message":"x"}\n' };
  for (const [name, content] of Object.entries(contents)) {
    await importBytes(dir, "qwen", `projects/p/chats/${name}.jsonl`, content);
    await importBytes(dir, "copilot", `session-state/${name}/events.jsonl`, content);
    await importBytes(dir, "gemini", `tmp/p/chats/session-2026-11-26T00-00-${name}.jsonl`, content);
    await importBytes(dir, "gemini", `tmp/p/chats/session-2026-11-26T00-00-${name}.json`, content);
  }
  assert.deepEqual(db.prepare("SELECT id FROM sessions").all(), []);
});

test("a number is a time in milliseconds, or in seconds where that is not plausible", () => {
  const time = "2026-11-26T00:00:00.000Z";
  const ms = Date.parse(time);
  for (const value of [ms, ms / 1000, String(ms), String(ms / 1000), time, "2026-11-26T01:00:00+01:00"]) assert.equal(isoTime(value), time, String(value));
  for (const none of ["5", "", "yesterday", 1e20, NaN, null, {}]) assert.notEqual(isoTime(none), time);
});

test("records without times are of the time of their file", async t => {
  const dir = temporary(t);
  const id = "01a207a0-0000-7000-8000-0000000000cc";
  const file = path.join(dir, "events.jsonl");
  fs.writeFileSync(file, `${JSON.stringify({ type: "user.message", id: "a", data: { content: "hello" } })}\n`);
  fs.utimesSync(file, 1795655000, 1795655000);
  await importTranscript(reader("copilot"), { file, path: `session-state/${id}/events.jsonl`, stamp: "1" });
  assert.equal(rows()[0].created_at, new Date(1795655000000).toISOString());
  assert.equal(session(id).started_at, new Date(1795655000000).toISOString());
});
