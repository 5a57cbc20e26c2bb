// The flow as a live picture, and what makes events flow.
import { head, h, s, icon, say, show } from "../dom.js";
import { depthsOf, listen, rateOf, ratesOf } from "../feed.js";
import { spark } from "../spark.js";
import { count, rate, seconds, short, last } from "../text.js";
import { load } from "./load.js";

const LATE_SECONDS = 30;

// Each part, in the order of an event: what it is called, which health it has, and what it shows of a look.
const NODES = [
  { name: "generator", title: "Generator", icon: "generator", parts: ["generator"], line: () => ratesOf("published"), figure: ({ generator }) => [short(generator?.confirmed), "confirmed"], what: ({ generator }) => (generator ? `${generator.running_tasks || "no"} task${generator.running_tasks === 1 ? "" : "s"} running` : "") },
  { name: "topic", title: "Topic", icon: "topics", parts: ["pubsub"], href: "#/topics", line: () => depthsOf("backlog"), series: "s3", figure: ({ main }) => [short(main?.backlog), "waiting"], what: () => last(about.topic) },
  { name: "pipeline", title: "Pipeline", icon: "pipeline", parts: ["pipeline"], line: () => ratesOf("pulled"), figure: ({ job }) => [short(job?.pulled), "pulled"], what: ({ job }) => (job ? `${job.state.toLowerCase()} · ${short(job.outstanding)} in hand` : "") },
  { name: "function", title: "Table manager", icon: "function", parts: ["table_manager"], line: () => ratesOf("pushed"), figure: ({ push }) => [short(push?.acked), "asked"], what: ({ push }) => (push?.refused ? push.refused : `${count(push?.redelivered)} redelivered`) },
  { name: "tables", title: "Tables", icon: "tables", parts: ["bigquery"], href: "#/tables", line: () => ratesOf("rows"), series: "s2", figure: ({ rows }) => [short(sum(rows)), "rows"], lines: ({ rows }) => about.types.map((each) => [each.table, rows[each.table], `#/tables/${each.table}`]) },
  { name: "files", title: "Files", icon: "files", parts: ["storage"], href: "#/files", line: () => ratesOf("files"), series: "s2", figure: ({ files }) => [short(files), "objects"], what: () => about.bucket },
  { name: "letters", title: "Dead letters", icon: "letters", parts: [], href: "#/letters", line: () => ratesOf("dead"), series: "s4", figure: ({ rows }) => [short(rows.dead_letter_events), "kept whole"], what: ({ given_up }) => `${count(given_up?.backlog)} given up by Pub/Sub` },
];

// Each way: between which parts, which count goes along it, and what waits before it.
const WAYS = [
  { from: "generator", to: "topic", rate: "published", after: () => "", took: ({ generator }) => generator?.seconds_to_confirm, of: "from handed over to confirmed" },
  { from: "topic", to: "pipeline", rate: "delivered", queue: "main", took: ({ main }) => main?.seconds_to_deliver, of: "from published to delivered" },
  { from: "pipeline", to: "function", rate: "pushed", queue: "push", up: true, took: ({ push }) => push?.seconds_to_ack, of: "from asked to made" },
  { from: "function", to: "tables", dashed: true, after: () => "makes tables" },
  { from: "pipeline", to: "tables", rate: "rows", after: () => "rows", took: ({ took }) => slowest(about.types.map((each) => took[each.table])), of: "from published to the row" },
  { from: "pipeline", to: "files", rate: "files", after: () => "objects", took: ({ main }) => main?.seconds_to_ack, of: "from published to file and ack" },
  { from: "pipeline", to: "letters", rate: "dead", after: () => "letters", took: ({ took }) => took.dead_letter_events, of: "from published to the letter" },
];

// Of several tables, the one that takes longest.
const slowest = (found) => found.filter(Boolean).sort((a, b) => b.p99 - a.p99)[0];

const sum = (rows) => {
  const found = about.types.map((each) => rows[each.table]);
  return found.includes(null) ? null : found.reduce((total, each) => total + each, 0);
};

function node(spec) {
  const dot = h("span", { class: "dot", role: "img" });
  const figure = h("span", {});
  const unit = h("small", {});
  const what = h("p", { class: "what" });
  const lines = h("div", { class: "lines" });
  const why = h("div", { class: "why", role: "alert", hidden: true });
  const fault = h("a", { class: "chip bad fault", href: "#/faults", hidden: true });
  const drawn = spark(spec.series);
  const title = spec.href ? h("a", { href: spec.href }, spec.title) : spec.title;
  const element = h(
    "section", { class: `card node n-${spec.name}`, "aria-label": spec.title },
    h("header", {}, icon(spec.icon), h("h2", {}, title), fault, dot),
    h("p", { class: "figure" }, figure, unit), spec.lines ? lines : what, why, drawn.svg,
  );
  const update = (look) => {
    const [number, word] = spec.figure(look);
    say(figure, number);
    say(unit, word);
    if (spec.lines) table(lines, spec.lines(look));
    else { say(what, spec.what(look)); what.title = what.textContent; }
    health(spec, look, element, dot, why, fault);
    drawn.draw(spec.line());
  };
  return { spec, element, update };
}

function table(lines, found) {
  if (lines.childElementCount !== found.length) {
    show(lines, found.map(([name, , href]) => h("a", { href }, h("span", {}, name), h("b", {}))));
  }
  found.forEach(([, number], i) => say(lines.children[i].lastChild, count(number)));
}

