/* global askFor, by, prose, JSON_BODY, POLL_MS */
"use strict";

/*
 * The agents besides Codex: a row each, with its switch. What is the same stays as it is, so that a screen reader reads
 * only what is new, and the focus stays where it is.
 */
const AGENTS_API = "/api/agent-hooks";
const switching = new Set(); // agents whose switch was pressed, and that have not answered yet

/** An element with a class, and with elements or `backquoted` text in it. */
function element(name, className, ...children) {
  const made = document.createElement(name);
  made.className = className;
  if (typeof children[0] === "string") return prose(made, children[0]);
  made.append(...children);
  return made;
}

/** An empty row: the switch with its name, the state, the file. */
function rowFor({ agent, title }) {
  const knob = document.createElement("span");
  const button = element("button", "", knob);
  const label = element("label", "", title);
  Object.assign(button, { type: "button", id: `switch-${agent}` });
  Object.assign(label, { htmlFor: button.id, id: `name-${agent}` });
  button.setAttribute("role", "switch");
  button.setAttribute("aria-labelledby", label.id);
  button.setAttribute("aria-describedby", `said-${agent}`);
  button.addEventListener("click", () => flipAgent(agent, button));
  const light = element("span", "light");
  light.setAttribute("aria-hidden", "true");
  const said = element("div", "said");
  said.id = `said-${agent}`;
  said.setAttribute("role", "status");
  const now = element("div", "now", light, element("div", "", said));
  const row = element("li", "card", element("div", "choice", element("div", "", label, now), button));
  row.dataset.agent = agent;
  return row;
}

/** What is said of an agent: its state, what is in the way, the file. */
function saidOf({ says, problem, file }) {
  const lines = [element("h4", "", says.title), element("p", "", says.text)];
  if (problem) lines.push(element("p", "trouble", `${problem.message}.`));
  if (problem) lines[2].append(prose(document.createElement("strong"), problem.do));
  lines.push(element("p", "file", `\`${file.path}\`${file.exists ? "" : " (not there)"}`));
  return lines;
}

function showAgent(row, found) {
  const button = /** @type {HTMLButtonElement} */ (row.querySelector("button"));
  button.disabled = found.forced_off;
  button.setAttribute("aria-checked", String(found.enabled && !found.forced_off));
  row.dataset.state = found.state;
  const now = JSON.stringify([found.says, found.problem, found.file, found.state]);
  if (row.dataset.now === now) return;
  row.dataset.now = now;
  row.querySelector(".said").replaceChildren(...saidOf(found));
}

function isAbsent({ state, enabled }) {
  return state === "absent" && !enabled;
}

/** A row for each agent that is on this machine; the others in one line, without a switch. */
function showAgents(all) {
  for (const found of all.filter(({ agent }) => !switching.has(agent))) {
    const row = by("agents").querySelector(`[data-agent="${found.agent}"]`);
    if (isAbsent(found)) row?.remove();
    else showAgent(row || by("agents").appendChild(rowFor(found)), found);
  }
  const absent = all.filter(isAbsent).map(({ title, agent }) => `${title} (\`${agent}\`)`);
  const line = absent.length ? `Not found on this machine: ${absent.join(", ")}.` : "";
  if (by("absent").dataset.said !== line) prose(by("absent"), line).dataset.said = line;
  by("others").hidden = all.length === 0;
}

async function followAgents() {
  try {
    const { agents } = document.visibilityState === "visible" ? await askFor(AGENTS_API) : {};
    if (agents) showAgents(agents);
  } catch {
    for (const button of by("agents").querySelectorAll("button")) button.disabled = true;
  }
  setTimeout(followAgents, POLL_MS);
}

async function flipAgent(agent, button) {
  if (switching.has(agent) || button.disabled) return;
  switching.add(agent);
  const enabled = button.getAttribute("aria-checked") !== "true";
  button.setAttribute("aria-checked", String(enabled));
  const body = JSON.stringify({ enabled });
  try {
    const found = await askFor(`${AGENTS_API}/${agent}`, { method: "PUT", headers: JSON_BODY, body });
    if (found.state) showAgent(button.closest("li"), found);
  } catch {
    button.disabled = true; // until it answers again
  }
  switching.delete(agent);
}

followAgents();
