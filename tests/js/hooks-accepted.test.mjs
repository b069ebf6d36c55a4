import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { home, overlay, temporary } from "./support.mjs";

const { Judge } = overlay("codex-shape");
const { refusalsOfHooksFile } = overlay("codex-hooks-json");
const { readToml, refusalsOfConfig } = overlay("codex-config");
const { installedVersion, minorOf } = overlay("codex-version");
const { setEnabled } = overlay("codex-hooks-optin");
const { status } = overlay("codex-hooks-status");

const stop = handler => `{"hooks":{"Stop":[{"hooks":[${handler}]}]}}`;
const command = more => stop(`{"type":"command","command":"x"${more}}`);

// What `hooks/list` of Codex 0.146.0 and 0.169.0 makes of these: the kind of the refusal, or that it takes them.
const HOOKS = [
  ["a byte order mark", "\ufeff{}", "byte-order-mark"],
  ["nothing", " \n", "empty"],
  ["comments", '{ // mine\n "hooks": {} }', "not-json"],
  ["a root key", '{"$schema":"x","hooks":{}}', "unknown-root-key"],
  ["hooks twice", '{"hooks":{},"hooks":{}}', "duplicate-key"],
  ["hooks twice, one of them escaped", '{"h\\u006foks":{},"hooks":{}}', "duplicate-key"],
  ["a description that is a number", '{"description":1,"hooks":{}}', "field"],
  ["hooks that are null", '{"hooks":null}', "shape"],
  ["an event that is null", '{"hooks":{"Stop":null}}', "shape"],
  ["a group that is null", '{"hooks":{"Stop":[null]}}', "shape"],
  ["a handler that is a text", stop('"echo"'), "handler"],
  ["a handler without type", stop('{"command":"x"}'), "handler-type"],
  ["an unknown type", stop('{"type":"http","url":"x"}'), "handler-type"],
  ["a handler without command", stop('{"type":"command"}'), "field"],
  ["a timeout with a point", command(',"timeout":5.0'), "timeout"],
  ["a negative timeout", command(',"timeout":-1'), "timeout"],
  ["a timeout over which Codex stumbles", command(',"timeout":9223372036854775808'), "timeout"],
  ["async that is null", command(',"async":null'), "field"],
  ["a command by two names", command(',"commandWindows":"a","command_windows":"b"'), "duplicate-key"],
  ["half a character in a handler", command(',"u":"\\ud800"'), "lone-surrogate"],
  ["a handler nested too deep", command(`,"u":${"[".repeat(122)}${"]".repeat(122)}`), "too-deep"],
  ["one level less", command(`,"u":${"[".repeat(121)}${"]".repeat(121)}`), null],
  ["a flat entry: no handlers, and nothing wrong", '{"hooks":{"Stop":[{"type":"command","command":"x"}]}}', null],
  ["a matcher that no regex is", '{"hooks":{"PreToolUse":[{"matcher":"(?=x)","hooks":[]}]}}', null],
  ["an unknown event with odd content", '{"hooks":{"Later":5}}', null],
  ["half a character where nobody looks", '{"hooks":{"Later":"\\ud800"}}', null],
  ["keys that it does not know, twice", command(',"u":1,"u":2'), null],
  ["fields that are null", command(',"timeout":null,"statusMessage":null,"commandWindows":null'), null],
  ["minus zero", command(',"timeout":-0'), null],
  ["handlers that it skips", stop('{"type":"prompt"},{"type":"agent","x":5}'), null],
  ["a group as a list of its values", '{"hooks":{"Stop":[["x",[["command","y"]]]]}}', null],
];

for (const [what, text, kind] of HOOKS) {
  test(`hooks.json: ${what}: ${kind ?? "taken"}`, () => {
    for (const minor of [146, 169, null]) assert.equal(refusalsOfHooksFile(text, new Judge(minor))[0]?.kind ?? null, kind);
  });
}

