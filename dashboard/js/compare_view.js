// Two runs of one stream, request by request: which breaks its objectives first, what differs, and why.

import { BLAME_CAUSES } from './blame.js';
import { RUN_COLORS } from './colors.js';
import { comparisonSentences, differenceOverTime, rankedDifferences, signedNs, whyDifferent } from './compare_data.js';
import { differenceBars, differenceTable } from './difference_tables.js';
import { h, setText } from './dom.js';
import * as format from './format.js';
import { LEDGER_PARTS } from './ledger.js';
import { emptyText } from './live_view.js';
import { Panel } from './panel.js';
import { PANELS } from './panel_definitions.js';
import { routeTo } from './route.js';
import { runOptions } from './run_picker.js';
import { currentTheme } from './theme.js';

const REFRESH_MS = 5000;
/** Comparing reads every request of both runs: it rests this many times as long as it took. */
const REST = 20;
const LISTED = 50;
const CHARTS = ['ttft', 'tpot'];
/** How far B is from A over time. */
const DIFFERENCES = CHARTS.map((field) => ({
  key: `${field}_difference`,
  field,
  title: `${field.toUpperCase()} p99, B − A`,
  unit: 'virtual seconds; below zero B is faster',
  kind: 'duration',
  signed: true,
  large: true,
  lines: () => [{ key: 'difference', label: '', dash: [], width: 1.75, value: (point) => point.value }]
}));

export class CompareView {
  #api;
  #changed;
  #chosen = { a: null, b: null };
  #runs = [];
  #known = { key: '', busy: false, due: 0, clock: null };
  #panels;
  #differences;

