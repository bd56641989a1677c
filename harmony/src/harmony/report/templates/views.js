// The views of the cells that are wanted. Each takes them and returns elements.

const LONGEST_LIST = 200;

function tally(cells) {
  const found = [...grouped(cells, cell => cell.gravity)].sort(([one], [other]) => one - other);
  return element("span", { class: "tally" }, found.map(([, some]) =>
    element("span", { class: some[0].verdict.name }, `${some.length} ${some[0].verdict.word}`)));
}

function score(cells) {
  const passed = cells.filter(cell => cell.verdict.name === "passed").length, red = cells.some(cell => cell.verdict.red);
  return passed === cells.length ? ["passed", `■ ${passed}`] : [red ? "red" : "some", `${red ? "✗" : "□"} ${passed}/${cells.length}`];
}

function open_link(cell, ...words) { return element("a", { href: fragment(page.state, { cell: cell.key }) }, ...words); }

function score_cell(cells, change) {
  if (!cells || !cells.length) return element("td");
  const [kind, word] = score(cells);
  return element("td", { class: kind }, element("a", { href: fragment(page.state, change) }, word));
}

function table(kind, heads, rows, label) {
  return element("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": label }, element("table", { class: kind },
    element("thead", {}, element("tr", {}, heads.map((head, place) => place ? element("th", { scope: "col" }, head) : element("td", { class: "corner" }, head)))),
    element("tbody", {}, rows)));
}

function longer(items, made, tag = "div") {
  const asked = fragment(page.state, { cell: "" }), most = page.whole === asked ? items.length : LONGEST_LIST;
  const list = element(tag, { class: "tree" }, items.slice(0, most).map(made));
  if (items.length <= most) return [list];
  const more = element("button", { class: "button", type: "button", click: () => { page.whole = asked; list.append(...items.slice(LONGEST_LIST).map(made)); more.remove(); } }, `all ${items.length.toLocaleString("en")}`);
  return [list, more];
}

// ---- features, their scenarios, and the squares of a scenario

function unfolding(name, cells, key, inside, beside = "") {
  const place = element("div"), button = element("button", { type: "button", class: "line", "aria-expanded": false, "data-key": key, click: () => turn(!page.open.has(key)) },
    element("span", { class: "name" }, name), tally(cells), beside);
  function turn(open) {
    open ? page.open.add(key) : page.open.delete(key);
    button.setAttribute("aria-expanded", open);
    place.replaceChildren(...(open ? inside() : []));
  }
  if (page.open.has(key)) turn(true);
  return element("li", {}, button, place);
}

function features(cells) {
  const by_feature = grouped(cells, cell => cell.scenario.feature);
  if (grouped(cells, cell => cell.scenario).size <= 6) for (const name of by_feature.keys()) page.open.add(name);
  return [element("ul", { class: "tree" }, [...by_feature].map(([name, some]) => unfolding(name || "(no feature)", some, name, () => {
    const by_scenario = [...grouped(some, cell => cell.scenario)];
    if (by_scenario.length === 1) page.open.add(`${name}\n${by_scenario[0][0].id}`);
    return [element("ul", { class: "tree" }, by_scenario.map(([scenario, these]) =>
      unfolding(numbered(scenario), these, `${name}\n${scenario.id}`, () => [element("div", { class: "squares" }, squares_of(these))], page.run.past.of_scenario(scenario))))];
  })))];
}

function numbered(scenario) { // the row of an outline has a number of its own: 16.2.5
  const [number] = scenario.title.split(" ", 1);
  return /^[\d.]+$/.test(scenario.id) && scenario.id.startsWith(`${number}.`) ? `${scenario.id}${scenario.title.slice(number.length)}` : scenario.title;
}

function squares_of(cells) {
  const { roles } = cells[0], [down, right] = roles.length > 1 ? [roles.length - 2, roles.length - 1] : [-1, 0];
  return [...grouped(cells, cell => cell.pairs.slice(0, Math.max(down, 0)).join(", "))].map(([others, some]) => {
    const rows = grouped(some, cell => down < 0 ? "" : cell.who[down]), columns = [...new Set(some.map(cell => cell.who[right]))].sort();
    return element("section", {}, others && element("h3", {}, others), table("square", [`${down < 0 ? "" : `${roles[down]} ↓ `}${roles[right]} →`, ...columns],
      [...rows].sort(([one], [other]) => natural(one, other)).map(([row, these]) => element("tr", {}, row ? element("th", { scope: "row" }, row) : element("td", { class: "corner" }), columns.map(column => {
        const cell = these.find(one => one.who[right] === column);
        return cell ? element("td", { class: cell.verdict.name }, open_link(cell, cell.verdict.word)) : element("td");
      }))), `cells of ${cells[0].scenario.id} ${others}`));
  });
}

