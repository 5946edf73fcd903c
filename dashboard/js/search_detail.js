// One cluster of a search: what it sets, what it gave, and how to see it live.

import { h, setText } from './dom.js';
import * as format from './format.js';
import { frontsText, loadText, ratioText, settingsText, streamCommand, verdictOf } from './search_data.js';

const FIGURES = [
  ['GPUs', (trial) => format.count(trial.gpus)], ['P:D', (trial) => ratioText(trial) || format.MISSING],
  ['Price per hour', (trial) => format.significant(trial.price_per_hour)],
  ['Per million output tokens', (trial) => format.significant(trial.price_per_million_tokens)],
  ['Output tokens/s per GPU', (trial) => format.compact(trial.output_tokens_per_s_per_gpu)],
  ['Goodput', (trial) => `${format.compact(trial.goodput_per_s)} req/s`],
  ['TTFT p99', (trial) => format.durationNs(trial.ttft_p99_ns)],
  ['TPOT p99', (trial) => format.durationNs(trial.tpot_p99_ns)],
  ['E2E p99', (trial) => format.durationNs(trial.e2e_p99_ns)],
  ['Finished', (trial) => format.count(trial.finished)], ['Rejected', (trial) => format.count(trial.rejected)],
  ['Objectives', verdictOf], ['On the fronts of', (trial) => frontsText(trial) || 'none'],
  ['State hash', (trial) => format.shortHash(trial.hash)],
];

const HOW = 'To see it live, add the scenario to this daemon and stream the trace through it. Options with which ' +
  'the search read the trace (--format, --spread-bins, …) go with it.';

export class SearchDetail {
  #api;
  #asked = '';
  #candidate = null;

  constructor(api) {
    this.#api = api;
    this.title = h('h2');
    this.settings = h('ul.settings', { 'aria-label': 'Settings of the cluster' });
    this.figures = h('dl.facts');
    this.add = h('button.primary', { type: 'button', textContent: 'Add to this daemon', onclick: () => this.#add() });
    this.save = h('button', { type: 'button', textContent: 'Save TOML', onclick: () => this.#save() });
    this.copy = h('button', { type: 'button', textContent: 'Copy command', onclick: () => this.#copy() });
    this.note = h('p.note', { role: 'status' });
    this.command = h('code');
    this.element = h('section.block.search-detail', { 'aria-label': 'Cluster', hidden: true },
      h('header', {}, this.title), this.settings, this.figures, h('p', { textContent: HOW }),
      h('pre.command', { tabIndex: 0 }, this.command),
      h('div.query-actions', {}, this.add, this.copy, this.save, this.note));
  }

  /** @param {object|null} trial */
  async show(search, trial) {
    this.element.hidden = trial === null;
    if (trial === null) return;
    setText(this.title, `Cluster ${trial.candidate}${loadText(trial)}`);
    this.settings.replaceChildren(...trial.settings.map((setting) => h('li', {}, h('code', { textContent: setting }))));
    if (trial.settings.length === 0) this.settings.replaceChildren(h('li', { textContent: settingsText(trial) }));
    this.figures.replaceChildren(...FIGURES.map(([name, text]) =>
      h('div', {}, h('dt', { textContent: name }), h('dd', { textContent: text(trial) }))));
    const asked = `${search.file} ${search.id} ${trial.candidate} ${trial.load}`;
    if (asked === this.#asked) return;
    this.#asked = asked;
    this.#take(null, '');
    setText(this.command, '');
    try {
      const candidate = await this.#api.candidate(search.file, search.id, trial.candidate);
      if (asked !== this.#asked) return;
      this.#take(candidate, '');
      setText(this.command, streamCommand(search, trial, candidate.scenario, this.#api.base));
    } catch (error) {
      if (asked === this.#asked) this.#take(null, `Its scenario cannot be read: ${error.message}`);
    }
  }

  #take(candidate, note) {
    this.#candidate = candidate;
    this.add.disabled = this.save.disabled = this.copy.disabled = candidate === null;
    setText(this.note, note);
  }

  async #add() {
    const { scenario, toml } = this.#candidate;
    try {
      await this.#api.addScenario(toml);
      setText(this.note, `${scenario} is a scenario of this daemon now.`);
    } catch (error) {
      setText(this.note, `It was not added: ${error.message}`);
    }
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.command.textContent);
      setText(this.note, 'Copied.');
    } catch (error) {
      setText(this.note, `The browser does not let it be copied: ${error.message}`);
    }
  }

  #save() {
    const address = URL.createObjectURL(new Blob([this.#candidate.toml], { type: 'application/toml' }));
    h('a', { href: address, download: `${this.#candidate.scenario}.toml` }).click();
    URL.revokeObjectURL(address);
  }
}
