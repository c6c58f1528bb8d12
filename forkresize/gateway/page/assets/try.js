// The form that tries a recipe: its preview, URL and code.

import { getJson, hasKey, request, sendJson } from "./api.js";
import { snippet } from "./snippets.js";

const DELAY = 300;
// As an <img> asks, so that the preview has the format that a page would get.
const ACCEPT = { Accept: "image/avif,image/webp,image/*,*/*;q=0.8" };
// Words of URLs, and of the command.
const FITS = { fill: "cover", "fit+extend": "contain", force: "fill" };
const find = (id) => document.getElementById(id);
const form = find("recipe");
const value = (name) => form.elements[name]?.value.trim() ?? "";
const segments = (key) => key.split("/").map(encodeURIComponent).join("/");
const isPresetsOnly = form?.dataset.presetsOnly === "yes";
const isSigned = form?.dataset.signed === "yes";

let timer, turn = new AbortController(), shown = "", facts = null;

// Options of a URL, in the notation of imgproxy.
function options(width) {
  if (value("preset")) return [`pr:${value("preset")}`];
  const [fit, extend] = value("fit").split("+");
  const enlarge = form.elements.enlarge?.checked ? 1 : 0;
  const size = width || value("height") ? [`rs:${fit}:${width || 0}:${value("height") || 0}:${enlarge}${extend ? ":1" : ""}`] : [];
  const gravity = value("gravity") && value("gravity") !== "ce" ? [`g:${value("gravity")}`] : [];
  const others = [["q", "quality"], ["bl", "blur"], ["f", "format"]].filter(([, name]) => value(name)).map(([short, name]) => `${short}:${value(name)}`);
  return [...size, ...gravity, ...others, ...value("more").split("/").filter(Boolean).map((each) => each.split(":").map(encodeURIComponent).join(":"))];
}

function path(width) {
  const asked = isPresetsOnly ? [value("preset")] : options(width);
  return `/${[...asked, "plain", segments(value("root")), segments(value("picture"))].join("/")}`;
}

async function urls(paths) {
  if (!isSigned) return paths.map((each) => `/i/unsafe${each}`);
  return (await sendJson("POST", "/v1/sign", { paths })).urls;
}

function widths() {
  const height = Number(value("height")), width = Number(value("width"));
  if (value("preset") || !width) return [];
  const found = [...new Set(value("widths").split(/[\s,]+/).map(Number).filter((each) => Number.isInteger(each) && each > 0))];
  // A height belongs to one width only.
  return height ? [] : found.sort((one, other) => one - other);
}

async function describeUrl() {
  const sizes = widths();
  const [url, ...others] = (await urls([path(value("width")), ...sizes.map(path)])).map((each) => new URL(each, location.href).href);
  return { url, sources: sizes.map((width, index) => [width, others[index]]), fetch: () => request(url, { signal: turn.signal, headers: ACCEPT }) };
}

// The same in the words of the command, which uploads take.
function fields() {
  if (value("preset")) return { preset: value("preset") };
  const gravity = form.elements.gravity?.selectedOptions[0].text;
  return {
    width: value("width"), height: value("height"), fit: FITS[value("fit")] ?? "",
    gravity: { center: "", smart: "attention" }[gravity] ?? gravity ?? "", enlarge: form.elements.enlarge?.checked ? "true" : "",
    format: value("format") === "auto" ? "" : value("format"), quality: value("quality"), blur: value("blur"),
  };
}

function describeUpload() {
  const file = form.elements.file.files[0];
  const query = new URLSearchParams(Object.entries(fields()).filter(([, each]) => each));
  const url = new URL(`/v1/transform?${query}`, location.href).href;
  const send = { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" }, signal: turn.signal };
  return { url, name: file.name, key: hasKey(), sources: [], fetch: () => request(url, send) };
}

const isUpload = () => value("from") === "file";

function missing() {
  if (!form.checkValidity()) return "Correct the fields that are marked.";
  if (isUpload()) return form.elements.file.files.length ? "" : "Choose a file.";
  return value("picture") ? "" : "Choose a picture.";
}

function say(text, isBad = false) {
  const status = find("status");
  status.textContent = text;
  status.classList.toggle("bad", isBad);
}

function showCode() {
  const language = document.querySelector("[name=language]:checked").value;
  find("srcset").hidden = isUpload() || language !== "html";
  find("url").value = facts?.url ?? "";
  find("code").textContent = facts ? snippet(language, facts) : "";
}

async function showPicture(response, started) {
  const blob = await response.blob();
  const seconds = (performance.now() - started) / 1000;
  const image = find("image");
  if (shown) URL.revokeObjectURL(shown);
  shown = URL.createObjectURL(blob);
  image.src = shown;
  await image.decode();
  image.hidden = false;
  image.alt = `The result: ${image.naturalWidth} × ${image.naturalHeight} pixels`;
  const size = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 }).format(blob.size / 1000);
  say(`${image.naturalWidth} × ${image.naturalHeight} pixels, ${blob.type.replace("image/", "").toUpperCase()}, ${size} kB, in ${seconds.toFixed(2)} s`);
}

async function update() {
  turn.abort();
  turn = new AbortController();
  const { signal } = turn;
  const hint = missing();
  if (hint) {
    say(hint);
    return;
  }
  say("Rendering…");
  const started = performance.now();
  try {
    facts = isUpload() ? describeUpload() : await describeUrl();
    facts.file = "picture.img";
    if (signal.aborted) return;
    showCode();
    const response = await facts.fetch();
    // A browser and a program get different formats, if the format is automatic.
    if (value("format") !== "auto") facts.file = `picture.${response.headers.get("Content-Type").replace("image/", "")}`;
    showCode();
    await showPicture(response, started);
  } catch (error) {
    if (signal.aborted) return;
    find("image").hidden = true;
    say(error.name === "EncodingError" ? "This browser does not show the format." : `${error.field ? `${error.field}: ` : ""}${error.message}`, true);
  }
}

function schedule() {
  clearTimeout(timer);
  timer = setTimeout(update, DELAY);
}

async function suggest() {
  const query = new URLSearchParams({ prefix: value("picture"), limit: 50 });
  try {
    const page = await getJson(`/v1/roots/${encodeURIComponent(value("root"))}/keys?${query}`);
    find("keys").replaceChildren(...page.keys.map(({ key }) => new Option(key, key)));
    return page.keys;
  } catch (error) {
    say(error.message, true);
    return [];
  }
}

async function suggestFirst() {
  const keys = await suggest();
  if (!value("picture") && keys.length) form.elements.picture.value = keys[0].key;
  if (value("picture")) schedule();
}

function switchSource() {
  for (const part of form.querySelectorAll("[data-from]")) part.hidden = part.dataset.from !== value("from");
  if (form.elements.more) form.elements.more.disabled = isUpload();
  find("url").labels[0].textContent = isUpload() ? "URL that takes the file" : "URL";
}

export function startTrying() {
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    for (const part of form.querySelectorAll("[data-options]")) part.disabled = value("preset") !== "";
    if (event.target.name === "from") switchSource();
    if (event.target.name === "root") form.elements.picture.value = "";
    if (event.target.name === "root") suggestFirst();
    if (event.target.name === "picture") suggest();
    schedule();
  });
  document.querySelector(".snippet").addEventListener("change", showCode);
  if (!isSigned) suggestFirst();
  else say("Enter a key above, then choose a picture.");
  return suggestFirst;
}
