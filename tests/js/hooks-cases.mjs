/** Random hooks files as people and programs write them, and what the tests of the installer ask of one. */

export const EVENTS = [
  "SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "SubagentStart", "SubagentStop", "PreCompact",
  "PostCompact", "SessionEnd", "Interrupt",
];
const ODD_EVENTS = ["PermissionRequest", "NotYetKnown", "stop", "", "Ünï\u2028", "__proto__"];
const HANDLER = "codex-hook-handler.js";
export const OURS = `node "/data/${HANDLER}"`;

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function entries(command = OURS) {
  return EVENTS.map(event => ({
    event,
    matcher: event === "SessionStart" ? "startup|resume" : undefined,
    handler: { type: "command", command, timeout: event === "SessionEnd" || event === "Interrupt" ? 3 : 5 },
  }));
}

/** Writes the text of one hooks file. `ours` makes it put entries of ours in, of several ages. */
export class Writer {
  constructor(seed, ours) {
    this.next = random(seed);
    this.ours = ours;
    this.eol = this.pick(["\n", "\n", "\r\n"]);
    this.unit = this.pick(["  ", "    ", "\t", " ", ""]);
    this.style = this.pick(["lines", "lines", "compact", "spaced", "wild"]);
  }

  pick(list) {
    return list[Math.floor(this.next() * list.length)];
  }

  chance(share) {
    return this.next() < share;
  }

  times(most) {
    return Array.from({ length: Math.floor(this.next() * (most + 1)) }, (_, index) => index);
  }

  gap(depth) {
    const line = this.eol + this.unit.repeat(depth);
    const wild = ["", " ", "\t", this.eol, line, `${this.eol}${this.eol}${line}`, "  "];
    return { lines: line, compact: "", spaced: " ", wild: this.pick(wild) }[this.style];
  }

  around([open, close], items, depth) {
    if (!items.length) return open + (this.chance(0.7) ? "" : this.gap(depth)) + close;
    const before = this.style === "spaced" ? "" : this.gap(depth + 1);
    const after = this.style === "spaced" ? "" : this.gap(depth);
    const comma = this.style === "wild" && this.chance(0.3) ? " ," : ",";
    return open + before + items.join(comma + (this.style === "wild" ? this.gap(depth + 1) : this.gap(depth + 1))) + after + close;
  }

  member(key, value) {
    const blank = this.style === "compact" ? "" : " ";
    return `${this.string(key)}${this.style === "wild" && this.chance(0.2) ? " " : ""}:${blank}${value}`;
  }

  /** A string in one of its spellings. */
  string(text) {
    const written = JSON.stringify(text);
    if (!this.chance(0.1)) return written;
    return written.replace(/[a-z]/, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0").toUpperCase()}`);
  }

  scalar() {
    const strings = ["", "x", "a \"b\" \\ c", "é😀\u2028", "[{]}", `/x/my-${HANDLER}`, "hook-handler.js", `"${HANDLER}.bak"`];
    const others = ["1e2", "-0", "1.50", "12345678901234567890", "true", "null", '"\\/\\u00e9\\ud83d"'];
    return this.chance(0.6) ? this.string(this.pick(strings)) : this.pick(others);
  }

  value(depth) {
    if (depth > 9 || this.chance(0.6)) return this.scalar();
    if (this.chance(0.5)) return this.around("[]", this.times(3).map(() => this.value(depth + 1)), depth);
    return this.around("{}", this.times(3).map(() => this.member(this.pick(["a", "b", "hooks", "matcher"]), this.value(depth + 1))), depth);
  }

  command() {
    const foreign = ["true", "node /x/hook-handler.js", `node /x/my-${HANDLER}`, `node '/x/a ${HANDLER}'`, "say \"hi\"", `${HANDLER}x`];
    const ours = [OURS, OURS, `node "/old/${HANDLER}" Stop`, `node '/it'\\''s/${HANDLER}'`, `C:\\node.exe C:\\x\\${HANDLER}`, `node /y/${HANDLER}; true`];
    return this.pick(this.ours && this.chance(0.4) ? ours : foreign);
  }

  handler(depth) {
    const fields = [this.member("type", '"command"'), this.member("command", this.string(this.command()))];
    if (this.chance(0.6)) fields.push(this.member("timeout", this.pick(["5", "3", "600", "1e1", "5.0"])));
    if (this.chance(0.2)) fields.push(this.member(this.pick(["statusMessage", "async", "note"]), this.value(depth + 1)));
    if (this.chance(0.05)) fields.push(this.member("timeout", "7"));
    return this.around("{}", fields, depth);
  }

  group(depth) {
    if (this.chance(0.05)) return this.value(depth);
    const fields = [];
    if (this.chance(0.4)) fields.push(this.member("matcher", this.string(this.pick(["", "*", "Bash", "startup|resume"]))));
    const handlers = this.chance(0.15) ? [] : [0, ...this.times(1)].map(() => this.handler(depth + 2));
    if (this.chance(0.95)) fields.push(this.member("hooks", this.around("[]", handlers, depth + 1)));
    if (this.chance(0.1)) fields.push(this.member("note", this.value(depth + 1)));
    return this.around("{}", fields, depth);
  }

  event(depth) {
    const name = this.pick(this.chance(0.8) ? EVENTS : ODD_EVENTS);
    if (ODD_EVENTS.includes(name) && this.chance(0.3)) return this.member(name, this.value(depth + 1));
    return this.member(name, this.around("[]", this.times(3).map(() => this.group(depth + 1)), depth));
  }

  hooks() {
    return this.member("hooks", this.around("{}", this.times(5).map(() => this.event(2)), 1));
  }

  file() {
    const members = this.times(2).map(() => this.member(this.pick(["description", "$schema", "x"]), this.value(1)));
    const count = this.pick([0, 1, 1, 1, 1, 1, 2]);
    for (let index = 0; index < count; index += 1) members.splice(Math.floor(this.next() * (members.length + 1)), 0, this.hooks());
    const edge = () => (this.chance(0.7) ? "" : this.pick([" ", this.eol, `${this.eol} `]));
    return (this.chance(0.1) ? "\uFEFF" : "") + edge() + this.around("{}", members, 0) + (this.chance(0.7) ? this.eol : edge());
  }
}

/** A file without anything of ours. */
export function foreignFile(seed) {
  return new Writer(seed, false).file();
}

/** A file that versions of ours have been at, and people after them. */
export function usedFile(seed) {
  return new Writer(seed, true).file();
}

/** What a text means, without help of the code under test. */
export function meaning(text) {
  return JSON.parse(text.replace(/^\uFEFF/, ""));
}

/** Each handler by the key under which Codex trusts it: `event:group:index`. Told apart: ours and others. */
export function handlersIn(text, isOurs) {
  const found = { ours: new Map(), others: new Map() };
  const { hooks } = meaning(text);
  for (const [event, groups] of Object.entries(hooks || {})) {
    for (const [g, group] of Array.isArray(groups) ? groups.entries() : []) {
      for (const [h, handler] of group && Array.isArray(group.hooks) ? group.hooks.entries() : []) {
        const { matcher } = group;
        found[isOurs(handler) ? "ours" : "others"].set(`${event}:${g}:${h}`, { matcher, handler });
      }
    }
  }
  return found;
}

/** Whether `text` is `whole` with something left out. */
export function isLeftOf(text, whole) {
  let at = 0;
  for (const char of text) {
    at = whole.indexOf(char, at) + 1;
    if (at === 0) return false;
  }
  return true;
}
