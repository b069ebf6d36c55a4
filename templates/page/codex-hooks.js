"use strict";

const API = "/api/codex-hooks";
const POLL_MS = 1000;
const JSON_BODY = { "Content-Type": "application/json" };
const PATIENCE_MS = 5000;
const GONE = {
  state: "gone",
  says: { title: "Connection lost", text: "The dashboard does not answer. This page tries again by itself." },
  missing: [
    { what: "While it is not running, no hook tells anything. What Codex writes is read when it is back.", do: "" },
  ],
};

const by = id => /** @type {HTMLElement} */ (document.getElementById(id));
const card = /** @type {HTMLElement} */ (document.querySelector("section"));
const control = /** @type {HTMLButtonElement} */ (by("switch"));
/** @type {[number, string][]} */
const UNITS = [
  [86400, "d"],
  [3600, "h"],
  [60, "min"],
  [1, "s"],
];

let shown = ""; // what is said now: said again, a screen reader would read it again
/** @type {{seconds: number, at: number} | null} the seconds since the last event, and when the page learned of them */
let last = null;
let flipping = false;
let turn = 0; // of the request whose answer counts: the latest

/** Text with its `backquoted` parts as code. */
function prose(element, text) {
  const parts = text.split("`").map((part, number) => {
    if (number % 2 === 0) return part;
    const code = document.createElement("code");
    code.textContent = part;
    return code;
  });
  element.replaceChildren(...parts);
  return element;
}

function item({ what, do: todo }) {
  const line = prose(document.createElement("li"), what);
  if (todo) line.append(prose(document.createElement("strong"), todo));
  return line;
}

function ago(seconds) {
  const [size, unit] = UNITS.find(([length]) => seconds >= length) || [1, "s"];
  return `${Math.floor(seconds / size)} ${unit} ago`;
}

/** The seconds go on between two answers. */
function tick() {
  by("last").hidden = !last;
  if (last) by("last").textContent = `Last event ${ago(last.seconds + Math.round((Date.now() - last.at) / 1000))}`;
}

function rows({ hooks_file: file, handler, config, trust, feature }) {
  const trusted = trust.entries.filter(entry => entry.state === "trusted").length;
  const word = { true: "on", false: "off" }[feature.enabled] || "unknown";
  return [
    ["Hooks file", file.path + (file.exists ? "" : " (not there)")],
    ["Handler", handler.path + (handler.present ? "" : " (not there)")],
    ["Codex settings", config.path],
    ["Hooks in Codex", feature.key ? `${word}, by ${feature.key}` : `${word}, the default`],
    ["Trusted", trust.entries.length ? `${trusted} of ${trust.entries.length}` : "no hooks there"],
  ];
}

function details(found) {
  const cells = rows(found).flatMap(([name, value]) => {
    const [term, description] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    description.textContent = value;
    return [term, description];
  });
  by("details").replaceChildren(...cells);
}

function say({ state, says, missing }) {
  const now = JSON.stringify([state, says, missing]);
  if (now === shown) return;
  shown = now;
  card.dataset.state = state;
  prose(by("title"), says.title);
  prose(by("text"), says.text);
  by("missing").replaceChildren(...missing.map(item));
}

function show(found) {
  say(found);
  card.hidden = false;
  card.setAttribute("aria-busy", "false");
  const forced = found.forced_off;
  control.disabled = Boolean(forced);
  control.setAttribute("aria-checked", String(Boolean(found.enabled) && !forced));
  last =
    found.enabled && !forced && found.receiving.last_event_at
      ? { seconds: found.receiving.seconds_ago, at: Date.now() }
      : null;
  details(found);
  tick();
}

/** What was known stays to be seen, dimmed; nothing can be flipped that nobody hears. */
function showGone() {
  say(GONE);
  card.hidden = false;
  control.disabled = true;
  last = null;
  tick();
}

/** The token that the dashboard keeps, where the server asks for one. */
function dashboardToken() {
  try {
    return localStorage.getItem("dashboard_token");
  } catch {
    return null; // a browser that stores nothing
  }
}

/** What the API answers, whatever the status says. */
async function askFor(place, options = {}) {
  const token = dashboardToken();
  const headers = { ...options.headers, ...(token ? { "x-dashboard-token": token } : {}) };
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const answer = await fetch(place, { cache: "no-store", signal, ...options, headers });
  return answer.json();
}

async function ask(options) {
  const found = await askFor(API, options);
  if (!found.state) throw new Error(found.error ? found.error.message : "no state");
  return found;
}

async function refresh(options = {}) {
  const mine = ++turn;
  try {
    const found = await ask(options);
    if (mine === turn) show(found);
  } catch {
    if (mine === turn) showGone();
  }
}

async function flip() {
  if (flipping || control.disabled) return;
  flipping = true;
  const enabled = control.getAttribute("aria-checked") !== "true";
  control.setAttribute("aria-checked", String(enabled));
  await refresh({ method: "PUT", headers: JSON_BODY, body: JSON.stringify({ enabled }) });
  flipping = false;
}

async function follow() {
  if (document.visibilityState === "visible" && !flipping) await refresh();
  setTimeout(follow, POLL_MS);
}

control.addEventListener("click", flip);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && !flipping && refresh());
setInterval(tick, 1000);
follow();
