/** What the rendered handlers send of recorded hooks: what the other tests take them to send. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import http from "node:http";
import path from "node:path";
import { after, before, test } from "node:test";
import { recording, sent } from "./recorded.mjs";

const bodies = [];
const server = http.createServer((request, response) => {
  const chunks = [];
  request.on("data", chunk => chunks.push(chunk));
  request.on("end", () => {
    bodies.push(JSON.parse(Buffer.concat(chunks)));
    response.end();
  });
});

before(() => new Promise(resolve => server.listen(0, "127.0.0.1", resolve)));
after(() => server.close());

function run(provider, [event, payload]) {
  const script = path.join(process.env.SIDECAR_TREE, "scripts", `${provider}-hook-handler.js`);
  const env = { ...process.env, CLAUDE_DASHBOARD_PORT: String(server.address().port) };
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, [script, event], { env }, (error, stdout, stderr) => (error || stdout || stderr ? reject(error ?? stdout + stderr) : resolve()));
    child.stdin.end(JSON.stringify(payload));
  });
}

// Every kind of hook that is otherwise than its name says: empty prompts, failures, a start without a name of its event.
for (const name of ["qwen-0.24.4-interrupt", "qwen-0.15.10-subagent", "copilot-1.0.102-nested", "droid-0.225.2-subagents"]) {
  test(name, async () => {
    const { provider, hooks } = recording(name);
    const chosen = hooks.filter(([event], index) => hooks.findIndex(([other]) => other === event) === index);
    for (const hook of [...chosen, ["UserPromptSubmit", { hook_event_name: "UserPromptSubmit", prompt: "" }]]) {
      const expected = sent(provider, hook);
      bodies.length = 0;
      await run(provider, hook);
      for (let waited = 0; waited < 5000 && (expected ? bodies.length === 0 : waited < 50); waited += 10) await new Promise(resolve => setTimeout(resolve, 10));
      for (const { data } of bodies) {
        assert.match(data.__run, /^\d+ \d+$/); // which process sent it, and when
        delete data.__run;
      }
      assert.deepEqual(bodies, expected ? [{ hook_type: expected.hook_event_name, data: expected }] : []);
    }
  });
}
