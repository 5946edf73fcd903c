// The replay as it goes: cards, panels, and where latency goes.

import { Breakdown } from './breakdown.js';
import { h } from './dom.js';
import { LedgerTimeline } from './ledger_timeline.js';
import { Panel } from './panel.js';
import { PANELS } from './panel_definitions.js';
import { observedRun } from './residuals.js';
import { RunCards } from './run_cards.js';

export class LiveView {
  #base;
  #hidden = new Set();
  #panels;

  /** @param {string} base of the daemon @param {import('./panel_toolbar.js').PanelToolbar} toolbar
   *  @param {import('./residuals.js').ResidualStore} residuals @param {() => void} redraw asks for an update soon */
  constructor(base, toolbar, residuals, redraw) {
    this.#base = base;
    this.residuals = residuals;
    this.toolbar = toolbar;
    const toggleRun = (id) => {
      if (!this.#hidden.delete(id)) this.#hidden.add(id);
      redraw();
    };
    this.cards = new RunCards(toggleRun);
    this.#panels = PANELS.map(
      (definition) => (
        { definition, panel: new Panel(definition, { toggleRun, zoom: (range) => toolbar.setRange(range) }) }));
    this.breakdown = new Breakdown();
    this.ledger = new LedgerTimeline();
    this.hint = h('p.hint');
    this.element = h('div.live', {}, this.hint, this.cards.element,
      h('div.panels', {}, ...this.#panels.map(({ panel }) => panel.element)), this.breakdown.element,
      this.ledger.element);
  }

  /** @param {import('./hub.js').Hub} hub */
  update(hub) {
    const runs = hub.shownRuns;
    this.cards.update(runs, this.#hidden);
    updateHint(this.hint, hub, this.#base);
    const view = { runs, hidden: this.#hidden, quantiles: this.toolbar.quantiles(runs.length), log: this.toolbar.log,
      range: this.toolbar.range, emptyText: emptyText(hub, this.#base) };
    const observed = observedRun(runs, this.residuals, hub);
    const withObserved = observed === null ? view : { ...view, observed, runs: [...runs, observed] };
    const disaggregated = runs.some((run) => Object.keys(run.series.points.at(-1)?.pools ?? {}).length > 1);
    for (const { definition, panel } of this.#panels) {
      panel.element.hidden = definition.disaggregated === true && !disaggregated;
      if (!panel.element.hidden) panel.update(definition.observed ? withObserved : view);
    }
    this.breakdown.update(runs, this.toolbar.range);
    this.ledger.update(runs, this.toolbar.range);
  }
}

/** Why a panel is empty. */
export function emptyText(hub, base) {
  if (hub.unreachable) return `No samples: ${base} cannot be reached.`;
  return hub.shownStream === null ? 'No samples yet: stream a trace with replayctl stream …'
    : 'No samples yet: the first window is still open, or nothing has finished.';
}

/** How to get a first stream, shown while there is none. */
export function updateHint(element, hub, base) {
  const needed = hub.shownRuns.length === 0 && !hub.unreachable && hub.sources.api === 'ok';
  element.hidden = !needed;
  if (needed && element.childElementCount === 0) {
    element.append(
      h('span', { textContent: 'Nothing is replayed yet. Stream a trace through one scenario or several:' }),
      h('code', { textContent: `replayctl stream TRACE --stream NAME --scenario A --scenario B --daemon ${base}` }));
  }
}
