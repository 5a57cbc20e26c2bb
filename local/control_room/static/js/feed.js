// What the server tells once a second, and the figures of the last minutes.
const KEPT = 300;
const WINDOW_MS = 4000;
const listeners = new Set();
export const state = { look: null, points: [], connected: false, run: "" };

export function listen(listener, signal) {
  listeners.add(listener);
  signal?.addEventListener("abort", () => listeners.delete(listener));
  if (state.look) listener(state);
}

function tell() {
  for (const each of listeners) each(state);
}

export function connect() {
  const source = new EventSource("/api/feed");
  source.addEventListener("hello", (event) => {
    const { run, points } = JSON.parse(event.data);
    // The stack came back, after a snapshot say: this page's token is of the server before.
    if (state.run && state.run !== run) location.reload();
    state.run = run;
    state.points = points;
  });
  source.addEventListener("look", (event) => {
    const { look, point } = JSON.parse(event.data);
    state.look = look;
    if (state.points.at(-1)?.at !== point.at) state.points.push(point);
    if (state.points.length > KEPT) state.points.splice(0, state.points.length - KEPT);
    state.connected = true;
    if (!document.hidden) tell();
  });
  source.addEventListener("error", () => { state.connected = false; tell(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden && state.look) tell(); });
}

// How much a count grew a second, over the last few seconds; null where it is not known.
export function rateOf(name) {
  const points = state.points;
  const now = points.at(-1);
  if (!now || now[name] === null) return null;
  let first = now;
  for (let i = points.length - 2; i >= 0; i -= 1) {
    const each = points[i];
    if (each[name] === null || each[name] > now[name]) break;
    first = each;
    if (now.at - each.at >= WINDOW_MS) break;
  }
  return now.at > first.at ? ((now[name] - first[name]) * 1000) / (now.at - first.at) : 0;
}

// The same for each moment of the last minutes, to draw.
export function ratesOf(name) {
  const found = [];
  for (let i = 1; i < state.points.length; i += 1) {
    const before = state.points[i - 1];
    const now = state.points[i];
    const grown = now[name] === null || before[name] === null ? 0 : Math.max(0, now[name] - before[name]);
    found.push((grown * 1000) / Math.max(1, now.at - before.at));
  }
  return found;
}

export const depthsOf = (name) => state.points.map((each) => each[name] ?? 0);
