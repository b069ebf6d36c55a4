/**
 * Recorded sessions of real agents against a scripted model: their hooks as they came, their transcripts as they stand.
 *
 * Long strings are cut, and keys that nothing of ours reads are left out. `[[NAME]]` in a prompt chose the model's script.
 */

import { createHash } from "node:crypto";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { canonical } from "./slots.mjs";

const require = createRequire(import.meta.url);
const ROWS = JSON.parse(process.env.AGENT_ROWS);
const SAMPLES = process.env.AGENT_SAMPLES;
export const OWN = path.join(import.meta.dirname, "recordings");

export const reader = provider => require(path.join(process.env.SIDECAR_TREE, "server", "lib", "agent-cli", `${provider}.js`));

export const names = fs.readdirSync(OWN).map(file => file.replace(/\.json$/, ""));
export const recording = name => JSON.parse(fs.readFileSync(path.join(OWN, `${name}.json`), "utf8"));

const lines = file => fs.readFileSync(file, "utf8").trim().split("\n").map(line => JSON.parse(line));

/** The recorded sessions beside the repository, by name; none where they are not there. */
export function samples(provider) {
  const found = fs.existsSync(SAMPLES) ? fs.readdirSync(SAMPLES).filter(file => file.startsWith(`${provider}-`) && file.endsWith(".transcript.jsonl")) : [];
  return found.map(file => {
    const records = lines(path.join(SAMPLES, file));
    const hooks = lines(path.join(SAMPLES, file.replace(".transcript.", ".hooks."))).map(hook => [hook.argv[0], hook.stdin]);
    const session = records[0].sessionId ?? records[0].data.sessionId;
    const name = provider === "qwen" ? `projects/p/chats/${session}.jsonl` : `session-state/${session}/events.jsonl`;
    return { name: file.replace(".transcript.jsonl", ""), provider, hooks, files: { [name]: records } };
  });
}

/** What the rendered handler sends of a hook: null for what it drops, undefined for what is not installed. */
export function sent(provider, [event, payload]) {
  const { events, fields, spellings } = ROWS[provider];
  if (!(event in events)) return undefined;
  const type = events[payload.hook_event_name ?? event];
  if (type === "UserPromptSubmit" && payload.prompt === "") return null;
  const data = { ...payload };
  for (const name of Object.keys(fields)) if (name in payload) data[fields[name]] = payload[name];
  for (const name of Object.keys(spellings)) {
    const spelling = spellings[name].find(key => typeof payload[key] === "string");
    if (spelling) data[name] = payload[spelling];
  }
  return { ...data, hook_event_name: type, __provider: provider };
}

/** The root sessions of hooks: the server's part of it. `roots` are the sessions that have a transcript. */
export class Roots {
  constructor(roots) {
    this.roots = roots;
    this.agents = new Map();
  }

  of({ agent_id: agent, session_id: session }) {
    if (agent && this.roots.has(session)) this.agents.set(agent, session);
    const found = [this.agents.get(agent), this.agents.get(session), session].find(id => this.roots.has(id));
    return found ?? null;
  }
}

const what = ({ tool_name, tool_input, prompt }) => (tool_name ? `${tool_name} ${canonical(tool_input)}` : (prompt ?? ""));

/** The hooks of a recording, as what the ledger is told; `roots` decides when each is told. */
export function hookEvents({ provider, hooks, files }) {
  const { hook = payload => payload } = reader(provider);
  const roots = new Roots(new Set(read({ provider, files }).map(({ state }) => state.session.id)));
  return hooks.map(one => sent(provider, one)).filter(Boolean).map(payload => hook(payload)).filter(Boolean).map((payload, run) => () => {
    const session = roots.of(payload);
    // droid's have no time: only the handler's run tells equal ones apart.
    const { hook_event_name: type, tool_use_id: id, agent_id: agent = null, timestamp = run } = payload;
    const own = `${type} ${timestamp} ${createHash("sha256").update(canonical(payload)).digest("hex")}`;
    return session && { road: "hook", own, session, agent, type, id: id ?? null, what: what(payload) };
  });
}

/** The events of a recording's transcripts, with what is remembered of each file at its end. */
export function read({ provider, files }) {
  const { begin, take } = reader(provider);
  return Object.entries(files).map(([file, records]) => {
    const state = begin(file);
    return { state, events: records.flatMap(record => take(state, record)) };
  });
}

/** The agent that an event's hook names. */
const agentOf = event => ("hook_agent_id" in event ? event.hook_agent_id : event.agent_id);

export function transcriptEvents(recorded) {
  return read(recorded).flatMap(({ state, events }) =>
    events.map(event => () => ({ road: "transcript", own: event.own, session: state.session.id, agent: agentOf(event), type: event.event_type, id: event.tool_use_id, what: what(event) })),
  );
}
