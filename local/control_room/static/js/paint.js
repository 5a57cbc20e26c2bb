// A text in pieces: what a pattern finds in it as spans, by kind, and all between as it is.
import { h } from "./dom.js";

export function* painted(text, pattern, kindOf) {
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    const kind = kindOf(match);
    if (!kind) continue;
    yield text.slice(end, match.index);
    yield h("span", { class: kind }, match[0]);
    end = match.index + match[0].length;
  }
  yield text.slice(end);
}
