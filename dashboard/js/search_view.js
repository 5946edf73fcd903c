// What searches found: every cluster as a point with its price or throughput against its latency, the Pareto front,
// what was skipped or is not possible and why. Read from the files of `replayctl search --db`, also while a search
// goes on.

import { h, segmented, setText } from './dom.js';
import * as format from './format.js';
import { routeTo } from './route.js';
import { SearchChart } from './search_chart.js';
import {
  frontsText, LATENCIES, loadText, searchSentences, settingsText, trialKey, verdictOf, YIELDS,
} from './search_data.js';
import { SearchDetail } from './search_detail.js';

const REFRESH_MS = 3000;
const ROWS_SHOWN = 60;
const COLUMNS = [
  ['GPUs', (trial) => format.count(trial.gpus)], ['Per hour', (trial) => format.significant(trial.price_per_hour)],
  ['Per M tokens', (trial) => format.significant(trial.price_per_million_tokens)],
  ['Tokens/s per GPU', (trial) => format.compact(trial.output_tokens_per_s_per_gpu)],
  ['TTFT p99', (trial) => format.durationNs(trial.ttft_p99_ns)],
  ['TPOT p99', (trial) => format.durationNs(trial.tpot_p99_ns)],
  ['Rejected', (trial) => format.count(trial.rejected)],
];
const HOW = 'No search yet. Start the daemon with --searches FOLDER, run replayctl search SEARCH TRACE ' +
  '--db FOLDER/NAME.db, and it is shown here, also while it runs.';

export class SearchView {
  #api;
  #changed;
  #items = [];
  #wanted = null;
  /** The search that the address names and the daemon does not have. */
  #missing = null;
  #search = null;
  #chosen = null;
  #yielded = 'price';
  #latency = 'ttft';
  #askedAt = -Infinity;
  #answered = '';

