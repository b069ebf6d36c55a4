/** A line that another thread has told is not told again: whatever the timestamps, and whichever file is read first. */

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { beforeEach, test } from "node:test";
import zlib from "node:zlib";
import { at, db, deliverHook, home, overlay, reset, rows, session, temporary, text } from "./support.mjs";

const { importRollout } = overlay("codex-importer");
const STEP_MS = 10;

beforeEach(reset);

const uuid = number => `01a207a0-0000-7000-8000-${String(number).padStart(12, "0")}`;
const line = (type, payload) => ({ type, payload });

/** The lines of a thread: turns with a call each. Without `turnIds`, as Codex wrote them until early 2026. */
class Thread {
  constructor(number, { turnIds = true, callId = null, total = 0, meta = {} } = {}) {
    Object.assign(this, { number, turnIds, callId, total, id: uuid(number), turns: 0 });
    this.lines = [line("session_meta", { id: this.id, timestamp: at(number * 1e6), cwd: `/p/t${number}`, ...meta })];
  }

  turn(prompt, { answer = null } = {}) {
    const number = this.number * 1000 + (this.turns += 1);
    const turn = this.turnIds ? { turn_id: uuid(number) } : {};
    const id = this.callId ?? `call_${String(number).padStart(16, "0")}`;
    const message = (type, payload = {}) => line("event_msg", { type, ...payload });
    if (this.turnIds) this.lines.push(message("task_started", turn));
    this.lines.push(line("turn_context", { ...turn, model: "gpt" }), message("user_message", { message: prompt }));
    if (answer === null) {
      this.lines.push(line("response_item", { type: "function_call", name: "exec_command", arguments: `{"cmd":"echo ${prompt}"}`, call_id: id }));
      this.lines.push(line("response_item", { type: "function_call_output", call_id: id, output: "Process exited with code 0\nOutput:\n" }));
    } else this.lines.push(message("agent_message", { message: answer }));
    this.total += 100;
    const usage = input => ({ input_tokens: input, output_tokens: 0 });
    this.lines.push(message("token_count", { info: { total_token_usage: usage(this.total), last_token_usage: usage(100) } }));
    if (this.turnIds) this.lines.push(message("task_complete", turn));
    return this;
  }

  /** Another thread that begins with a copy of this one's lines. */
  copied(number, meta, { withHead = true, upTo = this.lines.length, ...more } = {}) {
    const copy = new Thread(number, { turnIds: this.turnIds, callId: this.callId, total: this.total, meta, ...more });
    copy.lines.push(...this.lines.slice(withHead ? 0 : 1, upTo));
    return copy;
  }

  write(dir, from, stamp) {
    const lines = this.lines.map((each, index) => ({ timestamp: stamp(index, from), ...each }));
    fs.writeFileSync(this.file(dir), text(lines));
    return this.file(dir);
  }

  file(dir) {
    return path.join(dir, `rollout-2026-11-23T10-00-00-${this.id}.jsonl`);
  }
}

/** How a copy's lines may be stamped. */
const STAMPS = {
  "the times of the copying": (index, from) => at(from + Math.floor(index / 10)),
  "the times of the originals": index => at(index * STEP_MS),
};

function orders(items) {
  if (items.length < 2) return [items];
  return items.flatMap((item, index) => orders(items.toSpliced(index, 1)).map(rest => [item, ...rest]));
}

const told = id => rows("session_id = ?", id).map(({ event_type: type, data, tool_name: tool }) => `${type} ${data.prompt ?? data.tool_input?.command ?? tool ?? ""}`.trim()).sort();
const tokens = id => db.prepare("SELECT COALESCE(SUM(input_tokens), 0) AS n FROM token_usage WHERE session_id = ?").get(id).n;
const ofTurn = (prompt, ids) => [`PostToolUse echo ${prompt}`, `PreToolUse echo ${prompt}`, ...(ids ? ["Stop"] : []), `UserPromptSubmit ${prompt}`];

const ofChild = (prompt, ids) => ofTurn(prompt, ids).map(each => (each === "Stop" ? "SubagentStop" : each));

