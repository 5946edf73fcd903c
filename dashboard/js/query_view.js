// SQL over the history: questions to choose from or to write, the answer as a table and as a chart, and an address for
// it.

import { h, setText } from './dom.js';
import * as format from './format.js';
import { QUESTIONS, questionFor, SEARCH_QUESTIONS } from './questions.js';
import { ResultChart } from './result_chart.js';
import { csvOf } from './result_data.js';

const SHOWN = 500;
const RUNS_OFFERED = 100;
const COLUMNS = ['x', 'y', 'series'];
/** The value of the choice that stands for the history. */
const HISTORY = '';

export class QueryView {
  #api;
  #changed;
  #asked = null;
  #answer = null;
  /** Names of the files of searches. */
  #files = [];

  /** @param {() => void} changed is told when the address of the view changed */
  constructor(api, changed) {
    this.#api = api;
    this.#changed = changed;
    this.input = h('textarea', {
      rows: 6,
      spellcheck: false,
      'aria-label': 'SQL',
      value: questionFor(QUESTIONS[0], 1),
      onkeydown: (event) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) this.#run({});
      }
    });
    this.button = h(
      'button.primary', { type: 'button', textContent: 'Run', title: 'Ctrl+Enter', onclick: () => this.#run({}) });
    this.csv = h('button', {
      type: 'button',
      textContent: 'CSV',
      title: 'Save the answer as a file',
      disabled: true,
      onclick: () => this.#save()
    });
    this.note = h('p.note', { role: 'status', textContent: 'At most 10,000 rows and 5 s. Ctrl+Enter runs.' });
    this.runs = h('select', { 'aria-label': 'Run of the questions' }, h('option', { value: '1', textContent: '#1' }));
    this.chart = new ResultChart(changed);
    this.result = h('div.scroller', { tabIndex: 0, role: 'region', 'aria-label': 'Result' });
    this.source = h('select', { onchange: () => { this.#showSource(); changed(); } });
    this.about = h('label.field', {}, h('span', { textContent: 'Questions about' }), this.runs);
    this.questions = h('ol');
    this.element = h('section.block.query', { 'aria-label': 'SQL' },
      h('header', {}, h('h2', { textContent: 'SQL' }),
        h('span.unit', { textContent: 'read-only, over every stream, run and request, or over a file of searches' }),
        h('span.spring'), h('label.field', {}, h('span', { textContent: 'Ask' }), this.source)),
      h('div.query-body', {}, h('nav.questions', { 'aria-label': 'Questions' }, this.about, this.questions),
        h('div.query-main', {}, this.input, h('div.query-actions', {}, this.button, this.csv, this.note),
          this.chart.element, this.result)));
    this.#offer(HISTORY);
  }

  params() {
    const source = this.source.value === HISTORY ? [] : [['file', this.source.value]];
    return this.#asked === null ? source : [...source, ['sql', this.#asked], ...this.chart.params()];
  }

  /** Asks what the address asks. @param {URLSearchParams} params */
  show(params) {
    this.#offerRuns();
    this.#offerFiles();
    const file = params.get('file') ?? HISTORY;
    const elsewhere = file !== this.source.value;
    if (elsewhere) this.#offer(file);
    if (!params.has('sql') || (params.get('sql') === this.#asked && !elsewhere)) return;
    this.input.value = params.get('sql');
    this.#run(Object.fromEntries(COLUMNS.filter((name) => params.has(name)).map((name) => [name, params.get(name)])));
  }

  redraw() { this.chart.redraw(); }

  async #offerRuns() {
    const chosen = this.runs.value;
    try {
      const runs = await this.#api.runs(RUNS_OFFERED);
      if (runs.length === 0) return;
      this.runs.replaceChildren(
        ...runs.map((run) => h('option', { value: String(run.id), textContent: `#${run.id} ${run.scenario}` })));
      if (runs.some((run) => String(run.id) === chosen)) this.runs.value = chosen;
    } catch {
      // The questions go on to be about the run that is offered; asking them says what is wrong.
    }
  }

  async #offerFiles() {
    try {
      const { items } = await this.#api.searches();
      this.#files = [...new Set(items.map(({ file }) => file))];
      this.#offer(this.source.value);
    } catch {
      // The file that the address names stays on offer; asking it says what is wrong.
    }
  }

  /** Offers the history and the files of searches, and chooses one. */
  #offer(chosen) {
    const names = [HISTORY, ...new Set(chosen === HISTORY ? this.#files : [...this.#files, chosen])];
    const text = (name) => (name === HISTORY ? 'the history' : `searches of ${name}`);
    this.source.replaceChildren(...names.map((name) => h('option', { value: name, textContent: text(name) })));
    this.source.value = chosen;
    this.#showSource();
  }

  /** The questions of what is asked. */
  #showSource() {
    const history = this.source.value === HISTORY;
    this.about.hidden = !history;
    const shown = history ? 'history' : 'searches';
    if (this.questions.dataset.about === shown) return;
    const before = this.questions.dataset.about !== undefined;
    this.questions.dataset.about = shown;
    const questions = history ? QUESTIONS : SEARCH_QUESTIONS;
    this.questions.replaceChildren(...questions.map((item) => h('li', {}, h('button.quiet', {
      type: 'button', textContent: item.title, onclick: () => {
        this.input.value = questionFor(item, this.runs.value);
        this.#run(item.chart);
      },
    }))));
    if (before && this.#asked === null) this.input.value = questionFor(questions[0], this.runs.value);
  }

  async #run(wished) {
    this.button.disabled = true;
    const sql = this.input.value;
    try {
      const answer = await this.#api.query(sql, this.source.value === HISTORY ? null : this.source.value);
      const { columns, rows, truncated, elapsed_ms: elapsed } = answer;
      this.#answer = answer;
      this.note.classList.remove('bad');
      setText(
        this.note,
        `${format.plural(rows.length, 'row')} in ${format.duration(elapsed / 1e3)}` +
        `${truncated ? ', cut off by the limit' : ''}` +
          `${rows.length > SHOWN ? `; the first ${SHOWN} are listed` : ''}`
      );
      this.result.replaceChildren(tableOf(columns, rows.slice(0, SHOWN)));
      this.chart.show(answer, wished);
    } catch (error) {
      this.#answer = null;
      this.note.classList.add('bad');
      setText(this.note, error.message);
      this.result.replaceChildren();
      this.chart.clear();
    } finally {
      this.button.disabled = false;
      this.csv.disabled = this.#answer === null;
      this.#asked = sql;
      this.#changed();
    }
  }

  #save() {
    const address = URL.createObjectURL(new Blob([csvOf(this.#answer)], { type: 'text/csv' }));
    h('a', { href: address, download: 'replayd.csv' }).click();
    URL.revokeObjectURL(address);
  }
}

function tableOf(columns, rows) {
  const numeric = columns.map((_, index) => rows.some((row) => typeof row[index] === 'number'));
  const cell = (value) => h(
    `td${typeof value === 'number' ? '.number' : ''}`, { textContent: value === null ? 'NULL' : String(value) });
  return h('table.plain', {},
    h('thead', {},
      h('tr', {},
        ...columns.map(
          (name, index) => h(`th${numeric[index] ? '.number' : ''}`, { scope: 'col', textContent: name })))),
    h('tbody', {}, ...rows.map((row) => h('tr', {}, ...row.map(cell)))));
}
