import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { overlay, temporary, warnings } from "./support.mjs";

const { agentOf, agents } = overlay("agent-hooks/agents");
const { reconcile, reconcileAtBoot, setEnabled } = overlay("agent-hooks/optin");
const { statusOf } = overlay("agent-hooks/status");
const COMMAND = path.join(process.env.SIDECAR_TREE, "scripts", "agent-hooks.js");
const [QWEN, GEMINI, COPILOT, DROID] = ["qwen", "gemini", "copilot", "droid"].map(agentOf);
const PLACES = ["PATH", "DASHBOARD_AGENT_HOOKS", "QWEN_HOME", "GEMINI_CLI_HOME", "COPILOT_HOME", "FACTORY_HOME_OVERRIDE"];

/** A home and a data folder of the test's own, and nothing on PATH. */
function home(t) {
  const root = temporary(t);
  const before = { ...process.env };
  for (const name of PLACES) delete process.env[name];
  Object.assign(process.env, { HOME: path.join(root, "home"), DASHBOARD_DATA_DIR: path.join(root, "data"), PATH: path.join(root, "bin") });
  fs.mkdirSync(process.env.HOME);
  t.after(() => {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
  });
  return process.env.HOME;
}

/** A file below the home, with its folders. */
function write(place, text) {
  const file = path.join(process.env.HOME, place);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
  return file;
}

const read = file => (fs.existsSync(file) ? fs.readFileSync(file, "utf8") : null);

/** All that is at a place: names, kinds, owners, modes and bytes. */
function all(place) {
  const found = [];
  for (const each of fs.readdirSync(place, { recursive: true, withFileTypes: true })) {
    const file = path.join(each.parentPath, each.name);
    const { mode, uid, ino, mtimeMs } = fs.lstatSync(file);
    found.push([file, mode, uid, ino, mtimeMs, each.isFile() ? fs.readFileSync(file, "latin1") : ""]);
  }
  return found.sort();
}

function run(...words) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...words], { encoding: "utf8", env: process.env });
  return { status, stdout, stderr };
}

const SAID = {
  off: { title: "Off", text: "Switch it on to see each step of its sessions as it happens." },
  forced: on => ({ title: "Switched off by the application that runs this dashboard", text: `It has set \`DASHBOARD_AGENT_HOOKS\`. Your own choice, ${on ? "on" : "off"}, is kept.` }),
  ready: title => ({ title: "On, ready", text: `The hooks are in place. The next session of ${title} is seen from its first prompt on.` }),
  out: { title: "On, but the hooks could not be put in place", text: "Your choice is kept, and is tried again at the next start." },
  idle: title => ({ title: `On, but ${title} may not run the hooks`, text: "They are in place." }),
  hindered: { title: "Off", text: "Its hooks could not be put in place now." },
  left: { title: "Off, but the hooks are still there", text: "They were not taken out." },
};

test("what is said in each state", t => {
  const root = home(t);
  for (const agent of agents()) {
    const folder = path.join(root, agent.folder);
    const told = () => [statusOf(agent).state, statusOf(agent).says];
    assert.deepEqual(told(), ["absent", { title: "Not found", text: `There is no ${folder}, and no \`${agent.provider}\` on PATH.` }]);
    fs.mkdirSync(folder);
    assert.deepEqual(told(), ["off", SAID.off]);
    assert.equal(setEnabled(agent, true), null);
    assert.deepEqual(told(), ["ready", SAID.ready(agent.title)]);
    process.env.DASHBOARD_AGENT_HOOKS = "off";
    assert.deepEqual(told(), ["problem", SAID.left]);
    assert.equal(reconcile(agent), null);
    assert.deepEqual(told(), ["forced-off", SAID.forced(true)]);
    delete process.env.DASHBOARD_AGENT_HOOKS;
    assert.deepEqual(told(), ["problem", SAID.out]);
    assert.deepEqual(statusOf(agent).problem, { code: "out-of-step", message: "the hooks are switched on, and not all in place", do: `Type: node scripts/agent-hooks.js enable ${agent.provider}` });
    assert.equal(setEnabled(agent, false), null);
    assert.deepEqual(told(), ["off", SAID.off]);
    assert.equal(statusOf(agent).problem, null);
  }
});

