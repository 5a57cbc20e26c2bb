// Tables: what is in each, its partitions, its columns, its first rows.
import { act, get, post } from "../api.js";
import { card, empty, h, head, show } from "../dom.js";
import { bytes, count } from "../text.js";
import { grid } from "./grid.js";

export async function tables(main, signal, { path }) {
  if (path.length) return one(main, signal, path[0]);
  const { tables: found } = await get("/api/tables");
  if (signal.aborted) return undefined;
  const preview = h("button", { class: "button", type: "button", title: "local contract diff", onclick: () => act(preview, contract) }, "Preview a changed type");
  show(main, head("Tables", `The dataset ${about.dataset}.`, preview));
  if (!found.length) {
    main.append(h("div", { class: "card" }, empty("No table yet", "The table manager makes each when its first event comes.")));
    return undefined;
  }
  const most = Math.max(...found.map((each) => each.rows), 1);
  main.append(h("div", { class: "card scroll" }, h(
    "table", {},
    h("thead", {}, h("tr", {}, [["Name"], ["Kind"], ["Rows", "num"], [""], ["Size", "num"], ["Partitioned by"], ["Clustered by"]].map(([each, kind]) => h("th", { scope: "col", class: kind }, each || h("span", { class: "sr" }, "Share"))))),
    h("tbody", {}, found.map((each) => row(each, most))),
  )));
  return undefined;
}

// What the code as it stands on the disk would change in the tables, and whom it would refuse.
async function contract() {
  const { types } = await post("/api/contract");
  const made = h(
    "dialog", { class: "wide", "aria-label": "Contract preview", onclose: () => made.remove() },
    h("header", {}, h("h1", {}, "Contract preview")),
    h("div", { class: "body" }, h("p", { class: "muted small" }, "event_types/ as it is on the disk now, against the tables and the newest stored events."), types.map(verdict)),
    h("footer", {}, h("button", { class: "button main", type: "button", onclick: () => made.close() }, "Close")),
  );
  document.body.append(made);
  made.showModal();
}

function verdict(each) {
  const word = !each.exists ? ["", "no table yet"] : each.safe ? ["ok", each.changes.length ? "safe" : "unchanged"] : ["bad", "breaks"];
  return h(
    "section", { class: "note verdict", "aria-label": each.event_type },
    h("div", { class: "row" }, h("b", {}, each.event_type.replaceAll("_", " ")), h("span", { class: `chip ${word[0]}` }, word[1]), h("span", { class: "muted small" }, `${count(each.failing)} of ${count(each.checked)} stored events would fail`)),
    each.changes.map((change) => h("p", { class: `mono small ${change.breaks ? "wrong" : ""}` }, `${change.what} ${change.column}: ${change.table || "–"} → ${change.code || "–"}`)),
    each.failures.slice(0, 5).map((failure) => h("p", { class: "small" }, h("a", { href: `#/events/${encodeURIComponent(failure.event_id)}` }, failure.event_id), ` ${failure.detail}`)),
  );
}

function row(each, most) {
  const href = `#/tables/${encodeURIComponent(each.name)}`;
  const fill = h("i", {});
  fill.style.width = `${(100 * each.rows) / most}%`;
  const is = each.kind === "TABLE";
  return h(
    "tr", { class: "pick", onclick: (event) => { if (!event.target.closest("a")) location.hash = href; } },
    h("td", {}, h("a", { href, class: "mono" }, each.name)),
    h("td", {}, h("span", { class: `chip ${is ? "accent" : ""}` }, each.kind.toLowerCase())),
    h("td", { class: "num" }, is ? count(each.rows) : "–"),
    h("td", { class: "wide" }, is && h("div", { class: "meter" }, fill)),
    h("td", { class: "num" }, is ? bytes(each.bytes) : "–"),
    h("td", { class: "mono muted" }, each.partition || "–"), h("td", { class: "mono muted" }, each.cluster.join(", ") || "–"),
  );
}

async function one(main, signal, name) {
  const found = await get(`/api/tables/${encodeURIComponent(name)}`);
  if (signal.aborted) return;
  const facts = [h("span", { class: "chip accent" }, found.kind.toLowerCase())];
  if (found.kind === "TABLE") facts.push(h("span", { class: "chip" }, `${count(found.rows)} rows`), h("span", { class: "chip" }, bytes(found.bytes)));
  show(
    main,
    h("div", { class: "head" }, h("a", { href: "#/tables", class: "small" }, "Tables"), h("h1", { class: "id" }, name), facts, found.description && h("p", {}, found.description)),
    h("div", { class: "stack" },
      card("First rows", null, grid(found.preview.columns, found.preview.rows)),
      h("div", { class: "split" }, card("Columns", null, h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Columns" }, schema(found.schema))), found.view ? card("Query", null, h("div", { class: "body" }, h("pre", { class: "code wrap" }, found.view))) : partitions(found))),
  );
}

function schema(fields) {
  const rows = [];
  const add = (columns, depth) => {
    for (const each of columns) {
      const label = h("span", {}, each.name);
      label.style.paddingLeft = `${depth * 18}px`;
      rows.push(h("tr", {}, h("td", { class: "mono" }, label), h("td", { class: "mono muted" }, each.type), h("td", { class: "muted small" }, (each.mode ?? "NULLABLE").toLowerCase()), h("td", { class: "small" }, each.description ?? "")));
      if (each.fields) add(each.fields, depth + 1);
    }
  };
  add(fields, 0);
  return h("table", {}, h("thead", {}, h("tr", {}, ["Column", "Type", "Mode", "What it is"].map((each) => h("th", { scope: "col" }, each)))), h("tbody", {}, rows));
}

function partitions(found) {
  if (!found.partitions.length) return card("Partitions", null, empty("Not partitioned", ""));
  const most = Math.max(...found.partitions.map((each) => each.rows), 1);
  return card(`Partitions by ${found.partition}`, [h("span", { class: "muted small" }, count(found.partitions.length))], h("ul", { class: "body barlist long", tabindex: "0" }, found.partitions.map((each) => {
    const fill = h("i", {});
    fill.style.width = `${(100 * each.rows) / most}%`;
    return h("li", {}, h("span", { class: "mono" }, each.id), h("span", { class: "meter" }, fill), h("b", { class: "num" }, count(each.rows)));
  })));
}
