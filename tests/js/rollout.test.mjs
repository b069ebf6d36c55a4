import assert from "node:assert/strict";
import { test } from "node:test";
import { ROOT, TURN, at, call, item, message, meta, output, overlay, parse, response, started } from "./support.mjs";

const { keyOf } = overlay("codex-ledger");

const CHILD = "01a207a1-0000-7000-8000-000000000002";
const CHILD_TURN = "01a207a1-0100-7000-8000-000000000002";

const types = ({ events }) => events.map(event => event.event_type);
const distinct = ({ events }) => [...new Set(events.map(keyOf))];
const toolEvents = lines => parse([meta(), started(), ...lines]).events.slice(1);

test("a session starts with its first line", () => {
  const { events, session } = parse([meta({ cli_version: "0.169.0" })]);
  assert.deepEqual([events.length, events[0].event_type, events[0].source], [1, "SessionStart", "startup"]);
  assert.deepEqual([session.id, session.cwd, session.cli_version], [ROOT, "/p/demo", "0.169.0"]);
});

test("an old file without session_id is its own root", () => {
  const { events } = parse([meta({ session_id: undefined })]);
  assert.deepEqual([events[0].session_id, events[0].thread_id], [ROOT, ROOT]);
});

test("what is no object, no JSON or of an unknown type is skipped, and the rest is read", () => {
  const odd = ["", "{", "null", "[]", "5", '"x"', "{}", '{"type":"event_msg"}', '{"type":"event_msg","payload":[]}'];
  const unknown = [message("hologram", {}), response("hologram", {}), { type: "constructor", payload: {} }, item("Hologram", { id: "x" }), message("toString")];
  const hostile = [
    message("item_completed", { item: null }),
    message("item_completed", { item: { type: "CommandExecution", id: 5, command: { a: 1 } } }),
    message("user_message", { message: 5 }),
    response("function_call", {}),
    response("function_call", { name: "x", namespace: 5, call_id: "x" }),
    response("function_call_output", { output: { a: 1 } }),
    message("mcp_tool_call_end", {}),
    { type: "compacted", payload: {} },
    { type: "token_usage_record", payload: { usage: 7 } },
    message("token_count", { info: 7 }),
  ];
  const result = parse([meta(), ...odd, ...unknown, ...hostile, undefined, 5, message("task_complete", { turn_id: TURN })].map(line => (typeof line === "object" ? line : String(line))));
  assert.equal(result.events.at(-1).event_type, "Stop");
});

test("a shell call is Bash with its command, whatever it was called", () => {
  const shell = (name, args) => response("function_call", { name, call_id: name, arguments: JSON.stringify(args) });
  const events = toolEvents([
    shell("exec_command", { cmd: "echo hi", workdir: "/w" }),
    shell("shell_command", { command: "echo hi" }),
    shell("shell", { command: ["echo", "hi"] }),
    response("local_shell_call", { call_id: "l", action: { type: "exec", command: ["echo", "hi"] } }),
  ]);
  assert.deepEqual(events.map(event => event.tool_name), Array(4).fill("Bash"));
  assert.deepEqual(events.map(event => event.data.tool_input), Array(4).fill({ command: "echo hi" }));
  assert.deepEqual(events[0].data.call_arguments, { workdir: "/w" });
});

test("tools have the names that hooks give them", () => {
  const named = (name, namespace) => response("function_call", { name, namespace, call_id: `${name}`, arguments: '{"k":1}' });
  const events = toolEvents([
    named("remember", "mcp__mem_srv"),
    named("spawn_agent", "multi_agent_v1"),
    named("wait_agent", "multi_agent_v1"),
    named("update_plan"),
    response("custom_tool_call", { name: "apply_patch", call_id: "p", input: "*** Begin Patch" }),
  ]);
  assert.deepEqual(events.map(event => event.tool_name), ["mcp__mem_srv__remember", "spawn_agent", "multi_agent_v1wait_agent", "update_plan", "apply_patch"]);
  assert.deepEqual(events.at(-1).data.tool_input, { command: "*** Begin Patch" });
});

