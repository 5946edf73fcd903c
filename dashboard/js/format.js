// Numbers as people read them. Every function answers an en dash for a missing value, so that a cell never
// jumps between "null" and a figure.

export const MISSING = '–';

const isMissing = (value) => value === null || value === undefined || Number.isNaN(value);

/** Three significant figures, no exponent, no trailing noise: 0.0123, 1.23, 12.3, 123, 1234. */
export function significant(value, figures = 3) {
  if (isMissing(value)) return MISSING;
  if (value === 0) return '0';
  // 0.9996 prints as 1.00, not as 1.000: the magnitude is that of the rounded value.
  const rounded = Math.abs(Number(value.toPrecision(figures)));
  const magnitude = Math.floor(Math.log10(rounded));
  const decimals = Math.max(0, Math.min(6, figures - 1 - magnitude));
  return value.toFixed(decimals);
}

/** A span given in seconds, in the unit that keeps it short: µs, ms, s, min, h. */
export function duration(seconds) {
  if (isMissing(seconds)) return MISSING;
  if (!Number.isFinite(seconds)) return '∞';
  const size = Math.abs(seconds);
  if (size === 0) return '0 s';
  if (size < 0.9995e-3) return `${significant(seconds * 1e6)} µs`;
  if (size < 0.9995) return `${significant(seconds * 1e3)} ms`;
  if (size < 600) return `${significant(seconds)} s`;
  if (size < 6000) return `${significant(seconds / 60)} min`;
  return `${significant(seconds / 3600)} h`;
}

/** A span given in nanoseconds. */
export const durationNs = (ns) => duration(isMissing(ns) ? null : ns / 1e9);

/** Exact nanoseconds, grouped, for the detail of a ledger: "1,234,567 ns". */
export const exactNs = (ns) => (isMissing(ns) ? MISSING : `${count(ns)} ns`);

/** A point on the virtual clock, in seconds: m:ss, or h:mm:ss from one hour on. */
export function clock(seconds) {
  if (isMissing(seconds)) return MISSING;
  const sign = seconds < 0 ? '−' : '';
  const whole = Math.floor(Math.abs(seconds));
  const two = (number) => String(number).padStart(2, '0');
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600);
  return hours > 0
    ? `${sign}${hours}:${two(minutes)}:${two(whole % 60)}`
    : `${sign}${minutes}:${two(whole % 60)}`;
}

/** An integer with thousands separators. */
export function count(value) {
  if (isMissing(value)) return MISSING;
  return Math.round(value).toString().replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** A quantity in three significant figures and a suffix: 950, 1.2k, 34.1k, 5.61M. */
export function compact(value) {
  if (isMissing(value)) return MISSING;
  const size = Math.abs(value);
  for (const [limit, suffix] of [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']]) {
    if (size >= limit * 0.9995) return `${trim(significant(value / limit))}${suffix}`;
  }
  return trim(significant(value));
}

/** A ratio 0–1 as a percentage; never rounds a shortfall up to 100 %. */
export function percent(ratio) {
  if (isMissing(ratio)) return MISSING;
  const value = ratio * 100;
  if (value > 99.9 && value < 100) return '99.9 %';
  return `${value >= 99.95 || value === 0 ? value.toFixed(0) : value.toFixed(1)} %`;
}

/** Bytes in binary units. */
export function bytes(value) {
  if (isMissing(value)) return MISSING;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let scaled = value;
  let unit = 0;
  while (Math.abs(scaled) >= 1024 && unit < units.length - 1) {
    scaled /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? count(scaled) : significant(scaled)} ${units[unit]}`;
}

/** How many times faster than real time. */
export const speedup = (ratio) => (isMissing(ratio) ? MISSING : `${compact(ratio)}×`);

/** The replay speed of a stream: 0 means as fast as possible. */
export const speed = (factor) => (isMissing(factor) ? MISSING : factor === 0 ? 'max' : `${trim(significant(factor))}×`);

/** Wall time in milliseconds since the Unix epoch, in the reader's zone: 2026-11-21 23:26. */
export function wallTime(milliseconds) {
  if (isMissing(milliseconds)) return MISSING;
  const date = new Date(milliseconds);
  const two = (number) => String(number).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ` +
    `${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** The first eight characters of a state hash. */
export const shortHash = (hash) => (hash ? hash.slice(0, 8) : MISSING);

/** The same figure without trailing zeros, for the round numbers of an axis: "2.50 s" → "2.5 s". */
export const shorter = (text) => text.replace(/(\.\d*?)0+(?=\D|$)/, '$1').replace(/\.(?=\D|$)/, '');

/** A label inside a sentence: "Decode queue" → "decode queue", but "KV blocks" stays. */
export const inSentence = (label) => label.replace(/^[A-Z](?=[^A-Z])/, (letter) => letter.toLowerCase());

/** "1 request", "2 requests". */
export const plural = (number, noun) => `${count(number)} ${noun}${number === 1 ? '' : 's'}`;

function trim(text) {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
