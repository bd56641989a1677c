// A cell step by step: what had happened up to a moment, in its list and in its picture, and what it was.

const PACE = 900;

// Everything of a cell in the order in which it began; what was not run comes at last. The list and the picture leave their marks on it.
function happened(cell, steps) {
  const lines = (cell.detail.lines || []).map(([at, who, kind, text, from, to, given, got]) => ({ at, kind, who, took: kind, from, to, given, got, said: kind === "log" || kind === "stderr",
    actors: kind === "call" ? [who] : [], text: kind === "call" ? `${text} ${given} → ${got}` : text }));
  const done = steps.map(step => ({ at: step.end - step.took * 1e3, kind: step.verdict.name === "passed" ? "step" : "step odd-one", who: step.actors.join(", "), took: seconds(step.took), text: step.text, actors: step.actors, step }));
  return [...[...done, ...lines].sort((one, other) => one.at - other.at), ...(cell.detail.left || []).map(text => ({ kind: "skipped", who: "", took: "not run", text, actors: [], left: true }))];
}

function replay(cell, all) {
  const stops = all.map((_, place) => place).filter(place => !all[place].left && !all[place].said);
  if (stops.length < 2) return "";
  let now = -1, timer = 0;
  const button = (word, key, does) => element("button", { type: "button", class: "button", "data-key": key, "aria-keyshortcuts": key, title: key && `key ${key}`, click: does }, word);
  const told = element("div", { class: "told", role: "status" }), count = element("span", { class: "dim" });
  const slider = element("input", { type: "range", min: 0, max: stops.length, value: 0, "aria-label": "moment", input: () => { halt(); go(slider.value - 1); } });
  const play = button("▶ play", "p", () => timer ? halt() : run());
  const bar = element("div", { class: "controls" }, button("◀ back", ",", () => { halt(); go(now - 1); }), play, button("forward ▶", ".", () => { halt(); go(now + 1); }), slider, count);

  function halt() { clearTimeout(timer); timer = 0; play.textContent = "▶ play"; }
  function run() {
    if (now >= stops.length - 1) go(-1);
    play.textContent = "❚❚ pause";
    timer = setTimeout(function further() {
      if (!bar.isConnected) return;
      go(now + 1);
      now < stops.length - 1 ? timer = setTimeout(further, PACE) : halt();
    });
  }
  function go(to) {
    now = Math.max(-1, Math.min(to, stops.length - 1));
    const last = now < 0 ? all.length : stops[now + 1] ?? all.length; // with what was said before the next one begins
    all.forEach((one, place) => {
      const later = now >= 0 && (place >= last || Boolean(one.left)), here = now >= 0 && place === stops[now];
      for (const mark of [one.row, one.arrow]) {
        mark?.classList.toggle("later", later);
        mark?.classList.toggle("now", here);
      }
      here ? one.row?.setAttribute("aria-current", "step") : one.row?.removeAttribute("aria-current");
    });
    page.state.at = now < 0 ? "" : `${now + 1}`;
    if (fragment(page.state) !== location.hash) history.replaceState(null, "", fragment(page.state));
    slider.value = now + 1;
    slider.setAttribute("aria-valuetext", now < 0 ? "everything" : all[stops[now]].text);
    count.textContent = now < 0 ? `${plural(stops.length, "step and message", "steps and messages")}` : `${now + 1} of ${stops.length}`;
    told.replaceChildren(...(now < 0 ? [] : moment_of(cell, all, stops[now], last)));
    if (now < 0) return;
    const { row, arrow } = all[stops[now]], seen = arrow?.closest("details");
    (seen?.open ? arrow : row)?.scrollIntoView({ block: "center" });
  }
  go(page.state.at - 1);
  return element("section", { class: "replay", "aria-label": "replay" }, bar, told);
}

function moment_of(cell, all, place, last) {
  const one = all[place], step = one.step, up_to = all.slice(0, last), said = all.slice(place + 1, last);
  const who = one.from ? `${one.from} → ${one.to}` : one.actors.map(actor => `${actor}${cell.player(actor) ? `=${cell.player(actor)}` : ""}`).join(", ") || one.who;
  const number = kind => up_to.filter(kind).length;
  return [element("p", {}, step ? element("span", { class: `badge ${step.verdict.name}` }, step.verdict.name) : element("span", { class: "badge some" }, one.kind === "call" ? "asked" : one.kind), " ", element("b", {}, one.kind === "call" ? one.text.slice(0, one.text.indexOf(" ")) : one.text)),
    element("p", { class: "dim" }, `${who}; +${Math.max(0, one.at).toFixed(0)} ms${step ? `, took ${one.took}` : ""}; up to here ${plural(number(other => other.from), "message")}, ${plural(number(other => other.said), "line")} of logs`),
    step?.argument && labelled("in", step.argument), one.given && labelled("in", one.given), one.got && labelled("out", one.got),
    step && data_of(step).map(text => labelled("out", text)), step && step.attached.map(attached_view), said.length ? labelled("said then", said.map(line => `${line.who}: ${line.text}`).join("\n")) : ""].flat().filter(Boolean);
}

function labelled(word, text) { return element("div", { class: "labelled" }, element("span", { class: "dim" }, word), element("pre", { tabindex: 0 }, text)); }