test("what hangs on the version is judged by it, and left open where it is not known", () => {
  const sure = (text, minor) => refusalsOfHooksFile(text, new Judge(minor)).map(each => each.sure)[0];
  const tool = stop('{"type":"mcp_tool","server":"s","tool":"t"}');
  assert.deepEqual([146, 147, 148, 169, null].map(minor => sure(tool, minor)), [true, true, undefined, undefined, null]);
  assert.deepEqual([149, 150, null].map(minor => sure('{"hooks":{"Interrupt":5}}', minor)), [undefined, true, null]);
  assert.deepEqual([146, 169, 155].map(minor => sure('{"hooks":{"PreModelRequest":5}}', minor)), [undefined, true, null]);
});

test("the place of a refusal: its path and its line", () => {
  const [{ path: where, line }] = refusalsOfHooksFile('{\n  "hooks": {\n    "Stop": [\n      5\n    ]\n  }\n}', new Judge());
  assert.deepEqual([where, line], ["hooks.Stop[0]", 4]);
});

const CONFIG = [
  ["nothing", "", null],
  ["an unknown key", "unknown = 1\n[tui]\nunknown = 1\n", null],
  ["a wrong type", "model = 5\n", "model"],
  ["an unknown word", 'sandbox_mode = "none"\n', "sandbox_mode"],
  ["a flag that is a text", '[features]\nhooks = "true"\n', "features.hooks"],
  ["an unknown flag that is a number", "[features]\nlater = 1\n", "features.later"],
  ["a profile", 'profile = "work"\n', "profile"],
  ["a profile's value", "[profiles.work]\nmodel = 1\n", "profiles.work.model"],
  ["a server without a way to it", "[mcp_servers.a]\nenabled = true\n", "mcp_servers.a"],
  ["a server by both ways", '[mcp_servers.a]\ncommand = "x"\nurl = "y"\n', "mcp_servers.a.url"],
  ["a provider that is not there", 'model_provider = "x"\n', "model_provider"],
  ["a provider that is built in", '[model_providers.ollama]\nname = "x"\n', "model_providers.ollama"],
  ["inline hooks of the wrong shape", '[hooks.SessionStart]\ncommand = "x"\n', "hooks.SessionStart"],
  ["a state of hooks that is a number", '[hooks.state]\n"a:stop:0:0" = 1\n', 'hooks.state."a:stop:0:0"'],
  ["inline hooks", "[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = \"command\"\ncommand = \"x\"\n", null],
  ["permissions that nobody chose", "[permissions.a]\n", "permissions"],
  ["granular approvals", "approval_policy = { granular = { sandbox_approval = true, rules = true, mcp_elicitations = false } }\n", null],
  ["a file that is not there", 'model_instructions_file = "/nowhere"\n', "model_instructions_file"],
];

for (const [what, text, where] of CONFIG) {
  test(`config.toml: ${what}: ${where ?? "taken"}`, () => {
    for (const minor of [146, 169, null]) {
      const [first] = refusalsOfConfig(readToml(text).table, new Judge(minor), () => false);
      assert.deepEqual([first?.path ?? null, first?.sure ?? true], [where, true]);
    }
  });
}

test("a built-in provider of which a table says nothing is taken by a newer Codex", () => {
  const sure = minor => refusalsOfConfig(readToml('[model_providers.openai]\nname = ""\n').table, new Judge(minor), () => true)[0]?.sure;
  assert.deepEqual([146, 169, null].map(sure), [true, undefined, null]);
});

test("TOML as Codex reads it: 1.1, 64 bits, 80 levels", () => {
  const problem = text => readToml(text).problem;
  for (const fine of ["a = { b = 1,\n c = 2, }", "a = 07:32", 'a = "\\x41\\e"', `a = ${"[".repeat(80)}${"]".repeat(80)}`]) assert.equal(problem(fine), null);
  for (const wrong of ["a = 9223372036854775808", "a = 1e400", "a = 2021-02-30", `a = ${"[".repeat(81)}${"]".repeat(81)}`, "a =", "a = 1\na = 2"]) assert.ok(problem(wrong));
});