  /** @param {() => void} changed is told when the address of the view changed */
  constructor(api, changed) {
    this.#api = api;
    this.#changed = changed;
    this.picker = h('select', { 'aria-label': 'Search', onchange: () => this.#pick() });
    this.yields = segmented('Across', options(YIELDS), (value) => this.#turn(() => { this.#yielded = value; }));
    this.latencies = segmented('Up', options(LATENCIES), (value) => this.#turn(() => { this.#latency = value; }));
    this.sql = h('a.button', { textContent: 'SQL on this file' });
    this.sentence = h('p.summary', { role: 'status' });
    this.note = h('p.note', { role: 'status' });
    this.chart = new SearchChart((trial) => this.#choose(trial));
    this.detail = new SearchDetail(api);
    this.rows = h('tbody');
    this.more = h('p.note');
    this.reasons = h('tbody');
    const key = h('span.search-key', {}, h('i.holds'), 'holds the objectives', h('i.misses'), 'misses them',
      h('i.line'), 'Pareto front');
    const front = h('section.block', { 'aria-label': 'Pareto front' },
      h('div.chart-controls', {}, this.yields.element, this.latencies.element, key), this.chart.element);
    const titles = [heading('Cluster'), ...COLUMNS.map(([text]) => heading(text, 'number')), heading('Objectives'),
      heading('On the fronts of')];
    const table = scroller('Clusters of the search', titles, this.rows);
    const clusters = block('Clusters', 'the best first', table, this.more);
    this.impossible = block('Not possible', 'never replayed', scroller('What is not possible',
      [heading('Clusters', 'number'), heading('Why'), heading('First of them')], this.reasons));
    this.result = h('div.search-result', { hidden: true }, front, this.detail.element, clusters, this.impossible);
    const choice = h('div.forecast-form', {},
      h('label.field', {}, h('span', { textContent: 'Search' }), this.picker), this.sql);
    this.element = h('div.search', {},
      block('Search', 'which cluster serves a trace within objectives', choice, this.sentence, this.note), this.result);
  }

  params() {
    const params = this.#wanted === null ? [] : [['search', this.#wanted]];
    if (this.#yielded !== 'price') params.push(['across', this.#yielded]);
    if (this.#latency !== 'ttft') params.push(['up', this.#latency]);
    if (this.#chosen !== null) params.push(['trial', this.#chosen]);
    return params;
  }

  /** @param {URLSearchParams} params */
  show(params) {
    this.#wanted = params.get('search') ?? this.#wanted;
    this.#missing = null;
    if (params.get('across') in YIELDS) this.#yielded = params.get('across');
    if (params.get('up') in LATENCIES) this.#latency = params.get('up');
    this.#chosen = params.get('trial') ?? this.#chosen;
    this.#load();
  }

  /** Looks again while the search goes on. */
  update() {
    if (this.#search?.ended !== true && Date.now() - this.#askedAt >= REFRESH_MS) this.#load();
  }

  redraw() { this.#draw(); }

  async #load() {
    this.#askedAt = Date.now();
    try {
      const { items, folders, troubles } = await this.#api.searches();
      this.#offer(items);
      const none = folders.length === 0 ? HOW : `No search in ${folders.join(', ')} yet.`;
      const missing = this.#missing === null ? [] : [`There is no search “${this.#missing}”` +
        (items.length === 0 ? '.' : ': another one is shown.')];
      setText(this.note, [...missing, ...(items.length === 0 ? [none] : []), ...troubles].join(' '));
      const item = this.#items.find((each) => keyOf(each) === this.#wanted);
      if (item === undefined) return this.#take(null);
      const search = await this.#api.search(item.file, item.id);
      if (keyOf(search) === this.#wanted) this.#take(search);
    } catch (error) {
      setText(this.note, `Searches cannot be read: ${error.message}`);
    }
  }

  #offer(items) {
    const names = JSON.stringify(items.map((item) => [keyOf(item), item.trials]));
    this.#items = items;
    if (!items.some((item) => keyOf(item) === this.#wanted)) {
      this.#missing = this.#wanted ?? this.#missing;
      this.#wanted = items.length > 0 ? keyOf(items[0]) : null;
    }
    if (this.picker.dataset.names === names) return;
    this.picker.dataset.names = names;
    const option = (item) => h('option', { value: keyOf(item), textContent: titleOf(item) });
    this.picker.replaceChildren(...items.map(option));
    this.picker.value = this.#wanted ?? '';
  }

  #take(search) {
    const answer = JSON.stringify(search);
    if (answer === this.#answered) return;
    this.#answered = answer;
    this.#search = search;
    this.#draw();
    this.#changed();
  }

  #pick() {
    this.#wanted = this.picker.value;
    this.#missing = null;
    this.#chosen = null;
    this.#load();
    this.#changed();
  }

  #choose(trial) { this.#turn(() => { this.#chosen = trialKey(trial); }); }

  /** Shows the same search in another way. */
  #turn(change) {
    change();
    this.#draw();
    this.#changed();
  }

  #draw() {
    const search = this.#search;
    this.result.hidden = this.sql.hidden = search === null;
    this.yields.set(this.#yielded);
    this.latencies.set(this.#latency);
    setText(this.sentence, search === null ? '' : searchSentences(search).join(' '));
    if (search === null) return;
    this.sql.setAttribute('href', routeTo('query', {}, [['file', search.file]]));
    const chosen = search.results.find((trial) => trialKey(trial) === this.#chosen) ?? null;
    this.chart.show({ search, yielded: this.#yielded, latency: this.#latency, chosen: this.#chosen });
    this.detail.show(search, chosen);
    this.#fillRows(search);
    this.impossible.hidden = search.not_possible.length === 0;
    this.reasons.replaceChildren(...search.not_possible.map((item) => h('tr', {},
      h('td.number', { textContent: format.count(item.count) }), h('td.reason', { textContent: item.reason }),
      h('td', { textContent: settingsText(item) }))));
  }

  #fillRows(search) {
    const focused = this.rows.contains(document.activeElement) ? document.activeElement.dataset.trial : null;
    const shown = search.results.slice(0, ROWS_SHOWN);
    this.rows.replaceChildren(...shown.map((trial) => this.#row(trial)));
    const more = search.results.length - shown.length + search.left_out;
    setText(this.more, more === 0 ? '' : `${format.count(more)} more: SQL on this file lists all.`);
    if (focused !== null) this.rows.querySelector(`button[data-trial="${focused}"]`)?.focus();
  }

  #row(trial) {
    const key = trialKey(trial);
    const textContent = settingsText(trial) + loadText(trial);
    const button = h('button.quiet', { type: 'button', textContent, data: { trial: key },
      'aria-pressed': String(key === this.#chosen), onclick: () => this.#choose(trial) });
    return h('tr', {}, h('th', { scope: 'row' }, button),
      ...COLUMNS.map(([, text]) => h('td.number', { textContent: text(trial) })),
      h('td', { textContent: verdictOf(trial), data: { state: trial.holds ? 'ok' : 'failed' } }),
      h('td', { textContent: frontsText(trial) }));
  }
}

/** Names a search in addresses. */
const keyOf = ({ file, id }) => `${file}/${id}`;
const options = (kinds) => Object.entries(kinds).map(([value, { title }]) => ({ value, text: title }));
const titleOf = ({ file, base, trace, method, trials }) =>
  `${file}: ${base} on ${trace.split('/').at(-1)}, ${method}, ${format.plural(trials, 'trial')}`;

const heading = (textContent, className = '') => h('th', { scope: 'col', textContent, className });
const scroller = (label, head, body) => h('div.scroller', { tabIndex: 0, role: 'region', 'aria-label': label },
  h('table.plain', {}, h('thead', {}, h('tr', {}, ...head)), body));
const block = (title, unit, ...children) => h('section.block', { 'aria-label': title },
  h('header', {}, h('h2', { textContent: title }), h('span.unit', { textContent: unit })), ...children);
