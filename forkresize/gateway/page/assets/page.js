// Shows what needs scripts, and starts it.

import { setKey } from "./api.js";
import { startRuns } from "./runs.js";
import { startTrying } from "./try.js";

const find = (id) => document.getElementById(id);

for (const section of document.querySelectorAll("[data-live]")) section.hidden = false;

async function copy(button) {
  const source = find(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    button.textContent = "Copied";
  } catch {
    // Without a secure context there is no clipboard: select the text, for the keyboard to copy it.
    if (source.select) source.select();
    else getSelection().selectAllChildren(source);
    button.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}

for (const button of document.querySelectorAll("[data-copy]")) button.addEventListener("click", () => copy(button));

const parts = [];
if (find("recipe")) parts.push(startTrying());
if (find("run-list")) parts.push(startRuns());

find("key-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  setKey(event.target.elements.key.value.trim());
  find("key-status").textContent = "The page sends it from now on.";
  for (const refresh of parts) refresh();
});
