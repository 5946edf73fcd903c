// One chart: header, uPlot canvas, legend with the figures under the cursor, and an honest empty state.

import uPlot from '../vendor/uPlot.esm.js';
import { clockAxis, plainAxis } from './chart_axes.js';
import { runColor } from './colors.js';
import { h, reconcile, setText } from './dom.js';
import * as format from './format.js';
import { setName } from './names.js';
import { AXIS_FORMATS, FORMATS } from './panel_definitions.js';
import { alignLines, lastKnown, nearestBefore } from './panel_data.js';
import { redraws } from './redraws.js';
import { currentTheme, token } from './theme.js';
import { thinned } from './thinning.js';

const AXIS_WIDTH = 54;
const SYNC = 'replayd';
/** An objective further away than this many times the highest point is named at the edge, not drawn. */
const OBJECTIVE_REACH = 2.5;

export class Panel {
  #definition;
  #actions;
  #plot = null;
  #shape = '';
  #state = '';
  #view = null;
  #lines = [];
  #objectives = [];
  #legend = new Map();

  /**
   * @param {object} definition of PANELS
   * @param {{zoom: (range: {min: number, max: number}|null) => void, toggleRun: (id: string) => void}} actions
   */
  constructor(definition, actions) {
    this.#definition = definition;
    this.#actions = actions;
    this.unit = h('span.unit', { textContent: definition.unit });
    this.key = h('span.line-key', { 'aria-hidden': 'true' });
    this.chart = h('div.chart', { role: 'img', 'aria-label': `${definition.title}, ${definition.unit}` });
    this.empty = h('p.empty');
    this.legend = h('div.legend', { role: 'group', 'aria-label': `Runs of ${definition.title}` });
    this.element = h(`section.panel${definition.large ? '.large' : ''}`,
      { data: { panel: definition.key, points: '0' }, 'aria-label': definition.title },
      h('header', {}, h('h2', { textContent: definition.title }), this.unit, this.key),
      h('div.plot', {}, this.chart, this.empty), this.legend);
    new ResizeObserver(() => this.#resize()).observe(this.chart);
  }

  /**
   * Draws soon, if anything differs from what is drawn.
   * @param {object} view runs, hidden, quantiles, log, range, emptyText
   */
  update(view) {
    const state = JSON.stringify([
      currentTheme(),
      view.log,
      view.range,
      [...view.quantiles],
      [...view.hidden],
      view.emptyText,
      fontsLoaded(),
      view.runs.map((run) => [
        run.id,
        run.label,
        run.colorIndex,
        run.slo?.[this.#definition.objective],
        run.series.version,
        run.series.points.length,
        run.series.points.at(-1)?.t
      ])
    ]);
    if (state === this.#state) return;
    this.#state = state;
    // Room for the legend is there before it is drawn, so that nothing below it moves.
    this.legend.style.setProperty('--runs', String(view.runs.length));
    this.legend.style.setProperty('--rows', String(Math.max(2, Math.ceil(view.runs.length / 2))));
    redraws.schedule(this.element, () => this.#draw(view));
  }

  #draw(view) {
    this.#view = view;
    this.#lines = this.#definition.lines(view);
    const visible = view.runs.filter((run) => !view.hidden.has(run.id));
    const { data, columns, points, last } = alignLines(visible, this.#lines);
    this.#objectives = objectivesOf(visible, this.#definition.objective);
    Object.assign(
      this.element.dataset, { points: String(points), runs: String(visible.length), last: String(last ?? '') });
    this.#showEmpty(points === 0, view);
    this.#drawKey();
    this.#updatePlot(thinned(data, this.chart.clientWidth - AXIS_WIDTH, this.#shownRange(data[0].at(-1))), columns);
    this.#updateLegend();
  }

  #showEmpty(isEmpty, view) {
    this.element.classList.toggle('is-empty', isEmpty);
    const allHidden = view.runs.length > 0 && view.runs.every((run) => view.hidden.has(run.id));
    setText(this.empty, !isEmpty ? '' : allHidden ? 'Every run is switched off in the legend.' : view.emptyText);
  }

  #drawKey() {
    const text = this.#lines.length > 1 ? this.#lines.map((line) => line.label).join('|') : '';
    if (this.key.dataset.lines === text) return;
    this.key.dataset.lines = text;
    this.key.replaceChildren(
      ...(text === '' ? [] : this.#lines.map((line) => h('span', {}, lineSample(line), line.label))));
  }

  #updatePlot(data, columns) {
    const theme = currentTheme();
    const shape = JSON.stringify(
      [theme, this.#view.log, columns.map(({ run, line }) => [run.id, run.colorIndex, line.key])]);
    if (shape !== this.#shape || this.#plot === null) {
      this.#shape = shape;
      this.#plot?.destroy();
      this.#plot = new uPlot(this.#options(columns, theme), data, this.chart);
    } else {
      this.#plot.setData(data);
    }
  }

  #options(columns, theme) {
    const formatValue = AXIS_FORMATS[this.#definition.kind];
    return {
      width: Math.max(1, this.chart.clientWidth), height: Math.max(1, this.chart.clientHeight),
      padding: [8, 20, 0, 0], legend: { show: false },
      scales: {
        x: { time: false, range: (_plot, min, max) => this.#rangeX(min, max) },
        y: { distr: this.#isLog ? 3 : 1, range: (_plot, min, max) => this.#rangeY(min, max) },
      },
      axes: [
        { ...clockAxis(),
          incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400] },
        { ...plainAxis(), size: AXIS_WIDTH, gap: 4, space: this.#definition.large ? 34 : 26,
          values: (_plot, splits) => splits.map((value) => (value === null ? '' : formatValue(value))) },
      ],
      series: [{}, ...columns.map(({ run, line }) => ({ stroke: runColor(run, theme), width: line.width,
        dash: line.dash, spanGaps: true, points: { show: false } }))],
      cursor: { sync: { key: SYNC, setSeries: false }, drag: { x: true, y: false, setScale: false, dist: 6 },
        points: { size: 6, width: 0 }, bind: { dblclick: () => () => this.#actions.zoom(null) } },
      hooks: { setSelect: [(plot) => this.#zoom(plot)], setCursor: [() => this.#updateLegend()],
        draw: [(plot) => this.#drawObjectives(plot)] },
    };
  }

  get #isLog() { return this.#view.log && this.#definition.logarithmic === true; }

  /** The times that are shown, where they are not all. */
  #shownRange(last) {
    const { range } = this.#view;
    if (range?.last === undefined) return range;
    return { min: (last ?? 0) - range.last, max: last ?? 0 };
  }

  #rangeX(min, max) {
    const { range } = this.#view;
    if (range?.last !== undefined) return [Math.max(0, (max ?? 0) - range.last), Math.max(max ?? 0, 1)];
    if (range !== null) return [range.min, range.max];
    if (min === null || min === max) return [0, Math.max(60, max ?? 0)];
    // A page that knows only /metrics, opened late, starts where its samples start.
    return [min > max / 2 ? min : 0, max];
  }

  #rangeY(min, max) {
    if (this.#definition.full) return [0, 1.03];
    if (this.#definition.signed) {
      const reach = Math.max(Math.abs(min ?? 0), Math.abs(max ?? 0)) * 1.08 || 0.1;
      return [-reach, reach];
    }
    const top = max ?? 0;
    const reached = this.#objectives
      .map(({ seconds }) => seconds)
      .filter((seconds) => seconds <= top * OBJECTIVE_REACH);
    const high = Math.max(top, ...reached);
    if (this.#isLog) return uPlot.rangeLog(Math.max(1e-6, min ?? 1e-3), Math.max(high, 1e-5), 10, false);
    return [0, high > 0 ? high * 1.08 : 1];
  }

  #zoom(plot) {
    if (plot.select.width < 4) return;
    const range = {
      min: plot.posToVal(plot.select.left, 'x'),
      max: plot.posToVal(plot.select.left + plot.select.width, 'x')
    };
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    this.#actions.zoom(range);
  }

  #drawObjectives(plot) {
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    const theme = currentTheme();
    ctx.save();
    ctx.font = `600 ${11 * ratio}px "Inter Variable", system-ui, sans-serif`;
    ctx.textAlign = 'right';
    ctx.lineWidth = 1.25 * ratio;
    ctx.setLineDash([5 * ratio, 4 * ratio]);
    const edge = bbox.left + bbox.width - 4 * ratio;
    let before = null;
    for (const { seconds, run } of this.#objectives) {
      const color = this.#objectives.length > 1 ? runColor(run, theme) : token('--objective');
      const y = plot.valToPos(seconds, 'y', true);
      const above = y < bbox.top;
      const text = `SLO ${format.duration(seconds)}${above ? ' ↑' : ''}`;
      ctx.strokeStyle = ctx.fillStyle = color;
      if (!above) {
        ctx.beginPath();
        ctx.moveTo(bbox.left, y);
        ctx.lineTo(bbox.left + bbox.width, y);
        ctx.stroke();
      }
      const baseline = above || y - 16 * ratio < bbox.top ? Math.max(y, bbox.top) + 13 * ratio : y - 4 * ratio;
      // Objectives come in ascending order; one whose words would stand on those of the one before makes way.
      const taken = before !== null && Math.abs(before.baseline - baseline) < 13 * ratio;
      const right = taken ? before.left - 8 * ratio : edge;
      outlined(ctx, text, right, baseline, ratio);
      before = { baseline, left: right - ctx.measureText(text).width };
      if (above) break;
    }
    ctx.restore();
  }

  #updateLegend() {
    if (this.#view === null) return;
    const { runs } = this.#view;
    this.legend.classList.toggle('many', runs.length > 2);
    this.legend.classList.toggle('tight', runs.length > 2 || this.#lines.length > 2);
    reconcile(this.legend, this.#legend, runs.map((run) => run.id), (id) => this.#makeEntry(id));
    const left = this.#plot?.cursor.left ?? -1;
    const at = left >= 0 ? this.#plot.posToVal(left, 'x') : Infinity;
    const labels = runs.map((run) => run.label);
    for (const run of runs) this.#updateEntry(this.#legend.get(run.id), run, at, labels);
    this.#showWhen(at);
  }

  /** Of which time the figures of the legend are. */
  #showWhen(at) {
    const { unit } = this.#definition;
    const when = Number.isFinite(at) ? `at ${format.clock(at)}` : 'last window';
    setText(this.unit, this.element.classList.contains('is-empty') ? unit : `${unit} · ${when}`);
    this.unit.title = `${this.unit.textContent}: the figures of the legend; point at the chart for another time`;
  }

  #makeEntry(id) {
    const swatch = h('i.swatch');
    const name = h('span.name');
    const values = h('span.values');
    const element = h(
      'button.entry', { type: 'button', onclick: () => this.#actions.toggleRun(id) }, swatch, name, values);
    return { element, swatch, name, values };
  }

  #updateEntry(entry, run, at, labels) {
    const hidden = this.#view.hidden.has(run.id);
    const point = Number.isFinite(at) ? nearestBefore(run.series.points, at) : null;
    const valueOf = (line) => (
      Number.isFinite(at) ? (point === null ? null : line.value(point)) : lastKnown(run.series.points, line));
    const formatValue = FORMATS[this.#definition.kind];
    entry.element.setAttribute('aria-pressed', String(!hidden));
    entry.element.title = `${run.label}: show or hide`;
    entry.swatch.style.setProperty('background-color', runColor(run, currentTheme()));
    setName(entry.name, run.label, labels);
    const values = this.#lines.map((line) => ({ line, value: valueOf(line) }))
      .filter(({ line, value }) => line.optional !== true || value !== null);
    const main = (values.find(({ line }) => line.dash.length === 0) ?? values[0])?.line;
    entry.element.classList.toggle('crowded', values.length > 2);
    while (entry.values.children.length > values.length) entry.values.lastChild.remove();
    values.forEach(({ line, value }, index) => {
      const figure = entry.values.children[index] ?? entry.values.appendChild(h('b'));
      figure.classList.toggle('main', line === main);
      setText(figure, formatValue(value));
    });
  }

  #resize() {
    if (this.#plot === null || this.chart.clientWidth === 0) return;
    this.#plot.setSize({ width: this.chart.clientWidth, height: this.chart.clientHeight });
  }
}

/** A canvas is drawn with the typeface of the moment. */
const fontsLoaded = () => document.fonts.status;

/** Distinct objectives of the visible runs, each with the first run that has it. */
function objectivesOf(runs, field) {
  const found = new Map();
  for (const run of runs) {
    const ns = field === undefined ? null : run.slo?.[field];
    if (ns !== null && ns !== undefined && !found.has(ns)) found.set(ns, { seconds: ns / 1e9, run });
  }
  return [...found.values()].sort((a, b) => a.seconds - b.seconds);
}

function outlined(ctx, text, x, y, ratio) {
  ctx.save();
  ctx.setLineDash([]);
  ctx.lineWidth = 3 * ratio;
  ctx.lineJoin = 'round';
  ctx.strokeStyle = token('--panel');
  ctx.strokeText(text, x, y);
  ctx.restore();
  ctx.fillText(text, x, y);
}

/** A short stroke in the style of a line, for the key in the header. */
function lineSample(line) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 22 6');
  const stroke = document.createElementNS('http://www.w3.org/2000/svg', 'line');
  for (const [name, value] of Object.entries({ x1: 0, x2: 22, y1: 3, y2: 3, 'stroke-width': line.width,
    'stroke-dasharray': line.dash.join(' ') || 'none' })) stroke.setAttribute(name, value);
  svg.append(stroke);
  return svg;
}
