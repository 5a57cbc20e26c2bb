// Dead letters: by reason and type; one with its fault marked, edited and sent again.
import { act, get, post, put, toast } from "../api.js";
import { card, empty, field, h, head, say, show } from "../dom.js";
import { code } from "../json.js";
import { count, day } from "../text.js";
import { stamp } from "./events.js";

const SHOWN_BARS = 8;

export async function letters(main, signal, { path, query }) {
  if (path.length) return one(main, signal, path.join("/"));
  const reason = choice("reason", "Every reason", Object.keys(about.reasons), query);
  const type = choice("type", "Every type", about.types.map((each) => each.name), query);
  const state = choice("state", "Open and redriven", ["open", "redriven"], query);
  const list = h("div", { class: "stack", "aria-live": "polite" });
  const chosen = () => ({ reason: reason.value, type: type.value, state: state.value });
  const load = () => fill(list, signal, chosen());
  for (const each of [reason, type, state]) each.addEventListener("change", load);
  const all = h("button", { class: "button main", type: "button", onclick: () => act(all, () => redrive(chosen(), load)) }, "Redrive all shown…");
  show(
    main, head("Dead letters", "Every message that could not be stored, whole, with the reason.", all),
    h("div", { class: "card searchbar" }, field("Reason", reason), field("Type", type), field("State", state)),
    list,
  );
  return load();
}

function choice(name, every, values, query) {
  const made = h("select", { name }, h("option", { value: "" }, every), values.map((each) => h("option", { value: each }, each.replaceAll("_", " "))));
  made.value = query.get(name) ?? "";
  return made;
}

async function fill(list, signal, asked) {
  const [{ letters: found }, stats] = await Promise.all([get("/api/letters", asked), get("/api/letters/stats", asked)]);
  if (signal.aborted) return;
  if (!found.length) {
    show(list, h("div", { class: "card" }, empty("No dead letter", "Nothing that matches could not be stored.")));
    return;
  }
  show(
    list,
    h("div", { class: "bars" }, bars("By reason", stats.reason, stats.total), bars("By type", stats.type, stats.total), bars("By state", stats.state, stats.total)),
    card(found.length < stats.total ? `${count(found.length)} newest of ${count(stats.total)}` : `${count(stats.total)} letters`, null, h(
      "div", { class: "scroll" },
      h("table", {}, h("thead", {}, h("tr", {}, ["Event", "Reason", "What was wrong", "Failed", "State"].map((each) => h("th", { scope: "col" }, each)))), h("tbody", {}, found.map(row))),
    )),
  );
}

function bars(title, counts, total) {
  const shown = Object.entries(counts).slice(0, SHOWN_BARS);
  return card(title, null, h("ul", { class: "body barlist" }, shown.map(([name, n]) => {
    const fill = h("i", {});
    fill.style.width = `${(100 * n) / total}%`;
    return h("li", {}, h("span", { class: "clip" }, name.replaceAll("_", " ")), h("span", { class: "meter" }, fill), h("b", { class: "num" }, count(n)));
  })));
}

function row(letter) {
  const href = `#/letters/${encodeURIComponent(letter.event_id)}`;
  return h(
    "tr", { class: "pick", onclick: (event) => { if (!event.target.closest("a")) location.hash = href; } },
    h("td", { class: "mono" }, h("a", { href }, h("span", { class: "cell clip id" }, letter.event_id))),
    h("td", {}, h("span", { class: "chip bad" }, letter.reason.replaceAll("_", " "))),
    h("td", { class: "rest" }, h("div", { class: "cell", title: letter.detail }, letter.detail)),
    h("td", { class: "mono muted nowrap" }, day(stamp(letter.failed_at))),
    h("td", {}, h("span", { class: `chip ${letter.state === "open" ? "warn" : "ok"}` }, letter.state)),
  );
}

