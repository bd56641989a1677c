// What former runs say of this one. A page without them has no such words.

class Past {
  constructor(told, run) {
    this.runs = told ? told.runs : [];
    this.told = told || { red: {}, words: [], flaky: {}, scenarios: {}, platforms: {} };
    this.scenarios = new Map(Object.entries(this.told.scenarios));
    this.platforms = new Map(Object.entries(this.told.platforms));
    this.shaky = new Map(Object.entries(this.told.flaky).map(([index, [score, how]]) => [run.cells[index], { score, how }]));
  }
  since(cell) { const word = this.told.red[cell.index]; return cell.verdict.red && word !== undefined ? `red ${this.told.words[word]}` : ""; }
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
    return element("span", { class: "where" }, element("svg:svg", { class: "trend", viewBox: `0 0 ${width} 20`, width, height: 20, role: "img", "aria-label": `${what}: ${words}` }, bars), ` ${words}`);
  }
  lines(cell) {
    const since = this.since(cell), shaky = this.shaky.get(cell);
    return [since, shaky && `flaky, score ${shaky.score.toFixed(2)}: ${shaky.how}`].filter(Boolean).map(text => element("p", { class: "where" }, text));
  }
}

function flaky(cells) {
  const { runs, shaky } = page.run.past;
  const some = cells.filter(cell => shaky.has(cell)).sort((one, other) => shaky.get(other).score - shaky.get(one).score || one.index - other.index);
  const others = cells.filter(cell => cell.verdict.name === "flaky" && !shaky.has(cell));
  const said = runs.length ? `In ${runs.length} runs: what ended otherwise than the time before, though neither the commit nor a version had changed. A score of 1 is each time.` : "In this run alone: no other is known here.";
  if (!some.length && !others.length) return [element("p", { class: "note" }, said), element("p", { class: "note" }, "No cell of these passed once and failed once.")];
  return [element("p", { class: "note" }, said),
    some.length ? table("ruled", ["score", "cell", "ended otherwise in"], some.slice(0, LONGEST_LIST).map(cell => element("tr", {},
      element("td", {}, shaky.get(cell).score.toFixed(2), " ", bar(shaky.get(cell).score)), element("td", {}, open_link(cell, cell.key)), element("td", {}, shaky.get(cell).how))), "flaky cells") : "",
    some.length > LONGEST_LIST ? element("p", { class: "note" }, `and ${plural(some.length - LONGEST_LIST, "more cell")}: a filter shows which`) : "",
    others.length ? list(others) : ""].flat();
}