function list(cells) {
  const sorted = [...cells].sort((one, other) => one.gravity - other.gravity || one.index - other.index);
  return longer(sorted, cell => element("li", {}, element("span", { class: `badge ${cell.verdict.name}` }, cell.verdict.word), " ", open_link(cell, cell.key), " ",
    cell.scenario.title.replace(/^[\d.]+ /, ""), cell.said && element("div", { class: "dim" }, cell.said), page.run.past.since(cell) && element("div", { class: "where" }, page.run.past.since(cell))), "ul");
}

// ---- a seat for each implementation

function seats(cells) {
  const asked = page.state.who.map(token => token.split(":").pop()), all = page.run.platforms;
  const shown = all.filter(platform => (!asked.some(one => all.includes(one)) || asked.includes(platform)) && cells.some(cell => cell.who.includes(platform)));
  return shown.map(platform => {
    const own = cells.filter(cell => cell.who.includes(platform)), parts = [];
    for (const [roles, some] of grouped(own, cell => cell.roles.join(" and "))) {
      const names = roles.split(" and "), rows = [];
      for (const role of names) for (const other of names.length > 1 ? names.filter(one => one !== role) : [role]) {
        const these = some.filter(cell => cell.who[names.indexOf(role)] === platform), partners = grouped(these, cell => cell.who[names.indexOf(other)]);
        rows.push([role === other ? `as ${role}` : `as ${role}, ${other} →`, partners, partner => ({ who: role === other ? [`${role}:${platform}`] : [`${role}:${platform}`, `${other}:${partner}`], view: "features" })]);
      }
      const columns = [...new Set(rows.flatMap(([, partners]) => [...partners.keys()]))].sort();
      parts.push(table("square", [roles, ...columns], rows.map(([head, partners, change]) =>
        element("tr", {}, element("th", { scope: "row" }, head), columns.map(name => score_cell(partners.get(name), change(name))))), `${platform} in ${roles}`));
    }
    const bad = grouped(own.filter(cell => cell.verdict.red), cell => `${cell.verdict.word} ${shape_of(cell.detail.step || "")}: ${cell.said.replace(VALUE, "'…'").replace(/\d+/g, "#")}`);
    return element("section", {}, element("h2", {}, element("a", { href: fragment(page.state, { who: [platform], view: "features" }) }, platform), " ", tally(own), " ", page.run.past.of_platform(platform)),
      element("div", { class: "squares" }, parts), bad.size ? element("ul", {}, [...bad].sort(([, one], [, other]) => other.length - one.length).slice(0, 8)
        .map(([said, some]) => element("li", {}, `${some.length} × `, open_link(some[0], said)))) : "");
  });
}

// ---- steps, clauses, times

const VALUE = /(?<!\w)'[^']*'( process\b)?/g;

function shape_of(sentence) { return sentence.replace(/^(Given|When|Then|And|But|\*) /, "").replace(VALUE, (all, process) => process ? all : "'…'"); }

function steps(cells) {
  const shapes = new Map(), platforms = new Set();
  const known = new Map();
  for (const cell of cells) for (const step of cell.steps) {
    let shape = known.get(step.text);
    if (shape === undefined) known.set(step.text, shape = shape_of(step.text));
    const row = shapes.get(shape) || shapes.set(shape, new Map()).get(shape);
    const told = step.actors.length > 1 && step.told ? JSON.parse(step.told) : {};
    for (const actor of step.actors) {
      const platform = cell.player(actor), own = told[actor];
      if (!platform) continue;
      platforms.add(platform);
      const seen = row.get(platform) || row.set(platform, { took: [], bad: 0 }).get(platform);
      seen.took.push(own ? own.ms / 1e3 : step.took);
      seen.bad += (own ? own.verdict : step.verdict.name) !== "passed";
    }
  }
  const names = [...platforms].sort();
  if (!names.length) return [element("p", { class: "note" }, "Nothing is known of the steps of these cells.")];
  return [element("p", { class: "note" }, "How often each platform has performed a sentence, and how long that took it, at the median."),
    table("ruled times", ["step", ...names], [...shapes].filter(([, row]) => row.size).map(([shape, row]) => element("tr", {}, element("th", { scope: "row" }, shape),
      names.map(name => { const seen = row.get(name); return seen ? element("td", { class: seen.bad ? "red" : null }, `${seen.took.length} × ${seconds(median(seen.took))}`, seen.bad ? [element("br"), `${seen.bad} did not pass`] : "") : element("td"); }))), "steps by platform")];
}

