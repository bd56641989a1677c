// What former runs say of this one. A page without them has no such words.

class Past {
  constructor(told) {
    this.runs = told ? told.runs : [];
    const known = name => new Map(told ? Object.entries(told[name]) : []);
    [this.scenarios, this.platforms, this.shaky] = ["scenarios", "platforms", "flaky"].map(known);
    this.red = new Map([...known("red")].map(([key, word]) => [key, `red ${told.words[word]}`]));
  }
  since(cell) { return cell.verdict.red && this.red.get(cell.key) || ""; }
  of_scenario(scenario) { return this.drawn(this.scenarios.get(scenario.id), scenario.title); }
  of_platform(name) { return this.drawn(this.platforms.get(name), name); }
  drawn(rates, what) {
    const known = (rates || []).filter(rate => rate >= 0), whole = known.filter(rate => rate === 1000).length;
    if (!known.length) return "";
    const words = `${whole} of ${plural(known.length, "run")} whole`, width = rates.length * 5;
    const bars = rates.map((rate, place) => {
      const high = rate < 0 ? 2 : Math.max(2, Math.round(rate * .018)), moment = this.runs[this.runs.length - rates.length + place];
      return element("svg:rect", { x: place * 5, y: 20 - high, width: 4, height: high, class: rate < 0 ? "none" : rate === 1000 ? "good" : "bad" },
        element("svg:title", {}, `${moment}: ${rate < 0 ? "not played" : `${rate / 10} % passed`}`));
    });
    return element("small", { class: "where" }, element("svg:svg", { class: "trend", viewBox: `0 0 ${width} 20`, width, height: 20, role: "img", "aria-label": `${what}: ${words}` }, bars), ` ${words}`);
  }
  lines(cell) {
    const since = this.since(cell), shaky = this.shaky.get(cell.key);
    return [since, shaky && `flaky, score ${shaky[0].toFixed(2)}: ${shaky[1]}`].filter(Boolean).map(text => element("p", { class: "where" }, text));
  }
}

function flaky(cells) {
  const { runs, shaky } = page.run.past, score = cell => shaky.get(cell.key)[0];
  const some = cells.filter(cell => shaky.has(cell.key)).sort((one, other) => score(other) - score(one) || one.index - other.index);
  const others = cells.filter(cell => cell.verdict.name === "flaky" && !shaky.has(cell.key));
  const said = runs.length ? `In ${runs.length} runs: what ended otherwise than the time before, though neither the commit nor a version had changed. A score of 1 is each time.` : "In this run alone: no other is known here.";
  if (!some.length && !others.length) return [element("p", { class: "note" }, said), element("p", { class: "note" }, "No cell of these passed once and failed once.")];
  return [element("p", { class: "note" }, said),
    some.length ? table("ruled", ["score", "cell", "ended otherwise in"], some.slice(0, LONGEST_LIST).map(cell => element("tr", {},
      element("td", {}, score(cell).toFixed(2), " ", bar(score(cell))), element("td", {}, open_link(cell, cell.key)), element("td", {}, shaky.get(cell.key)[1]))), "flaky cells") : "",
    some.length > LONGEST_LIST ? element("p", { class: "note" }, `and ${plural(some.length - LONGEST_LIST, "more cell")}: a filter shows which`) : "",
    others.length ? list(others) : ""].flat();
}
