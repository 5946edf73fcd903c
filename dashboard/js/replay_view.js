// The main view: cards, panels, runs, where latency goes, steps with attention/FFN disaggregation, requests.

import { AfdView } from './afd_view.js';
import { Breakdown } from './breakdown.js';
import { h, setText } from './dom.js';
import { Panel } from './panel.js';
import { PANELS } from './panel_definitions.js';
import { PanelToolbar } from './panel_toolbar.js';
import { RequestsView } from './requests_view.js';
import { RunCards } from './run_cards.js';
import { RunTable } from './run_table.js';

export class ReplayView {
  #hub;
  #base;
  #hidden = new Set();
  #panels;

  /** @param {(request: object) => void} openRequest @param {() => void} redraw asks for an update soon */
  constructor(api, hub, openRequest, redraw) {
    this.#hub = hub;
    this.#base = api.base;
    const toggleRun = (id) => {
      if (!this.#hidden.delete(id)) this.#hidden.add(id);
      redraw();
    };
    this.toolbar = new PanelToolbar(redraw);
    this.cards = new RunCards(toggleRun);
    this.#panels = PANELS.map((definition) => new Panel(definition, { toggleRun, zoom: (range) => this.toolbar.setRange(range) }));
    this.runs = new RunTable('Runs', ['scenario', 'cluster', 'state', 'progress', 'clock', 'ttft99', 'tpot99', 'e2e99', 'slo', 'finished', 'rejected', 'preemptions', 'hash']);
    this.breakdown = new Breakdown();
    this.afd = new AfdView(api);
    this.requests = new RequestsView(api, openRequest);
    this.hint = h('p.hint');
    this.element = h('div.replay', {}, this.hint, this.cards.element, h('div.panels', {}, ...this.#panels.map((panel) => panel.element)),
      h('section.block', { 'aria-label': 'Runs' }, h('header', {}, h('h2', { textContent: 'Runs' }), h('span.unit', { textContent: 'over the whole run so far' })), this.runs.element),
      this.breakdown.element, this.afd.element, this.requests.element);
  }

  update() {
    const runs = this.#hub.shownRuns;
    this.toolbar.update(runs.length);
    this.cards.update(runs, this.#hidden);
    this.#updateHint(runs);
    const view = { runs, hidden: this.#hidden, quantiles: this.toolbar.quantiles(runs.length), log: this.toolbar.log,
      range: this.toolbar.range, emptyText: this.#emptyText() };
    for (const panel of this.#panels) panel.update(view);
    this.runs.update(runs, this.#hub.streams);
    this.breakdown.update(runs, this.toolbar.range);
    this.afd.update(runs);
    this.requests.update(runs);
  }

  #emptyText() {
    if (this.#hub.unreachable) return `No samples: ${this.#base} cannot be reached.`;
    return this.#hub.shownStream === null ? 'No samples yet: stream a trace with replayctl stream …'
      : 'No samples yet: the first window is still open, or nothing has finished.';
  }

  #updateHint(runs) {
    const needed = runs.length === 0 && !this.#hub.unreachable && this.#hub.sources.api === 'ok';
    this.hint.hidden = !needed;
    if (needed && this.hint.childElementCount === 0) {
      this.hint.append(h('span', { textContent: 'Nothing is replayed yet. Stream a trace through one scenario or several:' }), h('code', { textContent:
        `replayctl stream TRACE --stream NAME --scenario A --scenario B --daemon ${this.#base}` }));
    }
  }
}
