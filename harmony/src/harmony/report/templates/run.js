"use strict";
// The run as its data tells it, and which of its cells are wanted. Words of others become text nodes and nothing else.

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text.trim()), one => one.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

class Run {
  constructor(data) {
    Object.assign(this, { texts: [], numbers: new Map(), lower: [], scenarios: new Map(), byKey: new Map(), cells: [] });
    this.verdicts = data.verdicts.map(([name, word, red]) => ({ name, word, red }));
    this.take(data);
    this.tell(data);
  }
  // All cells of a run, or those that have changed: each replaces what was known of it.
  take(data) {
    const own = data.texts.map(text => this.number(text)), said = one => this.texts[own[one]];
    const scenarios = data.scenarios.map(([id, title, feature, tags, clauses, level]) => {
      const key = `${said(feature)}\n${said(id)}`;
      return this.scenarios.get(key) || this.scenarios.set(key, { id: said(id), title: said(title), feature: said(feature), tags: tags.map(said),
        clauses: clauses.map(said), level: said(level), of: [id, title, feature, ...tags].map(one => own[one]) }).get(key);
    });
    const [rows, played, who, verdicts, begun, took, seeds, repeats, steps] = data.cells;
    const known = this.cells.length;
    rows.forEach((row, index) => {
      const cell = new Cell(this, {
        scenario: scenarios[row], roles: data.roles[played[index]], who: who[index].map(one => data.platforms[one]), verdict: this.verdicts[verdicts[index]],
        gravity: verdicts[index], at: data.began * 1e3 + begun[index], took: took[index] / 1e5, seed: seeds[index], repeat: said(repeats[index]),
        numbers: steps[index].map((number, place) => place % 7 > 2 ? own[number] : number), detail: data.details[index] || {} });
      const before = this.byKey.get(cell.key);
      this.cells[before ? before.index : this.cells.length] = cell;
      cell.index = before ? before.index : this.cells.length - 1;
      this.byKey.set(cell.key, cell);
    });
    if (known) this.cells.sort(in_order).forEach((cell, index) => { cell.index = index; });
    const all = names => [...new Set(this.cells.flatMap(names))], cited = [...this.scenarios.values()];
    this.began = this.cells.reduce((first, cell) => Math.min(first, cell.at), Infinity);
    this.roles = all(cell => cell.roles).sort();
    this.platforms = all(cell => cell.who).sort();
    this.tags = [...new Set(cited.flatMap(one => one.tags))].filter(tag => !tag.includes(":")).sort(natural);
    this.clauses = [...new Set(cited.flatMap(one => one.clauses))].sort(natural);
  }
  tell(data) { // what is no cell's own
    this.groups = data.groups.map(group => new Set(group.map(one => data.texts[one])));
    this.past = new Past(data.past);
    this.specification = (data.clauses || []).map(([id, level, text, cited, tests]) => ({ id, level, text, cited, tests }));
  }
  number(text) {
    const known = this.numbers.get(text);
    return known === undefined ? (this.numbers.set(text, this.texts.length), this.texts.push(text) - 1) : known;
  }
  lowered() {
    while (this.lower.length < this.texts.length) this.lower.push(this.texts[this.lower.length].toLowerCase());
    return this.lower;
  }
}

