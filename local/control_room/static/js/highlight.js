// Colours the SQL in a textarea: a copy of its text lies beneath, and its own is see-through.
import { h, show } from "./dom.js";
import { painted } from "./paint.js";

const TOKEN = /(--[^\n]*|#[^\n]*|\/\*[^]*?(?:\*\/|$))|((?:\b[rb]{1,2})?(?:"""[^]*?(?:"""|$)|'''[^]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?))|(`[^`\n]*`?)|(@@?\w+|\b\d+(?:\.\d+)?(?:e[+-]?\d+)?\b)|\b([a-z_]\w*)\b(?=\s*(\()?)/gi;
const KEYWORDS = new Set("all and any array as asc assert at begin between by call case cast collate contains create cross cube current date datetime declare default define delete desc distinct do drop else elseif end escape except exclude execute exists explain extend extract false fetch following for from full function group grouping groups having if ignore immediate in inner insert intersect interval into is join lateral left like limit loop lookup materialized merge natural new no not null nulls of offset on options or order outer over partition pivot preceding proto qualify range recursive repeat replace respect return right rollup rows safe_cast select set some struct table tablesample temp then time timestamp to transaction treat true truncate unbounded union unnest unpivot update using values view when where while window with within".split(" "));

// Returns the box that holds both, as the textarea's stand-in.
export function highlighted(area) {
  const beneath = h("pre", { class: "beneath", "aria-hidden": "true" });
  const draw = () => {
    show(beneath, [...painted(area.value, TOKEN, kindOf), "\n"]);
    beneath.scrollTop = area.scrollTop;
  };
  area.addEventListener("input", draw);
  area.addEventListener("scroll", () => { beneath.scrollTop = area.scrollTop; });
  draw();
  return h("div", { class: "highlighted" }, beneath, area);
}

function kindOf([, comment, string, name, literal, word, call]) {
  if (comment) return "note";
  if (string) return "str";
  if (name) return "name";
  if (literal) return "lit";
  if (KEYWORDS.has(word.toLowerCase())) return "word";
  return call ? "call" : "";
}