/** Imports files in every order, in parts or whole, and asserts the same each time. */
async function inEveryOrder(t, threads, expected) {
  for (const [name, stamp] of Object.entries(STAMPS)) {
    for (const order of orders(threads)) {
      for (const inParts of [false, true]) {
        reset();
        const dir = temporary(t);
        for (const thread of order) {
          const file = thread.write(dir, thread.number * 1e6, stamp);
          if (inParts) {
            const whole = fs.readFileSync(file);
            fs.writeFileSync(file, whole.subarray(0, Math.floor(whole.length / 2)));
            await importRollout(file);
            fs.writeFileSync(file, whole);
          }
          await importRollout(file);
        }
        for (const thread of threads) await importRollout(thread.file(dir));
        const found = Object.fromEntries(Object.keys(expected).map(id => [id, { told: told(id), tokens: tokens(id) }]));
        assert.deepEqual(found, expected, `${name}, ${order.map(each => each.number)}, ${inParts ? "in parts" : "whole"}`);
      }
    }
  }
}

for (const turnIds of [true, false]) {
  const era = turnIds ? "with turn ids" : "before turn ids";

  test(`a fork, and a fork of that, tell what is their own, ${era}`, async t => {
    const parent = new Thread(1, { turnIds }).turn("a").turn("yes").turn("yes");
    const fork = parent.copied(2, { forked_from_id: parent.id }).turn("b").turn("yes");
    const again = fork.copied(3, { forked_from_id: fork.id }).turn("c");
    await inEveryOrder(t, [parent, fork, again], {
      [parent.id]: { told: ["SessionStart", ...ofTurn("a", turnIds), ...ofTurn("yes", turnIds), ...ofTurn("yes", turnIds)].sort(), tokens: 300 },
      [fork.id]: { told: ["SessionStart", ...ofTurn("b", turnIds), ...ofTurn("yes", turnIds)].sort(), tokens: 200 },
      [again.id]: { told: ["SessionStart", ...ofTurn("c", turnIds)].sort(), tokens: 100 },
    });
  });

  test(`so does a thread that Codex has migrated, which has lost its parent's first line, ${era}`, async t => {
    const parent = new Thread(1, { turnIds }).turn("a").turn("b");
    const fork = parent.copied(2, { forked_from_id: parent.id }, { withHead: false }).turn("b");
    await inEveryOrder(t, [parent, fork], {
      [parent.id]: { told: ["SessionStart", ...ofTurn("a", turnIds), ...ofTurn("b", turnIds)].sort(), tokens: 200 },
      [fork.id]: { told: ["SessionStart", ...ofTurn("b", turnIds)].sort(), tokens: 100 },
    });
  });

  test(`a fork from the middle that asks the same again has asked it, ${era}`, async t => {
    const parent = new Thread(1, { turnIds }).turn("a");
    const upTo = parent.lines.length;
    parent.turn("b").turn("c");
    const fork = parent.copied(2, { forked_from_id: parent.id }, { upTo, total: 100 }).turn("b");
    await inEveryOrder(t, [parent, fork], {
      [parent.id]: { told: ["SessionStart", ...["a", "b", "c"].flatMap(each => ofTurn(each, turnIds))].sort(), tokens: 300 },
      [fork.id]: { told: ["SessionStart", ...ofTurn("b", turnIds)].sort(), tokens: 100 },
    });
  });

  test(`a sub-agent with its parent's history tells its own in the parent's session, ${era}`, async t => {
    const root = new Thread(1, { turnIds }).turn("a").turn("b");
    const spawn = { parent_thread_id: root.id, depth: 1, agent_nickname: "Ada", agent_role: "scout" };
    const child = root.copied(2, { source: { subagent: { thread_spawn: spawn } } }).turn("c");
    await inEveryOrder(t, [root, child], {
      [root.id]: {
        told: ["SessionStart", "SubagentStart", ...ofTurn("a", turnIds), ...ofTurn("b", turnIds), ...ofChild("c", turnIds)].sort(),
        tokens: 300,
      },
      [child.id]: { told: [], tokens: 0 },
    });
    assert.deepEqual([session(root.id).name, session(root.id).cwd, session(root.id).started_at], ["t1", "/p/t1", at(1e6)]);
    const agents = db.prepare("SELECT id, name, type, subagent_type, parent_agent_id FROM agents ORDER BY type").all().map(row => ({ ...row }));
    assert.deepEqual(agents[1], { id: child.id, name: "Ada", type: "subagent", subagent_type: "scout", parent_agent_id: `${root.id}-main` });
  });

  test(`two threads that begin alike and say nothing of each other are two, ${era}`, async t => {
    const one = new Thread(1, { turnIds, callId: "call_0" }).turn("a");
    const other = new Thread(2, { turnIds, callId: "call_0" }).turn("a");
    const whole = { told: ["SessionStart", ...ofTurn("a", turnIds)].sort(), tokens: 100 };
    await inEveryOrder(t, [one, other], { [one.id]: whole, [other.id]: whole });
  });

  test(`where the parent's file is gone, its fork tells what it has copied, and two forks tell it once, ${era}`, async t => {
    const parent = new Thread(1, { turnIds }).turn("a");
    const forks = [2, 3].map(number => parent.copied(number, { forked_from_id: parent.id }).turn("b"));
    const own = ["SessionStart", ...ofTurn("b", turnIds)];
    await inEveryOrder(t, forks, {
      [forks[0].id]: { told: [...own, ...ofTurn("a", turnIds)].sort(), tokens: 200 },
      [forks[1].id]: { told: own.sort(), tokens: 100 },
    });
  });
}

