import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { home, overlay, temporary } from "./support.mjs";

const { newestSession } = overlay("codex-newest-session");
const { noteHook, status } = overlay("codex-hooks-status");
const { setEnabled } = overlay("codex-hooks-optin");
const { guard } = overlay("codex-hooks-guard");

const MINUTE = 60 * 1000;
const id = number => `01a207a0-0000-7000-8000-${String(number).padStart(12, "0")}`;
let last = 0;

/** A rollout of a session that began so many ms ago. */
function rollout(dir, ago, { meta = {}, turn = true } = {}) {
  const began = new Date(Date.now() - ago).toISOString();
  const session = id((last += 1));
  const folder = path.join(dir, "sessions", began.slice(0, 4), began.slice(5, 7), began.slice(8, 10));
  fs.mkdirSync(folder, { recursive: true });
  const lines = [{ timestamp: began, type: "session_meta", payload: { id: session, timestamp: began, cli_version: "0.169.0", ...meta } }];
  if (turn) lines.push({ timestamp: began, type: "event_msg", payload: { type: "task_started" } });
  fs.writeFileSync(path.join(folder, `rollout-${began.slice(0, 19).replaceAll(":", "-")}-${session}.jsonl`), lines.map(line => `${JSON.stringify(line)}\n`).join(""));
  return session;
}

/** Opted in, and trusted an hour ago. */
function armed(t) {
  const dir = home(t);
  process.env.DASHBOARD_DATA_DIR = temporary(t);
  t.after(() => delete process.env.DASHBOARD_DATA_DIR);
  assert.equal(setEnabled(true).ok, true);
  const { entries } = status().trust;
  fs.writeFileSync(path.join(dir, "config.toml"), entries.map(({ key, hash }) => `[hooks.state.${JSON.stringify(key)}]\ntrusted_hash = "${hash}"\n`).join(""));
  for (const name of ["hooks.json", "config.toml"]) fs.utimesSync(path.join(dir, name), new Date(), new Date(Date.now() - 60 * MINUTE));
  return dir;
}

test("a session is known by its first line, however long that is", t => {
  const dir = home(t);
  const longest = rollout(dir, MINUTE, { meta: { base_instructions: { text: "x".repeat(3_000_000) } } });
  assert.deepEqual([newestSession().id, newestSession().has_turn, newestSession().cli_version], [longest, true, "0.169.0"]);
});

test("the newest session is the one that began last, and no sub-agent", t => {
  const dir = home(t);
  assert.equal(newestSession(), null);
  rollout(dir, 9 * MINUTE);
  const newest = rollout(dir, 5 * MINUTE);
  rollout(dir, 4 * MINUTE, { meta: { parent_thread_id: newest } });
  rollout(dir, 3 * MINUTE, { meta: { source: { subagent: "review" } } });
  assert.equal(newestSession().id, newest);
  assert.equal(newestSession().cli_version, "0.169.0");
});

// Before any event: what has arrived is remembered by the whole process.
test("a session that should have told something and has not", t => {
  const dir = armed(t);
  assert.equal(status().state, "ready");
  rollout(dir, 90 * MINUTE);
  assert.equal(status().state, "ready", "it began before the hooks were trusted");
  rollout(dir, 5 * MINUTE, { turn: false });
  assert.equal(status().state, "ready", "it has not begun a turn: no hook has had to run");
  rollout(dir, 2000);
  assert.equal(status().state, "ready", "its first hook may be on its way");
});

test("a session of five minutes ago that told nothing", t => {
  const dir = armed(t);
  const session = rollout(dir, 5 * MINUTE);
  assert.equal(status().state, "silent");
  fs.writeFileSync(path.join(dir, "config.toml"), `${fs.readFileSync(path.join(dir, "config.toml"), "utf8")}\nmodel = "x"\n`);
  assert.equal(status().state, "silent", "Codex writes its settings for other reasons too");
  noteHook({ session_id: "sidecar-doctor-1" });
  assert.equal(status().state, "silent", "a test event is no Codex");
  noteHook({ session_id: session });
  const { state, receiving } = status();
  assert.equal(state, "receiving");
  assert.deepEqual([receiving.seconds_ago, receiving.last_session_hooked], [0, true]);
});