function health(spec, look, element, dot, why, fault) {
  const found = spec.parts.map((part) => [part, look.health[part]]).filter(([, each]) => each);
  const sick = found.filter(([, each]) => !each.ok);
  element.classList.toggle("sick", sick.length > 0);
  dot.className = `dot ${sick.length ? "bad" : "ok"}`;
  dot.setAttribute("aria-label", sick.length ? "unhealthy" : "healthy");
  const said = JSON.stringify(sick);
  if (why.dataset.said !== said) {
    why.dataset.said = said;
    why.hidden = sick.length === 0;
    show(why, sick.flatMap(([part, each]) => [h("span", {}, `${part.replace("_", " ")} ${each.why}`), each.log && h("code", {}, each.log)]));
  }
  const thrown = spec.parts.reduce((total, part) => total + (look.faults[part] ?? 0), 0);
  fault.hidden = thrown === 0;
  say(fault, `${thrown} fault${thrown === 1 ? "" : "s"}`);
}

function way(spec) {
  const path = s("path", { class: `way ${spec.dashed ? "dashed" : ""}` });
  const pulse = s("path", { class: "pulse" });
  const number = h("b", {});
  const waits = h("span", {});
  const age = h("span", {});
  // The median and the 99th percentile of the last 500.
  const spread = [h("span", { class: "took" }), h("span", { class: "took" })];
  let at = 0;
  let step = 0;
  const label = h("div", { class: "edge" }, spec.rate && number, waits, spec.queue && h("br"), age, spec.took && spread);
  if (spec.of) label.title = `p50 and p99 ${spec.of}`;
  const update = (look) => {
    const perSecond = spec.rate ? rateOf(spec.rate) : 0;
    const queue = spec.queue && look[spec.queue];
    const on = perSecond > 0;
    if (spec.rate) say(number, rate(perSecond));
    say(waits, spec.up ? "asked for tables" : spec.queue ? `${short(queue?.backlog)} waiting` : spec.after());
    say(age, queue?.backlog ? `oldest ${seconds(queue.oldest_seconds)}` : "");
    if (spec.took) took(spec.took(look)).forEach((text, i) => say(spread[i], text));
    label.classList.toggle("late", (queue?.oldest_seconds ?? 0) > LATE_SECONDS);
    for (const each of [path, pulse, label]) each.classList.toggle("on", on);
    step = on ? stride(perSecond) : 0;
  };
  const move = () => {
    if (!step) return;
    at = (at - step + GAP) % GAP;
    pulse.style.strokeDashoffset = at;
  };
  return { spec, path, pulse, label, update, move };
}

const took = (found) => (found?.p50 === undefined ? ["", ""] : [`p50 ${seconds(found.p50)}`, `p99 ${seconds(found.p99)}`]);

// Dots go by faster where more goes by, on a scale that a glance can read from 0.1/s to 10,000/s.
// A timer moves them: an animation would have the page painted 60 times a second.
const GAP = 22.1;
const MOVE_MS = 125;
const stride = (perSecond) => Math.min(9, 1.7 * (1 + Math.log10(1 + perSecond * 4)));
const still = matchMedia("(prefers-reduced-motion: reduce)");

function place(flow, nodes, ways) {
  if (getComputedStyle(flow).display !== "grid") return;
  const frame = flow.getBoundingClientRect();
  const box = (name) => nodes.get(name).element.getBoundingClientRect();
  for (const { spec, path, pulse, label } of ways) {
    const a = box(spec.from);
    const b = box(spec.to);
    if (spec.up) {
      rise(spec, a, b, frame, path, pulse, label);
      continue;
    }
    const x1 = a.right - frame.left;
    const y1 = a.top + a.height / 2 - frame.top;
    const x2 = b.left - frame.left;
    const y2 = b.top + b.height / 2 - frame.top;
    const bend = (x2 - x1) / 2;
    const d = `M${x1},${y1}C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`;
    path.setAttribute("d", d);
    pulse.setAttribute("d", d);
    label.style.left = `${x1 + bend}px`;
    label.style.top = `${(y1 + y2) / 2}px`;
  }
}

// A way to the part above.
function rise(spec, a, b, frame, path, pulse, label) {
  const x = a.left + a.width / 2 - frame.left;
  const y1 = a.top - frame.top;
  const y2 = b.bottom - frame.top;
  for (const each of [path, pulse]) each.setAttribute("d", `M${x},${y1}L${x},${y2}`);
  label.style.left = `${x}px`;
  label.style.top = `${(y1 + y2) / 2}px`;
}

export function flow(main, signal) {
  const nodes = new Map(NODES.map((spec) => [spec.name, node(spec)]));
  const ways = WAYS.map(way);
  const picture = s("svg", { class: "ways", "aria-hidden": "true" }, ways.flatMap((each) => [each.path, each.pulse]));
  const inOrder = [...nodes.values()].flatMap((each) => [...ways.filter((one) => one.spec.to === each.spec.name).map((one) => one.label), each.element]);
  const board = h("div", { class: "flow", role: "group", "aria-label": "The flow of events" }, picture, inOrder);
  show(main, head("Flow", "Every part of the stack, and what goes between them, a second ago."), board, load(signal));
  const seen = new ResizeObserver(() => place(board, nodes, ways));
  seen.observe(board);
  for (const each of nodes.values()) seen.observe(each.element);
  const timer = setInterval(() => { if (!document.hidden && !still.matches) for (const each of ways) each.move(); }, MOVE_MS);
  signal.addEventListener("abort", () => { seen.disconnect(); clearInterval(timer); });
  listen(({ look }) => {
    if (!look) return;
    for (const each of nodes.values()) each.update(look);
    for (const each of ways) each.update(look);
  }, signal);
}