test("an item tells the exact times, the exit code and the status of the call with its id", () => {
  const command = { id: "c", command: ["/bin/bash", "-lc", "false"], status: "failed", exit_code: 1, aggregated_output: "", duration: { secs: 1, nanos: 5e8 } };
  const events = toolEvents([call("c", "false"), item("CommandExecution", command, 100), output("c", "Process exited with code 1\nOutput:\n", 110)]);
  assert.equal(new Set(events.map(keyOf)).size, 2);
  const [pre, post] = events.slice(1);
  assert.deepEqual([pre.created_at, post.created_at], [at(95), at(100)]);
  assert.deepEqual([post.data.exit_code, post.data.status, post.data.duration_ms], [1, "failed", 1500]);
  assert.deepEqual(post.data.tool_input, { command: "false" });
});

test("an item of a patch that went through the shell keeps the name of the call", () => {
  const events = toolEvents([call("c", "apply_patch <<EOF"), item("FileChange", { id: "c", changes: {}, status: "completed" })]);
  assert.deepEqual(events.map(event => event.tool_name), ["Bash", "Bash", "Bash"]);
});

test("items alone are calls: MCP servers by the name that hooks have for them", () => {
  const events = toolEvents([
    item("McpToolCall", { id: "m", server: "mem-srv", tool: "remember", arguments: { k: "v" }, result: {} }),
    item("ImageView", { id: "i", path: "file:///a%20b.png" }),
    item("WebSearch", { id: "w", query: "x" }),
    item("CollabAgentToolCall", { id: "a", tool: "wait" }),
  ]);
  assert.deepEqual(events.filter(event => event.event_type === "PreToolUse").map(event => event.tool_name), ["mcp__mem_srv__remember", "view_image", "web_search", "multi_agent_v1wait_agent"]);
  assert.deepEqual(events[2].data.tool_input, { path: "/a b.png" });
});

test("in code mode the calls within a script are the calls, and the script is none", () => {
  const script = response("custom_tool_call", { name: "exec", call_id: "outer", input: "await tools.x()" });
  const end = response("custom_tool_call_output", { call_id: "outer", output: "Script completed" }, 40);
  const nested = item("CommandExecution", { id: "exec-1", command: ["bash", "-lc", "ls"], exit_code: 0 });
  const told = toolEvents([script, nested, end, script]).map(event => [event.tool_use_id, event.event_type, event.nested ?? event.script]);
  // The first is taken back by the database, as soon as it knows of the call within.
  assert.deepEqual(told, [["outer", "PreToolUse", true], ["exec-1", "PreToolUse", true], ["exec-1", "PostToolUse", true]]);
});

test("a script whose calls nobody tells of is told", () => {
  const script = response("custom_tool_call", { name: "exec", call_id: "outer", input: "await tools.x()" });
  const end = response("custom_tool_call_output", { call_id: "outer", output: "Script completed" }, 40);
  const events = toolEvents([script, end]);
  assert.deepEqual(events.map(event => [event.event_type, event.script, event.data.tool_input]), [
    ["PreToolUse", true, { command: "await tools.x()" }],
    ["PostToolUse", true, { command: "await tools.x()" }],
  ]);
});

const running = (id, process, text = "") => output(id, `Wall time: 1 seconds\nProcess running with session ID ${process}\nOutput:\n${text}`);
const stdin = (id, process) => response("function_call", { name: "write_stdin", call_id: id, arguments: JSON.stringify({ session_id: process, chars: "" }) }, 50);
const exited = (id, code, text) => output(id, `Wall time: 1 seconds\nProcess exited with code ${code}\nOutput:\n${text}`, 60);

test("a command that goes on in the background is not done when it yields", () => {
  assert.deepEqual(toolEvents([call("c", "sleep 9"), running("c", 7)]).map(event => event.event_type), ["PreToolUse"]);
});

test("in a legacy file a background command is done when a later write_stdin sees it exit", () => {
  const lines = [call("c", "sleep 9"), running("c", 7, "a"), stdin("w1", 7), running("w1", 7, "b"), stdin("w2", 7), exited("w2", 3, "c")];
  const events = toolEvents(lines);
  assert.deepEqual(events.map(event => `${event.tool_use_id} ${event.event_type}`), [
    "c PreToolUse", "w1 PreToolUse", "w1 PostToolUse", "w2 PreToolUse", "w2 PostToolUse", "c PostToolUse",
  ]);
  const post = events.at(-1);
  assert.deepEqual([post.data.exit_code, post.data.tool_response, post.created_at], [3, "abc", at(60)]);
});

