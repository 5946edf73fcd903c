// A small line without axes: how a figure went over a run, with its objective.

import { svg } from './svg.js';

const WIDTH = 120;
const HEIGHT = 22;

/**
 * The path of values over times, gaps left out; the highest of values and objective touches the top.
 * @param {{t: number, value: number|null}[]} points ascending in t
 * @param {number|null} objective
 * @returns {{path: string, objectiveY: number|null}} in a box of WIDTH × HEIGHT
 */
export function sparkPath(points, objective) {
  const known = points.filter(({ value }) => value !== null && value !== undefined);
  if (known.length === 0) return { path: '', objectiveY: null };
  const top = Math.max(...known.map(({ value }) => value), objective ?? 0) || 1;
  const [first, last] = [known[0].t, known.at(-1).t];
  const x = (t) => (last > first ? ((t - first) / (last - first)) * WIDTH : WIDTH / 2);
  const y = (value) => HEIGHT - 1 - (value / top) * (HEIGHT - 2);
  const path = known
    .map(({ t, value }, index) => `${index === 0 ? 'M' : 'L'}${x(t).toFixed(1)} ${y(value).toFixed(1)}`)
    .join('');
  return { path, objectiveY: objective === null ? null : y(objective) };
}

/** @param {string} label what is read out */
export function sparkline(points, objective, label) {
  const { path, objectiveY } = sparkPath(points, objective);
  const element = svg('svg', {
    class: 'spark', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': label, preserveAspectRatio: 'none',
  });
  if (objectiveY !== null)
    element.append(svg('line', { class: 'spark-objective', x1: 0, x2: WIDTH, y1: objectiveY, y2: objectiveY }));
  element.append(svg('path', { class: 'spark-line', d: path }));
  return element;
}
