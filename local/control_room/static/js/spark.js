// A line of the last minutes, as small as a word.
import { s } from "./dom.js";

const WIDTH = 240;
const HEIGHT = 38;
const SHOWN = 180;

export function spark(series) {
  const line = s("path", { class: "line" });
  const area = s("path", { class: "area" });
  const svg = s("svg", { class: `spark ${series ?? ""}`, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" }, area, line);
  const draw = (values) => {
    const shown = smooth(values.slice(-SHOWN));
    const most = Math.max(...shown, 1e-9);
    const step = WIDTH / (SHOWN - 1);
    const left = WIDTH - (shown.length - 1) * step;
    const at = (value, i) => `${(left + i * step).toFixed(1)},${(HEIGHT - 2 - (value / most) * (HEIGHT - 8)).toFixed(1)}`;
    const path = shown.map(at).join("L");
    line.setAttribute("d", shown.length > 1 ? `M${path}` : "");
    area.setAttribute("d", shown.length > 1 ? `M${left.toFixed(1)},${HEIGHT}L${path}L${WIDTH},${HEIGHT}Z` : "");
  };
  return { svg, draw };
}

function smooth(values) {
  return values.map((_, i) => {
    const near = values.slice(Math.max(0, i - 1), i + 2);
    return near.reduce((sum, each) => sum + each, 0) / near.length;
  });
}
