// What ties it together: the filters, the fragment of the address, the keys.

const page = { run: null, state: null, cells: [], open: new Set(), whole: null, dialog: null, drawn: null };

function show() {
  const before = page.state, state = page.state = wanted();
  if (!before || fragment(before, { cell: "" }) !== fragment(state, { cell: "" })) draw(state);
  show_cell(state);
}

function draw(state) {
  const view = VIEWS[state.view] ? state.view : "features", { cells } = page.run;
  page.cells = chosen(page.run, state);
  page.drawn = null;
  page.find.value === state.q || (page.find.value = state.q);
  page.count.textContent = page.cells.length === cells.length ? plural(cells.length, "cell") : `${plural(page.cells.length, "cell")} of ${cells.length.toLocaleString("en")}`;
  page.chips.replaceChildren(...chips(state));
  page.views.replaceChildren(...Object.keys(VIEWS).map(name => element("a", { href: fragment(state, { view: name, cell: "" }), "aria-current": name === view && "true" }, name)));
  page.place.replaceChildren(...(page.cells.length ? VIEWS[view](page.cells) : [element("p", { class: "note" }, cells.length ? "No cell is as you ask." : "No cell has ended.")]));
  page.drawn?.();
}

function show_cell(state) {
  const cell = page.run.byKey.get(state.cell);
  if (!cell) { if (page.dialog.open) page.dialog.close(); return; }
  const among = page.cells.includes(cell) ? page.cells : page.run.cells, place = among.indexOf(cell);
  page.dialog.replaceChildren(...cell_view(cell, among[place - 1], among[place + 1]).flat(Infinity).filter(Boolean));
  if (!page.dialog.open) page.dialog.showModal();
  page.dialog.scrollTop = 0;
  document.getElementById("heading").focus();
}

function chips(state) {
  const chip = (word, change) => element("li", {}, element("a", { class: "some", href: fragment(state, change), "aria-label": `without ${word}` }, `${word} ×`));
  const made = LISTS.flatMap(name => state[name].map(one => chip(name === "who" ? one.replace(":", "=") : name === "tag" ? `@${one}` : name === "clause" ? `clause ${one}` : one, { [name]: state[name].filter(other => other !== one) })));
  if (state.group) made.push(chip(`group ${state.group}`, { group: "" }));
  if (state.cell && !page.run.byKey.has(state.cell)) made.push(chip(`there is no cell ${state.cell}`, { cell: "" }));
  if (made.length || state.q) made.push(element("li", {}, element("a", { href: fragment({ view: state.view }) }, "all")));
  return made;
}

function choice(name, label) {
  const select = element("select", { "aria-label": label, name, change: () => {
    const { value } = select;
    select.value = "";
    location.hash = fragment(page.state, { [name]: [...new Set([...page.state[name], value])], cell: "" });
  } });
  return select;
}

function option(value, word = value) { return element("option", { value }, word); }

function offer(run) { // what can be chosen of the cells that are there
  const offers = {
    verdict: run.verdicts.filter(verdict => run.cells.some(cell => cell.verdict === verdict)).map(one => option(one.name)),
    who: [element("optgroup", { label: "in any role" }, run.platforms.map(name => option(name))),
      ...run.roles.map(role => element("optgroup", { label: role }, option(`${role}:`, `${role}: whoever`), run.platforms.map(name => option(`${role}:${name}`, `${role}=${name}`))))],
    tag: run.tags.map(tag => option(tag)), clause: run.clauses.map(clause => option(clause)),
  };
  for (const select of page.form.querySelectorAll("select")) {
    const options = offers[select.name];
    select.hidden = !options.length;
    select.replaceChildren(element("option", { value: "" }, select.getAttribute("aria-label")), ...options);
  }
}

function build(run) {
  page.find = element("input", { type: "search", placeholder: "titles, sentences, errors", "aria-label": "find", input: () => {
    history.replaceState(null, "", fragment(page.state, { q: page.find.value, cell: "" }));
    show();
  } });
  page.count = element("b", { role: "status" });
  page.chips = element("ul", { class: "chips" });
  page.views = element("nav", { class: "views", "aria-label": "views" });
  page.place = element("div", { id: "view" });
  page.dialog = element("dialog", { "aria-labelledby": "heading", close: () => { if (page.state.cell) { location.hash = fragment(page.state, { cell: "" }); } } });
  page.form = element("form", { class: "filters", role: "search", submit: event => event.preventDefault() }, page.find, choice("verdict", "verdict …"), choice("who", "platform, role …"),
    choice("tag", "tag …"), choice("clause", "clause …"), page.count);
  offer(run);
  document.getElementById("run").append(page.form, page.chips, page.views, page.place,
    element("p", { class: "note" }, "Keys: / finds; Enter opens; ← and → go from cell to cell; there p plays what happened, , and . go step by step; Esc closes it. The address always leads here again."));
  document.body.append(page.dialog);
}

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const writing = ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName);
  if (event.key === "/" && !writing && !page.dialog.open) { event.preventDefault(); page.find.focus(); page.find.scrollIntoView({ block: "nearest" }); }
  const turn = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
  if (!page.dialog.open || writing) return;
  if (turn) page.dialog.querySelector(`a[rel=${turn}]`)?.click();
  else [...page.dialog.querySelectorAll("[data-key]")].find(one => one.dataset.key === event.key)?.click();
}

async function begin() {
  const run = page.run = new Run(await unpacked(document.getElementById("data").textContent));
  document.documentElement.classList.remove("static");
  build(run);
  show();
  window.addEventListener("hashchange", show);
  window.addEventListener("resize", () => page.drawn?.());
  document.addEventListener("keydown", key);
  // A link of the overview leads to what it chooses.
  document.addEventListener("click", event => {
    const link = event.target.closest("a[href^='#']");
    if (link && !link.closest("#run, dialog") && !link.hash.startsWith("#cell=")) setTimeout(() => document.getElementById("run").scrollIntoView());
  });
  if (location.hash && !page.state.cell) document.getElementById("run").scrollIntoView();
  if (typeof follow === "function") follow(); // a run that goes on
  document.documentElement.dataset.ready = "yes";
}

begin().catch(error => { // The overview stands without it.
  document.documentElement.classList.add("static");
  document.querySelector("main").append(element("p", { class: "problem" }, `The cells cannot be shown in this browser: ${error}`));
});