test("turns without ids whose answers are words alone are told apart by what came before", async t => {
  const parent = new Thread(1, { turnIds: false }).turn("yes", { answer: "ok" }).turn("yes", { answer: "ok" });
  const fork = parent.copied(2, { forked_from_id: parent.id }).turn("new").turn("yes", { answer: "ok" });
  await inEveryOrder(t, [parent, fork], {
    [parent.id]: { told: ["SessionStart", "UserPromptSubmit yes", "UserPromptSubmit yes"], tokens: 200 },
    [fork.id]: { told: ["SessionStart", ...ofTurn("new"), "UserPromptSubmit yes"].sort(), tokens: 200 },
  });
});

test("with no word of its origin, a copy is known by its turns", async t => {
  const parent = new Thread(1).turn("a");
  const copy = parent.copied(2, {}, { withHead: false }).turn("b");
  await inEveryOrder(t, [parent, copy], {
    [parent.id]: { told: ["SessionStart", ...ofTurn("a", true)].sort(), tokens: 100 },
    [copy.id]: { told: ["SessionStart", ...ofTurn("b", true)].sort(), tokens: 100 },
  });
});

test("a running total that begins with another thread's is counted from there", async t => {
  const fork = new Thread(2, { total: 5000, meta: { forked_from_id: uuid(1), history_base: { thread_id: uuid(1) } } }).turn("a").turn("b");
  await inEveryOrder(t, [fork], { [fork.id]: { told: ["SessionStart", ...ofTurn("a", true), ...ofTurn("b", true)].sort(), tokens: 200 } });
});

test("a thread that goes on in a second file has the tokens of both, a copy of a file counts once", async t => {
  for (const total of [0, 200]) {
    reset();
    const dir = temporary(t);
    const first = new Thread(1).turn("a").turn("b");
    const second = new Thread(1, { total });
    second.turns = 2;
    second.turn("c");
    const file = first.write(dir, 0, STAMPS["the times of the originals"]);
    await importRollout(file);
    const other = path.join(dir, `rollout-2026-11-24T10-00-00-${first.id}.jsonl`);
    fs.renameSync(file, `${file}.away`);
    fs.renameSync(second.write(dir, 9e6, STAMPS["the times of the copying"]), other);
    fs.renameSync(`${file}.away`, file);
    fs.copyFileSync(file, path.join(dir, `rollout-copy-${first.id}.jsonl`));
    for (const each of fs.readdirSync(dir)) await importRollout(path.join(dir, each));
    assert.equal(tokens(first.id), 300, `a total that goes on from ${total}`);
    assert.equal(rows("event_type = 'UserPromptSubmit'").length, 3);
  }
});

