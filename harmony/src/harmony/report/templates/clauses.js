// What cells show of each clause, and which clauses no scenario cites.

function clauses(cells) {
  const by_clause = new Map(), names = [...new Set(cells.flatMap(cell => cell.who))].sort(), told = page.run.specification;
  for (const cell of cells) for (const clause of cell.scenario.clauses) (by_clause.get(clause) || by_clause.set(clause, []).get(clause)).push(cell);
  const known = new Map(told.map(one => [one.id, one]));
  const rows = [...by_clause].sort(([one], [other]) => natural(one, other)).map(([clause, some]) => element("tr", {},
    element("th", { scope: "row" }, element("a", { href: fragment(page.state, { clause: [clause], view: "features" }) }, clause), " ",
      element("small", {}, [...new Set(some.map(cell => cell.scenario.level))].filter(Boolean).join(", ")), known.get(clause)?.text ? element("div", { class: "where" }, known.get(clause).text) : ""),
    names.map(name => score_cell(some.filter(cell => cell.who.includes(name)), { clause: [clause], who: [name], view: "features" }))));
  return [...uncited(told), told.length && rows.length ? element("h2", {}, `Clauses that these cells cite (${rows.length})`) : "",
    rows.length ? table("square clauses", ["clause", ...names], rows, "clauses by platform") : element("p", { class: "note" }, "No scenario of these cells cites a clause."),
    ...named("Cited, but by no cell of the run", told.filter(one => one.cited && !page.run.clauses.includes(one.id)))];
}

function uncited(told) {
  const bare = told.filter(one => !one.cited);
  if (!told.length) return [];
  if (!bare.length) return [element("p", {}, `■ Each of the ${plural(told.length, "clause")} is cited by a scenario.`)];
  const levels = grouped(bare, one => one.level.toUpperCase() || "not normative"), order = ["MUST", "SHOULD", "MAY", "not normative"];
  return [element("h2", {}, `${bare.length} of ${plural(told.length, "clause")} ${bare.length === 1 ? "is" : "are"} cited by no scenario`),
    ...[...levels.keys()].sort((one, other) => order.indexOf(one) - order.indexOf(other)).flatMap(level => named(level, levels.get(level)))];
}

function named(heading, some) {
  return some.length ? [element("details", { open: some.length <= 20 }, element("summary", {}, `${heading} (${some.length})`),
    element("ul", {}, some.map(one => element("li", {}, element("b", {}, one.id), " ", one.text, one.tests.length ? element("span", { class: "where" }, ` tested by ${one.tests.join(", ")}`) : ""))))] : [];
}
