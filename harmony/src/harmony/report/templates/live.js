// A run that goes on: what has come of it is taken, and what a reader has opened, chosen, focused and scrolled to stays.

const live = { place: null, now: null, heard: 0, taking: Promise.resolve(), lost: false, stale: false, timer: 0, took: 0, held: false };
const SOONEST = 400; // milliseconds from one drawing to the next; nine tenths of the time are the reader's

function follow() {
  live.place = document.getElementById("now");
  page.count.setAttribute("aria-live", "off");
  const source = new EventSource("events");
  source.onopen = () => { live.lost = false; };
  source.onerror = () => { live.lost = true; show_now(); };
  source.onmessage = event => {
    const told = JSON.parse(event.data);
    if (told.now.over && told.overview) source.close();
    live.taking = live.taking.then(() => take(told)).catch(error => { source.close(); live.failed = `${error}`; show_now(); });
  };
  // What a reader presses or selects is not taken from under the hand.
  for (const name of ["pointerdown", "pointerup", "pointercancel"]) document.addEventListener(name, () => { live.held = name === "pointerdown"; });
  setInterval(show_now, 1000);
  show_now();
}

async function take({ cells, now, overview }) {
  [live.now, live.heard] = [now, performance.now()];
  if (overview) await renew(overview);
  if (cells) {
    const { cell } = page.state, before = page.run.byKey.get(cell);
    page.run.take(cells);
    if (cell && page.run.byKey.get(cell) !== before) keeping(page.dialog, () => show_cell(page.state));
  }
  if (cells || overview) { live.stale = true; soon(); }
  show_now();
}

// ---- the overview, as the run makes it: what is as it was is left alone

async function renew(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html"), before = page.run.groups[page.state.group - 1];
  morph(document.querySelector("main"), fresh.querySelector("main"));
  const data = await unpacked(fresh.getElementById("data").textContent);
  page.run.tell(data);
  if (!before) return;
  const [first] = before, group = page.run.groups.findIndex(some => some.has(first)) + 1;
  if (group && `${group}` !== page.state.group) { history.replaceState(null, "", fragment(page.state, { group: `${group}` })); page.state = wanted(); }
}

function name_of(node) { return node && (node.id || node.dataset?.key); }

function morph(old, fresh) {
  if (old.id === "now" || old.id === "run") return;
  if (old.nodeType !== Node.ELEMENT_NODE) { if (old.data !== fresh.data) old.data = fresh.data; return; }
  for (const { name } of [...old.attributes]) if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  const wanted_names = new Set([...fresh.childNodes].map(name_of)), known = new Map([...old.childNodes].filter(name_of).map(node => [name_of(node), node]));
  let at = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const name = name_of(child), same = name ? known.get(name) : at && !name_of(at) && at.nodeName === child.nodeName ? at : null;
    if (!same) { old.insertBefore(child, at); continue; }
    known.delete(name);
    while (name && at !== same && !(name_of(at) && wanted_names.has(name_of(at)))) { const gone = at; at = at.nextSibling; gone.remove(); }
    if (at !== same) old.insertBefore(same, at); else at = at.nextSibling;
    morph(same, child);
  }
  while (at) { const gone = at; at = at.nextSibling; gone.remove(); }
}

// ---- the cells

function soon() {
  if (!live.timer && live.stale) live.timer = setTimeout(() => { live.timer = 0; redraw(); soon(); }, Math.max(SOONEST, 9 * live.took));
}

function busy() {
  const selection = getSelection();
  return document.hidden || live.held || (!selection.isCollapsed && page.place.contains(selection.anchorNode));
}

function redraw() {
  if (busy()) return;
  const begin = performance.now();
  live.stale = false;
  if (!page.form.contains(document.activeElement) || document.activeElement === page.find) offer(page.run);
  keeping(document.getElementById("run"), () => draw(page.state));
  document.body.offsetHeight; // laid out: that is what it takes
  live.took = performance.now() - begin;
}

function mark(node) { return node.dataset.key || node.getAttribute("href") || node.getAttribute("aria-label") || node.textContent; }

function keeping(place, change) {
  const { activeElement: active } = document, [left, top, inner] = [scrollX, scrollY, place.scrollTop];
  const alike = node => [...place.querySelectorAll(node.tagName)].filter(one => mark(one) === mark(node));
  const focused = active !== place && place.contains(active) && [active, alike(active).indexOf(active)];
  const scrolled = [...place.querySelectorAll(".scroll")].filter(one => one.scrollLeft || one.scrollTop).map(one => [one, one.scrollLeft, one.scrollTop]);
  change();
  for (const [one, x, y] of scrolled) alike(one)[0]?.scrollTo(x, y);
  if (focused && !focused[0].isConnected) (alike(focused[0])[focused[1]] || alike(focused[0])[0])?.focus({ preventScroll: true });
  place.scrollTop = inner;
  scrollTo(left, top);
}

// ---- what runs now

function show_now() {
  const { now } = live, lost = live.failed ? `The page could not take what the run told: ${live.failed}` : live.lost && !now?.over ? "The run tells nothing any more: its process has ended, or cannot be reached." : "";
  if (!now) { live.place.replaceChildren(element("p", { class: "note" }, lost || "The run begins.")); return; }
  const since = performance.now() - live.heard, left = now.over ? "" : now.planned ? `${now.done.toLocaleString("en")} of ${plural(now.planned, "cell")}` : "The run begins";
  document.title = now.over ? document.querySelector(".verdict").textContent : `${left} · ${document.querySelector("h1").textContent}`;
  live.place.replaceChildren(
    now.over ? element("p", { class: "note" }, "The run is over; nothing changes any more.") : element("p", {}, element("progress", { max: Math.max(now.planned, 1), value: now.done, "aria-label": "cells that have ended" }), " ", left, time_left(now, since), now.running.length ? ", and now:" : ""),
    ...(lost ? [element("p", { class: "problem" }, lost)] : now.over ? [] : [element("ul", { class: "running" }, now.running.map(([cell, took, step, late, before, lines]) =>
      element("li", { class: late && "late" }, element("b", {}, `${late ? "! " : ""}${((took + since) / 1e3).toFixed(0)} s`), late && before ? ` (before: ${before.toFixed(1)} s)` : "", " ", cell, " ", step && element("span", { class: "dim" }, step),
        late && lines.length ? element("pre", {}, lines.join("\n")) : "")), now.more ? element("li", {}, `and ${now.more} more`) : "")]));
  if (now.over) page.count.removeAttribute("aria-live");
}

function time_left(now, since) {
  if (now.left === null) return "";
  const left = Math.max(0, now.left - Math.round(since / 1e3)), minutes = Math.floor(left / 60);
  return `, about ${minutes}:${String(left % 60).padStart(2, "0")} left`;
}
