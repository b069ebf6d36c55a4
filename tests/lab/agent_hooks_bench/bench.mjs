/** Node's half of the bench: `bench.mjs TREE FILES SEED`. Prints a line of JSON for each agent. */

import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { settings, meaning } from "../../js/agent-hooks-cases.mjs";

const [tree, files, seed] = process.argv.slice(2);
const require = createRequire(path.join(tree, "server", "bench.js"));
const { agents, hooksFileOf } = require("./lib/agent-hooks/agents");
const { setEnabled } = require("./lib/agent-hooks/optin");
const { statusOf } = require("./lib/agent-hooks/status");

/** What a settings file means without our handler's groups; lists and objects that are empty do not count. */
function foreign(text, handler) {
  const { hooks = {}, ...rest } = meaning(text);
  const lists = Object.entries(hooks).map(([event, groups]) => [event, groups.filter(group => !JSON.stringify(group).includes(`/${handler}`))]);
  return JSON.stringify([rest, lists.filter(([, groups]) => groups.length)]);
}

/** Why one file is wrong; empty when it is not. */
function problemWith(agent, file, original, foreignText) {
  const read = () => (fs.existsSync(file) ? fs.readFileSync(file) : null);
  if (original !== null) fs.writeFileSync(file, original);
  let trouble = setEnabled(agent, true);
  if (trouble) return `enable: ${trouble.message}`;
  const enabled = read();
  const { state, entries } = statusOf(agent);
  if (state !== "ready" || entries !== agent.events.length) return `enabled: ${state}, ${entries} entries`;
  if (original !== null && foreign(enabled.toString(), agent.handler) !== foreignText) return "enabled: something else changed";
  const { ino } = fs.statSync(file);
  trouble = setEnabled(agent, true);
  if (trouble || !read().equals(enabled) || fs.statSync(file).ino !== ino) return "enabled again: it was written";
  trouble = setEnabled(agent, false);
  const left = read();
  if (trouble) return `disable: ${trouble.message}`;
  const same = original === null ? left === null : left !== null && left.equals(Buffer.from(original));
  return same ? "" : "disabled: not the bytes of before";
}

for (const agent of agents()) {
  const file = hooksFileOf(agent);
  const row = { title: agent.title, files: Number(files), comments: 0, commas: 0, crlf: 0, bom: 0, wrong: [] };
  const folder = agent.shape === "own" ? path.dirname(path.dirname(file)) : path.dirname(file);
  fs.mkdirSync(folder, { recursive: true });
  for (let each = 0; each < row.files; each += 1) {
    const number = Number(seed) + each;
    const text = agent.shape === "own" ? null : settings(number);
    if (agent.shape === "own") {
      fs.rmSync(path.dirname(file), { recursive: true, force: true });
      if (each % 2) fs.mkdirSync(path.dirname(file));
    } else {
      row.comments += /\/\/|\/\*/.test(text);
      row.commas += /,\s*[\]}]/.test(text);
      row.crlf += text.includes("\r\n");
      row.bom += text.startsWith("\uFEFF");
    }
    let wrong = problemWith(agent, file, text, text === null ? "" : foreign(text, agent.handler));
    if (!wrong && agent.shape === "own" && fs.existsSync(path.dirname(file)) !== Boolean(each % 2)) wrong = "the folder";
    if (wrong) row.wrong.push(`seed ${number}: ${wrong}`);
  }
  console.log(JSON.stringify(row));
}
