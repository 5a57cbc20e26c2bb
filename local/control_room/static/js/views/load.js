// Scenarios and loads of one's own, with their progress and a stop.
import { act, get, post, remove, toast } from "../api.js";
import { card, field, h, say, show } from "../dom.js";
import { listen } from "../feed.js";
import { count } from "../text.js";

const DONE_SHOWN = 3;

export function load(signal) {
  const running = h("div", { class: "tasks", "aria-live": "off" });
  const list = h("div", { class: "scenarios" });
  const tasks = new Map();
  const refresh = async () => draw(running, tasks, (await get("/api/tasks")).tasks, refresh);
  fill(list, refresh);
  watch(signal, refresh);
  return h(
    "div", { class: "split" },
    card("Scenarios", null, list),
    h("div", { class: "stack" }, card("Running", null, running), card("A load of your own", null, own(refresh))),
  );
}

// Asks while something runs, and once more when it has ended.
function watch(signal, refresh) {
  let busy = false;
  let before = -1;
  listen(async ({ look }) => {
    const tasks = look?.generator?.running_tasks ?? 0;
    if (busy || (tasks === 0 && before === 0)) return;
    busy = true;
    before = tasks;
    await refresh().catch(() => {});
    busy = false;
  }, signal);
}

async function fill(list, refresh) {
  const found = await get("/api/scenarios").catch((error) => { toast("bad", error.message); return []; });
  show(list, found.map((each) => {
    const { events_per_minute: pace, duration_minutes: minutes } = each.request;
    const start = h("button", { class: "button tiny", type: "button", "aria-label": `Start ${each.name}`, onclick: () => act(start, async () => { await post(`/api/scenarios/${encodeURIComponent(each.name)}/start`); await refresh(); }) }, "Start");
    return h(
      "div", { class: "scenario" },
      h("div", {}, h("b", {}, each.name.replaceAll("_", " ")), h("span", {}, each.description)),
      h("span", { class: "plan num" }, `${count(pace)}/min × ${count(minutes)} min`), start,
    );
  }));
}

function draw(running, tasks, found, refresh) {
  const active = found.filter((each) => ["running", "stopping"].includes(each.state));
  const shown = [...active, ...found.filter((each) => !active.includes(each)).slice(0, DONE_SHOWN)];
  if (!shown.length) {
    show(running, h("div", { class: "empty" }, h("b", {}, "Nothing runs"), "Start a scenario, or a load of your own."));
    tasks.clear();
    return;
  }
  for (const each of shown) {
    if (!tasks.has(each.id)) tasks.set(each.id, task(each, refresh));
    tasks.get(each.id).update(each);
  }
  show(running, shown.map((each) => tasks.get(each.id).element));
}

function task(first, refresh) {
  const state = h("span", { class: "chip" });
  const fill = h("i", {});
  const figures = h("span", { class: "muted small" });
  const name = first.scenario?.replaceAll("_", " ") ?? (first.request.path ? "replay" : "own load");
  const meter = h("div", { class: "meter", role: "progressbar", "aria-label": name, "aria-valuemin": 0, "aria-valuemax": first.planned }, fill);
  const stop = h("button", { class: "button tiny bad", type: "button", onclick: () => act(stop, async () => { await remove(`/api/tasks/${encodeURIComponent(first.id)}`); await refresh(); }) }, "Stop");
  const element = h("div", { class: "task", "data-task": first.id }, h("div", { class: "row" }, h("b", {}, name), h("span", { class: "row" }, state, stop)), meter, figures);
  const update = (now) => {
    const active = now.state === "running" || now.state === "stopping";
    say(state, now.state);
    state.className = `chip ${{ completed: "ok", failed: "bad", running: "accent" }[now.state] ?? ""}`;
    stop.hidden = !active;
    meter.setAttribute("aria-valuenow", now.confirmed);
    meter.className = `meter ${{ completed: "ok", failed: "bad" }[now.state] ?? ""}`;
    fill.style.width = `${(100 * now.confirmed) / Math.max(1, now.planned)}%`;
    const late = now.behind_seconds > 1 && active ? ` · ${now.behind_seconds.toFixed(0)} s behind` : "";
    say(figures, `${count(now.confirmed)} of ${count(now.planned)} confirmed · ${Math.round(now.achieved_per_minute).toLocaleString("en")}/min${late}${now.last_error ? ` · ${now.last_error}` : ""}`);
  };
  return { element, update };
}

function own(refresh) {
  const pace = h("input", { type: "number", min: 1, max: 600000, value: "600", required: true });
  const minutes = h("input", { type: "number", min: 0.01, step: "any", value: "1", required: true });
  const invalid = h("input", { type: "number", min: 0, max: 100, value: "0" });
  const types = about.types.map(({ name }) => [name, h("input", { type: "checkbox", checked: true })]);
  const start = h("button", { class: "button main", type: "submit" }, "Start");
  const send = async () => {
    const chosen = types.filter(([, box]) => box.checked).map(([name]) => name);
    const request = { events_per_minute: Number(pace.value), duration_minutes: Number(minutes.value), invalid_ratio: Number(invalid.value) / 100, event_types: chosen };
    const made = await post("/api/generate", request);
    toast("ok", `Started: ${count(made.planned)} events`);
    await refresh();
  };
  return h(
    "form", { class: "body form", onsubmit: (event) => { event.preventDefault(); act(start, send); } },
    field("Events a minute", pace), field("Minutes", minutes), field("Broken, in %", invalid),
    h("div", { class: "row wide", role: "group", "aria-label": "Event types" }, types.map(([name, box]) => h("label", { class: "check" }, box, name.replace("_", " ")))),
    h("div", { class: "wide row" }, start),
  );
}
