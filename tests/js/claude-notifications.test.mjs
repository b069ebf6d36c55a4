/** News of a finished sub-agent, and what a user types that looks nearly like it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { overlay } from "./support.mjs";

const { isNotification, summaryOf } = overlay("claude-notifications");

test("news is known by how it begins", () => {
  for (const text of ["<task-notification>\n<task-id>a</task-id>", " \n<task-notification>", '<task-notification kind="x">']) {
    assert.equal(isNotification(text), true, text);
  }
  for (const text of ["what is a <task-notification>?", "<task-notifications>", "<task>", "", null, undefined, 7, {}]) {
    assert.equal(isNotification(text), false, String(text));
  }
});

test("its summary is one short line", () => {
  assert.equal(summaryOf('<task-notification><summary>Agent "x"\n finished</summary>'), 'Agent "x" finished');
  for (const text of ["<task-notification>", "<summary></summary>", "<summary> \n</summary>"]) {
    assert.equal(summaryOf(text), "A sub-agent has finished");
  }
  assert.equal(summaryOf(`<summary>${"x".repeat(999)}</summary>`).length, 200);
});
