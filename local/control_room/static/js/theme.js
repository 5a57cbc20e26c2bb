// Light or dark: as chosen, else as the system has it; set before the first paint.
const KEY = "control-room-theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

export function theme() {
  return localStorage.getItem(KEY) ?? (dark.matches ? "dark" : "light");
}

export function toggle() {
  localStorage.setItem(KEY, theme() === "dark" ? "light" : "dark");
  apply();
}

function apply() {
  document.documentElement.dataset.theme = theme();
}

dark.addEventListener("change", apply);
apply();
