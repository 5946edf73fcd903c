// The mean ledger of a finished request over time, or what its waiting was for, as bands that lie on each other.

import { BLAME_CAUSES } from './blame.js';
import { LEDGER_PARTS } from './ledger.js';

/** More slots than that are finer than a chart shows, and a slot of few requests says little. */
const SLOTS_MAX = 180;
/** Causes drawn by name; the smaller ones share a band. */
const CAUSES_NAMED = 7;
const OTHERS = { key: 'others', label: 'Other causes', text: 'All smaller causes together.' };

/** Windows put together so that at most SLOTS_MAX are left: their ends in seconds, requests and sums by key. */
function slotsOf(windows, field, keys) {
  const size = Math.max(1, Math.ceil(windows.length / SLOTS_MAX));
  return Array.from({ length: Math.ceil(windows.length / size) }, (_, index) => {
    const part = windows.slice(index * size, (index + 1) * size);
    const last = part.at(-1);
    return {
      t: (last.start_ns + last.length_ns) / 1e9,
      finished: part.reduce((sum, window) => sum + window.finished, 0),
      sums:
        Object.fromEntries(keys.map((key) => [key, part.reduce((sum, window) => sum + (window[field]?.[key] ?? 0), 0)]))
    };
  });
}

/**
 * @param {object[]} windows of one run, ascending @param {'ledger'|'blame'} what
 * @returns {{times: number[], bands: {part: object, values: (number|null)[]}[]}} mean seconds of a request; bands that
 *   never take time are left out; null where no request finished
 */
export function ledgerBands(windows, what) {
  const parts = what === 'ledger' ? LEDGER_PARTS : BLAME_CAUSES;
  const slots = slotsOf(windows, what === 'ledger' ? 'ledger_ns' : 'blame_ns', parts.map(({ key }) => key));
  const total = (part) => slots.reduce((sum, slot) => sum + slot.sums[part.key], 0);
  const mean = (slot, keys) => (
    slot.finished === 0 ? null : keys.reduce((sum, key) => sum + slot.sums[key], 0) / slot.finished / 1e9);
  const present = parts.filter((part) => total(part) > 0);
  const ranked = what === 'ledger' ? present : [...present].sort((a, b) => total(b) - total(a));
  const named = what === 'ledger' ? ranked : ranked.slice(0, CAUSES_NAMED);
  const bands = named.map((part) => ({ part, values: slots.map((slot) => mean(slot, [part.key])) }));
  const others = ranked.slice(named.length).map(({ key }) => key);
  if (others.length > 0) bands.push({ part: OTHERS, values: slots.map((slot) => mean(slot, others)) });
  return { times: slots.map(({ t }) => t), bands };
}

/** The upper edge of each band, from the first at the bottom to the last on top. */
export function edgesOf(bands) {
  let below = null;
  return bands.map(({ values }) => {
    below = values.map((value, index) => (value === null ? null : value + (below === null ? 0 : below[index] ?? 0)));
    return below;
  });
}
