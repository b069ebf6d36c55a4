/** The agents' tables outlive a transaction that is rolled back, whoever needs them first. In a process of its own. */

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { addSession, db, overlay, rows, session, temporary, text } from "./support.mjs";

const { importTranscript } = overlay("agent-cli/importer");
const { admit, recordHook } = overlay("agent-cli/ledger");
const { openIngress } = overlay("harness");
const qwen = overlay("agent-cli/qwen");

const ID = "01a207a0-0000-7000-8000-0000000000aa";

/** Records a hook as the patched route does: looks at it, and then writes it in the sidecar's transaction. */
function deliver(then = () => {}) {
  const data = { session_id: ID, hook_event_name: "Stop", timestamp: "2026-11-26T00:00:01.000Z", __provider: "qwen" };
  assert.equal(admit(data), true);
  openIngress(data, () => null);
  db.transaction(() => {
    if (!session(ID)) addSession(ID);
    assert.equal(recordHook({ sessionId: ID, agentId: `${ID}-main`, eventType: "Stop", toolName: null, summary: "by hook", data }), true);
    then();
  })();
}

test("a hook and an import that were rolled back are recorded the next time", async t => {
  const fail = () => {
    throw new Error("rolled back");
  };
  assert.throws(() => deliver(fail), /rolled back/);
  const file = path.join(temporary(t), `${ID}.jsonl`);
  fs.writeFileSync(file, text([{ type: "user", uuid: "u", timestamp: "2026-11-26T00:00:00.000Z", message: { parts: [{ text: "hello" }] } }]));
  const look = () => importTranscript(qwen, { file, path: `projects/p/chats/${ID}.jsonl`, stamp: "1" });
  db.exec("CREATE TRIGGER refuse BEFORE INSERT ON sessions BEGIN SELECT RAISE(ABORT, 'refused'); END");
  await assert.rejects(look, /refused/);
  db.exec("DROP TRIGGER refuse");
  deliver();
  await look();
  assert.deepEqual(rows().map(row => row.event_type).sort(), ["Stop", "UserPromptSubmit"]);
});