/** Bad input: what is at the place of the settings file of Qwen Code, and what is said of it. `$FILE` is the file. */
const BAD = {
  "no JSON": ["{ nothing", ["not-json", "$FILE is not valid JSON: Expected property name or '}' in JSON at position 2 (line 1 column 3)", "Repair the file, then try again; it was not changed."]],
  "a comment that does not end": ["{} /*", ["not-json", "$FILE is not valid JSON: Unexpected non-whitespace character after JSON at position 3 (line 1 column 4)", "Repair the file, then try again; it was not changed."]],
  "nothing": ["", ["empty", "$FILE is empty: the least that it may be is `{}`", "Repair the file, then try again; it was not changed."]],
  "white space": ["\uFEFF \n", ["empty", "$FILE is empty: the least that it may be is `{}`", "Repair the file, then try again; it was not changed."]],
  "a NUL": ["{\"a\": \"\0\"}", ["nul-byte", "$FILE has a NUL byte in it", "Repair the file, then try again; it was not changed."]],
  "not UTF-8": [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), ["not-utf8", "$FILE is not UTF-8", "Save it as UTF-8, then try again."]],
  "a list": ["[]", ["not-object", "$FILE is not a JSON object", "Repair the file, then try again; it was not changed."]],
  "hooks that are a list": ["{\"hooks\": []}", ["hooks-not-object", "$FILE has `hooks` that are not an object", "Repair the file, then try again; it was not changed."]],
  "hooks that are null": ["{\"hooks\": null}", ["hooks-not-object", "$FILE has `hooks` that are not an object", "Repair the file, then try again; it was not changed."]],
  "an event that is no list": ["{\"hooks\": {\"Stop\": {}}}", ["event-not-list", "$FILE has `hooks.Stop` that is not a list", "Repair the file, then try again; it was not changed."]],
  "a key twice": ["{\"a\": 1, \"a\": 2}", ["duplicate-key", "$FILE has the key `a` twice", "Repair the file, then try again; it was not changed."]],
  "hooks twice": ["{\"hooks\": {}, /* */ \"hooks\": {}}", ["duplicate-key", "$FILE has the key `hooks` twice", "Repair the file, then try again; it was not changed."]],
  "an event twice": ["{\"hooks\": {\"Stop\": [], \"Stop\": []}}", ["duplicate-key", "$FILE has the key `hooks.Stop` twice", "Repair the file, then try again; it was not changed."]],
  "a huge file": [`{"a": "${"x".repeat(1024 * 1024)}"}`, ["too-large", "$FILE is larger than 1 MiB", "Make it smaller, then try again."]],
  "a directory": [null, ["is-directory", "$FILE cannot be read: it is a directory", "Move the directory away, then try again."], file => fs.mkdirSync(file)],
  "a pipe": [null, ["not-a-file", "$FILE is not a file", "Move it away, then try again."], file => spawnSync("/usr/bin/mkfifo", [file])],
  "links in a circle": [null, ["link-loop", "$FILE cannot be read: its symbolic links go round in a circle", "Repair the link, then try again."], file => fs.symlinkSync(file, file)],
  "a link into nowhere": [null, ["dangling-link", "$FILE is a link into a directory that is not there", "Repair or remove the link, then try again."], file => fs.symlinkSync("/nowhere/at/all", file)],
  "a read-only file": ["{}", ["read-only-file", "$FILE is read-only", "Type: chmod u+w $FILE, then try again."], file => fs.chmodSync(file, 0o444)],
  "a file of another user": ["{}", ["other-owner", "$FILE belongs to another user (uid 12345)", "Let its owner run this, or give the file to your user."], file => fs.chownSync(file, 12345, 12345)],
  "hooks that are off": ["{\"disableAllHooks\": true} // x", ["switched-off", "Qwen Code runs no hooks of ours: `disableAllHooks` in $FILE is true", "Set it to false, then type: node scripts/agent-hooks.js enable qwen"]],
};

