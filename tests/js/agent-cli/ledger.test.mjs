/** The recorded sessions through the sidecar's own ledger: each event is one row, of one session, whoever is first. */

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { beforeEach, test } from "node:test";
import { addSession, db, overlay, reset, rows, session, temporary, text } from "../support.mjs";
import { EXPECTED } from "./expected.mjs";
import { names, reader, recording, sent } from "./recorded.mjs";

const { importTranscript } = overlay("agent-cli/importer");
const { ensureTable } = overlay("agent-cli/checkpoints");
const { slotOf } = overlay("agent-cli/slots");
const { ownerOf } = overlay("agent-cli/session");

beforeEach(() => {
  reset();
  ensureTable();
  slotOf({ session_id: "x", event_type: "Stop", own: "y" }, "hook"); // makes the table
  ownerOf("x");
  db.exec("DELETE FROM agent_slots; DELETE FROM agent_transcripts; DELETE FROM agent_owners");
});

/** Gives a hook to the ledger, on the way that the patched route takes. */
function deliver(payload) {
  const { ingressOf, openIngress, stampSession } = overlay("harness");
  const { admit, recordHook } = overlay("agent-cli/ledger");
  const data = structuredClone(payload);
  if (!admit(data)) return;
  openIngress(data, () => null);
  const { session_id: sessionId, hook_event_name: eventType, tool_name: toolName = null } = data;
  if (!session(sessionId)) addSession(sessionId);
  stampSession(session(sessionId), ingressOf(data).harness);
  assert.equal(recordHook({ sessionId, agentId: `${sessionId}-main`, eventType, toolName, summary: "by hook", data }), true);
}

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
