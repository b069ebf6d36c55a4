/** Gives hooks to the ledger, on the way that the patched route takes. */

import assert from "node:assert/strict";
import { addSession, overlay, session } from "../support.mjs";

/** Records a hook's payload; nothing for one that is not to be recorded. */
export function deliver(payload) {
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
