// SQL: an editor with completion, the data model's queries, bytes before the run, rows after it.
import { act, get, post } from "../api.js";
import { card, h, head, say, show } from "../dom.js";
import { bytes, count, seconds } from "../text.js";
import { complete } from "../complete.js";
import { highlighted } from "../highlight.js";
import { grid } from "./grid.js";

const KEY = "control-room-sql";
const FIRST = "SELECT status, COUNT(*) AS orders, ROUND(SUM(total_amount), 2) AS amount\nFROM orders\nGROUP BY status\nORDER BY orders DESC";

export async function sql(main, signal) {
  const area = h("textarea", { rows: 9, spellcheck: "false", autocapitalize: "off", autocomplete: "off", "aria-label": "GoogleSQL", value: sessionStorage.getItem(KEY) ?? FIRST });
  const cost = h("span", { class: "muted small", role: "status" });
  const out = h("div", { "aria-live": "polite" });
  const run = h("button", { class: "button main", type: "button", onclick: () => act(run, () => ask(out, signal, area.value)) }, "Run");
  const estimate = later(() => tell(cost, area.value), 350);
  area.addEventListener("input", () => { sessionStorage.setItem(KEY, area.value); estimate(); });
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); run.click(); }
  });
  const list = h("ul", { class: "queries" });
  show(
    main, head("SQL", "GoogleSQL on the stack's own BigQuery; table names need no dataset."),
    h("div", { class: "side flip" },
      h("div", { class: "stack" }, card("Statement", [cost, h("kbd", {}, "Ctrl ↵"), run], h("div", { class: "body editor" }, highlighted(area))), out),
      card("Ready made", null, list)),
  );
  tell(cost, area.value);
  const [schema, queries] = await Promise.all([get("/api/schema"), get("/api/queries")]);
  if (signal.aborted) return;
  complete(area, schema, signal);
  show(list, queries.map((each) => h("li", {}, h("button", { type: "button", onclick: () => { area.value = each.sql; area.dispatchEvent(new Event("input")); area.focus(); } }, h("span", {}, each.title), h("span", { class: "muted small mono" }, each.table)))));
}

function later(work, ms) {
  let waiting = 0;
  return () => { clearTimeout(waiting); waiting = setTimeout(work, ms); };
}

async function tell(cost, statement) {
  if (!statement.trim()) { say(cost, ""); return; }
  try {
    say(cost, `reads ${bytes((await post("/api/sql/estimate", { sql: statement })).bytes)}`);
    cost.classList.remove("wrong");
  } catch (error) {
    say(cost, error.message);
    cost.classList.add("wrong");
  }
  cost.title = cost.textContent;
}

async function ask(out, signal, statement) {
  let found;
  try {
    found = await post("/api/sql", { sql: statement });
  } catch (error) {
    show(out, h("p", { class: "note bad" }, error.message));
    return;
  }
  if (signal.aborted) return;
  if (!found.columns.length) {
    show(out, h("p", { class: "note ok" }, found.changed === null ? "Done." : `${count(found.changed)} rows changed.`));
    return;
  }
  const title = found.rows.length < found.total ? `${count(found.rows.length)} of ${count(found.total)} rows` : `${count(found.total)} row${found.total === 1 ? "" : "s"}`;
  show(out, card(title, [h("span", { class: "muted small" }, seconds(found.seconds))], bars(found), grid(found.columns, found.rows)));
}

// A word and a number a row: that is a chart as well.
function bars({ columns, rows }) {
  const number = columns.findIndex((_, i) => i > 0 && rows.every((row) => typeof row[i] === "number" && row[i] >= 0));
  if (number < 1 || rows.length < 2 || rows.length > 24 || typeof rows[0][0] === "object") return null;
  const most = Math.max(...rows.map((row) => row[number]), 1e-9);
  return h("ul", { class: "body barlist", "aria-hidden": "true" }, rows.map((row) => {
    const fill = h("i", {});
    fill.style.width = `${(100 * row[number]) / most}%`;
    return h("li", {}, h("span", { class: "clip" }, row[0]), h("span", { class: "meter" }, fill), h("b", { class: "num" }, count(row[number])));
  }));
}
