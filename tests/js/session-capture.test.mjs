/** How a session says that its events came in: by hooks, by its file, by both; and what that costs in a long list. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { db, overlay, reset } from "./support.mjs";

const { tellCapture } = overlay("session-capture");

beforeEach(reset);

function record(id, harness, captures) {
  db.prepare("INSERT INTO sessions (id, status, harness) VALUES (?, 'active', ?)").run(id, harness);
  const insert = db.prepare("INSERT INTO events (session_id, event_type, capture) VALUES (?, 'PreToolUse', ?)");
  for (const capture of captures) insert.run(id, capture);
  return { id, harness };
}

const told = (...sessions) => {
  tellCapture(db, sessions);
  return sessions.map(session => session.capture);
};

test("one road, or both: in one event or in several", () => {
  const cases = [
    [["hook", "hook"], "hook"],
    [["rollout", "rollout"], "rollout"],
    [["both"], "both"],
    [["hook", "rollout"], "both"],
    [["rollout", "hook", "both"], "both"],
    [[null, null], "hook"], // recorded before the column came, by a hook
    [[], null],
  ];
  const sessions = cases.map(([captures], index) => record(`s${index}`, "codex", captures));
  assert.deepEqual(told(...sessions), cases.map(([, word]) => word));
});

test("of a Claude session, and of a row without a harness, nothing is said", () => {
  assert.deepEqual(told(record("claude", "claude", [null, "hook"]), { id: "gone" }), [null, null]);
  assert.deepEqual(told(), []);
});

test("10,000 sessions take less than a second", () => {
  const sessions = [];
  db.exec("BEGIN");
  for (let at = 0; at < 10_000; at += 1) sessions.push(record(`many-${at}`, "codex", ["both", "both", "rollout"]));
  db.exec("COMMIT");
  const began = performance.now();
  assert.ok(told(...sessions).every(word => word === "both"));
  const took = performance.now() - began;
  assert.ok(took < 1000, `${took.toFixed(0)} ms`);
});
