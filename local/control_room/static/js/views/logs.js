// Logs of all parts in one stream, filtered, tied to an event by its id.
import { get, latest } from "../api.js";
import { empty, field, h, head, show } from "../dom.js";
import { clock } from "../text.js";

const EVERY_MS = 2000;
const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;
const PARTS = ["pubsub", "bigquery", "storage", "generator", "table_manager", "pipeline", "control_room"];

export async function logs(main, signal, { query }) {
  const text = h("input", { type: "search", placeholder: "A word, or an event id", value: query.get("q") ?? "", spellcheck: "false" });
  const part = h("select", {}, h("option", { value: "" }, "Every part"), PARTS.map((each) => h("option", { value: each }, each.replace("_", " "))));
  part.value = query.get("part") ?? "";
  const worse = h("input", { type: "checkbox" });
  const out = h("div", { class: "card log", tabindex: "0", role: "log", "aria-label": "Log lines" });
  show(
    main, head("Logs", "What every part wrote last, the newest at the end."),
    h("div", { class: "card searchbar" }, field("Text", text, "grow"), field("Part", part), h("label", { class: "check" }, worse, "Warnings and worse")),
    out,
  );
  const newest = latest(signal);
  let before = "";
  let asking = 0;
  const load = async () => {
    asking += 1;
    const found = await newest(get("/api/logs", { q: text.value, part: part.value, worse: worse.checked ? "1" : "" })).finally(() => { asking -= 1; });
    const now = JSON.stringify(found);
    if (!found || now === before) return;
    before = now;
    const atEnd = out.scrollHeight - out.scrollTop - out.clientHeight < 40;
    show(out, found.lines.length ? found.lines.map(line) : empty(found.there ? "No such line" : "No logs here", found.there ? "Nothing that matches was written of late." : "In containers: docker compose logs."));
    if (atEnd) out.scrollTop = out.scrollHeight;
  };
  for (const each of [text, part, worse]) each.addEventListener("input", () => load().catch(() => {}));
  const timer = setInterval(() => { if (!document.hidden && !asking) load().catch(() => {}); }, EVERY_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  await load();
  out.scrollTop = out.scrollHeight;
}

function line({ part, at, severity, text }) {
  return h(
    "div", { class: `line ${severity.toLowerCase()}` },
    h("span", { class: "muted at" }, at ? clock(at) : ""), h("span", { class: `part p-${part}` }, part.replace("_", " ")), h("span", { class: "text" }, tied(text)),
  );
}

// Every event id leads to its event.
function tied(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(ID)) {
    parts.push(text.slice(end, match.index), h("a", { href: `#/events/${match[0]}` }, match[0]));
    end = match.index + match[0].length;
  }
  return [...parts, text.slice(end)];
}

