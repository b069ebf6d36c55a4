// Codex rollouts, read on from two byte cursors in the database: one for the turns and tokens, one for tool calls.
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { db, stmts } = require("../db");

const TURNS = new Set(["task_started", "task_complete", "turn_aborted", "user_message"]);
const CALLS = new Set(["function_call", "custom_tool_call"]);
const COUNTED = [
  "input_tokens", "cached_input_tokens", "cache_write_input_tokens", "output_tokens", "reasoning_output_tokens",
];
const ID = /([0-9a-f]{8}-[0-9a-f-]{27,})\.jsonl$/;

function sessionsDir() {
  return path.join(process.env.CODEX_HOME || path.join(os.homedir(), ".codex"), "sessions");
}

function isCodexTranscript(file) {
  return typeof file === "string" && file.startsWith(`${sessionsDir()}${path.sep}`) && ID.test(file);
}

// The whole lines behind `offset`, and where the last of them ends.
function linesBehind(file, offset) {
  const bytes = fs.existsSync(file) ? fs.readFileSync(file) : Buffer.alloc(0);
  const end = bytes.lastIndexOf(10) + 1;
  const text = bytes.subarray(Math.min(offset, end), end).toString("utf8");
  return { end, lines: text.split("\n").filter(Boolean).map((line) => JSON.parse(line)) };
}

function cursor(table, file) {
  return db.prepare(`SELECT * FROM ${table} WHERE transcript_path = ?`).get(file);
}

function move(table, file, sessionId, offset) {
  db.prepare(
    `INSERT INTO ${table} (transcript_path, session_id, byte_offset) VALUES (?, ?, ?)
     ON CONFLICT (transcript_path) DO UPDATE SET byte_offset = excluded.byte_offset`
  ).run(file, sessionId, offset);
}

function ensure(meta, file) {
  if (!stmts.getSession.get(meta.id)) {
    stmts.insertSession.run(meta.id, "Codex session", "active", meta.cwd || null, meta.model || null, null);
    db.prepare("UPDATE sessions SET provider = 'codex' WHERE id = ?").run(meta.id);
    stmts.insertAgent.run(`codex:${meta.id}`, meta.id, "Codex", "main", null, "working", null, null, null);
  }
  if (file) stmts.setSessionTranscriptPath.run(file, meta.id);
  return stmts.getSession.get(meta.id);
}

function insert(session, type, tool, data) {
  stmts.insertEvent.run(session.id, `codex:${session.id}`, type, tool, type, JSON.stringify(data));
}

// Books what a total has more than the one before it, and returns the total.
function applyTokenSnapshot(sessionId, model, info, before) {
  const total = info.total_token_usage;
  if (!total) return before;
  const counters = {};
  const delta = {};
  for (const field of COUNTED) {
    counters[field] = total[field] || 0;
    delta[field] = Math.max(0, counters[field] - before[field]);
  }
  const input = delta.input_tokens - delta.cached_input_tokens - delta.cache_write_input_tokens;
  const output = delta.output_tokens + delta.reasoning_output_tokens;
  if (input || output) {
    db.prepare(
      `INSERT INTO token_usage (session_id, model, input_tokens, output_tokens) VALUES (?, ?, ?, ?)
       ON CONFLICT (session_id, model, speed, inference_geo, service_tier) DO UPDATE SET
       input_tokens = input_tokens + excluded.input_tokens, output_tokens = output_tokens + excluded.output_tokens`
    ).run(sessionId, model || "unknown", input, output);
  }
  return counters;
}

// Tool calls, from a cursor of their own. Returns how many.
function ingestCodexToolEvents(transcriptPath, options) {
  const before = cursor("codex_tool_ingest_state", transcriptPath);
  const calls = linesBehind(transcriptPath, before?.byte_offset || 0);
  const length = calls.end - (before?.byte_offset || 0);
  if (length <= 0) return 0;
  const session = stmts.getSession.get(options.id);
  const asked = calls.lines.filter(({ type, payload }) => type === "response_item" && CALLS.has(payload.type));
  const events = db.transaction((lines) => {
    for (const { payload } of lines) {
      insert(session, "codex_tool_call", payload.name, { provider: "codex", call_id: payload.call_id });
    }
    return lines;
  })(asked);
  move("codex_tool_ingest_state", transcriptPath, session.id, calls.end);
  return events.length;
}

// Reads on. Null when the file has no session yet.
function ingestCodexTranscript(transcriptPath, options) {
  if (!isCodexTranscript(transcriptPath, options)) return null;
  const turns = cursor("codex_ingest_state", transcriptPath);
  const { end, lines } = linesBehind(transcriptPath, turns?.byte_offset || 0);
  const meta = lines.find((line) => line.type === "session_meta")?.payload;
  const id = turns?.session_id || meta?.id || ID.exec(transcriptPath)[1];
  const session = stmts.getSession.get(id) || (meta && ensure(meta, transcriptPath));
  if (!session) return null;
  let counters = Object.fromEntries(COUNTED.map((field) => [field, turns?.[field] || 0]));
  for (const record of lines) {
    const { type, payload } = record;
    if (type === "turn_context" && payload.model) stmts.updateSessionModel.run(payload.model, id, payload.model);
    if (type !== "event_msg") continue;
    if (payload.type === "token_count") {
      counters = applyTokenSnapshot(id, stmts.getSession.get(id).model, payload.info || {}, counters);
    }
    if (TURNS.has(payload.type)) insert(session, `codex_${payload.type}`, null, { provider: "codex" });
  }
  move("codex_ingest_state", transcriptPath, id, end);
  db.prepare(
    `UPDATE codex_ingest_state SET ${COUNTED.map((field) => `${field} = ?`).join(", ")} WHERE transcript_path = ?`
  ).run(...COUNTED.map((field) => counters[field]), transcriptPath);
  ingestCodexToolEvents(transcriptPath, { id });
  return session;
}

// A hook says that there is more to read; the first one makes the session where there is no file yet.
function ingestHook(file, hookType, data) {
  const session = ingestCodexTranscript(file) || (hookType === "SessionStart" ? ensure({ ...data, id: data.session_id }, null) : null);
  if (session && hookType === "SessionEnd") {
    stmts.updateSession.run(null, "completed", new Date().toISOString(), null, session.id);
  }
}

function sweep() {
  let names = [];
  try {
    names = fs.readdirSync(sessionsDir(), { recursive: true });
  } catch {
    return; // no Codex here
  }
  for (const name of names) {
    try {
      ingestCodexTranscript(path.join(sessionsDir(), String(name)));
    } catch (error) {
      console.warn(`codex: ${name}: ${error.message}`);
    }
  }
}

function startSync() {
  setTimeout(sweep, 300).unref();
  const pause = Number(process.env.DASHBOARD_CODEX_SYNC_MS || 4000);
  if (pause > 0) setInterval(sweep, pause).unref();
}

module.exports = { ingestHook, startSync };
