// One card per shown run: the gauges of the last virtual window, from /metrics. The card is also the switch
// that hides the run in every panel.

import { RUN_COLORS } from './colors.js';
import { h, reconcile, setText } from './dom.js';
import * as format from './format.js';
import { currentTheme } from './theme.js';

const QUANTILES = ['p50', 'p90', 'p99'];
const FACTS = [
  ['clock', 'clock', (gauges) => format.clock(gauges.clock)],
  ['speed', 'speed-up', (gauges) => format.speedup(gauges.speedup === 0 ? null : gauges.speedup)],
  ['backlog', 'backlog', (gauges) => format.compact(gauges.backlog)],
  ['slo', 'in SLO', (gauges) => format.percent(gauges.sloAttainment)],
];

export class RunCards {
  #cards = new Map();
  #toggle;

  constructor(toggle) {
    this.#toggle = toggle;
    this.element = h('section.cards', { 'aria-label': 'Runs now' });
  }

  /** @param {object[]} runs of hub.shownRuns @param {Set<string>} hidden */
  update(runs, hidden) {
    this.element.classList.toggle('dense', runs.length > 4);
    reconcile(this.element, this.#cards, runs.map((run) => run.id), (id) => this.#make(id));
    for (const run of runs) fill(this.#cards.get(run.id), run, hidden.has(run.id));
  }

  #make(id) {
    const name = h('strong');
    const state = h('span.state');
    const cells = {};
    const row = (metric, label) => h('tr', {}, h('th', { scope: 'row', textContent: label }),
      ...QUANTILES.map((quantile) => (cells[metric + quantile] = h('td'))));
    const span = h('td.span');
    const table = h('table', {},
      h('thead', {},
        h('tr', {}, span, ...QUANTILES.map((quantile) => h('th', { scope: 'col', textContent: quantile })))),
      h('tbody', {}, row('ttft', 'TTFT'), row('tpot', 'TPOT')));
    const facts = {};
    const list = h('dl', {}, ...FACTS.map(([key, label]) =>
      h('div', {}, h('dt', { textContent: label }), facts[key] = h('dd'))));
    const button = h('button.card-head', { type: 'button', title: 'Show or hide this run in all panels',
      onclick: () => this.#toggle(id) }, name, state);
    const element = h('article.card', { data: { run: id } }, button, h('div.card-body', {}, table, list));
    return { element, button, name, state, span, cells, facts };
  }
}

function fill(card, run, hidden) {
  const { gauges } = run;
  card.element.style.setProperty('--run', RUN_COLORS[currentTheme()][run.colorIndex]);
  card.element.classList.toggle('off', hidden);
  card.button.setAttribute('aria-pressed', String(!hidden));
  setText(card.name, run.label);
  setText(card.state, run.state ?? '');
  card.state.dataset.state = run.state ?? '';
  const latest = gauges ?? wholeRun(run);
  setText(card.span, gauges === null ? 'run' : 'window');
  card.span.title = gauges === null ? 'of the whole run' : 'of the last virtual window that something finished in';
  for (const metric of ['ttft', 'tpot']) {
    const objective = run.slo?.[`${metric}_ns`] ?? null;
    for (const quantile of QUANTILES) {
      const value = latest[metric][quantile];
      const cell = card.cells[metric + quantile];
      const late = objective !== null && value !== null && value * 1e9 > objective;
      setText(cell, format.duration(value));
      cell.classList.toggle('late', late);
      cell.title = late ? `beyond the objective of ${format.durationNs(objective)}` : '';
    }
  }
  for (const [key, , text] of FACTS) setText(card.facts[key], text(latest));
  card.element.dataset.source = gauges === null ? 'run' : 'metrics';
}

/** A past run has left the exposition: its card shows the quantiles of the whole run instead. */
function wholeRun(run) {
  const seconds = (ns) => (ns === null || ns === undefined ? null : ns / 1e9);
  const quantiles = (latency) => (
    { p50: seconds(latency?.p50_ns), p90: seconds(latency?.p90_ns), p99: seconds(latency?.p99_ns) });
  return {
    ttft: quantiles(run.ttft),
    tpot: quantiles(run.tpot),
    clock: seconds(run.virtual_ns),
    speedup: run.speedup ?? null,
    backlog: null,
    sloAttainment: run.slo_attainment ?? null
  };
}