function bar(part) {
  return element("svg:svg", { class: "bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": true }, element("svg:rect", { width: 100 * part, height: 10 }));
}

function slowest(cells) {
  const slow = [...cells].sort((one, other) => other.took - one.took).slice(0, 30), most = slow.length ? slow[0].took : 1;
  return [table("ruled", ["took", "cell", "slowest step"], slow.map(cell => {
    const step = cell.steps.reduce((one, other) => one && one.took >= other.took ? one : other, null);
    return element("tr", {}, element("td", {}, seconds(cell.took), " ", bar(cell.took / most)), element("td", {}, open_link(cell, cell.key)),
      element("td", {}, step ? `${seconds(step.took)}: ${step.text}` : ""));
  }), "slowest cells")];
}

// ---- who ran what when

function timeline(cells) {
  const lane = 12, left = 90, end = Math.max(...cells.map(cell => cell.begun + cell.took * 1e3), 1), drawn = [], heads = [];
  let row = 0;
  for (const platform of [...new Set(cells.flatMap(cell => cell.who))].sort()) {
    const ends = [];
    for (const cell of cells.filter(one => one.who.includes(platform)).sort((one, other) => one.begun - other.begun)) {
      let place = ends.findIndex(busy => busy <= cell.begun + 1);
      if (place < 0) place = ends.length;
      ends[place] = cell.begun + cell.took * 1e3;
      drawn.push([cell, row + place]);
    }
    heads.push([platform, row]);
    row += ends.length + 1;
  }
  const canvas = element("canvas", { role: "img", "aria-label": `${plural(cells.length, "cell")} in ${seconds(end / 1e3)}, a group of lanes for each platform`, height: row * lane + 20 });
  const told = element("p", { class: "note", "aria-live": "polite" }, "Point at a cell, or click it to open it.");
  const at = event => {
    const x = event.offsetX, y = Math.floor(event.offsetY / lane), scale = (canvas.clientWidth - left) / end;
    return drawn.find(([cell, place]) => place === y && x >= left + cell.begun * scale - 1 && x <= left + (cell.begun + cell.took * 1e3) * scale + 1)?.[0];
  };
  canvas.addEventListener("mousemove", event => { const cell = at(event); if (cell) told.textContent = `${cell.key}: ${cell.verdict.name}, ${seconds(cell.took)} from ${seconds(cell.begun / 1e3)} on`; });
  canvas.addEventListener("click", event => { const cell = at(event); if (cell) location.hash = fragment(page.state, { cell: cell.key }); });
  page.drawn = () => {
    const style = getComputedStyle(document.documentElement), colour = name => style.getPropertyValue(name), ratio = devicePixelRatio || 1, width = canvas.clientWidth;
    canvas.width = width * ratio; canvas.height = (row * lane + 20) * ratio;
    canvas.style.height = `${row * lane + 20}px`;
    const pen = canvas.getContext("2d"), scale = (width - left) / end;
    pen.scale(ratio, ratio); pen.font = "12px system-ui";
    pen.fillStyle = colour("--ink");
    for (const [name, place] of heads) pen.fillText(name, 0, place * lane + 10, left - 6);
    for (let part = 0; part <= 4; part++) { pen.textAlign = part === 4 ? "right" : "left"; pen.fillText(seconds(end / 1e3 * part / 4), left + (width - left) * part / 4, row * lane + 14); }
    for (const [cell, place] of drawn) {
      const kind = cell.verdict.name === "passed" ? "good" : ["known-failure", "deviates"].includes(cell.verdict.name) ? "known" : ["flaky", "unexpected-pass"].includes(cell.verdict.name) ? "odd" : cell.verdict.red ? "bad" : "none";
      pen.fillStyle = colour(`--${kind}-dot`);
      pen.fillRect(left + cell.begun * scale, place * lane + 1, Math.max(cell.took * 1e3 * scale - .5, 1), lane - 2);
    }
  };
  return [canvas, told];
}

const VIEWS = { features, cells: list, seats, steps, clauses, slowest, timeline, flaky };
