/** Random settings files with comments, as people write them for Qwen Code, Gemini CLI and Claude Code. */

import { Writer } from "./hooks-cases.mjs";

const EVENTS = ["SessionStart", "SessionEnd", "UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure", "SubagentStart", "SubagentStop", "Notification", "Stop", "BeforeAgent", "AfterAgent", "BeforeTool", "AfterTool", "BeforeModel"];
const KEYS = ["theme", "$schema", "security", "model", "mcpServers", "é", "__proto__", "hooksConfigs", "permissions", ""];
const WORDS = ["", " ", "note", "\"hooks\": {}", "{ [", "] }", ",", "https://x/y", "a \"quote", "// twice", "*", "ünï\u2028", "\\", "qwen-hook-handler.js"];

/** As `Writer`, with comments and commas behind the last item. Keys of the root and of `hooks` are there once. */
export class SettingsWriter extends Writer {
  constructor(seed, comments = true) {
    super(seed, false);
    this.comments = comments ? this.pick([0, 0.05, 0.2, 0.5]) : 0;
    this.trailing = comments ? this.pick([0, 0, 0.3, 1]) : 0;
  }

  /** Space, and comments in it. A comment to the end of the line has its line break. */
  gap(depth) {
    let text = super.gap(depth);
    while (this.chance(this.comments)) {
      const word = this.pick(WORDS);
      const closed = `/*${word.replaceAll("*/", "")}${this.chance(0.2) ? this.eol : ""}*/`;
      const comment = this.chance(0.5) ? `//${word}${this.eol}` : closed;
      text += `${this.pick(["", " ", "  "])}${comment}${this.chance(0.5) ? super.gap(depth) : ""}`;
    }
    return text;
  }

  around([open, close], items, depth) {
    if (!items.length) return open + (this.chance(0.6) ? "" : this.gap(depth)) + close;
    const between = () => `${this.chance(this.comments / 2) ? this.gap(depth + 1) : ""},${this.gap(depth + 1)}`;
    const last = this.chance(this.trailing) ? `${this.chance(0.2) ? this.gap(depth) : ""},` : "";
    const inner = items.map((item, at) => (at ? between() : "") + item).join("");
    return open + this.gap(depth + 1) + inner + last + this.gap(depth) + close;
  }

  member(key, value) {
    const blank = this.style === "compact" ? "" : " ";
    return `${this.string(key)}${this.chance(this.comments / 4) ? this.gap(1) : ""}:${this.chance(this.comments / 4) ? this.gap(1) : blank}${value}`;
  }

  /** Some of a list, in a random order. */
  some(list, most) {
    const left = [...list];
    return this.times(most).map(() => left.splice(Math.floor(this.next() * left.length), 1)[0]);
  }

  hooks() {
    const groups = () => this.around("[]", this.times(3).map(() => this.group(3)), 2);
    const events = this.some(EVENTS, 5).map(event => this.member(event, groups()));
    return this.member("hooks", this.around("{}", events, 1));
  }

  file() {
    const members = this.some(KEYS, 4).map(key => this.member(key, this.value(1)));
    if (this.chance(0.7)) members.splice(Math.floor(this.next() * (members.length + 1)), 0, this.hooks());
    const edge = () => (this.chance(0.6) ? "" : this.gap(0));
    return (this.chance(0.1) ? "\uFEFF" : "") + edge() + this.around("{}", members, 0) + (this.chance(0.7) ? this.eol : edge());
  }
}

/** A settings file without anything of ours. */
export function settings(seed) {
  return new SettingsWriter(seed).file();
}

/** A text without its comments and without commas behind the last item: by another way than that of the code under test. */
export function stripped(text) {
  let out = "";
  for (let at = 0; at < text.length;) {
    if (text[at] === '"') {
      const start = at;
      for (at += 1; text[at] !== '"'; at += 1) if (text[at] === "\\") at += 1;
      out += text.slice(start, (at += 1));
    } else if (text.startsWith("//", at)) {
      while (at < text.length && text[at] !== "\n" && text[at] !== "\r") at += 1;
    } else if (text.startsWith("/*", at)) {
      at = text.indexOf("*/", at + 2) + 2;
    } else if (text[at] === "]" || text[at] === "}") {
      out = out.trimEnd().replace(/,$/, "") + text[at];
      at += 1;
    } else {
      out += text[at];
      at += 1;
    }
  }
  return out;
}

/** What a settings file means. */
export function meaning(text) {
  return JSON.parse(stripped(text).replace(/^\uFEFF/, ""));
}
