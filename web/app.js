// The page at /ui: what runs, what failed and why, how fast; and the buttons for what can be done about it.
//
// Owns nothing: everything shown is asked of the worker that serves the page, every two seconds. Invariant: what comes from the worker
// goes into the page as text, never as markup.

const PERIOD_MS = 2000;
const METHODS = { pause: "PUT", resume: "PUT", stop: "PUT", restart: "POST" };

const byId = (id) => document.getElementById(id);

/** An element with attributes and children; text stays text. */
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Asks the worker: JSON, text, or null where there is no body. The error is a sentence. */
async function ask(method, path) {
  const response = await fetch(path, { method, headers: { Accept: "application/json, text/plain" } });
  const text = await response.text();
  const isJson = (response.headers.get("content-type") ?? "").includes("json");
  if (!response.ok) {
    let message = `${response.status} ${response.statusText}`;
    try { message = JSON.parse(text).message; } catch { /* the status says it */ }
    throw new Error(message);
  }
  return text === "" ? null : isJson ? JSON.parse(text) : text;
}

/** Sums of a metric by connector, from Prometheus' text. */
export function byConnector(text, name) {
  const sums = new Map();
  for (const line of text.split("\n")) {
    if (!line.startsWith(name + "{")) continue;
    const match = /connector="((?:[^"\\]|\\.)*)"/.exec(line);
    const value = Number(line.slice(line.lastIndexOf(" ") + 1));
    if (!match || Number.isNaN(value)) continue;
    const connector = match[1].replace(/\\(.)/g, (_, char) => (char === "n" ? "\n" : char));
    sums.set(connector, (sums.get(connector) ?? 0) + value);
  }
  return sums;
}

const path = (name) => `/connectors/${encodeURIComponent(name)}`;

function say(problem) {
  byId("problem").textContent = problem;
  byId("problem").hidden = problem === "";
}

async function act(name, action) {
  try {
    if (action === "delete") {
      if (!(await confirmed(name))) return;
      await ask("DELETE", path(name));
    } else {
      const query = action === "restart" ? "?includeTasks=true" : "";
      await ask(METHODS[action], `${path(name)}/${action}${query}`);
    }
    say("");
  } catch (error) {
    say(`${action} ${name}: ${error.message}`);
  }
  await refresh();
}

function confirmed(name) {
  const dialog = byId("confirm");
  byId("question").textContent = `Delete the connector "${name}"? Its offsets are kept.`;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}

function state(of) {
  const shown = make("span", { class: `state ${of.state}` }, of.state);
  if (!of.trace) return [shown];
  const open = openTraces.has(of.key);
  const details = make("details", open ? { open: "" } : {}, make("summary", {}, of.trace.split("\n")[0]), make("pre", { tabindex: "0" }, of.trace));
  details.addEventListener("toggle", () => openTraces[details.open ? "add" : "delete"](of.key));
  return [shown, details];
}

/** Traces that somebody is reading, which a refresh must not close. */
const openTraces = new Set();

function actions(name, connector) {
  const idle = connector.state === "PAUSED" || connector.state === "STOPPED";
  const possible = idle ? ["resume", ...(connector.state === "PAUSED" ? ["stop"] : [])] : ["pause", "stop", "restart"];
  return [...possible, "delete"].map((action) => {
    const button = make("button", { type: "button", "aria-label": `${action} ${name}`, "data-key": `${action} ${name}` }, action);
    if (action === "delete") button.className = "danger";
    button.addEventListener("click", () => act(name, action));
    return button;
  });
}

const number = (value) => (value === undefined ? "" : value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 1 : 0 }));

function row(name, { status, info }, topics, rates, totals) {
  const tasks = status.tasks.map((task) => make("li", {}, `${task.id} `, ...state({ ...task, key: `${name} ${task.id}` })));
  return make("tr", {},
    make("th", { scope: "row" }, name),
    make("td", {}, info.type),
    make("td", {}, ...state({ ...status.connector, key: name })),
    make("td", {}, make("ul", {}, ...tasks)),
    make("td", { class: "number" }, number(rates.get(name))),
    make("td", { class: "number" }, number(totals.get(name))),
    make("td", {}, topics.join(", ")),
    make("td", {}, ...actions(name, status.connector)));
}

function merged(...maps) {
  return new Map(maps.flatMap((map) => [...map]));
}

async function refresh() {
  try {
    const [root, health, all, metrics] = await Promise.all([
      ask("GET", "/"), ask("GET", "/health").catch((error) => ({ message: error.message })),
      ask("GET", "/connectors?expand=status&expand=info"), ask("GET", "/metrics")]);
    const names = Object.keys(all).sort();
    const topics = await Promise.all(names.map((name) => ask("GET", `${path(name)}/topics`).then((of) => of[name].topics.sort(), () => [])));
    const rates = merged(byConnector(metrics, "kafka_connect_source_task_source_record_write_rate"), byConnector(metrics, "kafka_connect_sink_task_sink_record_send_rate"));
    const totals = merged(byConnector(metrics, "kafka_connect_source_task_source_record_write_total"), byConnector(metrics, "kafka_connect_sink_task_sink_record_send_total"));
    const focused = document.activeElement?.dataset?.key;
    byId("worker").textContent = `version ${root.version}, cluster ${root.kafka_cluster_id}`;
    byId("health").textContent = health.message;
    byId("connectors").replaceChildren(...names.map((name, i) => row(name, all[name], topics[i], rates, totals)));
    byId("none").hidden = names.length > 0;
    // Who works with the keyboard keeps the place.
    if (focused) [...document.querySelectorAll("button")].find((button) => button.dataset.key === focused)?.focus();
    if (byId("problem").textContent.startsWith("The worker")) say("");
  } catch (error) {
    say(`The worker does not answer: ${error.message}`);
  }
}

async function run() {
  byId("origin").textContent = location.origin;
  for (;;) {
    // A page that nobody sees asks nothing, and one with a question open stays as it is.
    if (!document.hidden && !byId("confirm").open) await refresh();
    await new Promise((resolve) => setTimeout(resolve, PERIOD_MS));
  }
}

run();