for (const [name, [text, [code, message, todo], then]] of Object.entries(BAD)) {
  test(`bad input, ${name}: it is named, and nothing is changed`, t => {
    if (name.includes("another user") && process.getuid() !== 0) return t.skip("only root gives files away");
    const root = home(t);
    const file = path.join(root, ".qwen", "settings.json");
    fs.mkdirSync(path.dirname(file));
    if (text !== null) fs.writeFileSync(file, text);
    then?.(file);
    const before = all(root);
    const filled = line => line.replaceAll("$FILE", file);
    const problem = { code, message: filled(message), do: filled(todo) };
    assert.deepEqual(setEnabled(QWEN, true), problem);
    assert.deepEqual([statusOf(QWEN).state, statusOf(QWEN).says, statusOf(QWEN).problem], ["problem", SAID.out, problem]);
    assert.deepEqual(run("enable", "qwen").stderr, `agent-hooks: ${problem.message}. ${problem.do}\n`);
    const shown = run("status", "qwen");
    assert.equal(shown.status, 1);
    assert.ok(shown.stdout.includes(`  Problem:    ${problem.message}. ${problem.do} [${code}]\n`), shown.stdout);
    assert.deepEqual(all(root).map(each => each.with(4, 0)), before.map(each => each.with(4, 0)));
    if (code !== "dangling-link") assert.deepEqual(all(root), before);
    const unknown = ["not-utf8", "too-large", "is-directory", "not-a-file", "link-loop"].includes(code);
    assert.deepEqual(setEnabled(QWEN, false), unknown ? problem : null, "off again: is anything of ours there?");
    const { state, says, problem: hindrance } = statusOf(QWEN);
    assert.deepEqual([state, says, hindrance], ["off", SAID.hindered, problem], "what would be in the way");
    return undefined;
  });
}

test("each agent's own switch: its hooks do not run, so nothing is put in place", t => {
  const root = home(t);
  const cases = [
    [GEMINI, ".gemini/settings.json", "{\"hooksConfig\": {\"enabled\": false,},}", "Gemini CLI runs no hooks of ours: `hooksConfig.enabled` in $FILE is false", "Set it to true"],
    [GEMINI, ".gemini/settings.json", "{\"hooks\": {\"enabled\": false}}", "Gemini CLI runs no hooks of ours: `hooks.enabled` in $FILE is false", "Set it to true"],
    [GEMINI, ".gemini/settings.json", `{"hooksConfig": {"disabled": [${JSON.stringify(`node "${process.env.DASHBOARD_DATA_DIR}/gemini-hook-handler.js" SessionStart`)}]}}`, "Gemini CLI runs no hooks of ours: `hooksConfig.disabled` in $FILE names ours", "Take our command out of it"],
    [GEMINI, ".gemini/settings.json", '{"hooksConfig": {"disabled": ["lint", "node \\"/elsewhere/gemini-hook-handler.js\\""]}}', "Gemini CLI runs no hooks of ours: `hooksConfig.disabled` in $FILE names ours", "Take our command out of it"],
    [COPILOT, ".copilot/settings.json", "{\"disableAllHooks\": true}", "GitHub Copilot CLI runs no hooks of ours: `disableAllHooks` in $FILE is true", "Set it to false"],
    [COPILOT, ".copilot/config.json", "// x\n{\"disableAllHooks\": true}", "GitHub Copilot CLI runs no hooks of ours: `disableAllHooks` in $FILE is true", "Set it to false"],
  ];
  for (const [agent, place, text, message, todo] of cases) {
    const file = write(place, text);
    const before = all(root);
    const problem = { code: "switched-off", message: message.replace("$FILE", file), do: `${todo}, then type: node scripts/agent-hooks.js enable ${agent.provider}` };
    assert.deepEqual(setEnabled(agent, true), problem);
    assert.deepEqual([statusOf(agent).state, statusOf(agent).problem], ["problem", problem]);
    assert.deepEqual(all(root), before);
    fs.rmSync(file);
  }
});