test("odd payloads are no events", () => {
  for (const odd of [null, undefined, 1, "x", {}, { session_id: 1 }, { session_id: "" }]) noteHook(odd);
});

function asked(headers, { method = "GET", localPort = 4820, remoteAddress = "127.0.0.1", page = false, env = {} } = {}) {
  const rawHeaders = Object.entries(headers).flat();
  return guard({ method, headers, rawHeaders, socket: { localPort, remoteAddress } }, { page, env });
}

const ALLOWED = [
  ["localhost", { host: "localhost:4820" }],
  ["an address of loopback", { host: "127.0.0.1:4820", origin: "http://127.0.0.1:4820" }],
  ["another address of loopback", { host: "127.8.9.10:4820" }],
  ["IPv6", { host: "[::1]:4820", origin: "http://[::1]:4820" }, { remoteAddress: "::1" }],
  ["IPv4 as IPv6 shows it", { host: "localhost:4820" }, { remoteAddress: "::ffff:127.0.0.1" }],
  ["upper case", { host: "LOCALHOST:4820", origin: "http://localhost:4820" }],
  ["the port that nobody writes", { host: "localhost", origin: "http://localhost" }, { localPort: 80 }],
  ["our own page", { host: "localhost:4820", origin: "http://localhost:4820", "sec-fetch-site": "same-origin", "content-type": "application/json" }, { method: "PUT" }],
  ["a program", { host: "localhost:4820", "content-type": "application/json; charset=utf-8" }, { method: "PUT" }],
  ["an address that was typed in", { host: "localhost:4820", "sec-fetch-site": "none" }],
  ["a link to the page", { host: "localhost:4820", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" }, { page: true }],
  ["a named host behind a proxy", { host: "box.example", origin: "https://box.example" }, { remoteAddress: "10.0.0.2", env: { DASHBOARD_ALLOWED_HOSTS: "a.example, Box.example" } }],
  ["the host that it listens on", { host: "10.0.0.1:4820" }, { remoteAddress: "10.0.0.2", env: { DASHBOARD_HOST: "10.0.0.1" } }],
  ["an IPv6 host that it listens on", { host: "[fd00::1]:4820" }, { remoteAddress: "fd00::2", env: { DASHBOARD_HOST: "fd00::1" } }],
  ["localhost of a container", { host: "localhost:4820" }, { remoteAddress: "172.17.0.1", env: { DASHBOARD_HOST: "0.0.0.0" } }],
  ["the token", { host: "localhost:4820", "x-dashboard-token": "s3cret" }, { env: { DASHBOARD_TOKEN: "s3cret" } }],
  ["the token as a bearer", { host: "localhost:4820", authorization: "Bearer s3cret" }, { env: { DASHBOARD_TOKEN: " s3cret " } }],
];
const REFUSED = [
  ["another machine", "FOREIGN_PEER", { host: "localhost:4820" }, { remoteAddress: "192.168.0.7" }],
  ["every interface is no name", "FOREIGN_HOST", { host: "0.0.0.0:4820" }, { env: { DASHBOARD_HOST: "0.0.0.0" } }],
  ["a frame of another site", "FOREIGN_SITE", { host: "localhost:4820", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" }, { page: true }],
  ["https where there is none", "FOREIGN_ORIGIN", { host: "localhost:4820", origin: "https://localhost:4820" }],
  ["no token", "UNAUTHORIZED", { host: "localhost:4820" }, { env: { DASHBOARD_TOKEN: "s3cret" } }],
  ["another token", "UNAUTHORIZED", { host: "localhost:4820", "x-dashboard-token": "guess" }, { env: { DASHBOARD_TOKEN: "s3cret" } }],
];

for (const [what, headers, options] of ALLOWED) {
  test(`answered: ${what}`, () => assert.equal(asked(headers, options), null));
}

for (const [what, code, headers, options] of REFUSED) {
  test(`refused: ${what}`, () => assert.equal(asked(headers, options)?.code, code));
}
