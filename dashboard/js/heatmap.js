// A panel of counts by bin over virtual time, as Grafana's heatmaps: darker cells hold more requests.

import { RUN_COLORS } from './colors.js';
import { h, setText } from './dom.js';
import * as format from './format.js';
import { occupied } from './request_lengths.js';
import { redraws } from './redraws.js';
import { currentTheme, token } from './theme.js';

const LEFT = 54;
const BOTTOM = 24;
const RIGHT = 20;
const TOP = 8;
const FONT = '11px "Inter Variable", system-ui, sans-serif';

export class Heatmap {
  #definition;
  #edges;
  #points = [];
  #range = null;
  #color = '';
  #state = '';

  /** @param {object} definition of VLLM_PANELS @param {number[]} edges upper edges of all bins but the last */
  constructor(definition, edges) {
    this.#definition = definition;
    this.#edges = edges;
    this.canvas = h('canvas');
    this.chart = h('div.chart.large-chart', { role: 'img', 'aria-label': definition.title }, this.canvas);
    this.empty = h('p.empty');
    this.about = h('span.heat-about');
    this.readout = h('div.legend.heat-legend', {}, this.about);
    this.element = h('section.panel.large',
      { data: { panel: definition.key, points: '0' }, 'aria-label': definition.title },
      h('header', {}, h('h2', { textContent: definition.title }), h('span.unit', { textContent: definition.unit })),
      h('div.plot', {}, this.chart, this.empty), this.readout);
    this.chart.addEventListener('pointermove', (event) => this.#point(event));
    this.chart.addEventListener('pointerleave', () => setText(this.about, this.#summary()));
    new ResizeObserver(() => this.#draw()).observe(this.chart);
  }

  /**
   * @param {object|null} run of hub.shownRuns
   * @param {object[]} points of request_lengths.js
   * @param {string} emptyText
   */
  update(run, points, emptyText) {
    const state = JSON.stringify(
      [currentTheme(), run?.id, run?.colorIndex, emptyText, points.length, points.at(-1)?.t]);
    if (state === this.#state && points === this.#points) return;
    this.#state = state;
    redraws.schedule(this.element, () => this.#take(run, points, emptyText));
  }

  #take(run, points, emptyText) {
    this.#points = points;
    this.#color = run === null ? '' : RUN_COLORS[currentTheme()][run.colorIndex];
    this.#range = occupied(points.map((point) => point[this.#definition.bins]));
    this.element.dataset.points = String(points.length);
    this.element.classList.toggle('is-empty', this.#range === null);
    setText(this.empty, this.#range === null ? emptyText : '');
    setText(this.about, this.#summary());
    this.chart.setAttribute('aria-label', `${this.#definition.title}: ${this.#summary()}`);
    this.#draw();
  }

  #summary() {
    if (this.#range === null) return '';
    const { most, bin } = fullest(this.#points, this.#definition.bins);
    return `most requests: ${this.#label(bin)} tokens, ${format.percent(most)}`;
  }

  #label(bin) {
    const low = bin === 0 ? 0 : this.#edges[bin - 1] + 1;
    return bin < this.#edges.length
      ? `${format.compact(low)}–${format.compact(this.#edges[bin])}`
      : `over ${format.compact(low)}`;
  }

  get #box() {
    const { clientWidth: width, clientHeight: height } = this.chart;
    const [low, high] = this.#range;
    return {
      width,
      height,
      column: Math.max(1, (width - LEFT - RIGHT) / this.#points.length),
      row: (height - TOP - BOTTOM) / (high - low + 1)
    };
  }

  #point(event) {
    if (this.#range === null) return;
    const { column, row, height } = this.#box;
    const box = this.chart.getBoundingClientRect();
    const point = this.#points[Math.floor((event.clientX - box.left - LEFT) / column)];
    const bin = this.#range[0] + Math.floor((height - BOTTOM - (event.clientY - box.top)) / row);
    if (point === undefined || bin < this.#range[0] || bin > this.#range[1])
      return void setText(this.about, this.#summary());
    setText(
      this.about,
      `until ${format.clock(point.t)}, ${this.#label(bin)} tokens: ` +
        `${format.plural(point[this.#definition.bins][bin], 'request')}`
    );
  }

  #draw() {
    const { clientWidth, clientHeight } = this.chart;
    const ratio = devicePixelRatio;
    this.canvas.width = clientWidth * ratio;
    this.canvas.height = clientHeight * ratio;
    const ctx = this.canvas.getContext('2d');
    ctx.scale(ratio, ratio);
    if (this.#range === null || clientWidth === 0) return;
    const { column, row, height, width } = this.#box;
    const [low, high] = this.#range;
    const most = Math.max(...this.#points.flatMap((point) => point[this.#definition.bins]));
    ctx.fillStyle = this.#color;
    this.#points.forEach((point, index) => {
      for (let bin = low; bin <= high; bin += 1) {
        const requests = point[this.#definition.bins][bin];
        if (requests === 0) continue;
        ctx.globalAlpha = 0.12 + 0.88 * Math.sqrt(requests / most);
        ctx.fillRect(LEFT + index * column, height - BOTTOM - (bin - low + 1) * row, Math.ceil(column) - 0.5, row - 1);
      }
    });
    ctx.globalAlpha = 1;
    this.#drawAxes(ctx, width, height, row);
  }

  #drawAxes(ctx, width, height, row) {
    const [low, high] = this.#range;
    ctx.fillStyle = token('--text-muted');
    ctx.font = FONT;
    ctx.textAlign = 'right';
    ctx.textBaseline = 'middle';
    const every = Math.ceil(16 / row);
    for (let bin = low; bin <= high; bin += every) {
      const text =
        bin < this.#edges.length ? `≤ ${format.compact(this.#edges[bin])}` : `> ${format.compact(this.#edges.at(-1))}`;
      ctx.fillText(text, LEFT - 6, height - BOTTOM - (bin - low + 0.5) * row);
    }
    ctx.textAlign = 'center';
    const end = this.#points.at(-1).t;
    const marks = Math.max(1, Math.min(6, Math.floor((width - LEFT) / 90)));
    for (let mark = 0; mark <= marks; mark += 1)
      ctx.fillText(format.clock((end * mark) / marks), LEFT + ((width - LEFT - RIGHT) * mark) / marks, height - 10);
  }
}

/** The bin with most requests over all points, and its share. */
function fullest(points, field) {
  const sums = points[0][field].map((_, bin) => points.reduce((sum, point) => sum + point[field][bin], 0));
  const total = sums.reduce((sum, requests) => sum + requests, 0);
  const bin = sums.indexOf(Math.max(...sums));
  return { bin, most: sums[bin] / total };
}
