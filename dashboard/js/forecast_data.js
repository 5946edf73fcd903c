// What a forecast says in words, and the lines that it draws behind what has been.

import * as format from './format.js';

/** "breaks TTFT in 11.2 min", "holds", "rejects in 4.0 min". */
export function lineVerdict(line) {
  if (line.holds) return 'holds';
  const broken = [
    ['breaks TTFT', line.ttft_break_after_ns], ['breaks TPOT', line.tpot_break_after_ns],
    ['rejects', line.rejects_after_ns]
  ].filter(([, ns]) => ns !== null);
  if (broken.length === 0) return 'does not hold';
  return broken.sort((a, b) => a[1] - b[1])
    .map(([what, ns]) => (ns === 0 ? `${what} now` : `${what} in ${format.durationNs(ns)}`))
    .join(', ');
}

/**
 * @param {object} answer of POST /api/v1/runs/ID/forecast; its first line is the run as it is
 * @param {string} label of the run
 */
export function forecastSentences(answer, label) {
  const [itself, ...others] = answer.candidates;
  const horizon = format.durationNs(answer.horizon_ns);
  const own =
    `As it is, ${label} ${itself.holds ? `holds its objectives for the next ${horizon}` : lineVerdict(itself)}.`;
  if (itself.holds || others.length === 0) return [own];
  if (answer.cheapest === null) return [own, 'No candidate holds the objectives.'];
  const best = answer.candidates[answer.cheapest];
  return [own, `The cheapest that holds them is ${best.name}, with ${format.plural(best.gpus, 'GPU')}.`];
}

/** Windows of a line as points, at their ends. @param {'ttft'|'tpot'} metric */
export const forecastPoints = (line, metric) => line.windows.map((window) => ({
  t: (window.start_ns + window.length_ns) / 1e9,
  value: window[`${metric}_ns`] === null ? null : window[`${metric}_ns`] / 1e9
}));

/** The last of what has been, as long as what is looked ahead, in the same shape. */
export function pastPoints(points, answer, metric) {
  const now = answer.at_ns / 1e9;
  const from = now - answer.horizon_ns / 1e9;
  return points.filter(({ t }) => t >= from && t <= now).map((point) => ({ t: point.t, value: point[metric].p99 }));
}
