// Observed against predicted: how far each run is from what production measured, over time and as a whole, and its
// drift alarm.

import { h, reconcile, setText } from './dom.js';
import * as format from './format.js';
import { emptyText } from './live_view.js';
import { Panel } from './panel.js';
import { DASHES } from './panel_definitions.js';
import { residualPoints, versionOf } from './residuals.js';

const METRICS = [['ttft', 'TTFT'], ['tpot', 'TPOT'], ['e2e', 'E2E'], ['cached_tokens', 'Cached tokens']];
const line = (key, index) => (
  { key, label: key, dash: DASHES[index], width: 1.75, value: (point) => point[key] ?? null });
const both = () => [line('predicted', 0), line('observed', 1)];

/** `metric` of the residuals that a panel draws. */
const PANELS = [
  {
    key: 'observed_ttft',
    metric: 'ttft',
    title: 'TTFT, mean',
    unit: 'virtual seconds',
    kind: 'duration',
    large: true,
    logarithmic: true,
    lines: both
  },
  {
    key: 'observed_tpot',
    metric: 'tpot',
    title: 'TPOT, mean',
    unit: 'virtual seconds',
    kind: 'duration',
    large: true,
    logarithmic: true,
    lines: both
  },
  {
    key: 'observed_e2e',
    metric: 'e2e',
    title: 'End-to-end, mean',
    unit: 'virtual seconds',
    kind: 'duration',
    lines: both,
    logarithmic: true
  },
  {
    key: 'bias_ttft',
    metric: 'ttft',
    title: 'Bias of TTFT',
    unit: '(predicted − observed) / observed',
    kind: 'ratio',
    signed: true,
    lines: () => [line('bias', 0)]
  },
  {
    key: 'bias_tpot',
    metric: 'tpot',
    title: 'Bias of TPOT',
    unit: '(predicted − observed) / observed',
    kind: 'ratio',
    signed: true,
    lines: () => [line('bias', 0)]
  },
];

export class ObservedView {
  #base;
  #store;
  #hidden = new Set();
  #panels;
  #rows = new Map();