test("what only hooks have told of a thread is not told by its fork", async t => {
  const parent = new Thread(3).turn("a");
  const forks = [parent.copied(4, { forked_from_id: parent.id }).turn("b"), parent.copied(2, {}, { withHead: false }).turn("b")];
  for (const [fork, hookFirst] of forks.flatMap(each => [[each, true], [each, false]])) {
    reset();
    const file = fork.write(temporary(t), 4e6, STAMPS["the times of the copying"]);
    const hook = () => deliverHook({ session_id: parent.id, turn_id: uuid(3001), hook_event_name: "UserPromptSubmit", prompt: "a" });
    const head = new Thread(3).write(temporary(t), 3e6, STAMPS["the times of the copying"]);
    await importRollout(head);
    if (hookFirst) hook();
    await importRollout(file);
    if (!hookFirst) hook();
    await importRollout(file);
    assert.deepEqual(told(parent.id), ["SessionStart", "UserPromptSubmit a"]);
    assert.deepEqual(told(fork.id), ["SessionStart", ...ofTurn("b", true)].sort());
  }
});

test("a grandchild that is read before its parent is its root's", async t => {
  const root = new Thread(1).turn("a");
  const spawned = parent => ({ source: { subagent: { thread_spawn: { parent_thread_id: parent.id, depth: 1 } } } });
  const child = new Thread(2, { meta: spawned(root) }).turn("b");
  const grandchild = new Thread(3, { meta: spawned(child) }).turn("c");
  await inEveryOrder(t, [root, child, grandchild], {
    [root.id]: {
      told: ["SessionStart", "SubagentStart", "SubagentStart", ...ofTurn("a", true), ...ofChild("b", true), ...ofChild("c", true)].sort(),
      tokens: 300,
    },
  });
  assert.deepEqual(db.prepare("SELECT id FROM sessions").all().map(row => row.id), [root.id]);
  const agents = db.prepare("SELECT id, parent_agent_id AS above FROM agents WHERE type = 'subagent' ORDER BY id").all().map(row => ({ ...row }));
  assert.deepEqual(agents.map(({ id }) => id), [child.id, grandchild.id]);
  assert.equal(agents[0].above, `${root.id}-main`);
});

test("a sub-agent that names no parent is a session of its own, with its model", async t => {
  const alone = new Thread(1, { meta: { source: { subagent: { other: "guardian" } } } }).turn("a");
  await inEveryOrder(t, [alone], { [alone.id]: { told: ["SessionStart", ...ofTurn("a", true)].sort(), tokens: 100 } });
  assert.equal(session(alone.id).model, "gpt");
});

test("a session that a hook made has the facts of its file", async t => {
  const thread = new Thread(1).turn("a");
  deliverHook({ session_id: thread.id, hook_event_name: "SessionStart", source: "startup", cwd: "/elsewhere" });
  db.prepare("UPDATE sessions SET name = ?").run(`Session ${thread.id.slice(0, 8)}`);
  await importRollout(thread.write(temporary(t), 1e6, STAMPS["the times of the copying"]));
  const { name, cwd, started_at: startedAt, model } = session(thread.id);
  assert.deepEqual([name, cwd, startedAt, model], ["t1", "/p/t1", at(1e6), "gpt"]);
  db.prepare("UPDATE sessions SET name = 'mine'").run();
  await importRollout(thread.turn("b").write(temporary(t), 1e6, STAMPS["the times of the copying"]));
  assert.equal(session(thread.id).name, "mine");
});

for (const [name, junk] of [
  ["no content", {}],
  ["a cipher that is none", { encrypted_content: "x" }],
  ["words alone", { summary: [{ type: "summary_text", text: "**Thinking**" }] }],
]) {
  test(`a turn without an id is the same where one file has a reasoning with ${name} and the other has not`, async t => {
    const parent = new Thread(1, { turnIds: false }).turn("a").turn("b");
    const fork = parent.copied(2, { forked_from_id: parent.id }).turn("c");
    const prompt = parent.lines.findLastIndex(({ payload }) => payload.type === "user_message");
    parent.lines.splice(prompt + 1, 0, line("response_item", { type: "reasoning", ...junk }));
    await inEveryOrder(t, [parent, fork], {
      [parent.id]: { told: ["SessionStart", ...ofTurn("a"), ...ofTurn("b")].sort(), tokens: 200 },
      [fork.id]: { told: ["SessionStart", ...ofTurn("c")].sort(), tokens: 100 },
    });
  });
}

