/** What the JavaScript tests share: the rendered overlays, their database, and streams to feed them. */

import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";

const require = createRequire(import.meta.url);
const TREE = process.env.SIDECAR_TREE;
export const SAMPLES = process.env.CODEX_SAMPLES || "";

/** A module of the rendered tree. */
export function overlay(name) {
  return require(path.join(TREE, "server", "lib", `${name}.js`));
}

export const { db } = require(path.join(TREE, "server", "db.js"));
export const { sent } = require(path.join(TREE, "server", "websocket.js"));

/** An empty database, and nothing said. */
export function reset() {
  overlay("codex-checkpoints").readStamps(); // makes their table
  for (const table of ["codex_rollouts", "codex_threads", "codex_turns", "codex_tokens", "events", "token_usage", "agents", "sessions"]) db.exec(`DELETE FROM ${table}`);
  sent.length = 0;
}

/** A session with its main agent, as the sidecar's hook route makes it. */
export function addSession(id, { harness = "claude", status = "active" } = {}) {
  db.prepare("INSERT INTO sessions (id, name, status, harness) VALUES (?, ?, ?, ?)").run(id, id, status, harness);
  db.prepare("INSERT INTO agents (id, session_id, name) VALUES (?, ?, 'main')").run(`${id}-main`, id);
}

export function rows(where = "1 = 1", ...values) {
  const found = db.prepare(`SELECT * FROM events WHERE ${where} ORDER BY created_at, id`).all(...values);
  return found.map(row => ({ ...row, data: JSON.parse(row.data) }));
}

export function session(id) {
  return db.prepare("SELECT * FROM sessions WHERE id = ?").get(id);
}

/** Counts the transactions that begin while `work` runs; `begun()` is called at each. */
export async function transactions(work, begun = () => {}) {
  const { exec } = db;
  let count = 0;
  db.exec = sql => {
    if (/^BEGIN/.test(sql)) begun((count += 1));
    return exec(sql);
  };
  try {
    await work();
  } finally {
    db.exec = exec;
  }
  return count;
}

/** The database as it is on a full disk, while `work` runs: it cannot grow by a page. */
export async function onFullDisk(work) {
  db.exec("VACUUM");
  const { page_count: pages } = db.prepare("PRAGMA page_count").get();
  db.prepare(`PRAGMA max_page_count = ${pages}`).get();
  try {
    return await work();
  } finally {
    db.prepare("PRAGMA max_page_count = 1000000").get();
  }
}

/** What is warned of while `work` runs. */
export async function warnings(work) {
  const { warn } = console;
  const lines = [];
  console.warn = line => lines.push(line);
  try {
    await work();
  } finally {
    console.warn = warn;
  }
  return lines;
}

/** A temporary folder that is gone after the test. */
export function temporary(t) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "codex-"));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Gives a hook payload of Codex to the ledger. */
export function deliverHook(payload) {
  return deliver(payload, "codex");
}

/** Gives a hook payload to the ledger, on the way that the patched route takes. */
export function deliver(payload, provider) {
  const { openIngress, ingressOf, stampSession } = overlay("harness");
  const data = { ...structuredClone(payload), __provider: provider };
  openIngress(data, () => null);
  const sessionId = data.session_id;
  if (!session(sessionId)) addSession(sessionId);
  stampSession(session(sessionId), ingressOf(data).harness);
  return overlay("codex-ledger").recordHook({
    sessionId,
    agentId: `${sessionId}-main`,
    eventType: data.hook_event_name,
    toolName: data.tool_name || null,
    summary: "by hook",
    data,
  });
}

/** One recorded session: its hook payloads, and the lines of its rollout. */
export function sample(name) {
  const read = suffix => fs.readFileSync(path.join(SAMPLES, `${name}.${suffix}.jsonl`), "utf8").split("\n").filter(Boolean);
  return { hooks: read("hooks").map(line => JSON.parse(line).stdin), lines: read("rollout0") };
}

/** All events that a parser makes of these lines (objects, or text). */
export function parse(lines, options) {
  const parser = overlay("codex-rollout").createParser(options);
  const events = lines.flatMap(line => parser.push(typeof line === "string" ? line : JSON.stringify(line)));
  return { events, session: parser.session };
}

export const ROOT = "01a207a0-0000-7000-8000-000000000001";
export const TURN = "01a207a0-0100-7000-8000-000000000001";

/** The time `ms` after the first line of the streams made here. */
export function at(ms) {
  return new Date(Date.parse("2026-11-23T10:00:00.000Z") + ms).toISOString();
}

export function meta(payload = {}, ms = 0) {
  return { timestamp: at(ms), type: "session_meta", payload: { id: ROOT, session_id: ROOT, timestamp: at(ms), cwd: "/p/demo", ...payload } };
}

export function message(type, payload = {}, ms = 10) {
  return { timestamp: at(ms), type: "event_msg", payload: { type, ...payload } };
}

export function response(type, payload = {}, ms = 20) {
  return { timestamp: at(ms), type: "response_item", payload: { type, ...payload } };
}

export function item(type, payload = {}, ms = 30, turn = TURN) {
  const times = { started_at_ms: Date.parse(at(ms - 5)), completed_at_ms: Date.parse(at(ms)) };
  return message("item_completed", { turn_id: turn, item: { type, ...payload }, ...times }, ms);
}

export function started(ms = 5, turn = TURN) {
  return message("task_started", { turn_id: turn }, ms);
}

export function call(id, command, ms = 20) {
  return response("function_call", { name: "exec_command", arguments: JSON.stringify({ cmd: command }), call_id: id }, ms);
}

export function output(id, text, ms = 25) {
  return response("function_call_output", { call_id: id, output: text }, ms);
}

export function text(lines) {
  return lines.map(line => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join("");
}

/** A CODEX_HOME of the test's own, and a quick poll; afterwards the watcher is off and both are forgotten. */
export function home(t, poll = "20") {
  const dir = temporary(t);
  Object.assign(process.env, { CODEX_HOME: dir, CODEX_POLL_MS: poll });
  t.after(async () => {
    await overlay("codex-watcher").stopCodexWatcher();
    delete process.env.CODEX_HOME;
    delete process.env.CODEX_POLL_MS;
  });
  return dir;
}
