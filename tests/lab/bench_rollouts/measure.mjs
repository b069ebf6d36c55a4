/**
 * One measurement in a process of its own: `node measure.mjs TREE WHAT ARGUMENTS…` prints one JSON object.
 * The database and the Codex home are where DASHBOARD_DATA_DIR and CODEX_HOME say.
 */

import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";

const require = createRequire(import.meta.url);
const [tree, what, ...given] = process.argv.slice(2);
const MB = 1024 * 1024;
const lib = name => require(path.join(tree, "server", "lib", `${name}.js`));
const start = Date.parse("2026-01-05T10:00:00.000Z");

let state = 20261123;
const random = limit => (state = (state * 48271) % 2147483647) % limit;
const noise = Array.from({ length: 256 * 1024 }, () => "abcdefghijklmnopqrstuvwxyz0123456789/+ \n\"\\\t{}()é€"[random(50)]).join("");
const bytes = length => noise.slice(random(noise.length - length - 1)).slice(0, length);
const base64 = length => bytes(length).replace(/[^a-z0-9]/g, "A");
/** Most are short, a few are long: 300 to 40,000 characters, 3,000 on average. */
const outputLength = () => [300, 600, 900, 1200, 1500, 2000, 3000, 4000, 6000, 12000][random(10)] * (random(100) === 0 ? 3 : 1);

const uuid = (group, number) => `01a2${group.toString(16).padStart(4, "0")}-${(number % 65536).toString(16).padStart(4, "0")}-7000-8000-${number.toString(16).padStart(12, "0")}`;

/** The lines of one session, turn after turn: direct calls, every other one in a paginated file with its item. */
function* linesOf(thread, paginated, begins) {
  let [ms, turnNumber, callNumber] = [begins, 0, 0];
  const line = (type, payload) => `${JSON.stringify({ timestamp: new Date((ms += 40)).toISOString(), type, payload })}\n`;
  yield line("session_meta", { id: thread, session_id: thread, timestamp: new Date(ms).toISOString(), cwd: "/p/demo", cli_version: "0.146.0", base_instructions: bytes(9000) });
  for (;;) {
    const turn = uuid(1, Number.parseInt(thread.slice(-12), 16) * 10000 + (turnNumber += 1)); // no other thread has it
    const passthrough = { internal_chat_message_metadata_passthrough: { turn_id: turn } };
    yield line("event_msg", { type: "task_started", turn_id: turn, model_context_window: 258400 });
    yield line("turn_context", { turn_id: turn, cwd: "/p/demo", model: "gpt-5.5", approval_policy: "never", user_instructions: bytes(1500) });
    yield line("response_item", { type: "message", role: "user", content: [{ type: "input_text", text: bytes(300) }], ...passthrough });
    yield line("event_msg", { type: "user_message", message: bytes(300), images: [] });
    for (let call = 0; call < 8; call += 1) {
      const id = `call_${thread.slice(4, 8)}${(callNumber += 1)}`;
      const output = bytes(outputLength());
      yield line("response_item", { type: "reasoning", summary: [], encrypted_content: base64(1200 + random(3000)), ...passthrough });
      yield line("response_item", { type: "function_call", name: "exec_command", arguments: JSON.stringify({ cmd: bytes(120) }), call_id: id, ...passthrough });
      if (paginated) {
        yield line("event_msg", { type: "item_completed", turn_id: turn, item: { type: "CommandExecution", id, command: ["bash", "-lc", "x"], status: "completed", exit_code: 0, aggregated_output: output }, started_at_ms: ms, completed_at_ms: ms + 20 });
      }
      yield line("response_item", { type: "function_call_output", call_id: id, output: `Chunk ID: b\nWall time: 0.1 seconds\nProcess exited with code 0\nOutput:\n${output}`, ...passthrough });
      const used = { input_tokens: callNumber * 900, cached_input_tokens: callNumber * 500, output_tokens: callNumber * 90, reasoning_output_tokens: 0, total_tokens: callNumber * 990 };
      yield line("event_msg", { type: "token_count", info: { total_token_usage: used, last_token_usage: used, model_context_window: 258400 }, rate_limits: { primary: { used_percent: 3.5, window_minutes: 300 }, secondary: null } });
    }
    yield line("event_msg", { type: "agent_message", message: bytes(900) });
    yield line("response_item", { type: "message", role: "assistant", content: [{ type: "output_text", text: bytes(900) }], ...passthrough });
    yield line("event_msg", { type: "task_complete", turn_id: turn, last_agent_message: bytes(900) });
    if (turnNumber % 30 === 0) yield line("compacted", { message: "", replacement_history: Array.from({ length: 20 }, () => ({ type: "message", text: bytes(5000) })) });
  }
}

/** When a session begins, in milliseconds: `perDay` of them at the same time of each day. */
function beginOf(number, perDay) {
  return start - Math.floor(number / perDay) * 86400000;
}

function fileOf(number, perDay) {
  const day = new Date(beginOf(number, perDay)).toISOString().slice(0, 10);
  return path.join(process.env.CODEX_HOME, "sessions", ...day.split("-"), `rollout-${day}T10-00-00-${uuid(2, number)}.jsonl`);
}