  /** @param {import('./residuals.js').ResidualStore} store */
  constructor(base, store, toolbar, redraw) {
    this.#base = base;
    this.#store = store;
    this.toolbar = toolbar;
    const toggleRun = (id) => {
      if (!this.#hidden.delete(id)) this.#hidden.add(id);
      redraw();
    };
    this.#panels = PANELS.map(
      (definition) => (
        { definition, panel: new Panel(definition, { toggleRun, zoom: (range) => toolbar.setRange(range) }) }));
    this.hint = h(
      'p.hint',
      {},
      h('span', {
        textContent:
          'No arrival of this stream carries what production observed. Give traces with observed TTFT, TPOT, E2E or ' +
            'cached tokens, and the runs are held against them here.'
      })
    );
    this.alarm = h('p.banner', { role: 'status', hidden: true, data: { state: 'failed' } });
    this.body = h('tbody');
    this.rule = h('p.note');
    const headings = [
      'Run', 'Metric', 'Requests', 'Predicted, mean', 'Observed, mean', 'Bias', 'MAPE', 'Error p50', 'Error p90',
      'Largest error', 'Drift'
    ];
    this.whole = h('section.block', { 'aria-label': 'Over the whole run' },
      h('header', {}, h('h2', { textContent: 'Over the whole run' })),
      h('div.scroller', { tabIndex: 0, role: 'region', 'aria-label': 'Residuals of every run' },
        h('table.runs', {},
          h('thead', {},
            h('tr', {},
              ...headings.map(
                (text, index) => h(
                  'th', { scope: 'col', textContent: text, className: index > 1 && index < 10 ? 'number' : 'text' })))),
          this.body)),
      this.rule);
    this.differing = h('ul.differences');
    this.traced = h('section.block', { 'aria-label': 'The traced server', hidden: true },
      h('header', {}, h('h2', { textContent: 'The traced server is another one' }),
        h('span.unit', { textContent: 'so predictions differ for that reason, too' })), this.differing);
    this.figures = h('div.panels', {}, ...this.#panels.map(({ panel }) => panel.element));
    this.element = h('div.observed', {}, this.hint, this.alarm, this.traced, this.figures, this.whole);
  }

  /** @param {import('./hub.js').Hub} hub */
  update(hub) {
    const runs = hub.shownRuns;
    const answers = runs.map((run) => ({ run, answer: this.#store.of(run, hub) }));
    const known = answers.filter(({ answer }) => answer?.items.length > 0);
    const failed = runs.map((run) => this.#store.errorOf(run)).find((text) => text !== '');
    this.hint.hidden = known.length > 0;
    this.figures.hidden = this.whole.hidden = known.length === 0;
    if (failed !== undefined) setText(this.hint.firstChild, `Residuals cannot be read: ${failed}`);
    this.#showAlarms(known);
    this.#showDifferences(answers);
    for (const { definition, panel } of this.#panels) {
      panel.update({
        runs: known.map(
          ({ run, answer }) => (
            { ...run, series: { points: residualPoints(answer, definition.metric), version: versionOf(answer) } })),
        hidden: this.#hidden,
        quantiles: new Set(),
        log: this.toolbar.log,
        range: this.toolbar.range,
        emptyText: emptyText(hub, this.#base)
      });
    }
    this.#fillTable(known);
  }

  #showAlarms(known) {
    const raised = known.filter(({ answer }) => answer.alarms.length > 0).map(({ run,
      answer }) => `${run.label} (${answer.alarms.map(nameOf).join(', ')})`);
    this.alarm.hidden = raised.length === 0;
    setText(
      this.alarm, raised.length === 0 ? '' : `Drift alarm: ${raised.join('; ')} no longer tells what production does.`);
  }

  /** What the hello told of the traced server and a scenario has otherwise. */
  #showDifferences(answers) {
    const sentences = answers.flatMap(({ run, answer }) =>
      (answer?.differences ?? []).map((sentence) => ({ run: run.label, sentence })));
    this.traced.hidden = sentences.length === 0;
    const shown = JSON.stringify(sentences);
    if (this.traced.dataset.shown === shown) return;
    this.traced.dataset.shown = shown;
    this.differing.replaceChildren(...sentences.map(({ run, sentence }) =>
      h('li', {}, h('b', { textContent: run }), ` ${sentence}`)));
  }

  #fillTable(known) {
    const rows = known.flatMap(({ run, answer }) => METRICS.filter(([key]) => answer.whole?.[key]).map(([
      key, name
    ]) => ({ id: `${run.id} ${key}`, run, key, name, sums: answer.whole[key], alarm: answer.alarms.includes(key) })));
    reconcile(this.body, this.#rows, rows.map(({ id }) => id), () => makeRow());
    for (const row of rows) fillRow(this.#rows.get(row.id), row);
    const rule = known.find(({ answer }) => answer.rule)?.answer.rule;
    setText(
      this.rule,
      rule === undefined
        ? ''
        : `Drift is raised after ${format.plural(rule.windows, 'window')} of ${format.durationNs(rule.window_ns)} in ` +
          `a row with a bias beyond ${format.percent(rule.bias)} ` +
            `(cached tokens: ${format.percent(rule.cache_bias)}), of at least ` +
            `${format.plural(rule.requests_min, 'observed request')} each.`
    );
  }
}

const nameOf = (metric) => METRICS.find(([key]) => key === metric)?.[1] ?? metric;

function makeRow() {
  const cells = Array.from(
    { length: 11 }, (_, index) => h('td', { className: index > 1 && index < 10 ? 'number' : 'text' }));
  return { element: h('tr', {}, ...cells), cells };
}

function fillRow({ element, cells }, { run, key, name, sums, alarm }) {
  const tokens = key === 'cached_tokens';
  const figure = (field) => (tokens ? format.compact(sums[`${field}_tokens`]) : format.durationNs(sums[`${field}_ns`]));
  const bias =
    sums.bias === null ? format.MISSING : `${sums.bias < 0 ? '−' : '+'}${format.percent(Math.abs(sums.bias))}`;
  const texts = [
    run.label, name, format.count(sums.count), figure('predicted_mean'), figure('observed_mean'), bias,
    format.percent(sums.mape), figure('error_p50'), figure('error_p90'), figure('error_max'), alarm ? 'alarm' : 'none'
  ];
  texts.forEach((text, index) => setText(cells[index], text));
  element.dataset.metric = key;
  cells[10].dataset.state = alarm ? 'failed' : 'ok';
}
