// Events: search by id, type, field; one event's way as a waterfall, its payload, row and file.
import { act, get, latest } from "../api.js";
import { card, empty, field, h, head, icon, show } from "../dom.js";
import { code, value } from "../json.js";
import { bytes, clock, count, day, last, seconds } from "../text.js";

const ID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/i;

export async function events(main, signal, { path, query }) {
  if (path.length) return one(main, signal, path.join("/"));
  const kinds = await get("/api/kinds");
  if (signal.aborted) return undefined;
  const text = h("input", { type: "search", name: "q", placeholder: "An event id, or any text", value: query.get("q") ?? "", autocomplete: "off", spellcheck: "false" });
  const kind = h("select", { name: "kind" }, h("option", { value: "" }, "Every type"), Object.keys(kinds).map((each) => h("option", { value: each }, each.replaceAll("_", " "))));
  kind.value = query.get("kind") ?? "";
  const where = h("select", { name: "field" });
  const fill = () => show(where, h("option", { value: "" }, "Any field"), paths(kind.value ? { [kind.value]: kinds[kind.value] } : kinds).map((each) => h("option", { value: each }, each)));
  fill();
  where.value = query.get("field") ?? "";
  kind.addEventListener("change", fill);
  const go = h("button", { class: "button main", type: "submit" }, "Search");
  const results = h("div", { "aria-live": "polite" });
  const newest = latest(signal);
  const submit = (event) => {
    event.preventDefault();
    const asked = text.value.trim();
    if (ID.test(asked) && !where.value) location.hash = `#/events/${encodeURIComponent(asked)}`;
    else act(go, () => search(results, newest, { q: asked, kind: kind.value, field: where.value }));
  };
  show(
    main, head("Events", "Every stored event, found by its id, its type, or anything in it."),
    h("form", { class: "card searchbar", role: "search", onsubmit: submit }, field("Text", text, "grow"), field("Type", kind), field("Field", where), go),
    results,
  );
  return search(results, newest, { q: text.value, kind: kind.value, field: where.value });
}

function paths(kinds) {
  const found = new Set();
  const add = (columns, before) => {
    for (const each of columns) {
      if (each.fields) add(each.fields, `${before}${each.name}.`);
      else found.add(`${before}${each.name}`);
    }
  };
  for (const columns of Object.values(kinds)) add(columns, "");
  return [...found].sort();
}

async function search(results, newest, asked) {
  if (!results.firstChild) show(results, h("div", { class: "card" }, empty("Searching", "")));
  const answer = await newest(get("/api/events", asked));
  if (!answer) return;
  const found = answer.events;
  if (!found.length) {
    show(results, h("div", { class: "card" }, empty("No event found", asked.q ? "It may be on its way still: an id of its own is followed all the same." : "Start a scenario in the flow, and they come in here.")));
    return;
  }
  show(results, card(`${count(found.length)} newest`, null, h(
    "div", { class: "scroll" },
    h("table", {}, h("thead", {}, h("tr", {}, ["Event", "Type", "Published", "To its row", "What it says"].map((each) => h("th", { scope: "col" }, each)))), h("tbody", {}, found.map(row))),
  )));
}

function row({ kind, values }) {
  const href = `#/events/${encodeURIComponent(values.event_id)}`;
  const ended = values.processed_timestamp ?? values.failed_at;
  const dead = kind === "dead_letter";
  return h(
    "tr", { class: "pick", onclick: (event) => { if (!event.target.closest("a")) location.hash = href; } },
    h("td", { class: "mono" }, h("a", { href }, h("span", { class: "cell clip id" }, values.event_id))),
    h("td", {}, h("span", { class: `chip ${dead ? "bad" : "accent"}` }, dead ? values.reason.replaceAll("_", " ") : kind.replace("_", " "))),
    h("td", { class: "mono muted nowrap" }, day(stamp(values.publish_time))),
    h("td", { class: "num" }, seconds((new Date(stamp(ended)) - new Date(stamp(values.publish_time))) / 1000)),
    h("td", { class: "rest" }, h("div", { class: "cell muted" }, gist(kind, values))),
  );
}

export const stamp = (text) => String(text).replace(" UTC", "Z").replace(" ", "T");

function gist(kind, values) {
  if (kind === "dead_letter") return values.detail;
  const own = Object.entries(values).filter(([name, each]) => typeof each !== "object" && !["event_type", "event_id", "publish_time", "processed_timestamp", "event_date"].includes(name));
  return own.map(([, each]) => each).join(" · ");
}