/** As `codex migrate-rollouts` writes a file of before turn ids: it invents them, and says when a turn ends. */
function migrated(thread) {
  const copy = new Thread(thread.number, { turnIds: false });
  copy.lines = [];
  let turn = null;
  const end = () => turn && copy.lines.push(line("event_msg", { type: "task_complete", turn_id: turn }));
  for (const each of thread.lines) {
    if (each.type === "turn_context") {
      end();
      turn = `rollout-${copy.lines.length}`;
      copy.lines.push(line("event_msg", { type: "task_started", turn_id: turn }));
    }
    copy.lines.push(turn ? { ...each, payload: { ...each.payload, turn_id: turn } } : each);
  }
  end();
  return copy;
}

for (const inParts of [false, true]) {
  test(`what a file says more once Codex has migrated it, is told in the turns that are known, ${inParts ? "in parts" : "whole"}`, async t => {
    const dir = temporary(t);
    const parent = new Thread(1, { turnIds: false }).turn("a").turn("b");
    const fork = parent.copied(2, { forked_from_id: parent.id }).turn("c");
    const write = thread => thread.write(dir, thread.number * 1e6, STAMPS["the times of the originals"]);
    for (const thread of [parent, fork]) await importRollout(write(thread));
    for (const thread of [parent, fork].map(migrated)) {
      const file = write(thread);
      const whole = fs.readFileSync(file);
      for (const size of inParts ? [0.3, 0.6, 0.9, 1] : [1]) {
        fs.writeFileSync(file, whole.subarray(0, Math.floor(whole.length * size)));
        await importRollout(file);
      }
    }
    assert.deepEqual(told(parent.id), ["SessionStart", ...ofTurn("a", true), ...ofTurn("b", true)].sort());
    assert.deepEqual(told(fork.id), ["SessionStart", ...ofTurn("c", true)].sort());
    assert.deepEqual([parent, fork].map(({ id }) => tokens(id)), [200, 100]);
  });
}

test("the model of a thread with two files is that of the latest line, whichever is read last", async t => {
  const [first, second] = [new Thread(1).turn("a"), new Thread(1, { total: 100 })];
  second.turns = 1;
  second.turn("b").lines.find(({ type }) => type === "turn_context").payload.model = "newer";
  const files = [[first, 0, "23T10"], [second, 9e6, "24T10"]].map(([thread, from, day]) => {
    const file = path.join(temporary(t), `rollout-2026-11-${day}-00-00-${thread.id}.jsonl`);
    fs.renameSync(thread.write(path.dirname(file), from, STAMPS["the times of the copying"]), `${file}.draft`);
    fs.renameSync(`${file}.draft`, file);
    return file;
  });
  for (const order of orders([0, 1, 0])) {
    reset();
    for (const each of order) await importRollout(files[each]);
    assert.equal(session(first.id).model, "newer", String(order));
  }
});

/** Before Codex 0.133, hooks tell of a sub-agent as of a session. */
const hooksOfChild = (child, turn, call) => [
  { hook_event_name: "SessionStart", source: "startup" },
  { hook_event_name: "UserPromptSubmit", turn_id: turn, prompt: "c" },
  { hook_event_name: "PreToolUse", turn_id: turn, tool_use_id: call, tool_name: "Bash", tool_input: { command: "echo c" } },
  { hook_event_name: "PermissionRequest", turn_id: turn, tool_name: "Bash" },
  { hook_event_name: "PostToolUse", turn_id: turn, tool_use_id: call, tool_name: "Bash", tool_input: { command: "echo c" } },
  { hook_event_name: "Stop", turn_id: turn },
].map(payload => ({ session_id: child.id, ...payload }));

