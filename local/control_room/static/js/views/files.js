// Files: the bucket as a tree, one object with its first lines.
import { act, get } from "../api.js";
import { card, empty, h, head, icon, show } from "../dom.js";
import { code } from "../json.js";
import { bytes, count, day, last } from "../text.js";

const SHOWN_LINES = 40;

export async function files(main, signal, { path }) {
  const name = path.join("/");
  const tree = h("ul", { class: "tree", role: "tree", "aria-label": about.bucket });
  const side = h("div", { "aria-live": "polite" });
  show(main, head("Files", `gs://${about.bucket}`), h("div", { class: "side" }, card("Folders", null, h("div", { class: "body" }, tree)), side));
  show(side, h("div", { class: "card" }, empty("No file chosen", "A file is a window's lines of one minute, and is never rewritten.")));
  await open(tree, "", name || "output/", 1, signal);
  if (name.endsWith(".json")) await preview(side, name, signal);
}

async function open(list, prefix, toward, level, signal, page = "") {
  const found = await get("/api/files", { prefix, page });
  if (signal.aborted) return;
  if (level === 1 && !found.folders.length && !found.files.length) list.append(h("li", { class: "muted small", role: "treeitem" }, "Empty: no window has closed yet."));
  for (const each of found.folders) list.append(folder(each, prefix, toward, level, signal));
  for (const each of found.files) {
    const href = `#/files/${each.name.split("/").map(encodeURIComponent).join("/")}`;
    list.append(h("li", { role: "treeitem", "aria-level": level, "aria-selected": each.name === toward ? "true" : "false" }, h("a", { class: "leaf mono", href }, h("span", { class: "clip" }, last(each.name)), h("span", { class: "muted small" }, bytes(each.size)))));
  }
  if (found.next) {
    const more = h("li", { role: "treeitem", "aria-level": level }, h("button", { class: "button plain tiny", type: "button", onclick: (event) => act(event.currentTarget, async () => { more.remove(); await open(list, prefix, "", level, signal, found.next); }) }, "More"));
    list.append(more);
  }
}

function folder(name, prefix, toward, level, signal) {
  const inner = h("ul", { role: "group", hidden: true });
  let loaded = false;
  const button = h("button", { class: "fold", type: "button", onclick: () => toggle() }, h("span", { class: "arrow", "aria-hidden": "true" }, "›"), icon("files"), h("span", { class: "clip" }, name.slice(prefix.length, -1)));
  const item = h("li", { role: "treeitem", "aria-level": level, "aria-expanded": "false" }, button, inner);
  const toggle = async (way = "") => {
    inner.hidden = !inner.hidden;
    item.setAttribute("aria-expanded", String(!inner.hidden));
    if (!loaded) { loaded = true; await open(inner, name, way, level + 1, signal); }
  };
  if (toward.startsWith(name)) toggle(toward);
  return item;
}

async function preview(side, name, signal) {
  const found = await get("/api/file", { name });
  if (signal.aborted) return;
  const lines = found.text.split("\n").filter(Boolean);
  const shown = lines.slice(0, SHOWN_LINES);
  const facts = [["size", bytes(found.size)], ["written", day(found.written)], ["type", found.type], ["generation", found.generation], ["md5", found.md5]];
  show(
    side,
    h("div", { class: "stack" },
      card(last(name), [h("span", { class: "chip" }, `${count(lines.length)}${found.cut ? "+" : ""} line${lines.length === 1 ? "" : "s"}`)], h("div", { class: "body" }, h("dl", { class: "pairs" }, facts.flatMap(([key, each]) => [h("dt", {}, key), h("dd", { class: "mono" }, each)])))),
      shown.map((line, i) => card(`Line ${count(i + 1)}`, [link(line)], h("div", { class: "body" }, code(line)))),
      shown.length < lines.length && h("p", { class: "muted small" }, `${count(lines.length - shown.length)} more lines.`)),
  );
}

function link(line) {
  try {
    const id = JSON.parse(line).event_id;
    return typeof id === "string" && h("a", { class: "small", href: `#/events/${encodeURIComponent(id)}` }, "Its way");
  } catch {
    return null;
  }
}
