// Keeps the page fresh without moving it: every 5 s the same page is fetched and its <main>
// swapped in. Scroll, focus and an open selection stay. Without this script the page works
// the same, it only has to be reloaded.
"use strict";

const every = 5000;
const patience = 10000;

async function refresh() {
  if (document.hidden || isReading()) return;
  try {
    const answer = await fetch(location.href, { signal: AbortSignal.timeout(patience), headers: { Accept: "text/html" } });
    const text = await answer.text();
    if (!answer.ok) throw new Error(answer.statusText);
    const next = new DOMParser().parseFromString(text, "text/html").querySelector("main");
    if (next && !isReading()) swap(document.querySelector("main"), document.adoptNode(next));
    stale(!next);
  } catch {
    stale(true);
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
