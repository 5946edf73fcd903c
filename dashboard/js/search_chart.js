// The clusters of a search: what each gives across, its latency up on a logarithmic axis, and the Pareto front. A click
// chooses the nearest cluster; the table below the chart does the same by keyboard.

import { h } from './dom.js';
import * as format from './format.js';
import { LATENCIES, pointsOf, trialKey, YIELDS } from './search_data.js';
import { svg } from './svg.js';

const HEIGHT = 340;
const LEFT = 64;
const RIGHT = 16;
const TOP = 14;
const BOTTOM = 44;
const COLUMNS = 4;
/** A click further away than this (pixels) chooses nothing. */
const REACH = 24;

/**
 * Where values lie on the chart.
 * @param {{x: number, y: number}[]} points y above 0 @param {number|null} limit in the unit of y
 */
export function scalesOf(points, limit, width) {
  const values = points.map(({ y }) => Math.max(y, 1e-9)).concat(limit === null ? [] : [limit]);
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  const most = Math.max(...points.map(({ x }) => x)) || 1;
  const [across, up] = [width - LEFT - RIGHT, HEIGHT - TOP - BOTTOM];
  return { low, high, most, x: (value) => LEFT + (across * value) / most,
    y: (value) => TOP + (up * (high - Math.log10(Math.max(value, 1e-9)))) / (high - low) };
}

/** The point that lies nearest to a place of the chart; null where none is within reach. */
export function nearestPoint(points, scales, x, y) {
  let best = null;
  let reach = REACH;
  for (const point of points) {
    const distance = Math.hypot(scales.x(point.x) - x, scales.y(point.y) - y);
    if (distance >= reach) continue;
    reach = distance;
    best = point;
  }
  return best;
}

export class SearchChart {
  #shown = null;
  #points = [];
  #scales = null;

  /** @param {(trial: object) => void} choose */
  constructor(choose) {
    this.element = h('div.search-chart', { onclick: (event) => {
      if (this.#scales === null) return;
      const box = this.element.getBoundingClientRect();
      const point = nearestPoint(this.#points, this.#scales, event.clientX - box.left, event.clientY - box.top);
      if (point !== null) choose(point.trial);
    } });
    new ResizeObserver(() => this.#draw()).observe(this.element);
  }

  /** @param {{search: object, yielded: string, latency: string, chosen: string|null}} shown */
  show(shown) {
    this.#shown = shown;
    this.#draw();
  }

  #draw() {
    const width = this.element.clientWidth;
    if (this.#shown === null || width === 0) return;
    const { search, yielded, latency, chosen } = this.#shown;
    this.#points = pointsOf(search, yielded, latency);
    this.element.dataset.points = String(this.#points.length);
    this.#scales = null;
    if (this.#points.length === 0) {
      const text = 'No cluster served the whole trace yet, so there is nothing to draw.';
      return this.element.replaceChildren(h('p.note', { textContent: text }));
    }
    const limitNs = LATENCIES[latency].limit(search);
    const limit = limitNs === null ? null : limitNs / 1e9;
    this.#scales = scalesOf(this.#points, limit, width);
    const front = this.#points.filter((point) => point.front);
    const label = `p99 ${LATENCIES[latency].title} over ${YIELDS[yielded].axis}: ` +
      `${format.plural(this.#points.length, 'cluster')}, ${front.length} on the Pareto front`;
    const picture = svg('svg', { viewBox: `0 0 ${width} ${HEIGHT}`, height: HEIGHT, role: 'img', 'aria-label': label },
      ...this.#axes(width, latency, yielded), ...this.#limit(width, limit),
      svg('polyline', { class: 'front', points: front.map((point) => this.#place(point).join(',')).join(' ') }),
      ...this.#points.map((point) => this.#dot(point, chosen)));
    this.element.replaceChildren(picture);
  }

  #place({ x, y }) { return [this.#scales.x(x).toFixed(1), this.#scales.y(y).toFixed(1)]; }

  #dot(point, chosen) {
    const [cx, cy] = this.#place(point);
    const key = trialKey(point.trial);
    const kinds = [point.trial.holds ? 'holds' : 'misses', point.front ? 'member' : '', key === chosen ? 'chosen' : ''];
    const r = key === chosen ? 7 : point.front ? 4 : 2.5;
    return svg('circle', { class: kinds.filter(Boolean).join(' '), cx, cy, r, 'data-trial': key });
  }

  #axes(width, latency, yielded) {
    const { low, high, most, x, y } = this.#scales;
    const line = (d) => svg('path', { class: 'grid', d });
    const text = (at, place, anchor, words) => svg('text', { x: at, y: place, 'text-anchor': anchor }, words);
    const powers = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index));
    const rows = powers.flatMap((value) => [line(`M${LEFT} ${y(value)}H${width - RIGHT}`),
      text(LEFT - 8, y(value) + 4, 'end', format.shorter(format.duration(value)))]);
    const parts = Array.from({ length: COLUMNS + 1 }, (_, index) => (most * index) / COLUMNS);
    const columns = parts.flatMap((value, index) =>
      [line(`M${x(value)} ${TOP}V${HEIGHT - BOTTOM}`),
        text(x(value), HEIGHT - BOTTOM + 17, index === COLUMNS ? 'end' : 'middle', format.compact(value))]);
    const names = `${YIELDS[yielded].axis}; up: p99 ${LATENCIES[latency].title}`;
    return [...rows, ...columns, text((LEFT + width) / 2, HEIGHT - 8, 'middle', names)];
  }

  #limit(width, limit) {
    if (limit === null) return [];
    const y = this.#scales.y(limit);
    return [svg('path', { class: 'objective', d: `M${LEFT} ${y}H${width - RIGHT}` }),
      svg('text', { class: 'objective', x: width - RIGHT, y: y - 5, 'text-anchor': 'end' },
        `objective ${format.duration(limit)}`)];
  }
}
