// Every stream with its scenarios, and how each stands against its objectives; below, the scenarios that the daemon
// knows.

import { h, reconcile, setText } from './dom.js';
import * as format from './format.js';
import { routeTo } from './route.js';
import { StreamBlock, WINDOWS } from './stream_block.js';
import { updateHint } from './live_view.js';

const STREAMS_SHOWN = 20;
const REFRESH_MS = 5000;

export class OverviewView {
  #api;
  #streams = new Map();
  #trends = new Map();

  /** @param {import('./other_daemons.js').OtherDaemons} others */
  constructor(api, others) {
    this.#api = api;
    this.others = others;
    this.summary = h('p.summary', { role: 'status' });
    this.hint = h('p.hint');
    this.list = h('div.streams');
    this.more = h('p.note');
    this.catalog = h('tbody');
    this.catalogTitle = h('summary', { textContent: 'Scenarios' });
    const headings = ['Scenario', 'Model', 'GPUs', 'Kind', 'Memory'];
    this.element = h('div.overview', {}, this.summary, this.hint, this.list, this.more, others.element,
      h('details.block', {}, this.catalogTitle,
        h('div.scroller', { tabIndex: 0, role: 'region', 'aria-label': 'Scenarios that the daemon knows' },
          h('table.plain', {},
            h('thead', {}, h('tr', {}, ...headings.map((text) => h('th', { scope: 'col', textContent: text })))),
            this.catalog))));
  }

  async show() {
    this.others.refresh();
    try {
      const items = await this.#api.scenarios();
      setText(this.catalogTitle, `${format.plural(items.length, 'scenario')} to choose from`);
      this.catalog.replaceChildren(...items.map(scenarioRow));
    } catch (error) {
      setText(this.catalogTitle, `Scenarios cannot be read: ${error.message}`);
    }
  }

  /** @param {import('./hub.js').Hub} hub */
  update(hub) {
    this.others.refresh();
    const streams = [...hub.streams.values()].reverse().sort((a, b) => Number(isOver(a)) - Number(isOver(b)));
    const shown = streams.slice(0, STREAMS_SHOWN);
    updateHint(this.hint, hub, this.#api.base);
    setText(this.summary, summaryOf(streams));
    setText(
      this.more,
      streams.length > shown.length
        ? `${format.plural(streams.length - shown.length, 'older stream')}: see History.`
        : ''
    );
    reconcile(this.list, this.#streams, shown.map(({ name }) => name), (name) => new StreamBlock(name));
    for (const stream of shown) {
      const runs = stream.runs.map((run) => ({ ...hub.runs.get(String(run.id)), colorIndex: run.color }));
      const block = this.#streams.get(stream.name);
      block.update(stream, runs, hub.streams);
      for (const run of runs) this.#showTrend(block, run, hub);
    }
  }

  /** The windows of the stream that the page follows are known; those of others are asked for. */
  #showTrend(block, run, hub) {
    const { windows } = hub.series(run.id);
    const known = this.#trends.get(run.id);
    if (windows.length > 0) block.showTrend(run, windows, hub.series(run.id).version);
    else if (known?.windows) block.showTrend(run, known.windows, known.at);
    if (windows.length > 0 || hub.sources.api !== 'ok' || known?.busy) return;
    const whole = run.state !== 'running' && known?.windows !== undefined;
    if (known !== undefined && (whole || Date.now() - known.at < REFRESH_MS)) return;
    const entry = { windows: known?.windows, at: Date.now(), busy: true };
    this.#trends.set(run.id, entry);
    this.#api.windows(run.id, 0, WINDOWS).then((items) => { entry.windows = items; hub.changed(); })
      .catch(() => {}) // asked again
      .finally(() => { entry.busy = false; });
  }
}

const isOver = (stream) => stream.state === 'finished';

/** Whether the p99 of a whole run keeps the objectives; null without objectives or figures. */
function holds(run) {
  const pairs = [[run.slo?.ttft_ns, run.ttft?.p99_ns], [run.slo?.tpot_ns, run.tpot?.p99_ns]]
    .filter(([objective, value]) => objective != null && value != null);
  return pairs.length === 0 ? null : pairs.every(([objective, value]) => value <= objective);
}

function summaryOf(streams) {
  if (streams.length === 0) return '';
  const busy = streams.filter((stream) => !isOver(stream)).length;
  const judged = streams.flatMap((stream) => stream.runs).map(holds).filter((held) => held !== null);
  const kept = judged.filter(Boolean).length;
  const objectives = judged.length === 0
    ? ''
    : ` ${kept} of ${format.plural(judged.length, 'run')} ${kept === 1 ? 'keeps' : 'keep'} the objectives at p99.`;
  return `${format.plural(streams.length, 'stream')}, ` +
    `${busy === 0 ? 'none under way' : `${busy} under way`}.${objectives}`;
}

function scenarioRow(item) {
  return h('tr', {}, h('th', { scope: 'row', textContent: item.name, title: item.description ?? '' }),
    h('td', { textContent: item.model }), h('td', { textContent: `${item.gpus} × ${item.gpu}` }),
    h('td', { textContent: item.disaggregated ? 'disaggregated' : 'mixed' }), h('td', {}, h('a', {
      href: routeTo('memory', {}, [['scenario', item.name]]),
      textContent: 'plan',
      'aria-label': `Memory plan of ${item.name}`
    })));
}
