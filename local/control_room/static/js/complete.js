// Completes a word of SQL from the schema: arrow keys choose, Tab or Enter takes.
import { fresh, h, show } from "./dom.js";

const WORDS = "SELECT FROM WHERE GROUP BY ORDER BY LIMIT HAVING QUALIFY WITH AS JOIN LEFT ON USING UNNEST COUNT(*) SUM AVG MIN MAX ROUND DISTINCT DATE TIMESTAMP CURRENT_DATE() CURRENT_TIMESTAMP() DATE_SUB INTERVAL DAY TIMESTAMP_DIFF APPROX_QUANTILES ROW_NUMBER() OVER PARTITION BY DESC ASC AND OR NOT NULL IS IN BETWEEN CASE WHEN THEN ELSE END CAST SAFE_DIVIDE INFORMATION_SCHEMA".split(" ");
const SHOWN = 8;

export function complete(area, schema, signal) {
  const id = fresh("words");
  const list = h("ul", { class: "complete", role: "listbox", id, "aria-label": "Completions", hidden: true });
  area.after(list);
  area.setAttribute("aria-controls", id);
  let found = [];
  let at = 0;
  const close = () => { list.hidden = true; area.removeAttribute("aria-activedescendant"); };
  const take = (word) => {
    const { start } = wordAt(area);
    area.setRangeText(word, start, area.selectionStart, "end");
    close();
    area.dispatchEvent(new Event("input"));
    close();
    area.focus();
  };
  const draw = () => {
    show(list, found.map(([word, of], i) => h("li", { role: "option", id: `${id}-${i}`, "aria-selected": i === at ? "true" : "false", onmousedown: (event) => { event.preventDefault(); take(word); } }, h("span", {}, word), h("span", { class: "muted small" }, of))));
    list.hidden = found.length === 0;
    if (found.length) area.setAttribute("aria-activedescendant", `${id}-${at}`);
  };
  area.addEventListener("input", (event) => {
    if (!event.isTrusted) return;
    found = matches(area, schema);
    at = 0;
    if (found.length) draw(); else close();
  }, { signal });
  area.addEventListener("keydown", (event) => {
    if (list.hidden || event.ctrlKey || event.metaKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) { at = (at + step + found.length) % found.length; draw(); }
    else if (event.key === "Tab" || event.key === "Enter") take(found[at][0]);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, { signal, capture: true });
  area.addEventListener("blur", close, { signal });
}

function wordAt(area) {
  const before = area.value.slice(0, area.selectionStart);
  const word = /[\w.]*$/.exec(before)[0];
  return { word, start: area.selectionStart - word.length };
}

function matches(area, schema) {
  const { word } = wordAt(area);
  if (word.length < 1) return [];
  const start = word.toLowerCase();
  const named = Object.keys(schema).filter((table) => new RegExp(`\\b${table}\\b`, "i").test(area.value));
  const columns = Object.entries(schema)
    .sort(([a], [b]) => named.includes(b) - named.includes(a))
    .flatMap(([table, found]) => found.map((column) => [column, table]));
  const all = [...columns, ...Object.keys(schema).map((table) => [table, "table"]), ...WORDS.map((each) => [each, ""])];
  const seen = new Set();
  return all.filter(([each]) => each.toLowerCase().startsWith(start) && each.toLowerCase() !== start && !seen.has(each) && seen.add(each)).slice(0, SHOWN);
}
