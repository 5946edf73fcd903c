// Colours of runs and of ledger parts. The palettes are checked by tests/dashboard/colors_test.mjs: each
// colour stands out from its background, and neighbours stay apart for the three common colour blindnesses.

export const RUN_COLORS = {
  light: ['#0b6fc7', '#c34b02', '#3e6b4f', '#b04a92', '#b08a00', '#4a35b7', '#3d9acb', '#39434e'],
  dark: ['#4ba0eb', '#f58f52', '#56e3bb', '#ea9bd0', '#f0d860', '#7e69ed', '#a8e8f8', '#8894a2'],
};

/** What was observed is no run: it has the colour of the text (--text of theme.css). */
const OBSERVED = { light: '#15202b', dark: '#e4eaf0' };

/** @param {{colorIndex: number|'observed'}} run @param {'light'|'dark'} theme */
export const runColor = (run, theme) => (
  run.colorIndex === 'observed' ? OBSERVED[theme] : RUN_COLORS[theme][run.colorIndex]);

/** Hues by stage: [working, waiting]. Waiting is the paler tint of its stage. */
export const STAGE_COLORS = {
  light: { queue: ['#8a8f98', '#b6bcc5'], prefill: ['#1f6fc4', '#9cc4ee'], transfer: ['#7b4fc9', '#cbb5f0'],
    decode: ['#12876a', '#98d3c0'], shared: ['#d9a514', '#ecc557'], trouble: ['#c23b32', '#efa49e'] },
  dark: { queue: ['#9aa4b0', '#6b7683'], prefill: ['#4f9ff0', '#2c5c91'], transfer: ['#a98bf0', '#63509a'],
    decode: ['#34b994', '#206e59'], shared: ['#e3b93c', '#a98420'], trouble: ['#ef7268', '#9c423b'] },
};

export const ledgerColor = (part, theme) => STAGE_COLORS[theme][part.stage][part.wait ? 1 : 0];

/**
 * Gives each run a palette index: its own `color` where that is free, else the next free one. More than
 * eight runs share colours; their labels still tell them apart.
 * @param {{id: string|number, color?: number}[]} runs
 * @returns {Map<string|number, number>}
 */
export function assignColors(runs) {
  const size = RUN_COLORS.light.length;
  const taken = new Set();
  const colors = new Map();
  for (const run of runs) {
    const wanted = Number.isInteger(run.color) ? ((run.color % size) + size) % size : 0;
    const free = Array.from({ length: size }, (_, step) => (wanted + step) % size).find((index) => !taken.has(index));
    colors.set(run.id, free ?? wanted);
    taken.add(free ?? wanted);
  }
  return colors;
}
