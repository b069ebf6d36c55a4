import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { EVENTS, meaning } from "./hooks-cases.mjs";
import { overlay, temporary } from "./support.mjs";

const TREE = process.env.SIDECAR_TREE;
const PRELOAD = new URL("hooks-kill.cjs", import.meta.url).pathname;
// The bench does them all; between them the suite takes a sample.
const STRIDE = Number(process.env.HOOKS_STRIDE || 9);
const ROUNDS = Number(process.env.HOOKS_ROUNDS || 10);
const FOREIGN = '{\n\t"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "true"}]}]}, "n": 1.0\n}';
const NAME = "codex-hook-handler.js";

/** A home and a data directory of a test's own. `here` makes them this process's. */
function place(t, text = FOREIGN) {
  const dir = temporary(t);
  const env = { CODEX_HOME: path.join(dir, "codex"), DASHBOARD_DATA_DIR: path.join(dir, "data") };
  const file = path.join(env.CODEX_HOME, "hooks.json");
  fs.mkdirSync(env.CODEX_HOME);
  if (text !== null) fs.writeFileSync(file, text, { mode: 0o640 });
  const here = () => {
    Object.assign(process.env, env);
    t.after(() => Object.keys(env).forEach(name => delete process.env[name]));
    return overlay("codex-hooks-optin");
  };
  const command = (verb, more = {}, flags = []) => [[...flags, path.join(TREE, "scripts/codex-hooks.js"), verb], { env: { ...process.env, ...env, ...more }, encoding: "utf8" }];
  const run = (...args) => spawnSync(process.execPath, ...command(...args));
  const read = () => (fs.existsSync(file) ? fs.readFileSync(file, "utf8") : null);
  return { dir, env, file, here, read, run, command, intent: path.join(env.DASHBOARD_DATA_DIR, "codex-hooks.json") };
}

const reboot = where => spawnSync(process.execPath, ["-e", `require(${JSON.stringify(path.join(TREE, "server/lib/codex-hooks-optin"))}).reconcileAtBoot()`], { env: { ...process.env, ...where.env }, encoding: "utf8" });
const enabledIn = where => fs.existsSync(where.intent) && JSON.parse(fs.readFileSync(where.intent, "utf8")).enabled;
const isInstalled = text => text !== null && EVENTS.every(event => JSON.stringify(meaning(text).hooks[event] || []).split(NAME).length === 2);

function enabledText(t, text) {
  const where = place(t, text);
  where.run("enable");
  return where.read().replaceAll(where.dir, "@");
}

for (const original of [FOREIGN, null]) {
  for (const verb of ["enable", "disable"]) {
    test(`kill -9 at every call of ${verb}, ${original === null ? "without a file" : "with a file"}`, t => {
      const whole = enabledText(t, original);
      let points = 0;
      for (let at = 1; ; at += STRIDE) {
        const where = place(t, original);
        if (verb === "disable") where.run("enable");
        const { signal, status, stderr } = where.run(verb, { KILL_AT: String(at) }, ["--require", PRELOAD]);
        if (signal === null) {
          assert.equal(status, 0, stderr);
          break;
        }
        points += 1;
        const text = where.read();
        assert.ok(text === original || text.replaceAll(where.dir, "@") === whole, `call ${at}: ${text}`);
        reboot(where);
        const after = where.read();
        assert.equal(isInstalled(after), enabledIn(where), `call ${at}: intent and file agree`);
        if (!enabledIn(where)) assert.equal(after, original, `call ${at}`);
        where.run("enable");
        if (verb === "disable") where.run("disable");
        const left = fs.readdirSync(where.env.CODEX_HOME).filter(name => name.endsWith(".tmp"));
        assert.deepEqual(left, [], `call ${at}: temporary files`);
      }
      assert.ok(points > 20 / STRIDE, `${points} points`);
      t.diagnostic(`killed at ${points} calls: old or new file, whole; after the next start intent and file agree`);
    });
  }
}