test("the version of the codex on PATH, by the package that it belongs to", t => {
  const dir = temporary(t);
  const bin = path.join(dir, "node_modules", "@openai", "codex", "bin");
  fs.mkdirSync(bin, { recursive: true });
  fs.mkdirSync(path.join(dir, "bin"));
  fs.writeFileSync(path.join(bin, "codex.js"), "");
  fs.writeFileSync(path.join(bin, "..", "package.json"), '{"name":"@openai/codex","version":"0.151.0"}');
  fs.symlinkSync(path.join(bin, "codex.js"), path.join(dir, "bin", "codex"));
  assert.equal(installedVersion({ PATH: `/nowhere:${path.join(dir, "bin")}` }), "0.151.0");
  assert.equal(installedVersion({ PATH: "/nowhere" }), null);
  assert.deepEqual(["0.151.0", "0.170.0-alpha.3", "1.0.0", null].map(minorOf), [151, 170, null, null]);
});

/** Opted in and trusted, in a home whose hooks file was `text` before. */
function armed(t, text) {
  const dir = home(t);
  process.env.DASHBOARD_DATA_DIR = temporary(t);
  t.after(() => delete process.env.DASHBOARD_DATA_DIR);
  if (text !== undefined) fs.writeFileSync(path.join(dir, "hooks.json"), text);
  setEnabled(true);
  const config = more => {
    const blocks = status().trust.entries.map(({ key, hash }) => `[hooks.state.${JSON.stringify(key)}]\ntrusted_hash = "${hash}"\n`);
    fs.writeFileSync(path.join(dir, "config.toml"), more + blocks.join(""));
    return status();
  };
  return { dir, config };
}

test("each problem is told with its place and with what to type, and the state follows from it", t => {
  const { dir, config } = armed(t, '{"$schema": "x", "hooks": {"Stop": []}}');
  const { state, problems, missing } = config("");
  assert.equal(state, "broken");
  assert.deepEqual(problems, [
    {
      id: "hooks-file-unknown-root-key",
      where: `${dir}/hooks.json:1 \`$schema\``,
      says: `Codex loads no hook of \`${dir}/hooks.json\`: \`$schema\` is not a key that Codex knows at the root: only \`hooks\` and \`description\` are.`,
      do: "Take `$schema` out of it.",
      stops: true,
    },
  ]);
  assert.deepEqual(missing, [{ what: problems[0].says, do: problems[0].do }]);
});

test("settings that Codex refuses, and those that switch hooks off", t => {
  const { config } = armed(t);
  const seen = more => {
    const { state, problems } = config(more);
    return [state, problems.map(({ id }) => id).join()];
  };
  assert.deepEqual(seen(""), ["ready", ""]);
  assert.deepEqual(seen("model = 5\n"), ["broken", "config-value"]);
  assert.deepEqual(seen("model =\n"), ["broken", "config-not-toml"]);
  assert.deepEqual(seen('profile = "x"\n'), ["broken", "config-profile"]);
  assert.deepEqual(seen("[features]\ncodex_hooks = false\n"), ["feature-off", "feature-off"]);
  assert.deepEqual(seen("[features]\nhooks = true\ncodex_hooks = false\n"), ["ready", ""]);
});

test("a matcher over which Codex reads is no problem, and one that it honours is", t => {
  const { dir, config } = armed(t);
  config("");
  const file = path.join(dir, "hooks.json");
  const edit = (event, matcher) => {
    const value = JSON.parse(fs.readFileSync(file, "utf8"));
    value.hooks[event][0].matcher = matcher;
    fs.writeFileSync(file, JSON.stringify(value));
  };
  edit("Stop", "[");
  assert.equal(status().state, "ready");
  edit("PreToolUse", "[");
  assert.deepEqual(status().problems.map(({ id }) => id), ["entries-edited"]);
});

test("while hooks are not wanted, what Codex makes of the files is nobody's concern", t => {
  const dir = home(t);
  fs.writeFileSync(path.join(dir, "config.toml"), "model = 5\n");
  process.env.DASHBOARD_DATA_DIR = temporary(t);
  t.after(() => delete process.env.DASHBOARD_DATA_DIR);
  assert.deepEqual([status().state, status().problems], ["off", []]);
});