test("another process that exits does not end it", () => {
  const lines = [call("c", "sleep 9"), running("c", 7), stdin("w", 8), exited("w", 0, "")];
  assert.ok(!toolEvents(lines).some(event => event.tool_use_id === "c" && event.event_type === "PostToolUse"));
});

test("what a command prints is not taken for what its header says", () => {
  const lines = [call("c", "cat log"), output("c", "Wall time: 1 seconds\nProcess exited with code 0\nOutput:\nProcess running with session ID 3\n")];
  const post = toolEvents(lines).at(-1);
  assert.deepEqual([post.event_type, post.data.exit_code], ["PostToolUse", 0]);
});

test("in a paginated file a background command is done when its item is, even after the turn", () => {
  const done = item("CommandExecution", { id: "c", command: ["bash", "-lc", "sleep 9"], exit_code: 0 }, 200);
  const result = parse([meta(), started(), call("c", "sleep 9"), running("c", 7), message("task_complete", { turn_id: TURN }, 100), done]);
  assert.deepEqual([result.events.at(-1).event_type, result.events.at(-1).created_at], ["PostToolUse", at(200)]);
  assert.equal(distinct(result).length, 4);
});

test("a call that no hook tells of is told: a web search, and what is typed into a command", () => {
  const search = [message("web_search_end", { call_id: "ws", query: "x" }), response("web_search_call", { id: "ws", status: "completed" })];
  const events = toolEvents([...search, stdin("w", 7), exited("w", 0, "")]);
  assert.deepEqual([...new Set(events.map(keyOf))].map(key => key.replace(ROOT, "T").replace(TURN, "t")), ["call:T:ws:t:pre", "call:T:ws:t:post", "call:T:w:t:pre", "call:T:w:t:post"]);
});

test("a prompt is told once for each time it was given, and the environment is no prompt", () => {
  const ask = text => message("user_message", { message: text });
  const result = parse([meta(), started(), ask("<environment_context>\n<cwd>/</cwd>\n</environment_context>"), ask("go"), ask("go"), ask("on")]);
  assert.deepEqual(result.events.slice(1).map(event => [event.prompt, event.nth]), [["go", 0], ["go", 1], ["on", 0]]);
  assert.equal(distinct(result).length, 4);
});

test("a prompt told as a message and as an item is one prompt", () => {
  const both = [message("user_message", { message: "a picture" }), item("UserMessage", { content: [{ type: "text", text: "a " }, { type: "text", text: "picture" }, { type: "image", url: "x" }] })];
  assert.equal(distinct(parse([meta(), started(), ...both])).length, 2);
});

test("turns end by Stop or by Interrupt", () => {
  const result = parse([meta(), started(), message("task_complete", { turn_id: TURN, last_agent_message: "done" }), message("turn_aborted", { turn_id: "other", reason: "interrupted" })]);
  assert.deepEqual(types(result), ["SessionStart", "Stop", "Interrupt"]);
  assert.deepEqual([result.events[1].data.last_assistant_message, result.events[2].data.reason], ["done", "interrupted"]);
});

test("a turn may be compacted more than once", () => {
  const compacted = { timestamp: at(50), type: "compacted", payload: { message: "", replacement_history: [response("function_call", { call_id: "x" })] } };
  const result = parse([meta(), started(), compacted, compacted]);
  assert.deepEqual(distinct(result).slice(1), [`turn:${ROOT}:${TURN}:PostCompact`, `turn:${ROOT}:${TURN}:PostCompact:1`]);
});

test("a line without identifiers keeps its name when the file is read again", () => {
  const lines = [meta(), message("task_complete", {}), message("task_complete", {}), response("function_call", { name: "x", arguments: "{}" })];
  const [first, again] = [parse(lines), parse(lines)].map(distinct);
  assert.equal(first.length, 4);
  assert.ok(!first.includes(null));
  assert.deepEqual(again, first);
});

const child = (payload = {}) => meta({ id: CHILD, session_id: ROOT, parent_thread_id: ROOT, source: { subagent: { thread_spawn: { parent_thread_id: ROOT, agent_role: "scout" } } }, ...payload }, 1000);

