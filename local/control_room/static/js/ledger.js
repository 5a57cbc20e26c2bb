// The delivery ledger as a badge: published = stored + dead-lettered, lost 0, duplicated 0.
import { act, post } from "./api.js";
import { h, icon, show } from "./dom.js";
import { listen } from "./feed.js";
import { clock, count } from "./text.js";

const ROWS = [
  ["published", "published", "the publishers' own record"],
  ["in_bigquery", "stored in BigQuery", "event tables"],
  ["in_files", "stored in files", "output/"],
  ["dead_lettered", "dead-lettered", "dead_letter_events, dead-letter/"],
  ["redriven", "redriven and stored since", "counted in both lines above"],
  ["unrecorded", "unrecorded", "stored, in no publisher's record"],
  ["duplicated_rows", "duplicated rows", "same event_id in a table"],
  ["duplicated_lines", "duplicated lines", "same event_id in files"],
  ["lost", "lost", ""],
];

export function ledgerBadge() {
  let shown = {};
  const badge = h("button", { class: "ledger", type: "button", "aria-haspopup": "dialog", onclick: () => details(() => shown) }, icon("wait"), h("b", {}, "Ledger"));
  let before = "";
  listen(({ look }) => {
    if (!look) return;
    shown = look.ledger;
    const now = JSON.stringify([look.ledger, look.main?.backlog, look.rows]);
    if (now === before) return;
    before = now;
    paint(badge, look);
  });
  return badge;
}

// While events flow their counts are shown; a verdict needs every id, read while the stack rests.
function moving(badge, { rows, main, ledger }) {
  const stored = Object.entries(rows).reduce((sum, [table, each]) => sum + (table === "dead_letter_events" ? 0 : each), 0);
  const flight = main?.backlog ? `${count(main.backlog)} in flight` : ledger.error || "being read back";
  badge.className = "ledger";
  show(
    badge, icon("wait"), h("b", {}, main?.backlog ? "Flowing" : "Ledger"),
    h("span", { class: "rest sum" }, `${count(stored)} stored · ${count(rows.dead_letter_events)} dead-lettered`),
    h("span", { class: "rest" }, flight),
  );
}

// Whether the account is of what is stored now, and not of some time ago.
const fits = (account, rows) => Object.entries(account.tables).every(([table, n]) => rows[table] === n);

function paint(badge, look) {
  const { ledger: { account }, main, rows } = look;
  const backlog = main?.backlog ?? 0;
  const current = account && backlog === 0 && fits(account, rows);
  if (!account || (account.balanced && !current)) return moving(badge, look);
  const waiting = account.dead_lettered - account.redriven;
  const duplicated = account.duplicated_rows;
  badge.className = `ledger ${account.balanced ? "ok" : "bad"}`;
  show(
    badge,
    icon(account.balanced ? "check" : "cross"),
    h("b", {}, account.balanced ? "Balanced" : `${count(account.lost)} lost`),
    h("span", { class: "rest sum" }, `${count(account.published)} published = ${count(account.in_bigquery)} stored + ${count(waiting)} dead-lettered`),
    h("span", { class: "rest" }, `lost ${count(account.lost)} · duplicated ${count(duplicated)}`),
  );
  return undefined;
}

function details(shown) {
  const body = h("div", { class: "body" });
  const draw = () => {
    const { account, error, busy } = shown();
    const rows = account ? ROWS.map(([key, name, from]) => h("tr", {}, h("td", {}, name), h("td", { class: "num" }, count(account[key])), h("td", { class: "muted small" }, from))) : [];
    show(
      body,
      error && h("p", { class: "note bad" }, error),
      account ? h("table", {}, h("tbody", {}, rows)) : h("p", { class: "muted" }, busy ? "Every id is being read back." : "Nothing was read yet."),
      account?.lost_ids?.length > 0 && h("p", { class: "note bad" }, `First lost: ${account.lost_ids.join(", ")}`),
      account && h("p", { class: "muted small" }, `Read id by id at ${clock(account.at)} UTC; again whenever the stack rests.`),
    );
  };
  const again = h("button", { class: "button", type: "button", onclick: () => act(again, () => post("/api/reconcile")) }, "Read back now");
  const made = h(
    "dialog", { "aria-label": "Delivery ledger", onclose: () => { stop.abort(); made.remove(); } },
    h("header", {}, h("h1", {}, "Delivery ledger")), body,
    h("footer", {}, again, h("button", { class: "button main", type: "button", onclick: () => made.close() }, "Close")),
  );
  const stop = new AbortController();
  document.body.append(made);
  draw();
  listen(draw, stop.signal);
  made.showModal();
}
