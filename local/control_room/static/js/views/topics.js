// Topics and subscriptions: what waits, a peek that takes nothing, a message by hand, a seek.
import { act, get, post, toast } from "../api.js";
import { card, empty, field, h, head, show } from "../dom.js";
import { code } from "../json.js";
import { count, day, last, seconds } from "../text.js";

export async function topics(main, signal, { path }) {
  const [kind, ...rest] = path;
  const chosen = rest.join("/");
  const found = await get("/api/topics");
  if (signal.aborted) return;
  const side = h("div", { class: "stack", "aria-live": "polite" });
  show(main, head("Topics", "Topics and subscriptions, and the messages in them. To look takes nothing."), h("div", { class: "side" }, tree(found, chosen), side));
  const topic = found.topics.find((each) => each.name === chosen);
  const subscription = found.subscriptions.find((each) => each.name === chosen);
  if (kind === "topic" && topic) await open(side, signal, { topic: chosen }, publishing(chosen));
  else if (kind === "subscription" && subscription) await open(side, signal, { subscription: chosen }, queue(subscription));
  else if (found.topics.length) await open(side, signal, { topic: about.topic }, publishing(about.topic));
}

const way = (kind, name) => `#/topics/${kind}/${name.split("/").map(encodeURIComponent).join("/")}`;

function tree(found, chosen) {
  const item = (kind, name, number, word) => h("a", { class: "spot", href: way(kind, name), "aria-current": name === chosen ? "true" : null }, h("span", { class: "clip mono" }, last(name)), h("span", { class: "muted small num" }, `${count(number)} ${word}`));
  return h("div", { class: "stack" }, found.topics.map((topic) => {
    const fed = found.subscriptions.filter((each) => each.topic === topic.name);
    return h("section", { class: "card places", "aria-label": last(topic.name) }, item("topic", topic.name, topic.published, "published"), fed.map((each) => h("div", { class: "sub" }, item("subscription", each.name, each.backlog, "waiting"))));
  }));
}

async function open(side, signal, place, above) {
  const list = h("div", { class: "stack" });
  const look = h("button", { class: "button tiny", type: "button", onclick: () => act(look, fill) }, "Look again");
  const fill = async () => {
    const { messages: found } = await get("/api/messages", place);
    if (signal.aborted) return;
    show(list, found.length ? found.map(message) : h("div", { class: "card" }, empty("No message", place.topic ? "None was published since Pub/Sub started." : "All are acked.")));
  };
  show(side, above, h("div", { class: "row" }, h("h2", {}, place.topic ? "Last published" : "Waiting, the oldest first"), look), list);
  await fill();
}

function message(each) {
  const id = each.attributes.event_id ?? each.messageId;
  const attributes = Object.entries(each.attributes).map(([key, value]) => h("span", { class: "chip mono" }, `${key}: ${value}`));
  const marks = [each.leased && h("span", { class: "chip warn" }, "lent"), each.failures > 0 && h("span", { class: "chip bad" }, `${count(each.failures)} failures`), h("span", { class: "muted small mono" }, day(each.publishTime))];
  return h("details", { class: "card message" }, h("summary", {}, h("span", { class: "mono clip" }, id), h("span", { class: "muted small mono clip gist" }, each.data), h("span", { class: "row" }, marks)), h("div", { class: "body stack" }, h("div", { class: "row" }, h("a", { class: "small", href: `#/events/${encodeURIComponent(id)}` }, "Its way"), attributes), code(each.data)));
}

function publishing(topic) {
  const data = h("textarea", { rows: 6, spellcheck: "false", required: true, "aria-label": "Message", placeholder: '{"event_type": "order", …}' });
  const attributes = h("input", { placeholder: "source=hand, more=words", autocomplete: "off" });
  const send = h("button", { class: "button main", type: "submit" }, "Publish");
  const submit = (event) => {
    event.preventDefault();
    act(send, async () => {
      const { id } = await post("/api/publish", { topic, data: data.value, attributes: pairs(attributes.value) });
      toast("ok", h("a", { href: `#/events/${encodeURIComponent(id)}` }, `Published ${id}: see its way`));
    });
  };
  return card(`Publish to ${last(topic)}`, null, h("form", { class: "body stack", onsubmit: submit }, data, h("div", { class: "row grow" }, field("Attributes", attributes, "grow"), send)));
}

function pairs(text) {
  return Object.fromEntries(text.split(",").map((each) => each.trim()).filter(Boolean).map((each) => {
    const [key, ...value] = each.split("=");
    return [key.trim(), value.join("=").trim()];
  }));
}

function queue(each) {
  const facts = [["waiting", count(each.backlog)], ["lent to clients", count(each.outstanding)], ["oldest", seconds(each.oldest_unacked_seconds)], ["delivered", count(each.delivered)], ["acked", count(each.acked)], ["redelivered", count(each.redelivered)], ["dead-lettered", count(each.dead_lettered)], ["expired", count(each.expired)], ["pushes to", each.push_endpoint || "nowhere: it is pulled"]];
  const when = h("input", { type: "datetime-local", step: "1", "aria-label": "Seek to (UTC)" });
  const seek = h("button", { class: "button", type: "button", onclick: () => act(seek, () => to(each.name, when.value ? `${when.value}Z` : "")) }, "Seek");
  const purge = h("button", { class: "button bad", type: "button", onclick: () => act(purge, async () => { await post("/api/purge", { subscription: each.name }); toast("ok", "Done"); }) }, "Drop all that waits");
  return card(last(each.name), null, h("div", { class: "body stack" }, h("dl", { class: "pairs" }, facts.flatMap(([key, value]) => [h("dt", {}, key), h("dd", { class: "mono" }, value)])), h("div", { class: "row grow" }, field("Seek to (UTC)", when), seek, purge)));
}

async function to(subscription, time) {
  if (!time) throw new Error("Say to which time.");
  await post("/api/seek", { subscription, time });
  toast("ok", "Done");
}
