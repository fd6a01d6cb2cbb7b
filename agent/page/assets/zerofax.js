// Keeps the page fresh without moving it: every 5 s the same page is fetched and its <main>
// swapped in. Scroll, focus and an open selection stay. Without this script the page works
// the same, it only has to be reloaded.
"use strict";

const every = 5000;
const patience = 10000;

let asking = false; // one question at a time, so that a late answer replaces no newer one

async function refresh() {
  if (asking || document.hidden || isReading()) return;
  asking = true;
  try {
    const answer = await fetch(location.href, { signal: AbortSignal.timeout(patience), headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = page.querySelector("main#content"); // also of a page that says why there is nothing to show
    if (next && !isReading()) swap(document.querySelector("main"), document.adoptNode(next));
    stale(!next);
  } catch {
    stale(true);
  } finally {
    asking = false;
  }
}

// isReading: whoever marks a text wants to keep it.
function isReading() {
  const selection = getSelection();
  return selection !== null && !selection.isCollapsed && document.querySelector("main").contains(selection.anchorNode);
}

function swap(old, next) {
  if (old.innerHTML === next.innerHTML) return;
  const path = pathTo(old, document.activeElement);
  const [x, y] = [scrollX, scrollY];
  old.replaceChildren(...next.childNodes);
  follow(old, path)?.focus({ preventScroll: true });
  scrollTo(x, y);
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
