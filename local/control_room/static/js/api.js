// Asks the control room; an action carries the page's own token.
import { h } from "./dom.js";

const token = document.querySelector("meta[name=control-room-token]").content;
const toasts = h("div", { class: "toasts", role: "status", "aria-live": "polite" });

export function toaster() {
  return toasts;
}

export function toast(kind, text) {
  const made = h("div", { class: "toast" }, h("span", { class: `dot ${kind}` }), h("div", {}, text));
  toasts.append(made);
  setTimeout(() => made.remove(), kind === "bad" ? 9000 : 4500);
}

async function ask(method, path, body) {
  const headers = method === "GET" ? {} : { "x-control-room-token": token };
  if (body !== undefined) headers["content-type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new Error("the control room does not answer: does the stack still run?");
  }
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(found.error ?? found.detail ?? `the control room answered ${answer.status}`);
  return found;
}

export const get = (path, query) => {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== "" && value !== undefined && value !== null);
  return ask("GET", given.length ? `${path}?${new URLSearchParams(given)}` : path);
};
export const post = (path, body) => ask("POST", path, body ?? {});
export const put = (path, body) => ask("PUT", path, body ?? {});
export const remove = (path) => ask("DELETE", path);

// Takes the answers to what one place of the page asks: a slow one never replaces a later one's.
// Gives undefined for an answer that came too late.
export function latest(signal) {
  let turn = 0;
  return async (asking) => {
    const mine = (turn += 1);
    const found = await asking;
    return signal.aborted || mine !== turn ? undefined : found;
  };
}

// Does something for a button: no second time while it runs, and what fails is told.
export async function act(button, work) {
  button.disabled = true;
  try {
    return await work();
  } catch (error) {
    toast("bad", error.message);
    return undefined;
  } finally {
    button.disabled = false;
  }
}
