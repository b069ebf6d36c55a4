/** The agents' transcripts, followed while the sidecar runs: what comes, grows, is damaged, goes and comes back. */

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { addSession, db, overlay, reset, rows, session, temporary, text, transactions, warnings } from "./support.mjs";

const { startAgentWatcher, stopAgentWatcher } = overlay("agent-cli/watcher");
const { ensureTables } = overlay("agent-cli/checkpoints");

const uuid = number => `01a207a0-0000-7000-8000-${String(number).padStart(12, "0")}`;
const [QWEN, COPILOT, GEMINI] = [1, 2, 3].map(uuid);
const now = () => new Date().toISOString();

beforeEach(() => {
  reset();
  ensureTables();
  db.exec("DELETE FROM agent_slots; DELETE FROM agent_transcripts; DELETE FROM agent_owners");
});

/** The folder of the agents' homes, which are watched until the test ends. */
function homes(t, more = {}) {
  const dir = temporary(t);
  const [qwen, copilot] = ["qwen", "copilot"].map(name => path.join(dir, name));
  Object.assign(process.env, { QWEN_HOME: qwen, COPILOT_HOME: copilot, GEMINI_CLI_HOME: dir, AGENT_POLL_MS: "20", ...more });
  t.after(() => stopAgentWatcher());
  return dir;
}

function put(dir, name, content, flag = "w") {
  const file = path.join(dir, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, content, { flag });
  return file;
}

const chat = (session = QWEN) => `qwen/projects/p/chats/${session}.jsonl`;
const document = session => `.gemini/tmp/p/chats/session-${session}.json`;
const prompt = (own, said = own) => ({ type: "user", uuid: own, timestamp: now(), cwd: "/p/demo", message: { parts: [{ text: said }] } });
const answer = (own, tokens) => ({ type: "assistant", uuid: own, timestamp: now(), model: "m", message: { parts: [{ text: "done" }] }, usageMetadata: { promptTokenCount: tokens } });
/** A document of Gemini CLI, in which each prompt has its answer. */
function whole(session, ...prompts) {
  const said = (id, type) => ({ id, type, timestamp: now(), content: id });
  return JSON.stringify({ sessionId: session, startTime: now(), messages: prompts.flatMap(own => [said(own, "user"), said(`${own} answer`, "gemini")]) });
}

async function until(what, message, limit = 3000) {
  for (const began = Date.now(); Date.now() - began < limit; await sleep(10)) if (what()) return;
  assert.fail(message);
}

const COMES = 8000; // folders are listed every five seconds
const count = (id = QWEN) => rows("session_id = ?", id).length;

/** How often each file was opened, from here on. */
function opened(t) {
  const { open } = fs.promises;
  const times = new Map();
  fs.promises.open = (name, ...args) => {
    times.set(name, (times.get(name) ?? 0) + 1);
    return open(name, ...args);
  };
  t.after(() => (fs.promises.open = open));
  return times;
}

test("the transcripts of each agent are imported at start, and followed", async t => {
  const dir = homes(t);
  put(dir, chat(), text([prompt("u1")]));
  const start = { type: "session.start", id: "c1", timestamp: now(), data: { context: { cwd: "/p/demo" } } };
  put(dir, `copilot/session-state/${COPILOT}/events.jsonl`, text([start]));
  put(dir, document(GEMINI), whole(GEMINI, "one"));
  startAgentWatcher();
  startAgentWatcher();
  assert.equal(rows().length, 0, "starting returns at once");
  await until(() => [QWEN, COPILOT, GEMINI].every(id => count(id) === 1), "not imported");
  put(dir, chat(), text([prompt("u2")]), "a");
  put(dir, document(GEMINI), whole(GEMINI, "one", "two"));
  await until(() => count() === 2 && count(GEMINI) === 2, "not followed");
});

test("a file that goes and comes back goes on where it was, and a new one is seen", async t => {
  const dir = homes(t);
  const file = put(dir, chat(), text([prompt("u1")]));
  startAgentWatcher();
  await until(() => count() === 1, "not imported");
  const before = fs.readFileSync(file);
  fs.rmSync(path.join(dir, "qwen/projects/p"), { recursive: true });
  put(dir, "qwen/projects/p", "a file in the place of the folder");
  assert.deepEqual(await warnings(() => sleep(100)), []);
  fs.rmSync(path.join(dir, "qwen/projects/p"));
  put(dir, chat(), before);
  put(dir, chat(), text([prompt("u2")]), "a");
  put(dir, chat(uuid(7)), text([prompt("u3")]));
  await until(() => count() === 2 && count(uuid(7)) === 1, "not seen", COMES);
  assert.equal(rows().length, 3);
});

test("a file that is replaced by a shorter one is read from its start: each prompt once, and its own tokens", async t => {
  const dir = homes(t);
  put(dir, chat(), text([prompt("u1"), answer("a1", 100), prompt("u2"), answer("a2", 50)]));
  const tokens = () => db.prepare("SELECT SUM(input_tokens) AS sum FROM token_usage WHERE session_id = ?").get(QWEN).sum;
  startAgentWatcher();
  await until(() => tokens() === 150, "not imported");
  put(dir, chat(), text([prompt("u1"), answer("a1", 7)]));
  await until(() => tokens() === 7, "not read again");
  assert.equal(count(), 2);
});

