import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { addSession, db, overlay, reset, sent, session } from "./support.mjs";

const { harnessOf, ingressOf, isHarnessSession, openIngress, stampSession } = overlay("harness");

beforeEach(reset);

test("only a provider of the table is a harness", () => {
  assert.equal(harnessOf({ __provider: "codex" }), "codex");
  for (const data of [{ __provider: "claude" }, { __provider: ["codex"] }, {}, null, undefined, "codex", 5, []]) {
    assert.equal(harnessOf(data), null);
  }
});

test("a Codex payload loses its transcript paths before anyone can parse them, and keeps them under our names", () => {
  const data = { __provider: "codex", transcript_path: "/r.jsonl", agent_transcript_path: "/a.jsonl" };
  const ingress = openIngress(data, () => assert.fail("a Codex transcript was parsed"));
  assert.deepEqual(data, { __provider: "codex", rollout_path: "/r.jsonl", agent_rollout_path: "/a.jsonl" });
  assert.deepEqual({ ...ingress }, { harness: "codex", transcript: null });
  assert.equal(ingressOf(data), ingress);
});

test("a Claude payload keeps its path and has its transcript read once", () => {
  const data = { transcript_path: "/t.jsonl" };
  const read = [];
  openIngress(data, file => read.push(file) && { tokens: 1 });
  assert.deepEqual(read, ["/t.jsonl"]);
  assert.deepEqual(data, { transcript_path: "/t.jsonl" });
  assert.deepEqual({ ...ingressOf(data) }, { harness: null, transcript: { tokens: 1 } });
});

test("a payload that is no object, or was never opened, has the default ingress", () => {
  for (const data of ["text", 5, true]) assert.deepEqual({ ...openIngress(data, assert.fail) }, { harness: null, transcript: null });
  for (const data of ["text", 5, {}, null]) {
    assert.deepEqual({ ...ingressOf(data) }, { harness: null, transcript: null });
    assert.ok(Object.isFrozen(ingressOf(data)));
  }
});

test("a stamp marks the session once and tells the clients once", () => {
  addSession("s1");
  stampSession(session("s1"), "codex");
  stampSession(session("s1"), "codex");
  assert.equal(session("s1").harness, "codex");
  assert.deepEqual(sent.map(([type, data]) => [type, data.harness]), [["session_updated", "codex"]]);
});

test("no harness or no session is no stamp, and nothing to warn of", t => {
  t.mock.method(console, "warn", message => assert.fail(message));
  addSession("s1");
  stampSession(session("s1"), null);
  stampSession(null, "codex");
  stampSession(undefined, "codex");
  assert.equal(session("s1").harness, "claude");
  assert.equal(sent.length, 0);
});

test("a stamp that fails does not fail the event", () => {
  addSession("s1");
  db.exec("CREATE TRIGGER refuse BEFORE UPDATE ON sessions BEGIN SELECT RAISE(ABORT, 'refused'); END");
  try {
    assert.doesNotThrow(() => stampSession(session("s1"), "codex"));
  } finally {
    db.exec("DROP TRIGGER refuse");
  }
});

test("a session is a harness session by its stamp, and asking never throws", () => {
  addSession("s1", { harness: "codex" });
  addSession("s2");
  assert.deepEqual(["s1", "s2", "none"].map(isHarnessSession), [true, false, false]);
  assert.equal(isHarnessSession({}), false);
});
