// Runs: start them, watch them, cancel them.

import { events, getJson, request, sendJson } from "./api.js";

const FINAL = new Set(["succeeded", "failed", "cancelled", "interrupted"]);
const MAX_FAILURES = 20;
const find = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en");
const items = new Map();

let older = null;

function say(id, text, isBad = false) {
  const status = find(id);
  status.textContent = text;
  status.classList.toggle("bad", isBad);
}

const isOver = (run) => FINAL.has(run.state);

function counts({ progress }) {
  const parts = ["written", "unchanged", "skipped", "failed", "pruned"].filter((name) => progress[name])
    .map((name) => `${number.format(progress[name])} ${name}`);
  const total = progress.total === null ? "" : ` of ${progress.total_is_final ? "" : "at least "}${number.format(progress.total)}`;
  return `${number.format(progress.sources)}${total} sources${parts.length ? `: ${parts.join(", ")}` : ""}, ${progress.seconds.toFixed(1)} s`;
}

class Item {
  constructor(run) {
    this.element = find("run-item").content.firstElementChild.cloneNode(true);
    this.run = run;
    this.failures = 0;
    this.part("cancel").addEventListener("click", () => this.cancel());
    this.show();
    if (!isOver(run)) this.watch();
    else if (run.progress.failed) this.listFailures();
  }

  part(name) { return this.element.querySelector(`.${name}`); }

  show() {
    const { run } = this;
    this.part("id").textContent = `Run ${run.id}`;
    const badge = this.part("badge");
    badge.className = `badge ${run.state}`;
    badge.textContent = run.cancelling && !isOver(run) ? "cancelling" : run.state;
    this.part("when").textContent = new Date(run.created).toLocaleString("en");
    this.part("what").textContent = `${run.request.sources.join(", ")} → ${run.request.destination}${run.request.preset ? `, preset ${run.request.preset}` : ""}${run.error ? `: ${run.error}` : ""}`;
    const bar = this.element.querySelector("progress");
    bar.setAttribute("aria-label", `Progress of run ${run.id}`);
    if (run.progress.total && !(isOver(run))) bar.value = run.progress.sources / run.progress.total;
    else if (isOver(run)) bar.value = 1;
    bar.hidden = isOver(run);
    this.part("counts").textContent = counts(run);
    const cancel = this.part("cancel");
    cancel.hidden = isOver(run);
    cancel.disabled = run.cancelling;
    cancel.setAttribute("aria-label", `Cancel run ${run.id}`);
  }

  addFailure(failure) {
    const list = this.part("failures");
    list.hidden = false;
    this.failures += 1;
    if (this.failures > MAX_FAILURES + 1) return;
    const line = document.createElement("li");
    line.textContent = this.failures > MAX_FAILURES ? "…" : `${failure.source}: ${failure.error || failure.reason}`;
    list.append(line);
  }

  async listFailures() {
    try {
      const page = await getJson(`${this.run.links.failures}?limit=${MAX_FAILURES + 1}`);
      for (const failure of page.failures) this.addFailure(failure);
    } catch (error) {
      say("runs-status", `Run ${this.run.id}: ${error.message}`, true);
    }
  }

  apply({ event, data }) {
    if (event === "progress") this.run.progress = data;
    else if (event === "state") Object.assign(this.run, data);
    else if (event === "failure") this.addFailure(data);
    this.show();
  }

  async watch() {
    this.turn = new AbortController();
    try {
      for await (const event of events(this.run.links.events, this.turn.signal)) this.apply(event);
      this.run = await getJson(this.run.links.self);
      this.show();
      say("runs-status", `Run ${this.run.id}: ${this.run.state}.`);
    } catch (error) {
      if (!this.turn.signal.aborted) say("runs-status", `Run ${this.run.id}: ${error.message}`, true);
    }
  }

  async cancel() {
    try {
      this.run = await (await request(this.run.links.self, { method: "DELETE" })).json();
      this.show();
    } catch (error) {
      say("runs-status", error.message, true);
    }
  }
}

function add(run, isNew) {
  if (items.has(run.id)) return;
  const item = new Item(run);
  items.set(run.id, item);
  if (isNew) find("run-list").prepend(item.element);
  else find("run-list").append(item.element);
}

async function list(path) {
  try {
    const page = await getJson(path);
    for (const run of page.runs) add(run, false);
    older = page.next;
    find("more-runs").hidden = !older;
    say("runs-status", items.size ? "" : "No runs.");
  } catch (error) {
    say("runs-status", error.message, true);
  }
}

async function start(event) {
  event.preventDefault();
  const { sources, destination, preset, recipe } = event.target.elements;
  const body = { sources: sources.value.split(",").map((each) => each.trim()).filter(Boolean), destination: destination.value.trim() };
  try {
    if (preset?.value) body.preset = preset.value;
    else body.recipe = JSON.parse(recipe.value);
    const run = await sendJson("POST", "/v1/runs", body, { "Idempotency-Key": crypto.randomUUID?.() ?? String(Math.random()) });
    add(run, true);
    say("run-status", `Run ${run.id} is started.`);
    say("runs-status", "");
  } catch (error) {
    const text = error instanceof SyntaxError ? `The recipe is not JSON: ${error.message}` : error.message;
    say("run-status", error.field ? `${error.field}: ${text}` : text, true);
  }
}

export function startRuns() {
  find("run")?.addEventListener("submit", start);
  find("more-runs").addEventListener("click", () => older && list(older));
  const refresh = () => {
    for (const item of items.values()) item.turn?.abort();
    items.clear();
    find("run-list").replaceChildren();
    list("/v1/runs?limit=20");
  };
  if (!find("key-form")) refresh();
  else say("runs-status", "Enter a key above to see runs.");
  return refresh;
}