  /** @param {() => void} changed is told when the address of the view changed */
  constructor(api, toolbar, changed) {
    this.#api = api;
    this.#changed = changed;
    this.toolbar = toolbar;
    const choice = (side) => h('select', {
      'aria-label': `Run ${side.toUpperCase()}`,
      onchange: () => this.#choose({ ...this.#chosen, [side]: this.selects[side].value })
    });
    this.selects = { a: choice('a'), b: choice('b') };
    this.swatches = { a: h('i.swatch'), b: h('i.swatch') };
    const labelled = (side) => h(
      'label.picker', {}, h('b', { textContent: side.toUpperCase() }), this.swatches[side], this.selects[side]);
    this.swap = h('button',
      { type: 'button', textContent: 'Swap', onclick: () => this.#choose({ a: this.#chosen.b, b: this.#chosen.a }) });
    this.sentences = h('p.summary', { role: 'status' });
    this.note = h('p.note');
    this.quantiles = h('div.scroller', { tabIndex: 0, role: 'region', 'aria-label': 'Differences of latency' });
    this.parts = h('div');
    this.causes = h('div');
    this.requests = h(
      'div.scroller.compare-requests', { tabIndex: 0, role: 'region', 'aria-label': 'Pairs of requests' });
    const actions = { toggleRun: () => {}, zoom: (range) => toolbar.setRange(range) };
    this.#panels = PANELS.filter(({ key }) => CHARTS.includes(key)).map((definition) => new Panel(definition, actions));
    this.#differences = DIFFERENCES.map(
      (definition) => ({ field: definition.field, panel: new Panel(definition, actions) }));
    const block = (title, unit, ...content) => h('section.block', { 'aria-label': title },
      h('header', {}, h('h2', { textContent: title }), h('span.unit', { textContent: unit })), ...content);
    this.body = h('div.compare-body', {},
      h('div.panels', {}, ...this.#panels.map((panel) => panel.element),
        ...this.#differences.map(({ panel }) => panel.element)),
      block('Differences', 'B − A of the same request; below zero B is faster', this.quantiles),
      h('div.halves', {}, block('By part of the latency', 'B − A, mean of a request that differs', this.parts),
        block('By cause', 'what the waiting and the interference were for', this.causes)),
      block('Requests that differ most', 'by end-to-end time', this.requests));
    this.element = h('div.compare', {},
      h('section.block.compare-head', { 'aria-label': 'Runs to compare' },
        h('div.compare-choice', {}, labelled('a'), this.swap, labelled('b')), this.sentences, this.note),
      this.body);
  }

  params() {
    return this.#chosen.a === null || this.#chosen.b === null ? [] : [['a', this.#chosen.a], ['b', this.#chosen.b]];
  }

  /** @param {URLSearchParams} params */
  show(params) {
    this.#chosen = { a: params.get('a') ?? this.#chosen.a, b: params.get('b') ?? this.#chosen.b };
  }

  /** @param {import('./hub.js').Hub} hub */
  update(hub) {
    this.#runs = hub.shownRuns;
    this.#fillSelects();
    const { a, b } = this.#pair;
    const both = a !== undefined && b !== undefined;
    this.body.hidden = !both;
    if (!both) {
      setText(this.sentences,
        this.#runs.length < 2
          ? 'Two runs of one stream are compared: stream to two scenarios, or tick two runs in the history.'
          : '');
      return;
    }
    const view = {
      runs: [a, b],
      hidden: new Set(),
      quantiles: new Set(['p99']),
      log: this.toolbar.log,
      range: this.toolbar.range,
      emptyText: emptyText(hub, this.#api.base)
    };
    for (const panel of this.#panels) panel.update(view);
    for (const { field, panel } of this.#differences) {
      panel.update({
        ...view,
        runs: [{
          ...b,
          label: 'B − A',
          series: {
            version: `${a.id}/${a.series.version}/${b.series.version}`,
            points: differenceOverTime(a.series.points, b.series.points, field)
          }
        }]
      });
    }
    if (hub.sources.api === 'ok') this.#ask(a, b);
  }

  redraw() { this.#known = { ...this.#known, clock: null, due: 0 }; }

  get #pair() {
    return {
      a: this.#runs.find((run) => run.id === this.#chosen.a),
      b: this.#runs.find((run) => run.id === this.#chosen.b)
    };
  }

  #choose(chosen) {
    this.#chosen = chosen;
    this.#known = { key: '', busy: false, due: 0, clock: null };
    this.#changed();
  }

  /** What is not among the runs that are shown is replaced by the first that is free. */
  #fillSelects() {
    const ids = this.#runs.map((run) => run.id);
    const names = JSON.stringify(this.#runs.map((run) => [run.id, run.label]));
    for (const select of Object.values(this.selects)) {
      if (select.dataset.names === names) continue;
      select.dataset.names = names;
      select.replaceChildren(...runOptions(this.#runs));
    }
    if (ids.length >= 2) {
      if (!ids.includes(this.#chosen.a)) this.#chosen.a = ids.find((id) => id !== this.#chosen.b);
      if (!ids.includes(this.#chosen.b) || this.#chosen.b === this.#chosen.a)
        this.#chosen.b = ids.find((id) => id !== this.#chosen.a);
    }
    for (const side of ['a', 'b']) {
      this.selects[side].value = this.#chosen[side] ?? '';
      const run = this.#pair[side];
      this.swatches[side].style.setProperty(
        'background-color', run ? RUN_COLORS[currentTheme()][run.colorIndex] : 'transparent');
    }
  }

  async #ask(a, b) {
    const key = `${a.id}:${b.id}`;
    const clock = `${a.virtual_ns}:${b.virtual_ns}`;
    if (this.#known.busy ||
      (this.#known.key === key && (this.#known.clock === clock || performance.now() < this.#known.due)))
      return;
    this.#known = { key, clock, busy: true, due: 0 };
    const began = performance.now();
    try {
      const comparison = await this.#api.compare(a.id, b.id, LISTED);
      if (this.#known.key === key) this.#draw(comparison);
    } catch (error) {
      setText(this.note, `The runs cannot be compared: ${error.message}`);
    }
    const took = performance.now() - began;
    if (this.#known.key === key)
      this.#known = { ...this.#known, busy: false, due: performance.now() + Math.max(REFRESH_MS, REST * took) };
  }

  #draw(comparison) {
    setText(this.note, '');
    setText(this.sentences, comparisonSentences(comparison).join(' '));
    this.quantiles.replaceChildren(differenceTable(comparison));
    const mean = (sums, kinds) => rankedDifferences(
      sums, kinds).map((item) => ({ ...item, ns: item.ns / Math.max(1, comparison.differ) }));
    this.parts.replaceChildren(differenceBars(mean(comparison.ledger_ns, LEDGER_PARTS), 'No part differs.'));
    this.causes.replaceChildren(differenceBars(mean(comparison.blame_ns, BLAME_CAUSES), 'No cause differs.'));
    this.requests.replaceChildren(requestTable(comparison.requests));
  }
}

function requestTable(pairs) {
  if (pairs.length === 0) return h('p.note', { textContent: 'No request differs.' });
  const time = (request, field) => (request.outcome === 'rejected' ? 'rejected' : format.durationNs(request[field]));
  const columns = [
    ['Request', 'text'], ['TTFT A', 'number'], ['TTFT B', 'number'], ['E2E A', 'number'], ['E2E B', 'number'],
    ['Difference', 'number strong'], ['Why', 'text']
  ];
  return h('table.runs', {},
    h('thead', {},
      h('tr', {}, ...columns.map(([text, className]) => h('th', { scope: 'col', className, textContent: text })))),
    h('tbody', {},
      ...pairs.map(
        (pair) => h('tr', { data: { sequence: String(pair.sequence) } }, h('td', {}, h('a', {
          href: routeTo('requests', { runs: [String(pair.a.run), String(pair.b.run)] },
            [['request', `${pair.b.run}.${pair.sequence}`]]),
          textContent: pair.id || `#${pair.sequence}`
        })),
          ...[time(pair.a, 'ttft_ns'), time(pair.b, 'ttft_ns'), time(pair.a, 'e2e_ns'), time(pair.b, 'e2e_ns'),
            signedNs(pair.e2e_ns)]
            .map((text, index) => h('td', { className: columns[index + 1][1], textContent: text })),
          h('td', { textContent: whyDifferent(pair) })))));
}