test("a sub-agent belongs to its root, and starts and stops as a sub-agent", () => {
  const result = parse([child(), started(1010, CHILD_TURN), call("c", "ls", 1020), message("task_complete", { turn_id: CHILD_TURN }, 1030)]);
  assert.deepEqual(types(result), ["SubagentStart", "PreToolUse", "SubagentStop"]);
  assert.ok(result.events.every(event => event.session_id === ROOT && event.thread_id === CHILD && event.data.agent_id === CHILD));
  assert.deepEqual([result.session.is_subagent, result.session.parent, result.events[0].data.agent_type], [true, ROOT, "scout"]);
});

const live = [
  started(9000, CHILD_TURN),
  message("user_message", { message: "new" }, 9010),
  call("new", "ls", 9020),
  message("token_count", { info: { total_token_usage: { input_tokens: 130, output_tokens: 15 } } }, 9030),
  message("task_complete", { turn_id: CHILD_TURN }, 9040),
];

test("a paginated fork copies nothing and goes on at once", () => {
  const fork = meta({ id: CHILD, session_id: CHILD, forked_from_id: ROOT, history_base: {} }, 8000);
  assert.equal(parse([fork, ...live]).events.length, 4);
});

test("a resume appends to the file, and its turns are the thread's own", () => {
  const result = parse([meta(), started(), message("task_complete", { turn_id: TURN }), started(99000, CHILD_TURN), message("task_complete", { turn_id: CHILD_TURN }, 99010)]);
  assert.deepEqual(types(result), ["SessionStart", "Stop", "Stop"]);
});

test("a file whose first line is broken belongs to the thread in its name", () => {
  const result = parse(["{broken", started(), call("c", "ls")], { thread_id: ROOT });
  assert.deepEqual(result.events.map(event => [event.session_id, event.tool_use_id]), [[ROOT, "c"]]);
  assert.equal(parse([started(), call("c", "ls")]).events.length, 0);
  assert.equal(parse([meta(), started()], { thread_id: "another" }).session.id, ROOT);
});

test("tokens are counted by model, once a response", () => {
  const model = name => ({ timestamp: at(1), type: "turn_context", payload: { turn_id: TURN, model: name } });
  const usage = (id, input) => ({ timestamp: at(2), type: "token_usage_record", payload: { response_id: id, thread_id: ROOT, usage: { input_tokens: input, cached_input_tokens: 1, output_tokens: 2 } } });
  const total = input => message("token_count", { info: { total_token_usage: { input_tokens: input, output_tokens: 1 } } });
  const records = parse([meta(), model("a"), usage("r1", 10), total(10), usage("r1", 10), model("b"), usage("r2", 5)]).session.usage;
  assert.deepEqual([records.get("a").input_tokens, records.get("b").input_tokens], [10, 5]);
  const totals = parse([meta(), model("a"), total(10), total(10), model("b"), total(25)]).session.usage;
  assert.deepEqual([totals.get("a").input_tokens, totals.get("b").input_tokens], [10, 15]);
});

test("long strings and images are cut in the data, identifiers never", () => {
  const id = "i".repeat(70000);
  const prompt = "p".repeat(70000);
  const { events } = parse([meta(), started(), message("user_message", { message: prompt }), call(id, "x".repeat(70000)), output(id, [{ type: "input_image", image_url: `data:image/png;base64,${"A".repeat(9000)}` }])]);
  const [, ask, pre, post] = events;
  assert.equal(ask.prompt, prompt);
  assert.match(ask.data.prompt, /… \[cut 4464 chars\]$/);
  assert.match(pre.data.tool_input.command, /… \[cut 4464 chars\]$/);
  assert.deepEqual([pre.tool_use_id, pre.data.tool_use_id], [id, id]);
  assert.equal(post.data.tool_response[0].image_url, "[image/png, 9022 chars]");
});

test("lines fed one by one give what a whole file gives", () => {
  const lines = [meta(), started(), call("c", "sleep 9"), running("c", 7), stdin("w", 7), exited("w", 0, "x")];
  const parser = overlay("codex-rollout").createParser();
  const one = lines.map(line => parser.push(JSON.stringify(line)).length);
  assert.deepEqual(one, [1, 0, 1, 0, 1, 2]);
});
