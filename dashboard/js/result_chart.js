// The answer of a query as a chart: lines over numbers, bars over names. Which columns is the reader's choice.

import uPlot from '../vendor/uPlot.esm.js';
import { CHART_FONT, plainAxis } from './chart_axes.js';
import { RUN_COLORS } from './colors.js';
import { h, setText } from './dom.js';
import * as format from './format.js';
import { chooseColumns, groupRows, numericColumns } from './result_data.js';
import { currentTheme } from './theme.js';

const HEIGHT = 260;
const NONE = '';

export class ResultChart {
  #plot = null;
  #answer = null;
  #wished = {};

  /** @param {() => void} changed is told when other columns were chosen */
  constructor(changed) {
    const choice = (label) => h('select', {
      'aria-label': `Column of ${label}`,
      onchange: () => {
        this.#take();
        changed();
      }
    });
    this.selects = { x: choice('the x axis'), y: choice('the y axis'), series: choice('series') };
    const labelled = (text, key) => h('label.field', {}, h('span', { textContent: text }), this.selects[key]);
    this.chart = h('div.chart.result-chart', { role: 'img', 'aria-label': 'Chart of the result' });
    this.bars = h('div.bars');
    this.key = h('ul.series-key', { 'aria-label': 'Series' });
    this.note = h('span.unit');
    this.element = h('section.result-figure', { 'aria-label': 'Chart of the result', hidden: true },
      h('div.chart-controls', {}, labelled('x', 'x'), labelled('y', 'y'), labelled('series', 'series'), this.note),
      this.chart, this.bars, this.key);
    new ResizeObserver(() => this.#plot?.setSize({ width: Math.max(1, this.chart.clientWidth), height: HEIGHT }))
      .observe(this.chart);
  }

  /** The columns that were chosen by hand or by a question, for the address. */
  params() { return Object.entries(this.#wished).filter(([, name]) => name !== undefined); }

  /** @param {{x?: string, y?: string, series?: string}} wished */
  show(answer, wished) {
    this.#answer = answer;
    this.#wished = wished;
    this.#draw();
  }

  clear() {
    this.#answer = null;
    this.element.hidden = true;
  }

  redraw() {
    if (this.#answer !== null) this.#draw();
  }

  #take() {
    this.#wished = { x: this.selects.x.value, y: this.selects.y.value, series: this.selects.series.value };
    this.#draw();
  }

  #draw() {
    const chosen = chooseColumns(this.#answer, this.#wished);
    this.element.hidden = chosen === null;
    if (chosen === null) return;
    const option = (name) => h('option', { value: name, textContent: name === NONE ? 'none' : name });
    const fill = (key, names) => {
      this.selects[key].replaceChildren(...names.map(option));
      this.selects[key].value = chosen[key] ?? NONE;
    };
    fill('x', this.#answer.columns);
    fill('y', numericColumns(this.#answer));
    fill('series', [NONE, ...this.#answer.columns]);
    const { kind, groups, left } = groupRows(this.#answer, chosen);
    setText(
      this.note, left === 0 ? '' : `${format.count(left)} more ${kind === 'lines' ? 'series' : 'rows'} not drawn`);
    Object.assign(this.element.dataset, { kind, series: String(groups.length) });
    this.#drawKey(groups);
    this.#plot?.destroy();
    this.#plot = null;
    this.chart.hidden = kind !== 'lines';
    this.bars.hidden = kind !== 'bars';
    if (kind === 'lines') this.#drawLines(groups, chosen);
    else this.#drawBars(groups);
  }

  #drawKey(groups) {
    const colors = RUN_COLORS[currentTheme()];
    this.key.hidden = groups.length < 2;
    this.key.replaceChildren(...groups.map(
      ({ name }, index) => h('li', {}, h('i.swatch', { style: { 'background-color': colors[index] } }), name)));
  }

  #drawLines(groups, { x, y }) {
    const colors = RUN_COLORS[currentTheme()];
    const data = uPlot.join(
      groups.map(({ points }) => [points.map((point) => point.x), points.map((point) => point.y)]));
    this.chart.setAttribute(
      'aria-label',
      `${y} over ${x}: ` +
        (groups.length === 1 ? format.plural(groups[0].points.length, 'point') : format.plural(groups.length, 'line'))
    );
    this.#plot = new uPlot({
      width: Math.max(1, this.chart.clientWidth),
      height: HEIGHT,
      padding: [8, 20, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: false },
        y: { range: (_plot, min, max) => [Math.min(0, min ?? 0), (max ?? 0) > 0 ? max * 1.05 : 1] }
      },
      axes: [
        {
          ...plainAxis(),
          size: 40,
          label: x,
          labelSize: 16,
          labelFont: CHART_FONT,
          values: (_plot, splits) => splits.map(format.compact)
        },
        {
          ...plainAxis(),
          size: 60,
          label: y,
          labelSize: 16,
          labelFont: CHART_FONT,
          values: (_plot, splits) => splits.map(format.compact)
        }
      ],
      series: [
        {}, ...groups.map((_, index) => ({
          stroke: colors[index],
          width: 1.75,
          spanGaps: true,
          points: { show: data[0].length <= 40, size: 5, fill: colors[index] }
        }))
      ],
      cursor: { drag: { x: false, y: false } },
    },
      data, this.chart);
  }

  #drawBars(groups) {
    const colors = RUN_COLORS[currentTheme()];
    const highest = Math.max(0, ...groups.flatMap(({ points }) => points.map((point) => Math.abs(point.y ?? 0))));
    this.bars.replaceChildren(...groups.flatMap(
      ({ name, points }, index) => points.map(
        (point) => h('div.bar-row', { title: name },
          h('span.name', { textContent: point.x === null ? 'NULL' : String(point.x), title: String(point.x) }),
          h('span.bar-track', {}, h('i', {
            style: {
              width: `${highest > 0 ? (Math.abs(point.y ?? 0) / highest) * 100 : 0}%`,
              'background-color': colors[index]
            }
          })),
          h('b', { textContent: point.y === null ? 'NULL' : format.compact(point.y) })))));
  }
}