test("what is not a transcript stops no other, and nothing is said of it", async t => {
  const dir = homes(t, { COPILOT_HOME: "/dev/null" });
  put(dir, "qwen/projects/a", "a file in the place of a folder");
  fs.mkdirSync(path.join(dir, document("folder")), { recursive: true });
  fs.mkdirSync(path.join(dir, chat("folder")), { recursive: true });
  put(dir, chat(), text([prompt("u1")]));
  const said = await warnings(async () => {
    startAgentWatcher();
    await until(() => count() === 1, "the other was not imported");
    await sleep(80);
  });
  assert.deepEqual(said, []);
});

test("a file that cannot be imported stops no other, is said once, and is tried again", async t => {
  const dir = homes(t);
  put(dir, chat(uuid(8)), text([prompt("u0")]));
  put(dir, chat(), text([prompt("u1")]));
  db.exec(`CREATE TRIGGER refuse BEFORE INSERT ON sessions WHEN NEW.id = '${uuid(8)}' BEGIN SELECT RAISE(ABORT, 'refused'); END`);
  const said = await warnings(async () => {
    startAgentWatcher();
    await until(() => count() === 1, "the other was not imported");
    await sleep(100);
  });
  db.exec("DROP TRIGGER refuse");
  assert.deepEqual(said, ["[agent-cli] refused"]);
  await until(() => count(uuid(8)) === 1, "not tried again");
});

test("a document that is not whole is read once, and again when it is written anew", async t => {
  const dir = homes(t);
  const times = opened(t);
  const file = put(dir, document(GEMINI), whole(GEMINI, "one").slice(0, -5));
  startAgentWatcher();
  await until(() => times.get(file) > 0, "not looked at");
  await sleep(150);
  assert.equal(times.get(file), 1);
  put(dir, document(GEMINI), whole(GEMINI, "one", "two"));
  await until(() => count(GEMINI) === 2, "not read again");
});

test("a file that has not changed is not read again, not even after a restart", async t => {
  const dir = homes(t);
  const times = opened(t);
  const file = put(dir, chat(), text([prompt("u1")]));
  startAgentWatcher();
  await until(() => count() === 1, "not imported");
  await sleep(60);
  await stopAgentWatcher();
  startAgentWatcher();
  await sleep(100);
  assert.equal(times.get(file), 1);
});

test("after a stop nothing touches the database, even in the middle of a large file", async t => {
  const dir = homes(t);
  put(dir, chat(), text(Array.from({ length: 20000 }, (_, index) => prompt(`u${index}`))));
  startAgentWatcher();
  await until(() => count() > 0, "not begun");
  const stopped = stopAgentWatcher();
  const before = count();
  assert.ok(before < 20000, "it was done before it could be stopped");
  const touched = await transactions(async () => {
    await stopped;
    await sleep(60);
  });
  assert.deepEqual([touched, count()], [0, before]);
});

for (const what of ["stat", "readdir", "open"]) {
  test(`a stop while the disk is waited for (${what}): nothing touches the database`, async t => {
    const dir = homes(t);
    put(dir, chat(), text([prompt("u1")]));
    const original = fs.promises[what];
    /** @type {Promise<unknown> | null} */
    let waits = null;
    fs.promises[what] = async (...args) => {
      if (!waits) {
        waits = stopAgentWatcher();
        db.exec("ALTER TABLE agent_transcripts RENAME TO not_there"); // whoever reads it is told so, and warns
      }
      return original(...args);
    };
    t.after(() => (fs.promises[what] = original));
    startAgentWatcher();
    const said = await warnings(async () => {
      await until(() => waits !== null, "not begun");
      await waits;
    });
    db.exec("ALTER TABLE not_there RENAME TO agent_transcripts");
    assert.deepEqual([said, count()], [[], 0]);
    assert.equal(db.prepare("SELECT COUNT(*) AS count FROM agent_transcripts").get().count, 0);
  });
}

test("an active session of an agent that has been silent for long is closed, and no other one", async t => {
  const dir = homes(t);
  put(dir, chat(), text([prompt("u1")]));
  for (const [id, harness, at] of [["silent", "qwen", "2026-11-23T10:00:00.000Z"], ["codex", "codex", "2026-11-23T10:00:00.000Z"], ["speaks", "gemini", now()]]) {
    addSession(id, { harness });
    db.prepare("UPDATE sessions SET updated_at = ? WHERE id = ?").run(at, id);
  }
  startAgentWatcher();
  await until(() => session("silent").status === "completed", "not closed");
  assert.equal(session("silent").ended_at, "2026-11-23T10:00:00.000Z");
  assert.deepEqual(["codex", "speaks", QWEN].map(id => session(id).status), ["active", "active", "active"]);
});