for (const readAfter of [0, 1, 3, 6]) {
  test(`hooks that tell of a sub-agent as of a session are its root's, its file read after ${readAfter} of them`, async t => {
    const dir = home(t);
    const sessions = path.join(dir, "sessions");
    fs.mkdirSync(sessions);
    const root = new Thread(1).turn("a");
    const child = new Thread(2, { meta: { source: { subagent: { thread_spawn: { parent_thread_id: root.id, depth: 1 } } } } }).turn("c");
    const write = thread => thread.write(sessions, thread.number * 1e6, STAMPS["the times of the copying"]);
    await importRollout(write(root));
    const hooks = hooksOfChild(child, uuid(2001), `call_${String(2001).padStart(16, "0")}`);
    for (const payload of hooks.slice(0, readAfter)) deliverHook(payload);
    await importRollout(write(child));
    for (const payload of hooks.slice(readAfter)) deliverHook(payload);
    overlay("codex-watcher").startCodexWatcher();
    const ids = () => db.prepare("SELECT id FROM sessions").all().map(({ id }) => id);
    for (let tries = 0; tries < 200 && ids().length > 1; tries += 1) await new Promise(resolve => setTimeout(resolve, 20));
    assert.deepEqual(ids(), [root.id]);
    const all = ["SessionStart", "SubagentStart", "PermissionRequest Bash", ...ofTurn("a", true), ...ofChild("c", true)];
    assert.deepEqual(told(root.id), all.sort());
    const own = rows("agent_id = ?", child.id);
    assert.deepEqual(own.map(({ capture }) => capture).sort(), ["both", "both", "both", "both", "both", "hook"]);
    assert.ok(own.every(({ data }) => data.session_id === root.id && data.agent_id === child.id));
    assert.equal(tokens(root.id), 200);
  });
}

for (const turnIds of [true, false]) {
  test(`a parent that is compressed and its fork, ${turnIds ? "with" : "before"} turn ids`, async t => {
    const parent = new Thread(1, { turnIds }).turn("a").turn("b");
    const fork = parent.copied(2, { forked_from_id: parent.id }).turn("c");
    for (const order of orders(["plain", "packed", "fork"])) {
      reset();
      const dir = temporary(t);
      const file = parent.write(dir, 0, STAMPS["the times of the originals"]);
      const packed = `${file}.zst`;
      fs.writeFileSync(packed, zlib.zstdCompressSync(fs.readFileSync(file)));
      const files = { plain: file, packed, fork: fork.write(dir, 2e6, STAMPS["the times of the copying"]) };
      for (const each of order) await importRollout(files[each]);
      assert.deepEqual(told(parent.id), ["SessionStart", ...ofTurn("a", turnIds), ...ofTurn("b", turnIds)].sort(), String(order));
      assert.deepEqual(told(fork.id), ["SessionStart", ...ofTurn("c", turnIds)].sort(), String(order));
      assert.deepEqual([parent, fork].map(({ id }) => tokens(id)), [200, 100]);
    }
  });

  test(`the session of a parent is deleted, and its fork lives on, ${turnIds ? "with" : "before"} turn ids`, async t => {
    for (const forkFirst of [true, false]) {
      reset();
      const dir = temporary(t);
      const parent = new Thread(1, { turnIds }).turn("a").turn("b");
      const fork = parent.copied(2, { forked_from_id: parent.id }).turn("c");
      const again = () => importRollout(fork.write(dir, 2e6, STAMPS["the times of the copying"]), { stamp: "read" });
      if (forkFirst) await again();
      const file = parent.write(dir, 0, STAMPS["the times of the originals"]);
      await importRollout(file, { stamp: "read" });
      db.prepare("DELETE FROM sessions WHERE id = ?").run(parent.id);
      db.prepare("DELETE FROM token_usage WHERE session_id = ?").run(parent.id);
      await importRollout(file, { stamp: "read" });
      fork.turn("d");
      await again();
      assert.equal(session(parent.id), undefined);
      assert.deepEqual(told(fork.id), ["SessionStart", ...ofTurn("c", turnIds), ...ofTurn("d", turnIds)].sort());
      assert.equal(tokens(fork.id), 200);
      fs.rmSync(file);
      await again();
      assert.equal(tokens(fork.id), 200);
    }
  });
}
