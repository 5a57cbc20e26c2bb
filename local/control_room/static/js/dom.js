// Makes elements. Text is only ever set as text: nothing of a payload can become markup.
const SVG = "http://www.w3.org/2000/svg";

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "disabled") element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((each) => each !== null && each !== undefined && each !== false));
  return element;
}

export const h = (tag, props, ...children) => fill(document.createElement(tag), props, children);
export const s = (tag, props, ...children) => fill(document.createElementNS(SVG, tag), props, children);

const SHAPES = {
  flow: "M3 12h4l3-7 4 14 3-7h4",
  event: "M5 4h10l4 4v12H5zM9 12h6M9 16h6",
  letters: "M4 6h16v12H4zM4 7l8 6 8-6",
  sql: "M4 6l5 6-5 6M12 18h8",
  tables: "M4 5h16v14H4zM4 10h16M10 5v14",
  files: "M4 6h6l2 2h8v10H4z",
  topics: "M12 12m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0M5 5a10 10 0 0 0 0 14M19 5a10 10 0 0 1 0 14",
  logs: "M5 6h14M5 10h9M5 14h14M5 18h6",
  faults: "M13 3L5 14h6l-1 7 8-11h-6z",
  bell: "M6 17h12l-1.500-2.500V10a4.500 4.500 0 0 0-9 0v4.500zM10 20h4",
  snapshots: "M4 8h4l1.500-2h5l1.500 2h4v11H4zM12 13m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0",
  generator: "M6 4l14 8-14 8z",
  function: "M8 4h8M12 4v16M8 12h6",
  pipeline: "M4 7h6a4 4 0 0 1 4 4v2a4 4 0 0 0 4 4h2M4 17h4M16 7h4",
  sun: "M12 12m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.400 1.400M17.600 17.600L19 19M19 5l-1.400 1.400M6.400 17.600L5 19",
  moon: "M20 14.500A8 8 0 0 1 9.500 4 8 8 0 1 0 20 14.500z",
  check: "M5 12.500l4.500 4.500L19 7.500",
  cross: "M6 6l12 12M18 6L6 18",
  wait: "M12 7v5l3 2M12 12m-8 0a8 8 0 1 0 16 0a8 8 0 1 0-16 0",
};

export function icon(name) {
  const line = { d: SHAPES[name], fill: "none", stroke: "currentColor", "stroke-width": "1.8", "stroke-linecap": "round", "stroke-linejoin": "round" };
  return s("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, s("path", line));
}

// Puts new children in place of the old.
export function show(element, ...children) {
  element.replaceChildren(...children.flat().filter(Boolean));
  return element;
}

// Sets a text if it has changed, which costs no layout where it has not.
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

let number = 0;
export const fresh = (prefix) => `${prefix}-${(number += 1)}`;

export function field(label, input, extra) {
  return h("label", { class: `field ${extra ?? ""}` }, label, input);
}

export function empty(title, text, act) {
  return h("div", { class: "empty" }, h("b", {}, title), text && h("p", {}, text), act);
}

export function head(title, about, ...acts) {
  return h("div", { class: "head" }, h("h1", {}, title), about && h("p", {}, about), acts.length > 0 && h("div", { class: "acts" }, acts));
}

export function card(title, acts, ...body) {
  const id = fresh("card");
  return h(
    "section", { class: "card", "aria-labelledby": id },
    h("header", {}, h("h2", { id }, title), acts && h("div", { class: "acts" }, acts)),
    body,
  );
}
