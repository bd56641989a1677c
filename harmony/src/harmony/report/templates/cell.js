// One cell: what came of it, its steps among what its roles said, a picture of them, and what repeats it.

// What an outcome says at length unfolds; the rest of its data stands beside the step.
const PARTS = { where: "traceback", traceback: "traceback", stack: "stack", snippet: "snippet" };

function cell_view(cell, before, after) {
  const { detail, steps } = cell, all = happened(cell, steps);
  const link = (other, word, key) => other ? element("a", { class: "button", href: fragment(page.state, { cell: other.key }), rel: key }, word) : "";
  return [
    element("header", {}, element("h2", { id: "heading", tabindex: -1 }, cell.key), element("span", { class: `badge ${cell.verdict.name}` }, cell.verdict.name),
      link(before, "← before", "prev"), link(after, "next →", "next"), element("button", { type: "button", class: "button", click: () => page.dialog.close() }, "close")),
    element("p", {}, `${numbered(cell.scenario)} `, element("span", { class: "dim" }, `${cell.scenario.feature}; ${seconds(cell.took)}, seed ${cell.seed}${cell.scenario.tags.length ? `; ${cell.scenario.tags.map(tag => `@${tag}`).join(" ")}` : ""}`)),
    page.run.past.lines(cell),
    detail.note && element("p", {}, detail.note),
    detail.step && element("p", {}, element("b", {}, detail.step), " ", element("span", { class: "where" }, detail.place || "")),
    detail.error && element("pre", { tabindex: 0 }, detail.error),
    detail.alarms && [element("p", {}, "alarming on stderr:"), element("pre", {}, detail.alarms.join("\n"))],
    element("p", { class: "repeat" }, "repeat with ", element("code", {}, cell.repeat), copying("copy", cell.repeat), copying("copy the link", () => location.href),
      Object.entries(detail.recordings || {}).map(([name, text]) => element("button", { type: "button", class: "button", click: () => download(name, text, "text/yaml") }, `download ${name}`))),
    steps.length || detail.lines ? [element("h3", {}, "What happened"), time_table(all)] : element("p", { class: "note" }, "Its steps are not known."),
    steps.length ? element("details", { open: cell.verdict.red }, element("summary", {}, "As a picture"), element("div", { class: "scroll", tabindex: 0 }, picture(cell, all))) : "",
    steps.flatMap(told_parts),
    detail.report && element("details", {}, element("summary", {}, "As text"), element("pre", { tabindex: 0 }, detail.report)),
    detail.cut && element("p", { class: "note" }, "The page is full: the rest of this cell stands in the file of events."),
    replay(cell, all),
  ];
}

function copying(word, text) {
  const button = element("button", { type: "button", class: "button", click: async () => {
    await navigator.clipboard.writeText(typeof text === "function" ? text() : text);
    button.textContent = "copied";
  } }, word);
  return button;
}

function time_table(all) {
  return element("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "what happened" }, element("table", { class: "time" }, element("tbody", {}, all.map(one =>
    one.row = element("tr", { class: one.kind }, element("td", {}, one.left ? "" : `+${Math.max(0, one.at).toFixed(0)} ms`), element("td", {}, one.who), element("td", {}, one.took),
      element("td", {}, one.step && one.step.verdict.name !== "passed" ? `${one.step.verdict.word} ` : "", one.text, one.step ? about(one.step) : ""))))));
}

function about(step) {
  const told = step.told ? JSON.parse(step.told) : {}, lines = data_of(step);
  const times = Object.keys(told).length > 1 ? Object.entries(told).map(([actor, one]) => `${actor} ${seconds(one.ms / 1e3)}`).join(", ") : "";
  return [times && element("small", {}, ` ${times}`), step.argument && element("pre", {}, step.argument), lines.length ? element("pre", {}, lines.join("\n")) : "", ...step.attached.map(attached_view)].filter(Boolean);
}

// What came of a step, by actor; what its error says already stands there once.
function data_of(step) {
  const lines = [];
  for (const [actor, one] of Object.entries(step.told ? JSON.parse(step.told) : {})) {
    const data = Object.entries(one.data || {}).filter(([name, value]) => value !== null && !(one.error || "").includes(value) && !PARTS[name] && !["sections", "first", "code"].includes(name));
    const words = [one.error, ...data.map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)].filter(Boolean).join("\n");
    if (words) lines.push(step.actors.length > 1 ? `${actor}: ${words}` : words);
  }
  return lines;
}

function told_parts(step) {
  const parts = [];
  for (const [actor, one] of Object.entries(step.told ? JSON.parse(step.told) : {})) {
    const data = one.data || {};
    const named = [...Object.entries(PARTS).map(([name, title]) => [`${title} of ${actor}`, data[name]]), ["hangs first", data.first], ...Object.entries(data.sections || {})];
    for (const [title, text] of named) if (text) parts.push(element("details", {}, element("summary", {}, title), element("pre", { tabindex: 0 }, typeof text === "string" ? text : JSON.stringify(text, null, 1))));
  }
  return parts;
}

// ---- the steps as arrows from the scenario to whoever performs them, and what went from role to role

function picture(cell, all) {
  const gap = 190, high = 34, top = 44, lives = ["scenario", ...cell.roles], x = place => 70 + place * gap;
  const rows = all.filter(one => one.step || one.from || one.left || one.kind === "call");
  const width = Math.max(x(lives.length - 1) + 90, 620), bottom = top + rows.length * high + 10;
  const parts = lives.map((name, place) => element("svg:g", {}, element("svg:line", { class: "life", x1: x(place), x2: x(place), y1: 34, y2: bottom }),
    element("svg:rect", { x: x(place) - 64, y: 4, width: 128, height: 30, rx: 4 }), element("svg:text", { x: x(place), y: 23, "text-anchor": "middle" }, place ? cut(cell.pairs[place - 1], 20) : name)));
  rows.forEach((step, row) => {
    const y = top + row * high + 22, bad = step.step && step.step.verdict.name !== "passed";
    const life = actor => cell.roles.indexOf(actor.split(/[# ]/, 1)[0]) + 1, ends = (step.from ? [step.to] : step.actors).map(life).filter(Boolean);
    const start = step.from ? life(step.from) : 0;
    parts.push(step.arrow = element("svg:g", { class: bad ? "wrong" : step.left ? "skipped" : step.step ? null : "sent" }, element("svg:title", {}, step.text),
      element("svg:text", { x: x(step.from ? Math.min(start, ...ends) : 0) + 8, y: y - 5 }, cut(`${bad ? "✗ " : ""}${step.text}${step.left ? " (not run)" : ""}`, Math.floor((width - x(0)) / 6.4))),
      ends.length ? ends.map(end => { const way = end < start ? -1 : 1; return [element("svg:line", { class: "arrow", x1: x(start), x2: x(end) - 6 * way, y1: y, y2: y }), element("svg:path", { class: "tip", d: `M${x(end)} ${y}l${-8 * way} -4v8z` })]; })
        : element("svg:line", { class: "arrow", x1: x(0), x2: x(0) + 30, y1: y, y2: y })));
  });
  return element("svg:svg", { class: "sequence", viewBox: `0 0 ${width} ${bottom}`, width, height: bottom, role: "img", "aria-label": `${rows.length} steps of ${cell.key}` }, parts);
}

function cut(text, most) { return text.length > most ? `${text.slice(0, most - 1)}…` : text; }
