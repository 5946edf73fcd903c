// Light or dark: the system's choice until the reader makes one.

const KEY = 'replayd-theme';
const system = matchMedia('(prefers-color-scheme: dark)');

/** "light" or "dark", as shown now. */
export function currentTheme() {
  return document.documentElement.dataset.theme ?? (system.matches ? 'dark' : 'light');
}

/** Switches to the other theme and remembers it. */
export function toggleTheme() {
  const next = currentTheme() === 'dark' ? 'light' : 'dark';
  document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // Storage is forbidden: the choice holds until the page is left.
  }
  dispatchEvent(new Event('themechange'));
}

/** Calls back whenever the shown theme changes, whoever changed it. */
export function onThemeChange(callback) {
  addEventListener('themechange', callback);
  system.addEventListener('change', callback);
}

/** A custom property of the style sheet, e.g. token('--text-muted'). */
export const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
