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

// Back to this point: the stack goes down and up again, and this page with it.
function goBack(each) {
  return h("button", { class: "button tiny", type: "button", "aria-label": `Back to ${each.name}`, onclick: () => propose(each) }, "Back to this…");
}

function propose(each) {
  const go = h("button", { class: "button bad", type: "button", onclick: () => act(go, async () => {
    await post("/api/snapshots/back", { name: each.name });
    show(body, h("p", { class: "note warn", role: "status" }, "The stack goes down and comes back as it was; so does this page."));
    foot.remove();
  }) }, `Go back to ${each.name}`);
  const body = h("div", { class: "body" }, h("p", {}, `What came since ${day(each.taken)} is thrown away: messages, rows, files and the publishers' record. Another snapshot keeps it.`));
  const foot = h("footer", {}, h("button", { class: "button", type: "button", onclick: () => made.close() }, "Stay"), go);
  const made = h("dialog", { "aria-label": `Back to ${each.name}`, onclose: () => made.remove() }, h("header", {}, h("h1", {}, "Back to this point")), body, foot);
  document.body.append(made);
  made.showModal();
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
    "table", {}, h("thead", {}, h("tr", {}, [["Name"], ["Taken"], ["Size", "num"], ["", "num"]].map(([each, kind]) => h("th", { scope: "col", class: kind }, each || h("span", { class: "sr" }, "What to do"))))),
    h("tbody", {}, found.map((each) => h("tr", {}, h("td", { class: "mono nowrap" }, each.name), h("td", { class: "mono muted nowrap" }, day(each.taken)), h("td", { class: "num nowrap" }, bytes(each.size)), h("td", { class: "num" }, goBack(each))))),
  ))));
}
