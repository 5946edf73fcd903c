// One latency before and after now: what has been, then a line per candidate over the shaded time ahead, and the
// objective.

import uPlot from '../vendor/uPlot.esm.js';
import { clockAxis, durationAxis } from './chart_axes.js';
import { RUN_COLORS } from './colors.js';
import { h } from './dom.js';
import { forecastPoints, pastPoints } from './forecast_data.js';
import * as format from './format.js';
import { currentTheme, token } from './theme.js';

export class ForecastChart {
  #metric;
  #plot = null;
  #drawn = '';

  /** @param {'ttft'|'tpot'} metric */
  constructor(metric, title) {
    this.#metric = metric;
    this.title = title;
    this.chart = h('div.chart', { role: 'img', 'aria-label': title });
    this.key = h('ul.series-key', { 'aria-label': `Lines of ${title}` });
    this.element = h('section.panel.large', { 'aria-label': title, data: { panel: `forecast_${metric}`, lines: '0' } },
      h('header', {}, h('h2', { textContent: title }), h('span.unit', { textContent: 'the shaded time lies ahead' })),
      h('div.plot', {}, this.chart), this.key);
    new ResizeObserver(
      () => this.#plot?.setSize({ width: Math.max(1, this.chart.clientWidth), height: this.chart.clientHeight }))
      .observe(this.chart);
  }

  forget() { this.#drawn = ''; }

  /** @param {object} answer of the API @param {object[]} points what the run has been */
  update(answer, points) {
    const past = pastPoints(points, answer, this.#metric);
    const drawn = JSON.stringify([answer.at_ns, past.length, currentTheme()]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const lines = answer.candidates.slice(0, RUN_COLORS.light.length);
    const colors = RUN_COLORS[currentTheme()];
    const table = (items) => [items.map(({ t }) => t), items.map(({ value }) => value)];
    const data = uPlot.join([table(past), ...lines.map((line) => table(forecastPoints(line, this.#metric)))]);
    const objective = answer.candidates[0].slo[`${this.#metric}_ns`];
    this.element.dataset.lines = String(lines.length);
    this.chart.setAttribute(
      'aria-label',
      `${this.title}, ${format.plural(past.length, 'window')} before and ` +
        `${lines.map((line) => line.name).join(', ')} after ${format.clock(answer.at_ns / 1e9)}`
    );
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#options(answer, lines, colors, objective), data, this.chart);
    this.key.replaceChildren(
      h('li', {}, h('i.swatch', { style: { 'background-color': token('--text-muted') } }), 'until now'),
      ...lines.map(
        (line, index) => h('li', {}, h('i.swatch', { style: { 'background-color': colors[index] } }), line.name)));
  }

  #options(answer, lines, colors, objective) {
    const now = answer.at_ns / 1e9;
    const limit = objective === null ? null : objective / 1e9;
    const end = now + answer.horizon_ns / 1e9;
    return {
      width: Math.max(1, this.chart.clientWidth),
      height: Math.max(1, this.chart.clientHeight),
      padding: [8, 20, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: false, range: (_plot, min) => [Math.min(min ?? now, now), end] },
        y: { range: (_plot, _min, max) => [0, Math.max(max ?? 0, limit ?? 0, 1e-6) * 1.08] }
      },
      axes: [clockAxis(), durationAxis()],
      series: [
        {}, { stroke: token('--text-muted'), width: 1.75, spanGaps: true, points: { show: false } },
        ...lines.map(
          (_, index) => (
            { stroke: colors[index], width: index === 0 ? 2.25 : 1.75, spanGaps: true, points: { show: false } }))
      ],
      cursor: { show: false },
      hooks: { drawClear: [(plot) => shade(plot, now)], draw: [(plot) => drawObjective(plot, limit)] },
    };
  }
}

function shade(plot, now) {
  const { ctx, bbox } = plot;
  const left = Math.max(bbox.left, plot.valToPos(now, 'x', true));
  ctx.save();
  ctx.fillStyle = token('--accent-soft');
  ctx.fillRect(left, bbox.top, bbox.left + bbox.width - left, bbox.height);
  ctx.restore();
}

function drawObjective(plot, limit) {
  if (limit === null) return;
  const { ctx, bbox } = plot;
  const y = plot.valToPos(limit, 'y', true);
  ctx.save();
  ctx.strokeStyle = token('--objective');
  ctx.lineWidth = 1.25 * devicePixelRatio;
  ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
}
