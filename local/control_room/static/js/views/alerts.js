// Alerts: the cloud's rules, from terraform's own file, by what the stack shows now.
import { card, h, head, show } from "../dom.js";
import { listen } from "../feed.js";
import { count, seconds } from "../text.js";

const KINDS = { firing: "bad", pending: "warn", quiet: "ok" };

export function alerts(main, signal) {
  const list = h("div", { class: "stack" });
  show(main, head("Alerts", "The rules that Terraform makes in the cloud, evaluated here. Each is read from terraform/monitoring/alerts.json."), list);
  let before = "";
  listen(({ look }) => {
    if (!look) return;
    const now = JSON.stringify(look.alerts.map((each) => [each.name, each.state, each.value, Math.round(each.since_seconds)]));
    if (now === before) return;
    before = now;
    show(list, look.alerts.map(rule));
  }, signal);
}

function rule(each) {
  const limit = each.for_seconds ? `above ${count(each.above)} for ${seconds(each.for_seconds)}` : `above ${count(each.above)}`;
  const value = each.value === null ? "nothing here measures it" : `now ${count(Math.round(each.value * 10) / 10)}`;
  const since = each.since_seconds ? ` · above for ${seconds(each.since_seconds)}` : "";
  return card(
    each.title, [h("span", { class: "chip" }, each.severity.toLowerCase()), h("span", { class: `chip ${KINDS[each.state] ?? ""}` }, each.state)],
    h("div", { class: "body rule" }, h("p", { class: "mono small" }, `${value}${since} · fires ${limit}`), h("p", { class: "muted" }, each.what_to_do)),
  );
}
