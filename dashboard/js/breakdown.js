// Where latency goes: the mean ledger of the finished requests of each run and what their waiting was for, over what
// the panels show.

import { blameRanking, meanBlame } from './blame.js';
import { h, setText } from './dom.js';
import * as format from './format.js';
import { dominantPart, ledgerSum, meanLedger } from './ledger.js';
import { commonScale, ledgerBar, ledgerKey } from './ledger_bar.js';
import { RUN_COLORS } from './colors.js';
import { setName } from './names.js';
import { redraws } from './redraws.js';
import { routeTo } from './route.js';
import { currentTheme } from './theme.js';

/** Causes named per run. */
const CAUSES_NAMED = 3;

export class Breakdown {
  #drawn = '';

  constructor() {
    this.rows = h('div.rows');
    this.key = h('div');
    this.note = h('span.unit');
    this.element = h('section.block.breakdown', { 'aria-label': 'Where latency goes' },
      h('header', {}, h('h2', { textContent: 'Where latency goes' }), this.note), this.rows, this.key);
  }

  /** @param {object[]} runs of hub.shownRuns @param {object|null} range as the panels' */
  update(runs, range) {
    const drawn = JSON.stringify(
      [currentTheme(), range, runs.map((run) => [run.id, run.label, run.series.version, run.colorIndex])]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    redraws.schedule(this.element, () => this.#draw(runs, range));
  }

  #draw(runs, range) {
    const means = runs.map((run) => {
      const windows = windowsIn(run.series.windows, range);
      return { run, ledger: meanLedger(windows), blame: meanBlame(windows) };
    });
    const known = means.filter(({ ledger }) => ledger !== null).map(({ ledger }) => ledger);
    setText(this.note, known.length > 0 ? 'mean of a finished request, over the time that the panels show'
      : 'no request has finished yet');
    const scale = commonScale(known);
    const labels = runs.map((run) => run.label);
    this.rows.replaceChildren(...means.map((mean) => row(mean, scale, labels)));
    this.key.replaceChildren(ledgerKey(known));
  }
}

function row({ run, ledger, blame }, scale, labels) {
  const most = dominantPart(ledger);
  const summary =
    most === null
      ? format.MISSING
      : `${format.durationNs(ledgerSum(ledger))} · most: ${format.inSentence(most.part.label)} ` +
        `${format.percent(most.share)}`;
  const name = h('span.name');
  setName(name, run.label, labels);
  return h('div.breakdown-row', {},
    h('span.named.swatched', { style: { '--run': RUN_COLORS[currentTheme()][run.colorIndex] } }, name),
    ledgerBar(ledger, scale, `Mean latency of ${run.label}`), h('span.sum', { textContent: summary }),
    h('span.causes', {}, `${causes(blame)} `, h('a', {
      href: routeTo('requests', { runs: [run.id] }, [['order', 'slowest_e2e']]),
      textContent: 'slowest requests',
      'aria-label': `Slowest requests of ${run.label}`
    })));
}

function causes(blame) {
  const ranking = blameRanking(blame);
  if (ranking.length === 0) return '';
  const named = ranking.slice(0, CAUSES_NAMED).map(({ cause,
    ns }) => `${format.inSentence(cause.label)} ${format.durationNs(ns)}`);
  return `because of ${named.join(', ')}${ranking.length > CAUSES_NAMED ? ', …' : ''}`;
}

function windowsIn(windows, range) {
  if (range === null) return windows;
  const last = windows.length > 0 ? (windows.at(-1).start_ns + windows.at(-1).length_ns) / 1e9 : 0;
  const [min, max] = range.last !== undefined ? [last - range.last, last] : [range.min, range.max];
  return windows.filter((window) => window.start_ns / 1e9 >= min && (window.start_ns + window.length_ns) / 1e9 <= max);
}
