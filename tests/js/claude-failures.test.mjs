/** A call that fails ends like any other; and which version of Claude Code gets the hook that says so. */

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { overlay, temporary } from "./support.mjs";

const { installable, recordedAs, summaryOf, withdraw } = overlay("claude-failures");
const HOOK = "PostToolUseFailure";

/** Writes a transcript; the later one is the newer one. */
function write(home, name, text) {
  const folder = path.join(home, "projects", `-p-${name}`);
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, `${name}.jsonl`), text);
  write.time = (write.time || 1_700_000_000) + 1;
  fs.utimesSync(path.join(folder, `${name}.jsonl`), write.time, write.time);
}

const line = version => `${JSON.stringify({ type: "user", message: { content: "x" }, version })}\n`;

test("a failure is recorded as an end, and said to be one", () => {
  const data = { tool_name: "Bash" };
  assert.equal(recordedAs(HOOK, data), "PostToolUse");
  assert.equal(summaryOf(data, "Bash", "Tool completed: Bash"), "Tool failed: Bash");
  assert.equal(summaryOf({ tool_name: "Bash" }, "Bash", "Tool completed: Bash"), "Tool completed: Bash");
  for (const odd of ["text", null, undefined, 7]) assert.equal(recordedAs(HOOK, odd), "PostToolUse");
  assert.equal(recordedAs("Stop", data), "Stop");
});

test("the newest transcript says which version is in use", t => {
  const home = temporary(t);
  assert.deepEqual(installable(home), [HOOK], "no session yet");
  for (const [version, expected] of [["2.0.55", 0], ["2.0.56", 1], ["1.0.128", 0], ["2.1.0", 1], ["1.9.99", 0], ["10.0.0", 1], ["2.0.9", 0]]) {
    write(home, `v${version}`, line("9.9.9") + line(version) + '{"type":"summary"}\n');
    assert.equal(installable(home).length, expected, version);
  }
});

test("a transcript that does not say it is no reason to leave the hook out", t => {
  const home = temporary(t);
  for (const [name, text] of [["empty", ""], ["none", '{"type":"user"}\n'], ["odd", '{"version":"next"}\n'], ["told", '{"text":"{\\"version\\":\\"1.0.0\\"}"}\n']]) {
    write(home, name, text);
    assert.deepEqual(installable(home), [HOOK], name);
  }
  write(home, "long", line("1.0.0") + `{"text":"${"x".repeat(200_000)}"}\n`);
  assert.deepEqual(installable(home), [HOOK], "too far from its end");
  write(home, "longer", `{"text":"${"x".repeat(200_000)}"}\n${line("1.0.0")}`);
  assert.deepEqual(installable(home), []);
  fs.writeFileSync(path.join(home, "projects", "a file"), "");
  assert.deepEqual(installable(home), []);
});

test("only our own entry is withdrawn, and only where it is not to be installed", () => {
  const isOurs = entry => entry.ours;
  const entries = () => ({ [HOOK]: [{ ours: true }, { theirs: true }], Stop: [{ ours: true }] });
  const [wanted, shared, own] = [entries(), entries(), { [HOOK]: [{ ours: true }] }];
  withdraw(wanted, [HOOK, "Stop"], isOurs);
  assert.deepEqual(wanted, entries());
  withdraw(shared, ["Stop"], isOurs);
  assert.deepEqual(shared, { [HOOK]: [{ theirs: true }], Stop: [{ ours: true }] });
  withdraw(own, ["Stop"], isOurs);
  assert.deepEqual(own, {});
  for (const odd of [{}, { [HOOK]: "odd" }]) withdraw(odd, ["Stop"], isOurs);
});
