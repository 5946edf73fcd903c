// Where latency goes over time: the mean ledger of the requests that finish, stacked; or what their waiting was for.

import uPlot from '../vendor/uPlot.esm.js';
import { clockAxis, durationAxis } from './chart_axes.js';
import { ledgerColor } from './colors.js';
import { h, segmented, setText } from './dom.js';
import * as format from './format.js';
import { edgesOf, ledgerBands } from './ledger_series.js';
import { redraws } from './redraws.js';
import { RunPicker } from './run_picker.js';
import { currentTheme, token } from './theme.js';

const HEIGHT = 220;
const KINDS = [
  { value: 'ledger', text: 'Parts', title: 'The parts of the latency' },
  { value: 'blame', text: 'Causes', title: 'What the waiting and the interference were for' }
];

export class LedgerTimeline {
  #plot = null;
  #kind = 'ledger';
  #drawn = '';
  #runs = [];
  #range = null;
  #series = { times: [], bands: [] };

  constructor() {
    this.picker = new RunPicker('Run of the ledger over time', () => this.update(this.#runs, this.#range), null);
    this.kinds = segmented('Parts or causes', KINDS, (value) => {
      this.#kind = value;
      this.update(this.#runs, this.#range);
    });
    this.chart = h('div.chart.ledger-chart', { role: 'img', 'aria-label': 'Mean latency over time' });
    this.key = h('ul.ledger-key', { 'aria-label': 'Bands' });
    this.note = h('span.unit', { textContent: 'mean of the requests that finish, stacked' });
    this.element = h('section.block.ledger-time',
      { 'aria-label': 'Latency over time, by part', data: { points: '0', bands: '' } },
      h('header', {}, h('h2', { textContent: 'Latency over time, by part' }),
        this.picker.element, this.kinds.element, this.note),
      this.chart, this.key);
    new ResizeObserver(() => this.#plot?.setSize({ width: Math.max(1, this.chart.clientWidth), height: HEIGHT }))
      .observe(this.chart);
  }

  /** @param {object[]} runs of hub.shownRuns @param {object|null} range as the panels' */
  update(runs, range) {
    this.#runs = runs;
    this.#range = range;
    this.picker.update(runs);
    this.kinds.set(this.#kind);
    const { run } = this.picker;
    const drawn = JSON.stringify([currentTheme(), this.#kind, range, run?.id, run?.series.version]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    redraws.schedule(this.element, () => this.#take(run));
  }

  #take(run) {
    this.#series = ledgerBands(run?.series.windows ?? [], this.#kind);
    const { times, bands } = this.#series;
    this.element.hidden = bands.length === 0;
    Object.assign(
      this.element.dataset, { points: String(times.length), bands: bands.map(({ part }) => part.key).join() });
    if (bands.length > 0) this.#draw();
  }

  /** Parts have the colours of every ledger; causes, of which several belong to one part, the eight hues. */
  #colorOf(part, index) {
    if (this.#kind === 'ledger') return ledgerColor(part, currentTheme());
    return part.key === 'others' ? token('--line-strong') : token(`--hue-${index % 8}`);
  }

  #draw() {
    const { times, bands } = this.#series;
    const colors = bands.map(({ part }, index) => this.#colorOf(part, index));
    const data = [times, ...edgesOf(bands).toReversed()];
    const most = (values) => format.duration(Math.max(...values.map((value) => value ?? 0)));
    this.chart.setAttribute(
      'aria-label',
      `Mean latency over time: ${bands.map(({ part, values }) => `${part.label} at most ${most(values)}`).join(', ')}`
    );
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#options(colors.toReversed()), data, this.chart);
    this.#drawKey(colors);
  }

  #drawKey(colors) {
    this.values = this.#series.bands.map(() => h('b'));
    this.key.replaceChildren(...this.#series.bands.map(
      ({ part }, index) => h('li', { title: part.text }, h('i', { style: { 'background-color': colors[index] } }),
        part.label, this.values[index])));
    this.#showValues(null);
  }

  /** The figures under the cursor, or the latest. */
  #showValues(index) {
    this.#series.bands.forEach(({ values }, band) => {
      const at = index ?? values.findLastIndex((value) => value !== null);
      setText(this.values[band], format.duration(values[at] ?? null));
    });
  }

  #options(colors) {
    const x = (min, max) => {
      if (this.#range?.last !== undefined) return [Math.max(0, max - this.#range.last), max];
      return this.#range === null ? [min, max] : [this.#range.min, this.#range.max];
    };
    return {
      width: Math.max(1, this.chart.clientWidth),
      height: HEIGHT,
      padding: [8, 20, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: false, range: (_plot, min, max) => x(min ?? 0, max ?? 1) },
        y: { range: (_plot, _min, max) => [0, (max ?? 0) > 0 ? max * 1.05 : 1] }
      },
      axes: [clockAxis(), durationAxis()],
      series: [{}, ...colors.map((color) => ({ fill: color, stroke: color, width: 0, points: { show: false } }))],
      cursor: { sync: { key: 'replayd', setSeries: false }, drag: { x: false, y: false }, points: { show: false } },
      hooks: { setCursor: [(plot) => this.#showValues(plot.cursor.left >= 0 ? plot.cursor.idx ?? null : null)] },
    };
  }
}
