// Read-only SQL over the history.

import { h, setText } from './dom.js';
import * as format from './format.js';

const SHOWN = 500;
const EXAMPLES = [
  ['Runs at a glance', 'SELECT * FROM run_summary ORDER BY run_id DESC LIMIT 20'],
  ['Slowest requests by TTFT', 'SELECT * FROM request_latency ORDER BY ttft_ns DESC LIMIT 50'],
  ['Tables and views', "SELECT type, name, sql FROM sqlite_schema WHERE type IN ('table','view') ORDER BY type, name"],
];

export class QueryView {
  #api;

  #changed;

  /** @param {() => void} changed is told when the address of the view changed */
  constructor(api, changed) {
    this.#api = api;
    this.#changed = changed;
    this.input = h('textarea', { rows: 5, spellcheck: false, 'aria-label': 'SQL', value: EXAMPLES[0][1], onkeydown: (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) this.#run();
    } });
    this.button = h('button.primary', { type: 'button', textContent: 'Run', title: 'Ctrl+Enter', onclick: () => this.#run() });
    this.note = h('p.note', { role: 'status', textContent: 'At most 10,000 rows and 5 s. Ctrl+Enter runs.' });
    this.result = h('div.scroller', { tabIndex: 0, role: 'region', 'aria-label': 'Result' });
    this.element = h('section.block.query', { 'aria-label': 'SQL' }, h('header', {}, h('h2', { textContent: 'SQL' }),
      h('span.unit', { textContent: 'read-only, over every stream, run and request' }), h('span.spring'),
      ...EXAMPLES.map(([name, sql]) => h('button.quiet', { type: 'button', textContent: name, onclick: () => { this.input.value = sql; this.#run(); } }))),
      this.input, h('div.query-actions', {}, this.button, this.note), this.result);
  }

  params() { return [['sql', this.input.value]]; }

  /** Asks what the address asks. @param {URLSearchParams} params */
  show(params) {
    if (!params.has('sql')) return;
    this.input.value = params.get('sql');
    this.#run();
  }

  async #run() {
    this.button.disabled = true;
    this.#changed();
    try {
      const { columns, rows, truncated, elapsed_ms: elapsed } = await this.#api.query(this.input.value);
      this.note.classList.remove('bad');
      setText(this.note, `${format.plural(rows.length, 'row')} in ${format.duration(elapsed / 1e3)}${truncated ? ', cut off by the limit' : ''}` +
        `${rows.length > SHOWN ? `; the first ${SHOWN} are shown` : ''}`);
      this.result.replaceChildren(tableOf(columns, rows.slice(0, SHOWN)));
    } catch (error) {
      this.note.classList.add('bad');
      setText(this.note, error.message);
      this.result.replaceChildren();
    } finally {
      this.button.disabled = false;
    }
  }
}

function tableOf(columns, rows) {
  const numeric = columns.map((_, index) => rows.some((row) => typeof row[index] === 'number'));
  const cell = (value) => h(`td${typeof value === 'number' ? '.number' : ''}`, { textContent: value === null ? 'NULL' : String(value) });
  return h('table.plain', {}, h('thead', {}, h('tr', {}, ...columns.map((name, index) => h(`th${numeric[index] ? '.number' : ''}`, { scope: 'col', textContent: name })))),
    h('tbody', {}, ...rows.map((row) => h('tr', {}, ...row.map(cell)))));
}
