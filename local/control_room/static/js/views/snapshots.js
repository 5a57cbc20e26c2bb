// Snapshots: the whole state of the stack, kept under a name.
import { act, get, post, toast } from "../api.js";
import { card, empty, field, h, head, show } from "../dom.js";
import { bytes, day } from "../text.js";

export async function snapshots(main, signal) {
  const list = h("div", { "aria-live": "polite" });
  const name = h("input", { required: true, pattern: "[A-Za-z0-9][A-Za-z0-9._\\-]*", maxlength: 63, placeholder: "before-the-change", autocomplete: "off" });
  const save = h("button", { class: "button main", type: "submit" }, "Save");
  const submit = (event) => {
    event.preventDefault();
    act(save, async () => {
      draw(list, await post("/api/snapshots", { name: name.value }));
      toast("ok", `Saved ${name.value}`);
    });
  };
  show(
    main, head("Snapshots", "Pub/Sub, BigQuery, Storage and the ledger under a name, all of one instant, taken while events flow."),
    h("div", { class: "stack" }, h("form", { class: "card searchbar", onsubmit: submit }, field("Name", name, "grow"), save), list),
  );
  const found = await get("/api/snapshots");
  if (!signal.aborted) draw(list, found);
}

function draw(list, { snapshots: found, here }) {
  if (!here) {
    show(list, h("div", { class: "card" }, empty("Not here", "A stack of containers keeps its state in volumes: docker has them.")));
    return;
  }
  if (!found.length) {
    show(list, h("div", { class: "card" }, empty("No snapshot yet", "Saving stops the stack for the time of a copy, and loses nothing.")));
    return;
  }
  show(list, card("Kept", null, h("div", { class: "scroll" }, h(
    "table", {}, h("thead", {}, h("tr", {}, [["Name"], ["Taken"], ["Size", "num"], ["To go back to it"]].map(([each, kind]) => h("th", { scope: "col", class: kind }, each)))),
    h("tbody", {}, found.map((each) => h("tr", {}, h("td", { class: "mono" }, each.name), h("td", { class: "mono muted" }, day(each.taken)), h("td", { class: "num" }, bytes(each.size)), h("td", { class: "mono small" }, `python -m local down && python -m local snapshot load ${each.name}`)))),
  ))));
}
