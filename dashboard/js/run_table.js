// A table of runs with figures over the whole run; used for the shown runs and for the history.

import { RUN_COLORS } from './colors.js';
import { h, reconcile, setText } from './dom.js';
import * as format from './format.js';
import { currentTheme } from './theme.js';

const done = (run) => (run.finished ?? 0) + (run.rejected ?? 0);

/** States of a run that will not do what is left. */
const ENDED_EARLY = ['failed', 'stopped', 'interrupted'];

/** Heading, class and text of each column; null where the owner fills the cell. */
const COLUMNS = {
  scenario: ['Scenario', 'text wraps', (run) => run.label ?? run.scenario],
  stream: ['Stream', 'text wraps', (run) => run.stream],
  run: ['Run', 'number', (run) => run.id],
  state: ['State', 'text wraps', (run) => (run.failure ? `${run.state}: ${run.failure}` : run.state)],
  created: ['Started', 'text', (run) => format.wallTime(run.created_ms)],
  cluster: [
    'Cluster', 'text wraps',
    (run) => (run.pools ?? []).map((pool) => `${pool.name} ${pool.replicas * pool.gpus}×${pool.gpu}`).join(' + ') ||
      format.MISSING
  ],
  clock: ['Virtual time', 'number', (run) => format.clock(run.virtual_ns === null ? null : run.virtual_ns / 1e9)],
  ttft50: ['TTFT p50', 'number', (run) => format.durationNs(run.ttft?.p50_ns)],
  ttft99: ['TTFT p99', 'number strong', (run) => format.durationNs(run.ttft?.p99_ns)],
  tpot50: ['TPOT p50', 'number', (run) => format.durationNs(run.tpot?.p50_ns)],
  tpot99: ['TPOT p99', 'number strong', (run) => format.durationNs(run.tpot?.p99_ns)],
  e2e99: ['E2E p99', 'number', (run) => format.durationNs(run.e2e?.p99_ns)],
  goodput: ['Goodput', 'number', (run) => goodput(run)],
  slo: ['In SLO', 'number', (run) => format.percent(run.slo_attainment)],
  finished: ['Finished', 'number', (run) => format.count(run.finished)],
  rejected: ['Rejected', 'number', (run) => format.count(run.rejected)],
  rows: ['Requests with a row', 'text', (run) => requestRows(run)],
  preemptions: ['Preempted', 'number', (run) => format.count(run.preemptions)],
  hash: ['State hash', 'code', (run) => format.shortHash(run.hash)],
  trend: ['p99 TTFT over time', 'text', null],
  most: ['Most time in', 'text', null],
};

/** Which requests of the run have a row, by its stream's policy, and how many have none. */
function requestRows({ request_rows: policy, request_rows_left_out: without }) {
  return policy === 'all' ? 'all' : `${policy}: ${format.count(without)} without`;
}

/** Requests that met every objective, per virtual second of the whole run. */
function goodput(run) {
  if (run.slo_attainment === null || run.slo_attainment === undefined || !(run.virtual_ns > 0)) return null;
  return `${format.compact(run.slo_attainment * run.finished / (run.virtual_ns / 1e9))} req/s`;
}

export class RunTable {
  #rows = new Map();
  #columns;
  #decorate;

  /**
   * @param {string} caption
   * @param {string[]} columns keys of COLUMNS; "progress" stands for the bar, "action" for decorate's cell
   * @param {(cell: HTMLElement, run: object) => void} decorate fills the "action" cell, once per row
   */
  constructor(caption, columns, decorate = () => {}) {
    this.#columns = columns;
    this.#decorate = decorate;
    this.body = h('tbody');
    const headings = { progress: ['Progress', 'text'], action: ['Open', 'text'], ...COLUMNS };
    this.element = h('div.scroller', { tabIndex: 0, role: 'region', 'aria-label': caption },
      h('table.runs', {},
        h('thead', {},
          h('tr', {},
            ...columns.map(
              (key) => h('th', { scope: 'col', className: headings[key][1], textContent: headings[key][0] })))),
        this.body));
  }

  /** @param {object[]} runs @param {Map<string, object>} streams by name, for the progress */
  update(runs, streams) {
    reconcile(this.body, this.#rows, runs.map((run) => run.id), (id) => this.#make(runs.find((run) => run.id === id)));
    for (const run of runs) this.#fill(this.#rows.get(run.id), run, streams.get(run.stream));
  }

  /** A cell that its owner fills. */
  cell(id, key) { return this.#rows.get(id).cells[key]; }

  #make(run) {
    const cells = Object.fromEntries(
      this.#columns.map((key) => [key, h('td', { className: COLUMNS[key]?.[1] ?? 'text' })]));
    if (cells.progress)
      cells.progress.append(
        h('div.progress', { role: 'progressbar', 'aria-valuemin': '0', 'aria-valuemax': '100' }, h('i')), h('span'));
    if (cells.action) this.#decorate(cells.action, run);
    return { element: h('tr', { data: { run: run.id } }, ...this.#columns.map((key) => cells[key])), cells };
  }

  #fill({ element, cells }, run, stream) {
    for (const key of this.#columns) {
      if (key === 'progress') fillProgress(cells.progress, run, stream);
      else if (key !== 'action' && COLUMNS[key][2] !== null)
        setText(cells[key], String(COLUMNS[key][2](run) ?? format.MISSING));
    }
    for (const [key, latency] of [['ttft99', 'ttft'], ['tpot99', 'tpot']]) {
      const objective = run.slo?.[`${latency}_ns`] ?? null;
      cells[key]?.classList.toggle('late', objective !== null && run[latency]?.p99_ns > objective);
    }
    if (cells.state) cells.state.dataset.state = run.state;
    if (cells.hash) cells.hash.title = run.hash ?? 'known when the run has finished';
    if (cells.scenario && run.colorIndex !== undefined) {
      cells.scenario.classList.add('swatched');
      element.style.setProperty('--run', RUN_COLORS[currentTheme()][run.colorIndex]);
    }
  }
}

function fillProgress(cell, run, stream) {
  const total = stream?.arrivals ?? run.arrived ?? 0;
  const share = total > 0 ? Math.min(1, done(run) / total) : 0;
  const bar = cell.firstChild;
  bar.setAttribute('aria-valuenow', String(Math.floor(share * 100)));
  bar.setAttribute('aria-label', `requests done of ${run.label ?? run.scenario}`);
  bar.firstChild.style.setProperty('width', `${share * 100}%`);
  const ended = ENDED_EARLY.includes(run.state) ? `, ${run.state}` : '';
  setText(cell.lastChild, `${format.count(done(run))} / ${format.count(total)}${ended}`);
  cell.lastChild.classList.toggle('bad', run.state === 'failed');
  cell.title = run.failure ?? '';
}
