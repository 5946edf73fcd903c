// A stream with a row per run, and how each stands against its objectives.

import { h, setText } from './dom.js';
import * as format from './format.js';
import { dominantPart, meanLedger } from './ledger.js';
import { routeTo } from './route.js';
import { RunTable } from './run_table.js';
import { sharedSentence } from './shared_runs.js';
import { sparkline } from './sparkline.js';

/** Windows asked for per run: a sparkline has no room for more. */
export const WINDOWS = 60;

/** The highest of each few neighbours, so that at most WINDOWS are left and no peak is lost. */
function coarser(points) {
  const size = Math.ceil(points.length / WINDOWS);
  if (size <= 1) return points;
  return Array.from({ length: Math.ceil(points.length / size) }, (_, index) => {
    const part = points.slice(index * size, (index + 1) * size);
    const known = part.map(({ value }) => value).filter((value) => value !== null);
    return { t: part.at(-1).t, value: known.length > 0 ? Math.max(...known) : null };
  });
}

/** One stream: its head and a row per run. */
export class StreamBlock {
  #versions = new Map();

  /** @param {string} page where links lead: "" for this page, else its address without a hash */
  constructor(name, page = '') {
    this.state = h('span.state');
    this.facts = h('span.facts-line');
    const link = (view, text) => h('a.button',
      { href: page + routeTo(view, { stream: name }), textContent: text, 'aria-label': `${text}: ${name}` });
    this.shared = h('p.note.shared');
    this.failures = h('p.note.bad');
    this.table = new RunTable(
      `Runs of ${name}`, ['scenario', 'cluster', 'progress', 'trend', 'ttft99', 'tpot99', 'goodput', 'slo', 'most']);
    this.element = h('section.block.stream', { 'aria-label': `Stream ${name}`, data: { stream: name } },
      h('header', {}, h('h2', {}, h('a', { href: page + routeTo('live', { stream: name }), textContent: name })),
        this.state, this.facts, h('span.spring'), link('live', 'Live'), link('compare', 'Compare'),
        link('requests', 'Requests')),
      this.shared, this.table.element, this.failures);
  }

  update(stream, runs, streams) {
    setText(this.state, stream.state ?? '');
    this.state.dataset.state = stream.state ?? '';
    const backlog = stream.backlog_arrivals > 0 ? ` · ${format.count(stream.backlog_arrivals)} behind` : '';
    setText(
      this.facts,
      stream.arrivals === undefined
        ? ''
        : `${format.count(stream.arrivals)} arrivals · watermark ${format.clock((stream.watermark_ns ?? 0) / 1e9)} · ` +
          `speed ${format.speed(stream.speed)}${backlog}`
    );
    const shared = sharedSentence(stream.shared);
    setText(this.shared, shared);
    this.shared.hidden = shared === '';
    this.table.update(runs, streams);
    const failed = runs.filter((run) => run.failure);
    setText(this.failures, failed.map((run) => `${run.scenario} #${run.id} failed: ${run.failure}`).join(' '));
  }

  showTrend(run, windows, version) {
    if (this.#versions.get(run.id) === version) return;
    this.#versions.set(run.id, version);
    const points = coarser(
      windows.map((window) => ({ t: window.start_ns + window.length_ns, value: window.ttft.p99_ns })));
    const objective = run.slo?.ttft_ns ?? null;
    const highest = Math.max(...points.map(({ value }) => value ?? 0), 0);
    const label = `p99 TTFT of ${run.scenario} over time: at most ${format.durationNs(highest)}` +
      `${objective === null ? '' : `, objective ${format.durationNs(objective)}`}`;
    this.table.cell(run.id, 'trend')
      .replaceChildren(...(points.length > 1 ? [sparkline(points, objective, label)] : []));
    const most = dominantPart(meanLedger(windows));
    setText(this.table.cell(run.id, 'most'),
      most === null ? format.MISSING : `${format.inSentence(most.part.label)} ${format.percent(most.share)}`);
  }
}
