// Keeps the page fresh without moving it: every 5 s the same page is fetched and its <main>
// swapped in. Scroll, focus, an open selection, open <details> and what a script drew stay, and
// a page on which somebody fills in a form is left alone. Without this script the page works the
// same, it only has to be reloaded.
"use strict";

const every = 5000;
const patience = 10000;

let asking = false; // one question at a time, so that a late answer replaces no newer one

async function refresh() {
  if (asking || document.hidden || isInUse()) return;
  asking = true;
  try {
    const answer = await fetch(location.href, { signal: AbortSignal.timeout(patience), headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = page.querySelector("main#content"); // also of a page that says why there is nothing to show
    if (next && !isInUse()) swap(document.querySelector("main"), document.adoptNode(next));
    stale(!next);
  } catch {
    stale(true);
  } finally {
    asking = false;
  }
}

// isInUse: whoever marks a text, types, or reads the answer to a form (data-still) wants to keep it.
function isInUse() {
  const main = document.querySelector("main");
  const selection = getSelection();
  return main.matches("[data-still]") || main.querySelector("dialog[open]") !== null ||
    selection !== null && !selection.isCollapsed && main.contains(selection.anchorNode) ||
    [...main.querySelectorAll("input, select, textarea")].some(c => c === document.activeElement || isChanged(c));
}

function isChanged(control) {
  if (control.options) return [...control.options].some((o, i) => o.selected !== (o.defaultSelected || isFirst(control, i)));
  if (control.type === "checkbox" || control.type === "radio") return control.checked !== control.defaultChecked;
  return control.value !== control.defaultValue;
}

// isFirst: where the page chooses nothing, a browser chooses a list's first entry.
function isFirst(list, i) {
  return i === 0 && list.type === "select-one" && ![...list.options].some(o => o.defaultSelected);
}

let shown = document.querySelector("main").innerHTML; // as it came, before scripts drew into it

function swap(old, next) {
  if (shown === next.innerHTML) return;
  shown = next.innerHTML;
  const path = pathTo(old, document.activeElement);
  const [x, y] = [scrollX, scrollY];
  keep(old, next);
  old.replaceChildren(...next.childNodes);
  follow(old, path)?.focus({ preventScroll: true });
  scrollTo(x, y);
  document.dispatchEvent(new Event("refreshed"));
}

// keep saves for the next page what is open in the old one, and what was drawn there of the same data.
function keep(old, next) {
  for (const open of old.querySelectorAll("details[open]")) {
    const same = open.id ? next.querySelector("#" + CSS.escape(open.id)) : follow(next, pathTo(old, open));
    if (same?.matches("details")) same.open = true;
  }
  for (const made of old.querySelectorAll("[data-keep][id]")) {
    const same = next.querySelector("#" + CSS.escape(made.id));
    const data = made.querySelector("script")?.textContent;
    if (same && data !== undefined && data === same.querySelector("script")?.textContent) same.replaceWith(made);
  }
}

// pathTo says where in root the focus stands, as places among siblings; null if it is elsewhere.
function pathTo(root, element) {
  if (element === root || !root.contains(element)) return null;
  const path = [];
  for (let at = element; at !== root; at = at.parentElement) path.unshift([...at.parentElement.children].indexOf(at));
  return path;
}

function follow(root, path) {
  if (path === null) return null;
  let at = root;
  for (const place of path) at = at?.children[place];
  return at;
}

function stale(yes) {
  document.getElementById("stale").hidden = !yes;
}

setInterval(refresh, every);
document.addEventListener("visibilitychange", refresh);
