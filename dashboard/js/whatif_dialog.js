// What if this stream went to another cluster as well: adds a run to the stream from its start, forks a running one
// now, or stops one.

import { h, setText } from './dom.js';
import * as format from './format.js';

const CONFIRM_MS = 4000;
const FROM_START = '';

export class WhatIfDialog {
  #api;
  #hub;
  #stream = null;

  constructor(api, hub) {
    this.#api = api;
    this.#hub = hub;
    this.scenario = h('select', { required: true });
    this.start = h('select');
    this.submit = h('button.primary', { type: 'submit', textContent: 'Add' });
    this.outcome = h('p.note', { role: 'status' });
    this.runs = h('tbody');
    this.title = h('h2', { id: 'what-if-title' });
    const field = (text, control) => h('label.field', {}, h('span', { textContent: text }), control);
    this.element = h('dialog.help-dialog.what-if', { 'aria-labelledby': 'what-if-title' },
      h('header', {}, this.title,
        h('button.quiet', { type: 'button', textContent: 'Close', onclick: () => this.element.close() })),
      h('form', {
        onsubmit: (event) => {
          event.preventDefault();
          this.#add();
        }
      },
        field('Replay it through', this.scenario), field('beginning', this.start), this.submit),
      this.outcome, h('table.plain', {}, h('caption', { textContent: 'Runs under way' }), this.runs));
  }

  /** @param {string} stream */
  async open(stream) {
    this.#stream = stream;
    setText(this.title, `What if: ${stream}`);
    setText(this.outcome, '');
    this.#showRuns();
    this.element.showModal();
    await this.#act(async () => {
      const known = await this.#api.scenarios();
      this.scenario.replaceChildren(
        ...known.map(({ name, gpus, gpu }) => h('option', { value: name, textContent: `${name} (${gpus} × ${gpu})` })));
      return '';
    });
  }

  #running() {
    return (this.#hub.streams.get(this.#stream)?.runs ?? []).filter((run) => ['running', 'paused'].includes(run.state));
  }

  #showRuns() {
    const runs = this.#running();
    const chosen = this.start.value;
    this.start.replaceChildren(
      h('option', { value: FROM_START, textContent: 'at the start of the stream' }),
      ...runs.map((run) =>
        h('option', { value: String(run.id), textContent: `now, from the state of ${run.scenario} #${run.id}` })
      )
    );
    // An answer that comes late must not undo what was chosen meanwhile.
    if (runs.some((run) => String(run.id) === chosen)) this.start.value = chosen;
    this.runs.replaceChildren(
      ...runs.map((run) =>
        h(
          'tr',
          {},
          h('th', { scope: 'row', textContent: `${run.scenario} #${run.id}` }),
          h('td', { textContent: format.clock(run.virtual_ns === null ? null : run.virtual_ns / 1e9) }),
          h('td', {}, this.#stopButton(run))
        )
      )
    );
  }

  /** A run that is stopped cannot go on, so the first press only asks. */
  #stopButton(run) {
    let confirming = null;
    const button = h('button', {
      type: 'button',
      textContent: 'Stop',
      'aria-label': `Stop ${run.scenario} #${run.id}`,
      onclick: () => {
        if (confirming === null) {
          setText(button, 'Stop for good?');
          button.classList.add('danger');
          confirming = setTimeout(() => {
            confirming = null;
            setText(button, 'Stop');
            button.classList.remove('danger');
          }, CONFIRM_MS);
          return;
        }
        clearTimeout(confirming);
        button.disabled = true;
        this.#act(async () => {
          await this.#api.stopRun(run.id);
          return `${run.scenario} #${run.id} stops.`;
        });
      }
    });
    return button;
  }

  #add() {
    const scenario = this.scenario.value, from = this.start.value;
    return this.#act(async () => {
      const run =
        from === FROM_START ? await this.#api.addRun(this.#stream, scenario) : await this.#api.forkRun(from, scenario);
      return `${scenario} is run #${run.id}` +
        `${from === FROM_START ? ': it catches up from the log of arrivals.' : `, forked from #${from}.`}`;
    });
  }

  /** Tells what `action` says, or why it failed; the streams are read again. */
  async #act(action) {
    this.submit.disabled = true;
    try {
      setText(this.outcome, await action());
      this.outcome.classList.remove('bad');
      this.#hub.setStreams(await this.#api.streams());
    } catch (error) {
      setText(this.outcome, error.message);
      this.outcome.classList.add('bad');
    }
    this.#showRuns();
    this.submit.disabled = false;
  }
}
