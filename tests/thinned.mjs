/**
 * `node thinned.mjs HANDLER SEED`: what the handler takes out of large payloads on their way in, against the whole.
 * Random payloads in random helpings: the same values come out, but for long strings, which are cut as they would be.
 */

import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";

const LONGEST = 64 * 1024;
const source = fs.readFileSync(process.argv[2], "utf8").replace(/^#!.*/, "").replace(/\nif \(load\)[^]*$/, "\nmodule.exports = { Thinned, cutValue };");
const handler = { exports: {} };
const quiet = { ...process, on() {}, argv: process.argv };
new Function("module", "require", "process", source)(handler, createRequire(import.meta.url), quiet);
const { Thinned, cutValue } = handler.exports;

let state = Number(process.argv[3]);
const random = limit => (state = (state * 48271) % 2147483647) % limit;
const characters = ["x", "y", "1", ",", "é", "€", "𝄞", "\n", "\\", '"', "\u0001", "[", "true", "0"];

function text() {
  const size = [3, 300, 5000, 90000, 400000][random(5)];
  const patterns = ["x", "é", "0,1 ", "\\\n", "abc\n€ def"];
  const pattern = patterns[random(6)];
  if (pattern) return pattern.repeat(size / 4);
  return Array.from({ length: Math.min(size, 60000) }, () => characters[random(characters.length)]).join("");
}

function value(depth) {
  const kind = random(8);
  if (depth > 3 || kind < 4) return text();
  if (kind === 4) return Array.from({ length: random(40000) }, (_, index) => index);
  if (kind === 5) return [value(depth + 1), value(depth + 1)];
  return { a: value(depth + 1), prompt: text(), tool_response: value(depth + 1) };
}

function same(whole, thinned) {
  if (typeof whole === "string") return sameText(whole, cutValue(thinned, LONGEST, 0));
  if (whole === null || typeof whole !== "object") return assert.equal(thinned, whole);
  for (const key of Object.keys(whole)) same(whole[key], thinned[key]);
}

/** What is gone is counted as it was written: an escape is as many as it takes. */
function sameText(whole, cut) {
  if (cut === whole) return;
  const [, head, count] = /^([^]*)… \[cut (\d+) chars\]$/.exec(cut);
  assert.ok(whole.startsWith(head));
  const all = head.length + Number(count);
  assert.ok(whole.length <= all && all <= JSON.stringify(whole).length - 1, `${all} of ${whole.length}`);
}

let thinned = 0;
for (let round = 0; round < 150; round += 1) {
  const payload = { session_id: text(), prompt: text(), tool_input: value(0), tool_response: value(0) };
  const bytes = Buffer.from(JSON.stringify(payload));
  const input = new Thinned();
  const most = [LONGEST, 4096, 30000, 1000][random(4)];
  for (let at = 0; at < bytes.length; ) {
    const size = random(3) > 0 ? most : 1 + random(most);
    input.add(bytes.subarray(at, at + size), true);
    at += size;
  }
  const kept = JSON.parse(input.text());
  if (JSON.stringify(kept).length < JSON.stringify(payload).length) thinned += 1;
  assert.deepEqual([kept.prompt, kept.session_id], [payload.prompt, payload.session_id]);
  same(payload, kept);
}
assert.ok(thinned > 20, `only ${thinned} payloads were thinned`);
