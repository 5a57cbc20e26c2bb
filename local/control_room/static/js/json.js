// JSON as a person reads it, coloured; a field at fault is marked. All of it is text nodes.
import { h } from "./dom.js";
import { painted } from "./paint.js";

const TOKEN = /("(?:\\.|[^"\\])*")(?=(\s*:)?)|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

// A payload may be anything: what is no JSON is shown as it came.
export function code(text, faults = []) {
  const pre = h("pre", { class: "code wrap", tabindex: "0", role: "region", "aria-label": "JSON" });
  const pretty = indent(text);
  if (pretty === null) {
    pre.append(h("mark", {}, text || "(empty)"));
    return pre;
  }
  for (const line of pretty.split("\n")) {
    const wrong = faults.some((each) => line.trimStart().startsWith(`${JSON.stringify(each)}:`));
    const made = wrong ? h("mark", {}) : h("span", {});
    made.append(...painted(line, TOKEN, kindOf));
    pre.append(made, "\n");
  }
  return pre;
}

export function value(found) {
  return code(JSON.stringify(found));
}

function indent(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return null;
  }
}

const kindOf = ([, string, colon]) => (colon ? "key" : string ? "str" : "lit");