/** The hooks file as an earlier version has left it: its commands do not end with the name of the event. */
function withoutEvents(agent) {
  assert.equal(setEnabled(agent, true), null);
  const { path: file } = statusOf(agent).file;
  const earlier = read(file).replaceAll(/(-hook-handler\.js\\") \w+/g, "$1");
  assert.equal(earlier.includes(`${agent.events[0]}"`) && !earlier.includes(`\\" ${agent.events[0]}`), true);
  fs.writeFileSync(file, earlier);
  return file;
}

for (const agent of agents()) {
  test(`${agent.title}: entries of an earlier version, without the event, are known, put right, and taken out`, t => {
    home(t);
    const before = agent.shape === "own" ? null : "{ // mine\n}\n";
    if (before !== null) write(path.relative(process.env.HOME, statusOf(agent).file.path), before);
    const file = withoutEvents(agent);
    const { state, entries, missing_events: missing, problem } = statusOf(agent);
    assert.deepEqual([state, entries, missing, problem.code], ["problem", agent.events.length, agent.events, "out-of-step"]);
    assert.equal(reconcile(agent), null, "as the start does");
    assert.deepEqual([statusOf(agent).state, statusOf(agent).entries], ["ready", agent.events.length]);
    assert.equal(read(file).split(agent.handler).length - 1, agent.events.length, "none is there twice");
    withoutEvents(agent);
    assert.equal(setEnabled(agent, false), null);
    assert.equal(read(file), before);
    withoutEvents(agent);
    process.env.DASHBOARD_AGENT_HOOKS = "off";
    assert.equal(reconcile(agent), null);
    assert.equal(read(file), before);
  });
}

test("hooks that were in place when the agent's own switch was turned off stay, and it is said", t => {
  home(t);
  const file = write(".gemini/settings.json", "{}\n");
  assert.equal(setEnabled(GEMINI, true), null);
  fs.writeFileSync(file, read(file).replace("{", '{ "hooksConfig": {"enabled": false},'));
  const before = read(file);
  assert.equal(reconcile(GEMINI).code, "switched-off");
  assert.deepEqual([statusOf(GEMINI).state, statusOf(GEMINI).says], ["problem", SAID.idle("Gemini CLI")]);
  assert.equal(read(file), before);
  assert.equal(setEnabled(GEMINI, false), null);
  assert.equal(read(file), '{ "hooksConfig": {"enabled": false},}\n'.replace(",}", "}"));
});

test("Copilot: a file of ours, which goes again, and the folder that was made for it", t => {
  const root = home(t);
  const [folder, file] = [path.join(root, ".copilot", "hooks"), path.join(root, ".copilot", "hooks", "agent-monitor.json")];
  fs.mkdirSync(path.join(root, ".copilot"));
  assert.equal(setEnabled(COPILOT, true), null);
  const command = `node "${process.env.DASHBOARD_DATA_DIR}/copilot-hook-handler.js"`;
  // `SubagentStart` does not name itself in what it writes to the handler.
  const hook = event => ({ type: "command", bash: `${command} ${event} 2>/dev/null || true`, timeoutSec: 5 });
  assert.deepEqual(JSON.parse(read(file)), { version: 1, hooks: Object.fromEntries(COPILOT.events.map(event => [event, [hook(event)]])) });
  assert.deepEqual(fs.readdirSync(folder), ["agent-monitor.json"], "no lock is left");
  const { ino, mtimeMs } = fs.statSync(file);
  assert.equal(setEnabled(COPILOT, true), null);
  assert.deepEqual([fs.statSync(file).ino, fs.statSync(file).mtimeMs], [ino, mtimeMs], "not written again");
  assert.equal(setEnabled(COPILOT, false), null);
  assert.deepEqual(fs.readdirSync(path.join(root, ".copilot")), []);
  fs.mkdirSync(folder);
  assert.equal(setEnabled(COPILOT, true), null);
  assert.equal(setEnabled(COPILOT, false), null);
  assert.deepEqual(fs.readdirSync(path.join(root, ".copilot")), ["hooks"], "the user's own folder stays");
});

test("Copilot: the command succeeds when the handler and node are gone", t => {
  const root = home(t);
  fs.mkdirSync(path.join(root, ".copilot"));
  setEnabled(COPILOT, true);
  const { hooks } = JSON.parse(read(path.join(root, ".copilot", "hooks", "agent-monitor.json")));
  fs.rmSync(path.join(process.env.DASHBOARD_DATA_DIR, "copilot-hook-handler.js"));
  for (const where of ["/usr/bin:/bin", `${path.dirname(process.execPath)}:/usr/bin:/bin`]) {
    const { status, stdout, stderr } = spawnSync("/bin/bash", ["--norc", "-c", hooks.PreToolUse[0].bash], { encoding: "utf8", input: "{}", env: { PATH: where } });
    assert.deepEqual([status, stdout, stderr], [0, "", ""]);
  }
});

test("Copilot: a file that is not ours, or not ours alone, is left alone", t => {
  home(t);
  const theirs = '{"version": 1, "hooks": {"Stop": [{"type": "command", "bash": "true"}]}}';
  const file = write(".copilot/hooks/agent-monitor.json", theirs);
  const problem = { code: "not-ours", message: `${file} has hooks that are not ours`, do: "Repair the file, then try again; it was not changed." };
  assert.deepEqual(setEnabled(COPILOT, true), problem);
  assert.equal(read(file), theirs);
  fs.rmSync(file);
  assert.equal(setEnabled(COPILOT, true), null);
  const mixed = read(file).replace('"Stop": [', '"Stop": [{"type": "command", "bash": "true"},');
  fs.writeFileSync(file, mixed);
  assert.deepEqual(setEnabled(COPILOT, false), problem);
  assert.deepEqual([read(file), statusOf(COPILOT).state], [mixed, "problem"]);
});

test("without a file and a folder they are made, and go again", t => {
  const root = home(t);
  for (const agent of agents()) {
    assert.equal(setEnabled(agent, true), null);
    assert.equal(statusOf(agent).state, "ready");
    assert.equal(setEnabled(agent, false), null);
    assert.deepEqual(fs.readdirSync(root), [], agent.provider);
  }
  assert.equal(setEnabled(QWEN, true), null);
  write(".qwen/notes.txt", "mine");
  assert.equal(setEnabled(QWEN, false), null);
  assert.deepEqual(fs.readdirSync(path.join(root, ".qwen")), ["notes.txt"]);
});

test("a folder of the user's stays, whose name begins like that of one that was made", t => {
  const root = home(t);
  process.env.QWEN_HOME = path.join(root, "q");
  assert.equal(setEnabled(QWEN, true), null);
  fs.rmSync(process.env.QWEN_HOME, { recursive: true });
  process.env.QWEN_HOME = path.join(root, "qwen");
  fs.mkdirSync(process.env.QWEN_HOME);
  assert.equal(setEnabled(QWEN, false), null);
  assert.deepEqual(fs.readdirSync(root), ["qwen"]);
});

test("a lock that another process removes before it is ours is taken again", t => {
  home(t);
  const file = write(".qwen/settings.json", "{}");
  const lock = path.join(path.dirname(file), ".settings.json.lock");
  let removed = 0;
  const { closeSync } = fs;
  t.mock.method(fs, "closeSync", fd => {
    closeSync(fd);
    if (!removed && fs.existsSync(lock)) {
      fs.rmSync(lock);
      removed += 1;
    }
  });
  assert.equal(setEnabled(QWEN, true), null);
  assert.deepEqual([removed, statusOf(QWEN).state, fs.existsSync(lock)], [1, "ready", false]);
});

test("a symbolic link stays one, and the mode of the file stays", t => {
  const root = home(t);
  const target = write("dotfiles/settings.json", "// mine\n{\n\t// x\n}\n");
  fs.chmodSync(target, 0o640);
  fs.mkdirSync(path.join(root, ".gemini"));
  fs.symlinkSync("../dotfiles/settings.json", path.join(root, ".gemini", "settings.json"));
  assert.equal(setEnabled(GEMINI, true), null);
  assert.equal(read(target).match(/gemini-hook-handler\.js/g).length, GEMINI.events.length);
  assert.equal(setEnabled(GEMINI, false), null);
  assert.equal(read(target), "// mine\n{\n\t// x\n}\n");
  assert.ok(fs.lstatSync(path.join(root, ".gemini", "settings.json")).isSymbolicLink());
  assert.equal(fs.statSync(target).mode & 0o777, 0o640);
});

test("each agent's folder by its variable; its transcripts are looked for there too", t => {
  const root = home(t);
  Object.assign(process.env, { QWEN_HOME: "~/q", GEMINI_CLI_HOME: path.join(root, "g"), COPILOT_HOME: path.join(root, "c"), FACTORY_HOME_OVERRIDE: path.join(root, "f") });
  const files = [QWEN, GEMINI, COPILOT, DROID].map(agent => statusOf(agent).file.path);
  assert.deepEqual(files, ["q/settings.json", "g/.gemini/settings.json", "c/hooks/agent-monitor.json", "f/.factory/settings.json"].map(each => path.join(root, each)));
  for (const value of ["", "~", "~/a", "~user", "b/c", path.join(root, "d")]) {
    Object.assign(process.env, { QWEN_HOME: value, GEMINI_CLI_HOME: value, COPILOT_HOME: value, FACTORY_HOME_OVERRIDE: value });
    for (const agent of agents()) {
      const read = overlay(`agent-cli/${agent.provider}`).folder(process.env, root);
      assert.equal(statusOf(agent).folder, read, `${agent.provider}: ${JSON.stringify(value)}`);
    }
  }
});

test("a program on PATH is an agent that is found", t => {
  home(t);
  assert.equal(statusOf(QWEN).found, false);
  fs.mkdirSync(process.env.PATH);
  fs.writeFileSync(path.join(process.env.PATH, "qwen"), "#!/bin/sh\n", { mode: 0o755 });
  assert.deepEqual([statusOf(QWEN).found, statusOf(QWEN).state, statusOf(GEMINI).found], [true, "off", false]);
});

test("a choice that is damaged is a problem, and switching mends it", t => {
  home(t);
  write(".qwen/settings.json", "{}");
  const choice = path.join(process.env.DASHBOARD_DATA_DIR, "qwen-hooks.json");
  fs.mkdirSync(process.env.DASHBOARD_DATA_DIR);
  fs.writeFileSync(choice, '{"enabled": "yes"}');
  const problem = { code: "intent-unreadable", message: `${choice} does not say whether hooks are wanted`, do: "Switch the hooks of Qwen Code on or off again." };
  assert.deepEqual([statusOf(QWEN).state, statusOf(QWEN).problem, reconcile(QWEN)], ["problem", problem, problem]);
  assert.equal(setEnabled(QWEN, true), null);
  assert.equal(read(choice), '{"schema":1,"enabled":true}\n');
});

test("the start follows the choice, says what is in the way, and goes on to the next agent", async t => {
  home(t);
  const file = write(".qwen/settings.json", "{}");
  const other = write(".gemini/settings.json", "{}");
  fs.mkdirSync(process.env.DASHBOARD_DATA_DIR);
  for (const name of ["qwen", "gemini"]) fs.writeFileSync(path.join(process.env.DASHBOARD_DATA_DIR, `${name}-hooks.json`), '{"schema":1,"enabled":true}\n');
  fs.writeFileSync(file, "{");
  const said = await warnings(reconcileAtBoot);
  assert.deepEqual(said, [`[agent-hooks] Qwen Code: ${file} is not valid JSON: Expected property name or '}' in JSON at position 1 (line 1 column 2). Repair the file, then try again; it was not changed.`]);
  assert.match(read(other), /gemini-hook-handler/);
});

test("the command: what is wrong with its words", t => {
  home(t);
  const said = (...words) => {
    const { status, stderr } = run(...words);
    return [status, stderr.split("\n")[0]];
  };
  assert.deepEqual(said(), [2, "agent-hooks: a command is missing"]);
  assert.deepEqual(said("on", "qwen"), [2, 'agent-hooks: there is no command "on"']);
  assert.deepEqual(said("enable"), [2, "agent-hooks: enable needs an agent: one of codex, qwen, copilot, gemini, droid"]);
  assert.deepEqual(said("enable", "cursor"), [2, 'agent-hooks: there is no agent "cursor": one of codex, qwen, copilot, gemini, droid']);
  assert.deepEqual(said("status", "qwen", "gemini"), [2, "agent-hooks: too many words: gemini"]);
  for (const { provider } of agents()) assert.match(run("--help").stdout, new RegExp(`^AGENT is .*\\b${provider}\\b`, "m"));
  assert.deepEqual([run("--help").status, run("--help").stdout.startsWith("Usage: node scripts/agent-hooks.js enable|disable|status AGENT [--json]\n")], [0, true]);
});

test("the command: enable, status, disable, as text and as JSON", t => {
  const root = home(t);
  const file = write(".qwen/settings.json", "{} // mine\n");
  const handler = path.join(process.env.DASHBOARD_DATA_DIR, "qwen-hook-handler.js");
  const lines = ["Qwen Code: on", "  State:      On, ready. The hooks are in place. The next session of Qwen Code is seen from its first prompt on.", `  Hooks file: ${file}`, `  Handler:    ${handler}`, "  Entries:    10"];
  assert.deepEqual(run("enable", "qwen"), { status: 0, stderr: "", stdout: `${[...lines, "Sessions of Qwen Code that run already are not tracked by hooks; new ones are."].join("\n")}\n` });
  assert.deepEqual(run("status", "qwen"), { status: 0, stderr: "", stdout: `${lines.join("\n")}\n` });
  const { ok, problem, installation } = JSON.parse(run("enable", "qwen", "--json").stdout);
  assert.deepEqual([ok, problem, installation], [true, null, statusOf(QWEN)]);
  const every = JSON.parse(run("status", "--json").stdout).agents;
  assert.deepEqual(every, agents().map(statusOf));
  const off = ["Qwen Code: off", "  State:      Off. Switch it on to see each step of its sessions as it happens.", `  Hooks file: ${file}`, "  Entries:    none", "Sessions that run already keep their hooks until they end."];
  assert.deepEqual(run("disable", "qwen"), { status: 0, stderr: "", stdout: `${off.join("\n")}\n` });
  assert.equal(read(file), "{} // mine\n");
  assert.match(run("status", "codex").stdout, /^Codex CLI session tracking \(experimental\): off\n/);
  assert.deepEqual(fs.readdirSync(root).sort(), [".qwen"]);
});

for (const [title, words] of [["agent-hooks", ["status", "qwen", "--json"]], ["codex-hooks", ["status", "--json"]]]) {
  test(`${title}: the data is where the sidecar's settings file says`, t => {
    const root = home(t);
    delete process.env.DASHBOARD_DATA_DIR;
    process.env.DASHBOARD_ENV_PATH = write("settings.env", "# DASHBOARD_DATA_DIR=/no\n DASHBOARD_DATA_DIR = '~/my data' \nPATH=/nowhere\n");
    const script = path.join(path.dirname(COMMAND), `${title}.js`);
    const { stdout } = spawnSync(process.execPath, [script, ...words], { encoding: "utf8", env: process.env });
    assert.equal(path.dirname(JSON.parse(stdout).handler.path), path.join(root, "my data"));
  });
}
