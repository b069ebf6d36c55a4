/** The conversation of a session, from its rollouts: every part once, in order, whatever the page, the file or the fork. */

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { beforeEach, test } from "node:test";
import zlib from "node:zlib";
import { ROOT, SAMPLES, at, call, item, message, meta, output, overlay, reset, response, sample, session, started, temporary, text } from "./support.mjs";

const { importRollout } = overlay("codex-importer");
const { sendTranscript, sendTranscripts } = overlay("codex-conversation");
const CHILD = "01a207a0-0000-7000-8000-000000000002";
const skip = fs.existsSync(SAMPLES) ? false : "no recorded streams here";

beforeEach(reset);

const says = words => message("user_message", { message: words });
const answers = words => response("message", { role: "assistant", content: [{ type: "output_text", text: words }] });

async function imported(dir, thread, lines, { name = `rollout-1-${thread}.jsonl`, pack = false } = {}) {
  const file = path.join(dir, pack ? `${name}.zst` : name);
  const content = typeof lines === "string" ? lines : text(lines);
  fs.writeFileSync(file, pack ? zlib.zstdCompressSync(Buffer.from(content)) : content);
  await importRollout(file);
  return file;
}

async function page(query = {}, id = ROOT) {
  const sent = {};
  await sendTranscript(session(id) ?? { id }, query, { json: body => Object.assign(sent, body) });
  return sent;
}

function partsIn({ messages }) {
  return messages.flatMap(({ content }) => content.map(part => part.text ?? `${part.type} ${part.id}`));
}

async function parts(query = { limit: "200" }, id = ROOT) {
  return partsIn(await page(query, id));
}

for (const name of ["v0146-direct", "v0169-direct", "v0169-codemode"]) {
  test(`a recorded session, ${name}: each call and each result once, the prompts and the answers as they stand`, { skip }, async t => {
    const { lines } = sample(name);
    const entries = lines.map(line => JSON.parse(line));
    const payloads = entries.filter(entry => entry.type === "response_item").map(entry => entry.payload);
    const nested = entries.map(({ payload }) => payload.item?.id).filter(id => id?.startsWith("exec-"));
    const id = entries[0].payload.id;
    await imported(temporary(t), id, lines.map(line => `${line}\n`).join(""));
    const shown = (await page({ limit: "200" }, id)).messages.flatMap(each => each.content);
    const idsOf = type => shown.filter(part => part.type === type).map(part => part.id).sort();
    const calls = payloads.filter(each => each.type.endsWith("_call")).map(each => each.call_id ?? each.id ?? null);
    const results = payloads.filter(each => each.type.endsWith("_output")).map(each => each.call_id);
    assert.deepEqual(idsOf("tool_use"), [...calls, ...nested].sort());
    assert.deepEqual(idsOf("tool_result"), [...results, ...nested].sort());
    const said = payloads.filter(each => each.role === "assistant").map(each => each.content[0].text);
    const asked = entries.map(({ payload }) => (payload.type === "user_message" ? payload.message : payload.item?.type === "UserMessage" && payload.item.content[0].text)).filter(Boolean);
    assert.ok(said.length > 0 && asked.length > 0 && calls.length + nested.length > 3);
    assert.deepEqual(shown.filter(part => part.type === "text").map(part => part.text).sort(), [...said, ...asked].sort());
  });
}

test("pages of any size join without a gap or a double, from both ends, over lines longer than what is read at once", async t => {
  const lines = [meta(), started()];
  const truth = [];
  for (let index = 0; index < 150; index += 1) {
    const words = `${index} ${"é€𝄞".repeat(index % 40 === 7 ? 60000 : index)}`;
    lines.push(index % 2 ? says(words) : answers(words), message("token_count", {}));
    truth.push(words.length > 10240 ? `${words.slice(0, 10240)}[truncated]` : words);
  }
  await imported(temporary(t), ROOT, lines);
  for (const limit of [1, 7, 50, 200]) {
    const back = [];
    for (let [query, more] = [{ limit: String(limit) }, true]; more; ) {
      const found = await page(query);
      back.unshift(...partsIn(found));
      [query, more] = [{ limit: String(limit), before: String(found.first_line) }, found.has_more];
    }
    assert.deepEqual(back, truth);
    const on = [];
    for (let [query, more] = [{ limit: String(limit), after: "0" }, true]; more; ) {
      const found = await page(query);
      on.push(...partsIn(found));
      [query, more] = [{ limit: String(limit), after: String(found.last_line) }, found.has_more];
    }
    assert.deepEqual(on, truth);
  }
  assert.equal((await page({ limit: "10" })).total, 150);
  assert.deepEqual(await parts({ limit: "10", offset: "140" }), truth.slice(140));
  assert.equal((await page({})).messages.length, 50);
  assert.equal((await page({ limit: "1000" })).messages.length, 150);
});

