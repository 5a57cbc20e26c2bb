// Rows as a table.
import { empty, h } from "../dom.js";
import { count } from "../text.js";

export function grid(columns, rows) {
  if (!columns.length || !rows.length) return empty("No rows", "");
  const numbers = columns.map((_, i) => rows.every((row) => row[i] === null || typeof row[i] === "number"));
  const kind = (i) => (numbers[i] ? "num" : "");
  return h(
    "div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Rows as a table" },
    h("table", {},
      h("thead", {}, h("tr", {}, columns.map((each, i) => h("th", { scope: "col", class: kind(i) }, each)))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map((each, i) => h("td", { class: kind(i) }, cell(each))))))),
  );
}

function cell(value) {
  if (value === null) return h("span", { class: "null" }, "NULL");
  const text = typeof value === "object" ? JSON.stringify(value) : typeof value === "number" && Number.isInteger(value) ? count(value) : String(value);
  return h("div", { class: "cell", title: text }, text);
}