const STATES = { stored: ["ok", "stored"], dead_lettered: ["bad", "dead-lettered"], "on its way": ["warn", "on its way"], unknown: ["", "unknown"] };

async function one(main, signal, id) {
  const again = h("button", { class: "button", type: "button", onclick: () => act(again, () => one(main, signal, id)) }, "Look again");
  const found = await get(`/api/events/${encodeURIComponent(id)}`);
  if (signal.aborted) return;
  const [kind, word] = STATES[found.state];
  const top = h("div", { class: "head" }, h("a", { href: "#/events", class: "small" }, "Events"), h("h1", { class: "id" }, id), h("span", { class: `chip ${kind}` }, word), h("div", { class: "acts" }, again));
  if (found.state === "unknown") {
    show(main, top, h("div", { class: "card" }, empty("No part knows this id", "Not the publishers' log, not Pub/Sub's memory, no table, no file.")));
    return;
  }
  const letters = found.rows.filter((each) => each.table === "dead_letter_events");
  show(
    main, top, card("Its way", [h("span", { class: "muted small" }, total(found.hops))], waterfall(found.hops)),
    h("div", { class: "split below" }, h("div", { class: "stack" }, payload(found), attributes(found)), h("div", { class: "stack" }, found.rows.map(place), files(found))),
    letters.length > 0 && h("p", { class: "below" }, h("a", { class: "button", href: `#/letters/${encodeURIComponent(id)}` }, icon("letters"), "Open the dead letter")),
  );
}

const total = (hops) => (hops.length > 1 ? `${seconds(hops.at(-1).at - hops[0].at)} from first to last` : "");

const COLOURS = { client: "s0", pubsub: "s3", table_manager: "s4", pipeline: "s1", bigquery: "s2", storage: "s5" };

// Each hop as a bar from the one before it, on one scale of time.
function waterfall(hops) {
  const first = hops[0].at;
  const span = Math.max(hops.at(-1).at - first, 0.001);
  return h("ol", { class: "fall" }, hops.map((hop, i) => {
    const before = i ? hops[i - 1].at : first;
    const bar = h("i", { class: COLOURS[hop.part] ?? "s1" });
    bar.style.left = `${(100 * (before - first)) / span}%`;
    bar.style.width = `max(6px, ${(100 * (hop.at - before)) / span}%)`;
    return h(
      "li", {},
      h("span", { class: "what" }, h("b", {}, hop.what), h("span", { class: "muted clip", title: hop.detail }, hop.detail)),
      h("span", { class: "track" }, bar),
      h("span", { class: "mono num" }, `+${seconds(hop.at - first)}`),
      h("span", { class: "mono muted num" }, clock(hop.at * 1000)),
    );
  }));
}

function payload(found) {
  const text = found.payload || (found.rows.length ? JSON.stringify(own(found.rows[0].values)) : "");
  const note = found.payload ? null : h("span", { class: "muted small" }, "as its row has it");
  return card("Payload", [note, h("span", { class: "chip" }, found.payload_encoding)], h("div", { class: "body" }, code(text)));
}

const own = ({ event_id: a, publish_time: b, processed_timestamp: c, event_date: d, ...rest }) => rest;

function attributes(found) {
  const pairs = Object.entries(found.attributes);
  const list = [["event id", found.event_id], ["message id", found.message_id || "forgotten"], ...pairs];
  return card("Attributes", null, h("div", { class: "body" }, h("dl", { class: "pairs" }, list.flatMap(([name, each]) => [h("dt", {}, name), h("dd", { class: "mono" }, each)]))));
}

function place({ table, values }) {
  return card("Row", [h("a", { class: "chip accent", href: `#/tables/${encodeURIComponent(table)}` }, table)], h("div", { class: "body" }, value(values)));
}

function files(found) {
  const body = found.files.length
    ? h("ul", { class: "list" }, found.files.map((each) => h("li", {}, h("a", { class: "mono", href: `#/files/${each.name.split("/").map(encodeURIComponent).join("/")}` }, last(each.name)), h("span", { class: "muted small" }, `line ${count(each.line)} of ${bytes(each.size)}, written ${clock(each.written * 1000)}`))))
    : empty("Not in a file yet", "Its window closes soon.");
  return card("File", null, h("div", { class: "body" }, body));
}