test("what is written later comes after the last line; a line in the middle of being written is not told", async t => {
  const file = await imported(temporary(t), ROOT, [meta(), started(), says("one")]);
  const { last_line: last } = await page();
  fs.appendFileSync(file, text([answers("two")]) + JSON.stringify(answers("three")).slice(0, 90));
  assert.deepEqual(await parts({ after: String(last) }), ["two"]);
  fs.appendFileSync(file, JSON.stringify(answers("three")).slice(90)); // over, without a line feed
  assert.deepEqual(await parts({ after: String(last) }), ["two", "three"]);
  assert.deepEqual(await parts(), ["one", "two", "three"]);
});

test("damaged lines cost themselves, and of a line written twice the whole one counts", async t => {
  const half = JSON.stringify(says("never whole")).slice(0, 80);
  const broken = ["{", "null", "[1]", "\u0000\u0001", '{"type":"response_item","payload":{"type":"message","role":"assistant","content":7}}',
    '{"type":"event_msg","payload":{"type":"item_completed","item":{"type":"CommandExecution","id":"exec-1","command":{}}}}'];
  const lines = [meta(), started(), says("one"), ...broken, half + JSON.stringify(answers("two")), call("c", "ls"), output("c", "Process exited with code 2\nOutput:\nno")];
  await imported(temporary(t), ROOT, lines);
  assert.deepEqual((await parts()).filter(part => !part.includes("exec-1")), ["one", "two", "tool_use c", "tool_result c"]);
  const { content } = (await page()).messages.at(-1);
  assert.deepEqual(content, [{ type: "tool_result", id: "c", output: "no", is_error: true }]);
});

test("images are a note, reasoning its summary, the environment is nobody's words", async t => {
  const image = "data:image/png;base64,AAAA";
  const lines = [
    meta(), started(), message("user_message", { message: "look", images: [image] }), says("<environment_context>x</environment_context>"),
    item("UserMessage", { content: [{ type: "text", text: "and" }, { type: "local_image", path: "/a.png" }] }),
    response("reasoning", { summary: [{ type: "summary_text", text: "hm" }], encrypted_content: "zzz" }),
    response("reasoning", { summary: [] }), call("c", "x"), response("function_call_output", { call_id: "c", output: [{ type: "input_image", image_url: image }] }),
    response("web_search_call", { id: "w", action: { query: "q" } }),
  ];
  await imported(temporary(t), ROOT, lines);
  assert.deepEqual(await parts(), ["look", "[image]", "and", "[image: /a.png]", "hm", "tool_use c", "tool_result c", "tool_use w"]);
  assert.equal((await page()).messages[4].content[0].output, "[image/png, 26 chars]");
});

test("the calls of a script are told by their items, and those of the model are not told twice by theirs", async t => {
  const done = { status: "completed", exit_code: 0, aggregated_output: "ok", command: ["bash", "-lc", "ls"] };
  const script = response("custom_tool_call", { name: "exec", call_id: "outer", input: "tools.x()" });
  const end = response("custom_tool_call_output", { call_id: "outer", output: "done" });
  const lines = [meta(), started(), call("c", "ls"), item("CommandExecution", { id: "c", ...done }), output("c", "ok"),
    script, item("CommandExecution", { id: "exec-1", ...done }), end];
  await imported(temporary(t), ROOT, lines);
  assert.deepEqual(await parts(), [
    "tool_use c", "tool_result c", "tool_use outer", "tool_use exec-1", "tool_result exec-1", "tool_result outer"]);
});