class Cell {
  constructor(run, told) {
    Object.assign(this, told, { run });
    this.pairs = this.roles.map((role, place) => `${role}=${this.who[place]}`);
    this.key = `${this.scenario.id}[${this.pairs.join(",")}]`;
  }
  get begun() { return this.at - this.run.began; }
  get order() { return this.parts ||= this.key.match(/\d+|\D+/g).map(part => /^\d/.test(part) ? [Number(part), ""] : [-1, part]); }
  get said() { return (this.detail.error || this.detail.note || "").split("\n", 1)[0]; }
  get steps() {
    const found = [], { numbers, run } = this;
    for (let at = 0; at < numbers.length; at += 7)
      found.push({ end: numbers[at], took: numbers[at + 1] / 1e5, verdict: run.verdicts[numbers[at + 2]], text: run.texts[numbers[at + 3]],
        argument: run.texts[numbers[at + 4]], actors: run.texts[numbers[at + 5]].split(", ").filter(Boolean), told: run.texts[numbers[at + 6]],
        attached: (this.detail.attached || []).filter(([place]) => place === at / 7) });
    return found;
  }
  player(actor) { return this.who[this.roles.indexOf(actor.split(/[# ]/, 1)[0])]; } // writer#2 and "writer (before)" are the writer, too
  has(token) {
    const [role, platform] = token.includes(":") ? token.split(":") : ["", token];
    return role ? this.roles.includes(role) && (!platform || this.who[this.roles.indexOf(role)] === platform) : this.who.includes(platform);
  }
  says(word, hits) {
    if (this.scenario.of.some(one => hits[one])) return true;
    for (let at = 0; at < this.numbers.length; at += 7) if (hits[this.numbers[at + 3]] || hits[this.numbers[at + 4]]) return true;
    return this.key.toLowerCase().includes(word) || [this.detail.error, this.detail.note, this.detail.code].some(text => text && text.toLowerCase().includes(word));
  }
}

function in_order(one, other) { // as the data of a whole run is ordered
  const these = one.order, those = other.order;
  for (let at = 0; at < these.length && at < those.length; at++) {
    const [number, text] = these[at], [another, other_text] = those[at];
    if (number !== another) return number - another;
    if (text !== other_text) return text < other_text ? -1 : 1;
  }
  return these.length - those.length;
}

// ---- what is wanted stands in the fragment of the address: a link to it shows the same

const LISTS = ["verdict", "who", "tag", "clause"], WORDS = ["view", "q", "group", "cell", "at"];

function wanted() {
  const given = new URLSearchParams(location.hash.slice(1)), state = {};
  for (const name of LISTS) state[name] = (given.get(name) || "").split(",").filter(Boolean);
  for (const name of WORDS) state[name] = given.get(name) || "";
  return state;
}

function fragment(state, change = {}) {
  const all = { ...state, ...("cell" in change ? { at: "" } : {}), ...change }; // where a replay stands, it stands in its cell
  const parts = [...WORDS, ...LISTS].filter(name => all[name] && all[name].length)
    .map(name => `${name}=${encodeURIComponent(LISTS.includes(name) ? all[name].join(",") : all[name]).replaceAll("%3A", ":").replaceAll("%2C", ",")}`);
  return "#" + parts.join("&");
}

function chosen(run, state) {
  const group = state.group && (run.groups[state.group - 1] || new Set());
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean).map(word => [word, run.lowered().map(text => text.includes(word))]);
  return run.cells.filter(cell =>
    (!state.verdict.length || state.verdict.includes(cell.verdict.name)) && state.who.every(token => cell.has(token)) &&
    state.tag.every(tag => cell.scenario.tags.includes(tag)) && state.clause.every(clause => cell.scenario.clauses.includes(clause)) && (!group || group.has(cell.key)) && words.every(([word, hits]) => cell.says(word, hits)));
}

// ---- small helpers of all views

function element(name, attributes = {}, ...children) {
  const made = name.startsWith("svg:") ? document.createElementNS("http://www.w3.org/2000/svg", name.slice(4)) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes))
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
  made.append(...children.flat(Infinity).filter(one => one !== null && one !== undefined && one !== ""));
  return made;
}

function natural(one, other) { return one.localeCompare(other, undefined, { numeric: true }); }
function grouped(items, key) {
  const found = new Map();
  for (const item of items) { const name = key(item), known = found.get(name); known ? known.push(item) : found.set(name, [item]); }
  return found;
}
function plural(number, word, words = `${word}s`) { return `${number.toLocaleString("en")} ${number === 1 ? word : words}`; }
function seconds(value) { return value >= 1 ? `${value.toFixed(2)} s` : `${(value * 1e3).toFixed(value < .01 ? 2 : 1)} ms`; }
function median(values) { return [...values].sort((a, b) => a - b)[values.length >> 1]; }