function writeRollout(number, size, perDay) {
  const file = fileOf(number, perDay);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const out = fs.openSync(file, "w");
  let [text, written] = ["", 0];
  for (const line of linesOf(uuid(2, number), number % 2 === 1, beginOf(number, perDay))) {
    text += line;
    if (text.length < MB && written + text.length < size) continue;
    written += fs.writeSync(out, text);
    text = "";
    if (written >= size) break;
  }
  fs.closeSync(out);
  fs.utimesSync(file, start / 1000, start / 1000);
  return file;
}

async function files() {
  const { RolloutFiles } = lib("codex-files");
  return (await new RolloutFiles().look()).map(file => file.path);
}

const median = numbers => [...numbers].sort((one, other) => one - other)[Math.floor(numbers.length / 2)];

/** What `work` costs: milliseconds of the clock and of the processor. */
async function cost(work) {
  const [began, before] = [performance.now(), process.cpuUsage()];
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  return { ms: performance.now() - began, cpu: (user + system) / 1000, result };
}

const MEASURES = {
  /** Writes `count` files of `size` bytes, `perDay` in a folder. */
  async generate(count, size, perDay) {
    let total = 0;
    for (let number = 0; number < count; number += 1) total += fs.statSync(writeRollout(number, size, perDay)).size;
    return { bytes: total };
  },

  /** The measure: each line read, decoded and parsed, and nothing else. */
  async bare() {
    const list = await files();
    const buffer = Buffer.allocUnsafe(256 * 1024);
    let [lines, bytes] = [0, 0];
    const { ms, cpu } = await cost(async () => {
      for (const file of list) {
        const handle = await fs.promises.open(file, "r");
        let rest = Buffer.alloc(0);
        for (;;) {
          const { bytesRead } = await handle.read(buffer, 0, buffer.length);
          if (bytesRead === 0) break;
          bytes += bytesRead;
          const chunk = rest.length > 0 ? Buffer.concat([rest, buffer.subarray(0, bytesRead)]) : buffer.subarray(0, bytesRead);
          let from = 0;
          for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
            JSON.parse(chunk.utf8Slice(from, end));
            lines += 1;
            from = end + 1;
          }
          rest = Buffer.from(chunk.subarray(from));
        }
        await handle.close();
      }
    });
    return { ms, cpu, bytes, lines };
  },

  /** The first import of all files, as the watcher does it. */
  async import() {
    const { importRollout } = lib("codex-importer");
    const { db } = require(path.join(tree, "server", "db.js"));
    const list = await files();
    const total = list.reduce((sum, file) => sum + fs.statSync(file).size, 0);
    const delay = monitorEventLoopDelay({ resolution: 5 });
    let [bytes, early, peak, next] = [0, 0, 0, 0];
    const watch = setInterval(() => {
      const { rss } = process.memoryUsage();
      peak = Math.max(peak, rss);
      if (bytes < total / 4) early = Math.max(early, rss);
    }, 20);
    delay.enable();
    const { ms, cpu } = await cost(async () => {
      for (const file of list) {
        await importRollout(file);
        bytes += fs.statSync(file).size;
      }
    });
    delay.disable();
    clearInterval(watch);
    const { n } = db.prepare("SELECT COUNT(*) AS n FROM events").get();
    return { ms, cpu, bytes, events: Number(n), early: early / MB, peak: peak / MB, stall: delay.max / 1e6 };
  },

  /** One line more, `rounds` times, in a file that has been imported. */
  async append(size, rounds) {
    const { importRollout } = lib("codex-importer");
    const file = writeRollout(1, size, 1);
    const first = await cost(() => importRollout(file));
    const costs = [];
    for (let round = 0; round < rounds; round += 1) {
      const payload = { type: "function_call", name: "exec_command", arguments: '{"cmd":"ls"}', call_id: `more_${round}` };
      fs.appendFileSync(file, `${JSON.stringify({ timestamp: new Date().toISOString(), type: "response_item", payload })}\n`);
      const one = await cost(() => importRollout(file));
      if (one.result.inserted !== 1) throw new Error(`an appended line gave ${one.result.inserted} rows`);
      costs.push(one);
    }
    return { first: first.ms, ms: median(costs.map(one => one.ms)), cpu: median(costs.map(one => one.cpu)) };
  },

  /** The watcher over files in which nothing happens, in a process that starts after they were imported. */
  async idle(polls) {
    process.env.CODEX_POLL_MS = "15";
    const { RolloutFiles } = lib("codex-files");
    const { startCodexWatcher, stopCodexWatcher } = lib("codex-watcher");
    const { look } = RolloutFiles.prototype;
    let looks = 0;
    let known = 0;
    RolloutFiles.prototype.look = function () {
      looks += 1;
      known = this.files.size;
      return look.call(this);
    };
    const began = performance.now();
    startCodexWatcher();
    const until = async count => {
      while (looks < count) await sleep(100);
    };
    await until(2);
    const firstLook = performance.now() - began;
    await until(polls / 2);
    const from = looks;
    const { cpu } = await cost(() => until(from + polls));
    const idle = await cost(() => sleep(1000));
    await stopCodexWatcher();
    return { files: known, cpu: cpu / (looks - from), firstLook, looks, loop: idle.cpu };
  },
};

const result = await MEASURES[what](...given.map(Number));
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(0);