test("a fork of today begins with its parent's lines, up to where it left, whatever the parent did later", async t => {
  const dir = temporary(t);
  let ordinal = 0;
  const numbered = lines => lines.map(line => ({ ...line, ordinal: (ordinal += 1) }));
  const parent = await imported(dir, ROOT, numbered([meta(), started(), says("one"), answers("two")]));
  const end = ordinal + 1;
  const base = { thread_id: ROOT, end_ordinal_exclusive: end };
  const fork = numbered([meta({ id: CHILD, session_id: CHILD, forked_from_id: ROOT, history_base: base }), says("three")]);
  await imported(dir, CHILD, fork, { name: `rollout-2-${CHILD}.jsonl` });
  fs.appendFileSync(parent, text([{ ...answers("elsewhere"), ordinal: end }]));
  assert.deepEqual(await parts(undefined, CHILD), ["one", "two", "three"]);
  const last = await page({ limit: "1" }, CHILD);
  assert.deepEqual([partsIn(last), last.has_more], [["three"], true]);
  assert.deepEqual(await parts({ before: String(last.first_line) }, CHILD), ["one", "two"]);
  assert.deepEqual(await parts(), ["one", "two", "elsewhere"]);
});

test("a thread that goes on in a second file is one conversation; a compressed file is read as any other", async t => {
  const dir = temporary(t);
  await imported(dir, ROOT, [meta(), started(), says("one")], { pack: true });
  await imported(dir, ROOT, [meta(), started(9), says("two")], { name: `rollout-2-${ROOT}.jsonl` });
  assert.deepEqual(await parts(), ["one", "two"]);
  const last = await page({ limit: "1" });
  assert.deepEqual(await parts({ before: String(last.first_line) }), ["one"]);
});

test("a sub-agent has a transcript of its own; that of another session is not shown", async t => {
  const dir = temporary(t);
  const spawn = { subagent: { thread_spawn: { parent_thread_id: ROOT, agent_nickname: "Ada", agent_role: "worker" } } };
  await imported(dir, ROOT, [meta(), started(), says("one")]);
  await imported(dir, CHILD, [meta({ id: CHILD, parent_thread_id: ROOT, source: spawn }), says("task")], { name: `rollout-2-${CHILD}.jsonl` });
  const other = "01a207a0-0000-7000-8000-000000000003";
  await imported(dir, other, [meta({ id: other, session_id: other }), says("secret")], { name: `rollout-3-${other}.jsonl` });
  let listed;
  sendTranscripts(session(ROOT), { json: body => (listed = body.transcripts) });
  assert.deepEqual(listed.map(({ id, name, type, subagent_type: kind, db_agent_id: agent }) => [id, name, type, kind, agent]), [
    ["main", "Main Agent", "main", undefined, listed[0].db_agent_id],
    [CHILD, "Ada", "subagent", "worker", CHILD],
  ]);
  assert.deepEqual(await parts({ agent_id: CHILD }), ["task"]);
  assert.deepEqual(await parts({ agent_id: "main" }), ["one"]);
  for (const agent of [other, "../../etc/passwd", ""]) assert.ok(!(await parts({ agent_id: agent })).includes("secret"));
});

test("a session without a rollout, or whose file is gone, has an empty conversation", async t => {
  const empty = { messages: [], total: 0, has_more: false, last_line: 0, first_line: 0 };
  assert.deepEqual(await page({}, "nobody"), empty);
  const file = await imported(temporary(t), ROOT, [meta(), says("one")]);
  for (const query of [{ limit: "-3" }, { limit: "x" }, { before: "1" }, { after: "999999999999999999" }, { before: "x" }]) {
    assert.ok(Array.isArray((await page(query)).messages));
  }
  fs.rmSync(file);
  assert.deepEqual(await page(), empty);
});

test("the bare lines of 2025 are a conversation too", async t => {
  const content = kind => words => [{ type: kind, text: words }];
  const lines = [
    { id: ROOT, timestamp: at(0), instructions: null },
    { type: "message", role: "user", content: content("input_text")("<environment_context>x</environment_context>") },
    { type: "message", role: "user", content: content("input_text")("one") },
    { type: "message", role: "assistant", content: content("output_text")("two") },
    { type: "function_call", name: "shell", call_id: "c", arguments: '{"command":["ls"]}' },
    { type: "function_call_output", call_id: "c", output: "x" },
  ];
  await imported(temporary(t), ROOT, lines);
  assert.deepEqual(await parts(), ["one", "two", "tool_use c", "tool_result c"]);
});
