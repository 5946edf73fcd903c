// Past and present runs from SQLite, through the API. Opening one shows it in the panels; several compare.

import { h, setText } from './dom.js';
import { routeTo } from './route.js';
import { RunTable } from './run_table.js';

const LIMIT = 200;
const COMPARED_MAX = 8;

export class HistoryView {
  #api;
  #runs = [];
  #picked = new Set();

  constructor(api) {
    this.#api = api;
    this.filter = h('input', {
      type: 'search',
      placeholder: 'Filter by stream, scenario or state',
      'aria-label': 'Filter runs',
      oninput: () => this.#render()
    });
    this.compare = h('button', {
      type: 'button',
      onclick: () => {
        location.hash = routeTo(this.#picked.size > 1 ? 'compare' : 'live', { runs: [...this.#picked] });
      }
    });
    this.table = new RunTable('Past runs',
      [
        'action', 'created', 'stream', 'scenario', 'run', 'state', 'clock', 'finished', 'rejected', 'rows', 'ttft50',
        'ttft99', 'tpot50', 'tpot99', 'e2e99', 'slo', 'hash'
      ],
      (cell, run) => this.#actions(cell, run));
    this.note = h('p.note', { role: 'status' });
    this.element = h('section.block.history', { 'aria-label': 'History' },
      h('header', {}, h('h2', { textContent: 'History' }),
        h('span.unit', { textContent: 'every run that the daemon remembers; figures over the whole run' }),
        h('span.spring'), this.filter, this.compare),
      this.table.element, this.note);
    this.#render();
  }

  async show() {
    setText(this.note, this.#runs.length > 0 ? '' : 'Reading…');
    try {
      this.#runs = (await this.#api.runs(LIMIT)).map((run) => ({ ...run, id: String(run.id) }));
      setText(this.note, this.#runs.length > 0 ? '' : 'No run yet. Stream a trace, and it will be kept here.');
    } catch (error) {
      setText(this.note, `The history cannot be read: ${error.message}`);
    }
    this.#render();
  }

  #render() {
    const words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const text = (run) => `${run.stream} ${run.scenario} ${run.state} ${run.id}`.toLowerCase();
    this.table.update(this.#runs.filter((run) => words.every((word) => text(run).includes(word))), new Map());
    this.compare.disabled = this.#picked.size === 0;
    setText(this.compare, this.#picked.size > 1 ? `Compare ${this.#picked.size} runs` : 'Compare ticked');
  }

  #actions(cell, run) {
    const box = h('input', { type: 'checkbox', 'aria-label': `Tick run ${run.id} to compare`, onchange: () => {
      if (box.checked && this.#picked.size >= COMPARED_MAX) box.checked = false;
      if (box.checked) this.#picked.add(run.id);
      else this.#picked.delete(run.id);
      this.#render();
    } });
    cell.classList.add('row-actions');
    cell.append(box, h('a.button', {
      href: routeTo('live', { runs: [run.id] }),
      textContent: 'Open',
      'aria-label': `Open run ${run.id}, ${run.scenario}`
    }));
  }
}
