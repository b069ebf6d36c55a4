/** Preloaded: the process dies, or the disk is full or read-only, at the n-th call that touches the file system. */
"use strict";

const fs = require("fs");
const { KILL_AT, FAIL_FROM, FAIL_WITH } = process.env;
const WRITING = ["mkdirSync", "writeSync", "fsyncSync", "renameSync", "rmSync", "fchmodSync", "accessSync"];
const CALLS = [...WRITING, "openSync", "closeSync", "readFileSync", "lstatSync", "statSync", "readdirSync"];
let count = 0;

function fails(name, args) {
  if (!FAIL_WITH || count < Number(FAIL_FROM)) return false;
  return ["mkdirSync", "writeSync"].includes(name) || (name === "openSync" && args[1] !== "r");
}

for (const name of CALLS) {
  const real = fs[name];
  fs[name] = function call(...args) {
    // Node's own loader reads modules; only what the sidecar does to files counts.
    if (!/codex-hooks-(file|optin)\.js/.test(new Error().stack)) return real.apply(this, args);
    count += 1;
    if (count === Number(KILL_AT)) {
      if (name === "writeSync") real.call(this, args[0], args[1].subarray(0, args[1].length >> 1)); // half of it is out
      process.kill(process.pid, "SIGKILL");
    }
    if (fails(name, args)) throw Object.assign(new Error(`${FAIL_WITH}: injected`), { code: FAIL_WITH, syscall: name });
    return real.apply(this, args);
  };
}
