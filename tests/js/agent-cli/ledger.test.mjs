/** The recorded sessions through the sidecar's own ledger: each event is one row, of one session, whoever is first. */

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { beforeEach, test } from "node:test";
import { db, overlay, reset, rows, temporary, text } from "../support.mjs";
import { deliver } from "./deliver.mjs";
import { EXPECTED } from "./expected.mjs";
import { names, reader, recording, sent } from "./recorded.mjs";

const { importTranscript } = overlay("agent-cli/importer");
const { ensureTables } = overlay("agent-cli/checkpoints");

beforeEach(() => {
  reset();
  ensureTables();
  db.exec("DELETE FROM agent_slots; DELETE FROM agent_transcripts; DELETE FROM agent_owners");
});

/** Imports each file up to a share of its records. */
async function importUpTo(dir, { provider, files }, share) {
  for (const [name, records] of Object.entries(files)) {
    const file = path.join(dir, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text(records.slice(0, Math.ceil(records.length * share))));
    const { size, mtimeMs } = fs.statSync(file);
    await importTranscript(reader(provider), { file, path: name, stamp: `${size} ${mtimeMs}` });
  }
}

const ORDERS = {
  "hooks first": async (hooks, read) => (hooks(0, 1), read(1)),
  "transcript first": async (hooks, read) => (await read(1), hooks(0, 1)),
  halves: async (hooks, read) => (hooks(0, 0.5), await read(0.5), hooks(0.5, 1), read(1)),
  "transcript's half first, hooks twice": async (hooks, read) => (await read(0.5), hooks(0, 1), hooks(0, 1), read(1)),
};

for (const name of names.filter(each => EXPECTED[each])) {
  for (const [order, arrange] of Object.entries(ORDERS)) {
    test(`${name}: ${order}`, async t => {
      const recorded = recording(name);
      const payloads = recorded.hooks.map(hook => sent(recorded.provider, hook)).filter(Boolean);
      const hooks = (from, to) => {
        for (const payload of payloads.slice(Math.floor(payloads.length * from), Math.floor(payloads.length * to))) deliver(payload);
      };
      const dir = temporary(t);
      await arrange(hooks, share => importUpTo(dir, recorded, share));
      const of = (...types) => rows().filter(row => types.includes(row.event_type)).length;
      const { calls, prompts, agents } = EXPECTED[name];
      const all = calls.both + calls.transcript + calls.hook;
      assert.deepEqual([of("PreToolUse", "PostToolUse"), of("UserPromptSubmit"), of("SubagentStart"), of("SubagentStop")], [all, prompts, ...agents]);
      assert.equal(db.prepare("SELECT COUNT(*) AS count FROM sessions").get().count, 1, "one session");
    });
  }
}

test("droid: a sidecar that has started anew knows of whose session a sub-agent's hooks are", async t => {
  const [root, child] = ["01a207a0-0000-7000-8000-0000000000da", "01a207a0-0000-7000-8000-0000000000db"];
  const said = text => ({ type: "message", id: text, timestamp: "2026-11-26T00:00:00.000Z", message: { role: "user", content: text } });
  const files = {
    [`sessions/p/${root}.jsonl`]: [{ type: "session_start", id: root, title: "t", cwd: "/p" }, said("go")],
    [`sessions/p/${child}.jsonl`]: [{ type: "session_start", id: child, title: "Worker: t", cwd: "/p", callingSessionId: root }, said("task")],
  };
  await importUpTo(temporary(t), { provider: "droid", files }, 1);
  for (const type of ["PreToolUse", "Stop", "SessionEnd"]) deliver({ hook_event_name: type, session_id: child, tool_name: "Execute", tool_input: { command: "ls" }, __provider: "droid" });
  assert.deepEqual(db.prepare("SELECT id FROM sessions").all().map(({ id }) => id), [root]);
  assert.deepEqual(rows("event_type IN ('PreToolUse', 'Stop', 'SessionEnd')").map(row => [row.event_type, row.session_id, row.agent_id]), [["PreToolUse", root, `${root}:${child}`]]);
});

// Its end is read without its input, which is too large to be remembered, and Copilot's hooks have no identifier.
for (const [order, arrange] of Object.entries(ORDERS)) {
  test(`copilot: a call with a large input is told once, ${order}`, async t => {
    const id = "01a207a0-0000-7000-8000-0000000000bb";
    const timestamp = "2026-11-26T00:00:00.000Z";
    const input = number => ({ path: "/p/a", file_text: String(number).repeat(300 * 1024) });
    const hooks = [1, 2].flatMap(number =>
      ["PreToolUse", "PostToolUse"].map(type => ({ hook_event_name: type, session_id: id, timestamp, tool_name: "create", tool_input: input(number), __provider: "copilot" })),
    );
    const records = [1, 2].flatMap(number => [
      { type: "tool.execution_start", id: `s${number}`, timestamp, data: { toolCallId: `c${number}`, toolName: "create", arguments: input(number) } },
      { type: "tool.execution_complete", id: `e${number}`, timestamp, data: { toolCallId: `c${number}`, success: true, result: { content: "done" } } },
    ]);
    const recorded = { provider: "copilot", files: { [`session-state/${id}/events.jsonl`]: records } };
    const dir = temporary(t);
    const some = (from, to) => hooks.slice(hooks.length * from, hooks.length * to).forEach(deliver);
    await arrange(some, share => importUpTo(dir, recorded, share));
    assert.deepEqual(rows().map(row => [row.event_type, row.capture]).sort(), [["PostToolUse", "both"], ["PostToolUse", "both"], ["PreToolUse", "both"], ["PreToolUse", "both"]]);
  });
}
