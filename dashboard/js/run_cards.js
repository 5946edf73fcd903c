// One card per shown run: while it goes on, the gauges of the last virtual window, from /metrics; once it is over, the
// figures of the whole run. The card is also the switch that hides the run in every panel.

import { RUN_COLORS } from './colors.js';
import { h, reconcile, setText } from './dom.js';
import * as format from './format.js';
import { setName } from './names.js';
import { meanOfWindows } from './points.js';
import { currentTheme } from './theme.js';

/** Columns of a card; the exposition has no mean. */
const COLUMNS = ['mean', 'p50', 'p90', 'p99'];
const requests = (count) => format.compact(count);
/** Beside the latencies: key, heading and text, while the run goes on and of a whole run. */
const FACTS_NOW = [
  ['clock', 'clock', (figures) => format.clock(figures.clock)],
  ['speed', 'speed-up', (figures) => format.speedup(figures.speedup === 0 ? null : figures.speedup)],
  ['backlog', 'backlog', (figures) => requests(figures.backlog)],
  ['slo', 'in SLO', (figures) => format.percent(figures.sloAttainment)],
];
const FACTS_WHOLE = [
  ['clock', 'clock', (figures) => format.clock(figures.clock)],
  ['finished', 'finished', (figures) => requests(figures.finished)],
  ['rejected', 'rejected', (figures) => requests(figures.rejected)],
  ['slo', 'in SLO', (figures) => format.percent(figures.sloAttainment)],
];
/** Runs that have cards with their facts beside the latencies; of more, the facts stand below. */
const WIDE_MAX = 2;

export class RunCards {
  #cards = new Map();
  #toggle;

  constructor(toggle) {
    this.#toggle = toggle;
    this.element = h('section.cards', { 'aria-label': 'Runs now' });
  }

  /** @param {object[]} runs of hub.shownRuns @param {Set<string>} hidden */
  update(runs, hidden) {
    this.element.classList.toggle('dense', runs.length > WIDE_MAX);
    reconcile(this.element, this.#cards, runs.map((run) => run.id), (id) => this.#make(id));
    const labels = runs.map((run) => run.label);
    for (const run of runs) fill(this.#cards.get(run.id), run, hidden.has(run.id), labels);
  }

  #make(id) {
    const name = h('strong');
    const state = h('span.state');
    const cells = {};
    const row = (metric, label) => h('tr', {}, h('th', { scope: 'row', textContent: label }),
      ...COLUMNS.map((column) => (cells[metric + column] = h('td', { data: { column } }))));
    const span = h('td.span');
    const table = h('table', {},
      h('thead', {},
        h('tr', {}, span,
          ...COLUMNS.map((column) => h('th', { scope: 'col', data: { column }, textContent: column })))),
      h('tbody', {}, row('ttft', 'TTFT'), row('tpot', 'TPOT')));
    const facts = FACTS_NOW.map(() => ({ name: h('dt'), value: h('dd') }));
    const list = h('dl', {}, ...facts.map((fact) => (fact.element = h('div', {}, fact.name, fact.value))));
    const button = h('button.card-head', { type: 'button', title: 'Show or hide this run in all panels',
      onclick: () => this.#toggle(id) }, name, state);
    const failure = h('p.failure.bad', { hidden: true });
    const element = h('article.card', { data: { run: id } }, button, h('div.card-body', {}, table, list), failure);
    return { element, button, name, state, span, cells, facts, failure };
  }
}

function fill(card, run, hidden, labels) {
  card.element.style.setProperty('--run', RUN_COLORS[currentTheme()][run.colorIndex]);
  card.element.classList.toggle('off', hidden);
  card.button.setAttribute('aria-pressed', String(!hidden));
  setName(card.name, run.label, labels);
  setText(card.state, run.state ?? '');
  card.state.dataset.state = run.state ?? '';
  const whole = ofWholeRun(run);
  const figures = whole ? wholeRun(run) : run.gauges;
  setText(card.span, whole ? (isOver(run) ? 'whole run' : 'run so far') : 'last window');
  card.span.title = whole ? 'of every request that has finished'
    : 'of the last virtual window that something finished in';
  for (const metric of ['ttft', 'tpot']) {
    const objective = run.slo?.[`${metric}_ns`] ?? null;
    for (const column of COLUMNS) fillLatency(card.cells[metric + column], figures[metric][column] ?? null, objective);
  }
  (whole ? FACTS_WHOLE : FACTS_NOW).forEach(([key, name, text], index) => {
    const fact = card.facts[index];
    fact.element.dataset.fact = key;
    setText(fact.name, name);
    setText(fact.value, text(figures));
  });
  setText(card.failure, run.failure ?? '');
  card.failure.hidden = !run.failure;
  card.element.dataset.source = whole ? 'run' : 'metrics';
}

/** The mean is not held against an objective, which is one of quantiles. */
function fillLatency(cell, seconds, objective) {
  const late = cell.dataset.column !== 'mean' && objective !== null && seconds !== null && seconds * 1e9 > objective;
  setText(cell, format.duration(seconds));
  cell.classList.toggle('late', late);
  cell.title = late ? `beyond the objective of ${format.durationNs(objective)}` : '';
}

const isOver = (run) => !['running', 'paused'].includes(run.state);

/** A run that is over is judged as a whole; one that goes on too where the exposition has nothing of it. Where only the
 *  exposition answers, nothing is known of a whole run. */
const ofWholeRun = (run) => run.gauges === null || (run.ttft !== undefined && isOver(run));

function wholeRun(run) {
  const seconds = (ns) => (ns === null || ns === undefined ? null : ns / 1e9);
  const latency = (metric) => ({
    mean: seconds(meanOfWindows(run.series.windows, metric)),
    p50: seconds(run[metric]?.p50_ns),
    p90: seconds(run[metric]?.p90_ns),
    p99: seconds(run[metric]?.p99_ns)
  });
  return {
    ttft: latency('ttft'),
    tpot: latency('tpot'),
    clock: seconds(run.virtual_ns),
    finished: run.finished ?? null,
    rejected: run.rejected ?? null,
    sloAttainment: run.slo_attainment ?? null
  };
}
