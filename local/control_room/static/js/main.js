// The frame: the rail of views, the bar with the ledger, the router, the keys.
import { connect, listen, state } from "./feed.js";
import { get, toaster, toast } from "./api.js";
import { h, icon, say, show } from "./dom.js";
import { ledgerBadge } from "./ledger.js";
import { theme, toggle } from "./theme.js";
import { VIEWS } from "./views.js";

let leave = new AbortController();
let pending = "";
const main = h("main", { id: "main", tabindex: "-1" });
const counts = {};

function link(view) {
  counts[view.name] = h("span", { class: "count" });
  return h("li", {}, h("a", { href: `#/${view.name}`, "data-view": view.name, title: `g ${view.key}` }, icon(view.icon), view.title, counts[view.name]));
}

function rail(about) {
  return h(
    "aside", { class: "rail", "aria-label": "Control room" },
    h("a", { class: "brand", href: "#/flow" }, h("img", { src: "/static/icon.svg", alt: "" }), "Control room"),
    h("nav", { "aria-label": "Views" }, h("ul", {}, VIEWS.map(link))),
    h("div", { class: "foot" }, h("span", {}, about.project), h("span", {}, h("kbd", {}, "?"), " all keys")),
  );
}

function bar(about) {
  const dot = h("span", { class: "dot" });
  const word = h("span", {}, "connecting");
  const button = h("button", { class: "button plain", type: "button", "aria-label": "Light or dark", onclick: () => { toggle(); paint(); } });
  const paint = () => show(button, icon(theme() === "dark" ? "sun" : "moon"));
  paint();
  listen(() => {
    dot.className = `dot ${state.connected ? "ok" : "bad"}`;
    say(word, state.connected ? "live" : "no connection");
  });
  return h(
    "header", { class: "bar" },
    h("span", { class: "place" }, h("b", {}, about.environment), ` · ${about.job}`),
    h("span", { class: "gap" }), ledgerBadge(), h("span", { class: "chip" }, dot, word), button,
  );
}

function route() {
  const [, name, ...rest] = location.hash.split("/");
  const view = VIEWS.find((each) => each.name === name) ?? VIEWS[0];
  const [path, query] = rest.join("/").split("?");
  leave.abort();
  leave = new AbortController();
  for (const each of document.querySelectorAll("[data-view]")) {
    if (each.dataset.view === view.name) {
      each.setAttribute("aria-current", "page");
      each.scrollIntoView({ block: "nearest", inline: "center" });
    } else each.removeAttribute("aria-current");
  }
  document.title = `${view.title} · Control room`;
  show(main);
  main.dataset.view = view.name;
  const given = { path: path ? path.split("/").map(decodeURIComponent) : [], query: new URLSearchParams(query ?? "") };
  Promise.resolve(view.open(main, leave.signal, given)).catch((error) => toast("bad", error.message));
}

function keys() {
  const list = [...VIEWS.map((each) => [`g ${each.key}`, each.title]), ["/", "Search in the view"], ["t", "Light or dark"], ["?", "These keys"]];
  const made = h(
    "dialog", { "aria-label": "Keys", onclose: () => made.remove() },
    h("header", {}, h("h1", {}, "Keys")),
    h("div", { class: "body" }, h("dl", { class: "pairs" }, list.flatMap(([key, what]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)]))),
    h("footer", {}, h("button", { class: "button", type: "button", onclick: () => made.close() }, "Close")),
  );
  document.body.append(made);
  made.showModal();
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) return;
  const found = pending === "g" && VIEWS.find((each) => each.key === event.key);
  pending = event.key === "g" ? "g" : "";
  if (found) location.hash = `#/${found.name}`;
  else if (event.key === "?") keys();
  else if (event.key === "t") { toggle(); document.querySelector(".bar .button.plain")?.replaceChildren(icon(theme() === "dark" ? "sun" : "moon")); }
  else if (event.key === "/") main.querySelector("input[type=search], textarea")?.focus();
  else return;
  event.preventDefault();
}

function badges({ look }) {
  if (!look) return;
  const letters = look.rows.dead_letter_events ?? 0;
  const faults = Object.values(look.faults).reduce((sum, each) => sum + each, 0);
  const sick = Object.values(look.health).filter((each) => !each.ok).length;
  const firing = look.alerts.filter((each) => each.state === "firing").length;
  for (const [name, value, kind] of [["letters", letters, "warn"], ["faults", faults, "bad"], ["flow", sick, "bad"], ["alerts", firing, "bad"]]) {
    if (!counts[name]) continue;
    say(counts[name], value ? String(value) : "");
    counts[name].className = `count ${kind}`;
  }
}

async function start() {
  const about = await get("/api/about");
  window.about = Object.freeze(about);
  document.body.replaceChildren(
    h("a", { class: "skip", href: "#main", onclick: (event) => { event.preventDefault(); main.focus(); } }, "Skip to the view"),
    h("div", { class: "shell" }, rail(about), h("div", { class: "stage" }, bar(about), main)),
    toaster(),
  );
  addEventListener("hashchange", () => { route(); main.focus({ preventScroll: true }); scrollTo(0, 0); });
  addEventListener("keydown", pressed);
  listen(badges);
  connect();
  route();
}

start().catch((error) => document.body.replaceChildren(h("p", { class: "empty" }, error.message)));