for (const code of ["ENOSPC", "EROFS"]) {
  test(`${code} from every call on: the file is whole, and follows the intent when there is room again`, t => {
    const whole = enabledText(t, FOREIGN);
    let points = 0;
    for (const verb of ["enable", "disable"]) {
      for (let from = 1; ; from += STRIDE) {
        const where = place(t);
        if (verb === "disable") where.run("enable");
        const { status, stderr } = where.run(verb, { FAIL_FROM: String(from), FAIL_WITH: code }, ["--require", PRELOAD]);
        if (status === 0) break;
        points += 1;
        assert.equal(status, 1);
        assert.match(stderr, code === "ENOSPC" ? /the disk is full\. Make room/ : /the file system is read-only\. Make it writable/);
        const text = where.read();
        assert.ok(text === FOREIGN || text.replaceAll(where.dir, "@") === whole, `${verb} ${from}: ${text}`);
        assert.equal(reboot(where).status, 0);
        assert.equal(isInstalled(where.read()), enabledIn(where), `${verb} ${from}`);
      }
    }
    assert.ok(points > 4 / STRIDE, `${points} points`);
    t.diagnostic(`failed at ${points} calls, injected`);
  });
}

function fillAndProtect(where) {
  fs.writeFileSync(where.file, FOREIGN);
  const filler = path.join(where.env.CODEX_HOME, "filler");
  fs.writeFileSync(filler, Buffer.alloc(12288));
  assert.match(where.run("enable").stderr, /the disk is full/);
  assert.equal(where.read(), FOREIGN);
  fs.rmSync(filler);
  assert.equal(reboot(where).stderr, "");
  assert.ok(isInstalled(where.read()));
  const whole = where.read();
  spawnSync("mount", ["-o", "remount,ro", where.env.CODEX_HOME]);
  assert.match(where.run("disable").stderr, /the file system is read-only/);
  assert.equal(where.read(), whole);
  spawnSync("mount", ["-o", "remount,rw", where.env.CODEX_HOME]);
  assert.equal(reboot(where).stderr, "");
  assert.equal(where.read(), FOREIGN);
}

test("a disk of 16 KB that is really full, then really read-only", t => {
  if (!process.env.HOOKS_MOUNT) return t.skip("HOOKS_MOUNT is not set: it mounts a tmpfs, as root");
  const where = place(t, null);
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=16k", "tmpfs", where.env.CODEX_HOME], { encoding: "utf8" });
  if (mounted.status !== 0) return t.skip(`no tmpfs: ${mounted.stderr}`);
  try {
    fillAndProtect(where);
  } finally {
    spawnSync("umount", [where.env.CODEX_HOME]);
  }
});

test(`two processes that enable and disable at once, ${ROUNDS} times`, async t => {
  const where = place(t);
  const finished = child => new Promise(resolve => child.on("close", resolve));
  for (let round = 0; round < ROUNDS; round += 1) {
    const children = ["enable", "disable"].map(verb => spawn(process.execPath, ...where.command(verb)));
    assert.deepEqual(await Promise.all(children.map(finished)), [0, 0], `round ${round}`);
    const text = where.read();
    if (enabledIn(where)) assert.ok(isInstalled(text), `round ${round}: ${text}`);
    else assert.equal(text, FOREIGN, `round ${round}`);
    if (text !== FOREIGN) assert.deepEqual(meaning(text).hooks.Stop[0], meaning(FOREIGN).hooks.Stop[0]);
  }
});

test("a lock of a process that was killed is free", t => {
  const where = place(t);
  assert.equal(where.run("enable", { KILL_AT: "25" }, ["--require", PRELOAD]).signal, "SIGKILL");
  assert.equal(where.run("enable").status, 0);
});

test("who comes second waits for who holds the lock", async t => {
  const where = place(t);
  const lock = new DatabaseSync(path.join(where.env.CODEX_HOME, ".hooks.json.lock"));
  lock.exec("BEGIN EXCLUSIVE");
  const child = spawn(process.execPath, ...where.command("enable"));
  const closed = new Promise(resolve => child.on("close", resolve));
  for (let wait = 0; wait < 500 && enabledIn(where) !== true; wait += 1) await sleep(10);
  await sleep(300);
  assert.deepEqual([enabledIn(where), child.exitCode, where.read()], [true, null, FOREIGN]);
  lock.close();
  assert.equal(await closed, 0);
  assert.ok(isInstalled(where.read()));
});

test("the lock is held while the file is written, and one that is never let go is said", t => {
  const where = place(t);
  const optin = where.here();
  const { updateHooksFile } = overlay("codex-hooks-file");
  const lock = new DatabaseSync(path.join(where.env.CODEX_HOME, ".hooks.json.lock"));
  let calls = 0;
  updateHooksFile(text => {
    calls += 1;
    if (calls === 2) assert.throws(() => lock.exec("BEGIN EXCLUSIVE"), /locked/);
    return `${text}\n`;
  });
  assert.equal(calls, 2);
  lock.exec("BEGIN EXCLUSIVE");
  const { problem } = optin.setEnabled(true); // takes the five seconds
  lock.close();
  assert.equal(problem.code, "locked", problem.message);
  assert.equal(where.read(), `${FOREIGN}\n`);
});

