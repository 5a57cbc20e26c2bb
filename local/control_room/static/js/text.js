// Numbers, times and sizes as a person reads them.
const whole = new Intl.NumberFormat("en");
const brief = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export const count = (n) => (n === null || n === undefined ? "–" : whole.format(n));
export const short = (n) => (n === null || n === undefined ? "–" : n < 10_000 ? whole.format(n) : brief.format(n));

export function rate(perSecond) {
  if (perSecond === null || perSecond === undefined) return "–";
  if (perSecond === 0) return "0/s";
  return `${perSecond < 10 ? perSecond.toFixed(1) : short(Math.round(perSecond))}/s`;
}

export function seconds(value) {
  if (value === null || value === undefined) return "–";
  if (value < 0.001) return value === 0 ? "0 s" : `${Math.round(value * 1e6)} µs`;
  if (value < 1) return `${Math.round(value * 1000)} ms`;
  if (value < 100 && (value < 60 || value % 60)) return `${value.toFixed(1)} s`;
  if (value < 6000) return `${Math.round(value / 60)} min`;
  return `${Math.round(value / 3600)} h`;
}

export function bytes(n) {
  if (n === null || n === undefined) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let size = Number(n);
  while (size >= 1024 && unit < units.length - 1) { size /= 1024; unit += 1; }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`;
}

export function clock(moment) {
  const at = new Date(moment);
  return Number.isNaN(at.getTime()) ? String(moment) : `${at.toISOString().slice(11, 23)}`;
}

export function day(moment) {
  const at = new Date(moment);
  return Number.isNaN(at.getTime()) ? String(moment) : `${at.toISOString().slice(0, 10)} ${at.toISOString().slice(11, 19)}`;
}

export const last = (name) => String(name).split("/").pop();
