// Faults: switches for each emulator, one's own, and what the flow makes of them.
import { act, get, post, put, remove } from "../api.js";
import { card, empty, field, h, head, say, show } from "../dom.js";
import { depthsOf, listen, ratesOf, rateOf } from "../feed.js";
import { spark } from "../spark.js";
import { count, rate, seconds } from "../text.js";

const PARTS = [["pubsub", "Pub/Sub"], ["bigquery", "BigQuery"], ["storage", "Storage"]];
const CODES = ["", "UNAVAILABLE", "INTERNAL", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "PERMISSION_DENIED", "NOT_FOUND", "ABORTED"];
const EVERY_MS = 2000;

export async function faults(main, signal) {
  const board = h("div", { class: "split" });
  const clear = h("button", { class: "button bad", type: "button", onclick: () => act(clear, async () => draw(await remove("/api/faults"))) }, "Clear all");
  const mine = h("div", {});
  const draw = (found) => {
    show(board, PARTS.map(([part, title]) => card(title, null, h("div", {}, found.switches.filter((each) => each.part === part).map((each) => toggle(each, draw))))), card("A fault of your own", null, mine));
    show(mine, own(draw, found.thrown), thrown(found));
  };
  show(main, head("Faults", "Throw one, and watch the stack take it: nothing may be lost.", clear), watch(signal), board);
  const load = async () => { const found = await get("/api/faults"); if (!signal.aborted) draw(found); };
  await load();
  const timer = setInterval(() => { if (!document.hidden && !main.querySelector("form:focus-within, .switch:focus-within")) load().catch(() => {}); }, EVERY_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
}

function toggle(each, draw) {
  const box = h("button", { class: "switch", type: "button", role: "switch", "aria-checked": each.on ? "true" : "false", "aria-label": each.name, onclick: () => act(box, async () => draw(await put(`/api/faults/${encodeURIComponent(each.name)}`, { on: !each.on }))) }, h("i", {}));
  return h("div", { class: "fault-row" }, box, h("div", {}, h("b", {}, each.name), h("p", { class: "muted small" }, each.about)), each.on && h("span", { class: "chip bad" }, `met ${count(each.met)}`));
}

function own(draw, found) {
  const part = h("select", {}, PARTS.map(([value, title]) => h("option", { value }, title)));
  const match = h("input", { value: "Pull", required: true, autocomplete: "off" });
  // What it answers, or what else this emulator can do amiss.
  const what = h("select", {});
  const offer = () => {
    const effects = Object.entries(found[part.value].effects);
    show(what, CODES.map((each) => h("option", { value: `code ${each}` }, each || "none, a delay")), effects.map(([each, about]) => h("option", { value: `effect ${each}`, title: about }, each)));
    what.value = "code UNAVAILABLE";
  };
  part.addEventListener("change", offer);
  offer();
  const share = h("input", { type: "number", min: 0, max: 1, step: "any", value: "0.5" });
  const delay = h("input", { type: "number", min: 0, max: 600, step: "any", value: "0" });
  const go = h("button", { class: "button main", type: "submit" }, "Throw");
  const submit = (event) => {
    event.preventDefault();
    const [kind, name] = what.value.split(" ");
    act(go, async () => draw(await post("/api/faults", { part: part.value, match: match.value, [kind]: name, rate: Number(share.value), delay_seconds: Number(delay.value) })));
  };
  return h("form", { class: "body form", onsubmit: submit }, field("Emulator", part), field("Call (* for any)", match), field("What", what), field("Share of calls", share), field("Delay, s", delay), go);
}

function thrown({ thrown: found }) {
  const rows = PARTS.flatMap(([part, title]) => found[part].faults.map((each) => h("tr", {}, h("td", {}, title), h("td", { class: "mono" }, each.match), h("td", { class: "mono" }, each.effect || each.code || `+${each.delay_seconds} s`), h("td", { class: "num" }, each.rate), h("td", { class: "num" }, count(each.met)))));
  if (!rows.length) return empty("No fault is thrown", "");
  return h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, [["At"], ["Call"], ["What"], ["Share", "num"], ["Met", "num"]].map(([each, kind]) => h("th", { scope: "col", class: kind }, each)))), h("tbody", {}, rows)));
}

// Backlog, age and rates of the last minutes: the fault's rise, and the recovery.
function watch(signal) {
  const SERIES = [
    ["Backlog", "s3", () => depthsOf("backlog"), ({ main }) => `${count(main?.backlog)} waiting`],
    ["Oldest", "s4", () => depthsOf("oldest"), ({ main }) => seconds(main?.oldest_seconds)],
    ["Published", "s1", () => ratesOf("published"), () => rate(rateOf("published"))],
    ["Rows stored", "s2", () => ratesOf("rows"), () => rate(rateOf("rows"))],
  ];
  const made = SERIES.map(([title, series, line, figure]) => {
    const drawn = spark(series);
    const number = h("b", {});
    const element = h("div", { class: "card watch" }, h("h2", {}, title), number, drawn.svg);
    return { element, update: (look) => { say(number, figure(look)); drawn.draw(line()); } };
  });
  listen(({ look }) => { if (look) for (const each of made) each.update(look); }, signal);
  return h("div", { class: "watches" }, made.map((each) => each.element));
}