test("never opted in: nothing is made or touched, whatever is there", t => {
  const where = place(t, "not json");
  const optin = where.here();
  assert.equal(optin.reconcile(), null);
  assert.equal(where.read(), "not json");
  assert.deepEqual(fs.readdirSync(where.dir), ["codex"]);
});

test("opted out, a file without ours may be broken: it is not our business", t => {
  const where = place(t, "not json");
  assert.deepEqual(where.here().setEnabled(false).problem, null);
  assert.equal(where.read(), "not json");
});

test("the master switch takes ours out and keeps the intent", t => {
  const where = place(t);
  const optin = where.here();
  assert.equal(optin.setEnabled(true).ok, true);
  for (const value of ["off", "0", "FALSE", " no "]) {
    process.env.DASHBOARD_CODEX_HOOKS = value;
    const { ok, installation } = optin.setEnabled(true);
    assert.deepEqual([ok, installation.enabled, installation.forced_off, installation.installed], [true, true, true, false]);
    assert.equal(where.read(), FOREIGN);
  }
  delete process.env.DASHBOARD_CODEX_HOOKS;
  assert.equal(optin.reconcile(), null);
  assert.ok(isInstalled(where.read()));
});

test("permissions stay, a new file and a new home are the user's alone", t => {
  const where = place(t);
  where.here().setEnabled(true);
  assert.equal(fs.statSync(where.file).mode & 0o777, 0o640);
  const other = place(t, null);
  fs.rmdirSync(other.env.CODEX_HOME);
  other.here().setEnabled(false);
  assert.ok(!fs.existsSync(other.env.CODEX_HOME));
  overlay("codex-hooks-optin").setEnabled(true);
  assert.equal(fs.statSync(other.file).mode & 0o777, 0o600);
  assert.equal(fs.statSync(other.env.CODEX_HOME).mode & 0o777, 0o700);
  overlay("codex-hooks-optin").setEnabled(false);
  assert.equal(other.read(), null);
});

test("enabling again writes nothing", t => {
  const where = place(t);
  const optin = where.here();
  optin.setEnabled(true);
  const before = [where.file, where.intent, path.join(where.env.DASHBOARD_DATA_DIR, NAME)].map(file => fs.statSync(file).ino);
  optin.setEnabled(true);
  assert.deepEqual([where.file, where.intent, path.join(where.env.DASHBOARD_DATA_DIR, NAME)].map(file => fs.statSync(file).ino), before);
});

test("a symbolic link stays one: to a file, over another link, and to nothing yet", t => {
  for (const text of [FOREIGN, null]) {
    const where = place(t, null);
    const target = path.join(where.dir, "dotfiles.json");
    if (text !== null) fs.writeFileSync(target, text);
    fs.symlinkSync("../dotfiles.json", path.join(where.env.CODEX_HOME, "link"));
    fs.symlinkSync("link", where.file);
    const optin = where.here();
    assert.equal(optin.setEnabled(true).problem, null);
    assert.equal(fs.readlinkSync(where.file), "link");
    assert.ok(isInstalled(fs.readFileSync(target, "utf8")));
    assert.equal(optin.setEnabled(false).problem, null);
    assert.equal(fs.readlinkSync(where.file), "link");
    assert.equal(where.read(), text);
  }
});

const broken = [
  ["not-json", where => fs.writeFileSync(where.file, "{")],
  ["not-object", where => fs.writeFileSync(where.file, "[]")],
  ["hooks-not-object", where => fs.writeFileSync(where.file, '{"hooks": []}')],
  ["event-not-list", where => fs.writeFileSync(where.file, '{"hooks": {"Stop": 1}}')],
  ["not-utf8", where => fs.writeFileSync(where.file, Buffer.from([0x7b, 0xff, 0x7d]))],
  ["is-directory", where => fs.rmSync(where.file) || fs.mkdirSync(where.file)],
  ["dangling-link", where => fs.rmSync(where.file) || fs.symlinkSync("/nowhere/at/all/x.json", where.file)],
  ["link-loop", where => fs.rmSync(where.file) || fs.symlinkSync("hooks.json", where.file)],
];
for (const [code, breaks] of broken) {
  test(`${code}: a clear error, the file untouched, the intent kept`, t => {
    const where = place(t);
    breaks(where);
    const before = fs.lstatSync(where.file);
    const { ok, problem, installation } = where.here().setEnabled(true);
    assert.deepEqual([ok, problem.code, installation.enabled, installation.installed], [false, code, true, false], problem.message);
    assert.ok(problem.message.includes(where.file) && problem.do);
    assert.deepEqual([fs.lstatSync(where.file).ino, fs.lstatSync(where.file).mtimeMs], [before.ino, before.mtimeMs]);
    assert.equal(enabledIn(where), true);
    assert.equal(reboot(where).stderr.split("\n").filter(line => line.includes("[codex-hooks]")).length, 1);
  });
}