// First what would happen, then the button that lets it.
async function redrive(asked, done) {
  const plan = await post("/api/letters/redrive", { ...asked, dry_run: true });
  const ready = plan.verdicts.ready ?? 0;
  const go = h("button", { class: "button main", type: "button", disabled: ready === 0, onclick: () => act(go, async () => {
    const told = await post("/api/letters/redrive", { ...asked, dry_run: false });
    made.close();
    toast("ok", `${count(told.sent)} sent again`);
    await done();
  }) }, `Send ${count(ready)} again`);
  const made = h(
    "dialog", { "aria-label": "Redrive", onclose: () => made.remove() },
    h("header", {}, h("h1", {}, "Redrive, as a dry run")),
    h("div", { class: "body" },
      h("dl", { class: "pairs" }, Object.entries(plan.verdicts).flatMap(([verdict, n]) => [h("dt", {}, verdict), h("dd", {}, h("b", {}, count(n)))])),
      h("ul", { class: "list plans" }, plan.letters.slice(0, 12).map((each) => h("li", {}, h("span", { class: "mono small" }, each.event_id), h("span", { class: "muted small" }, `${each.verdict}${each.edited ? ", edited" : ""} · ${each.why}`)))),
      h("p", { class: "muted small" }, "Each is published first and marked after, under its own event id. What would fail again stays here.")),
    h("footer", {}, h("button", { class: "button", type: "button", onclick: () => made.close() }, "Cancel"), go),
  );
  document.body.append(made);
  made.showModal();
}

async function one(main, signal, id) {
  const letter = await get(`/api/letters/of/${encodeURIComponent(id)}`);
  if (signal.aborted) return;
  const again = () => one(main, signal, id);
  const send = h("button", { class: "button main", type: "button", disabled: letter.state !== "open", onclick: () => act(send, () => redrive({ event_ids: [id] }, again)) }, "Redrive…");
  const open = letter.state === "open";
  show(
    main,
    h("div", { class: "head" }, h("a", { href: "#/letters", class: "small" }, "Dead letters"), h("h1", { class: "id" }, id), h("span", { class: "chip bad" }, letter.reason.replaceAll("_", " ")), h("span", { class: `chip ${open ? "warn" : "ok"}` }, letter.state), h("div", { class: "acts" }, h("a", { class: "button", href: `#/events/${encodeURIComponent(id)}` }, "Its way"), send)),
    h("p", { class: "note bad" }, letter.detail, h("br"), h("span", { class: "small" }, about.reasons[letter.reason])),
    h("div", { class: "split below" },
      h("div", { class: "stack" }, card("As it came", [h("span", { class: "chip" }, letter.payload_encoding)], h("div", { class: "body" }, code(letter.payload, letter.faults))), facts(letter)),
      editor(letter, open, again)),
  );
}

function facts(letter) {
  const pairs = [["failed", day(stamp(letter.failed_at))], ["published", day(stamp(letter.publish_time))], ["size", `${count(letter.payload_bytes)} bytes`], ["sent again", letter.redriven_at ? day(stamp(letter.redriven_at)) : `${letter.redrives} times before`], ...Object.entries(letter.attributes)];
  return card("What is known", null, h("div", { class: "body" }, h("dl", { class: "pairs" }, pairs.flatMap(([name, each]) => [h("dt", {}, name), h("dd", { class: "mono" }, each)]))));
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function editor(letter, open, again) {
  const said = h("p", { class: "note", role: "status" });
  const area = h("textarea", { rows: 20, spellcheck: "false", "aria-label": "Edited payload", value: pretty(letter.draft ?? letter.payload), disabled: !open });
  const tell = ({ reason, detail }) => {
    said.className = `note ${reason ? "bad" : "ok"}`;
    say(said, reason ? `${reason.replaceAll("_", " ")}: ${detail}` : "Valid: it would be stored.");
    area.classList.toggle("wrong", Boolean(reason));
  };
  tell(letter.verdict);
  let waiting = 0;
  area.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => post("/api/letters/check", { payload: area.value }).then(tell, () => {}), 250);
  });
  const save = h("button", { class: "button", type: "button", disabled: !open, onclick: () => act(save, async () => {
    await put("/api/letters/draft", { event_id: letter.event_id, payload: area.value });
    toast("ok", "Kept for the redrive");
    await again();
  }) }, "Keep the edit");
  const drop = letter.draft !== null && h("button", { class: "button plain", type: "button", onclick: () => act(drop, async () => { await put("/api/letters/draft", { event_id: letter.event_id, payload: null }); await again(); }) }, "Forget it");
  return card("Edit", [letter.draft !== null && h("span", { class: "chip accent" }, "edited"), drop, save], h("div", { class: "body stack" }, said, area));
}
