// Chooses one of the shown runs: a swatch of its colour and a list.

import { RUN_COLORS } from './colors.js';
import { h } from './dom.js';
import { elided, OPTION_MAX } from './names.js';
import { currentTheme } from './theme.js';

/** An option per run, named so that what differs can be seen. */
export function runOptions(runs) {
  const labels = runs.map((run) => run.label);
  return runs.map((run) => h('option',
    { value: run.id, textContent: elided(run.label, labels, OPTION_MAX), title: run.label }));
}

export class RunPicker {
  /** Id of the chosen run, also before it is known; null: none. */
  id = null;
  #runs = [];
  #offered = '';

  /** @param {string} label for readers of the screen @param {() => void} onChoose
   * @param {string|null} text that stands before it; null: none */
  constructor(label, onChoose, text = 'Run') {
    this.select = h('select', { 'aria-label': label, onchange: () => { this.id = this.select.value; onChoose(); } });
    this.swatch = h('i.swatch');
    const before = text === null ? [] : [h('span', { textContent: text })];
    this.element = h('label.picker', {}, ...before, this.swatch, this.select);
  }

  /** The chosen run; undefined where none is shown. */
  get run() { return this.#runs.find((item) => item.id === this.id); }

  /** Offers these runs and keeps the choice, or takes the first. */
  update(runs) {
    this.#runs = runs;
    const names = JSON.stringify(runs.map((run) => [run.id, run.label]));
    if (this.#offered !== names) {
      this.#offered = names;
      this.select.replaceChildren(...runOptions(runs));
    }
    if (this.run === undefined && runs.length > 0) this.id = runs[0].id;
    this.select.value = this.id ?? '';
    this.swatch.style.setProperty(
      'background-color', this.run ? RUN_COLORS[currentTheme()][this.run.colorIndex] : 'transparent');
  }
}