test("an intent that cannot be read is said, and nothing is touched", t => {
  const where = place(t);
  fs.mkdirSync(where.env.DASHBOARD_DATA_DIR);
  fs.writeFileSync(where.intent, "{");
  const optin = where.here();
  assert.equal(optin.reconcile().code, "intent-unreadable");
  assert.equal(where.read(), FOREIGN);
  assert.equal(optin.setEnabled(true).ok, true);
});

test("somebody else writes between our look and our rename: nothing of theirs is lost", t => {
  const where = place(t);
  Object.assign(process.env, where.env);
  t.after(() => Object.keys(where.env).forEach(name => delete process.env[name]));
  const { updateHooksFile } = overlay("codex-hooks-file");
  let calls = 0;
  updateHooksFile(text => {
    calls += 1;
    if (calls === 2) fs.writeFileSync(where.file, "theirs");
    return `${text}+ours`;
  });
  assert.equal(where.read(), "theirs+ours");
  const busy = () => updateHooksFile(text => (fs.writeFileSync(where.file, `${text}x`), `${text}+ours`));
  assert.throws(busy, error => error.code === "busy");
});

test("a data directory that has moved: the entry heals where it is", t => {
  const where = place(t);
  const optin = where.here();
  optin.setEnabled(true);
  const before = optin.installation().entries.map(({ event, group, index }) => [event, group, index]);
  process.env.DASHBOARD_DATA_DIR = path.join(where.dir, "it's $moved");
  optin.setEnabled(true);
  const after = optin.installation();
  assert.deepEqual(after.entries.map(({ event, group, index }) => [event, group, index]), before);
  assert.equal(after.installed, true);
  const { command } = after.entries[0];
  assert.equal(spawnSync("/bin/bash", ["-c", command.replace("node ", "ls ")], { encoding: "utf8" }).stdout.trim(), after.handler.path);
});

test("on Windows the command is for PowerShell and for cmd", () => {
  const { wantedEntries } = overlay("codex-hooks-optin");
  const command = file => wantedEntries(file, "win32")[0].handler;
  assert.deepEqual(command("C:\\Users\\A B\\codex-hook-handler.js"), {
    type: "command",
    command: 'node "C:\\Users\\A B\\codex-hook-handler.js"',
    commandWindows: 'node "C:\\Users\\A B\\codex-hook-handler.js"',
    timeout: 5,
  });
  assert.equal(command("C:\\$it's\\codex-hook-handler.js").commandWindows, "node 'C:\\$it''s\\codex-hook-handler.js'");
});

test("the command: its answers, and its exit codes", t => {
  const where = place(t);
  assert.match(where.run("--help").stdout, /^Usage: node scripts\/codex-hooks\.js enable\|disable\|status/);
  for (const words of ["nonsense", "--json"]) assert.equal(where.run(words).status, 2);
  assert.equal(where.run("status").status, 0);
  const { status, stdout, stderr } = where.run("enable");
  assert.equal(status, 0);
  assert.match(stderr, /^codex-hooks: Codex loads no hook of .*: `n` is not a key .*\[hooks-file-unknown-root-key\]\n$/);
  assert.match(stdout, /Entries: +11, all in place\n.*\/hooks there/);
  fs.writeFileSync(where.file, FOREIGN);
  const off = where.run("status");
  assert.equal(off.status, 1);
  assert.match(off.stderr, /not all in place\. Type: node scripts\/codex-hooks\.js enable/);
  assert.match(off.stdout, /\nState: +\S/);
  assert.ok(where.run("status", {}, []).stdout.startsWith("Codex CLI session tracking (experimental): on\n"));
  assert.equal(where.run("disable").status, 0);
});
