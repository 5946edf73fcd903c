// Mixture-of-experts models: how evenly their experts are used, and steps with attention/FFN disaggregation.

import { AfdView } from './afd_view.js';
import { h } from './dom.js';
import { expertBalance } from './expert_balance.js';

export class ExpertsView {
  #api;
  #balances = new Map();
  #drawn = '';

  constructor(api) {
    this.#api = api;
    this.afd = new AfdView(api);
    this.hint = h('p.hint', {
      textContent: 'No run that is shown has experts on several ranks or a pool with attention/FFN disaggregation.'
    });
    this.pools = h('div.plans');
    this.balance = h('section.block.expert-balance', { 'aria-label': 'Expert balance', hidden: true },
      h('header', {}, h('h2', { textContent: 'Expert balance' }),
        h('span.unit', { textContent: 'load of the ranks over their mean, busiest first, averaged over the layers' })),
      this.pools);
    this.element = h('div.experts', {}, this.hint, this.balance, this.afd.element);
  }

  /** @param {import('./hub.js').Hub} hub */
  update(hub) {
    const runs = hub.shownRuns;
    for (const run of runs) this.#ask(run.scenario, hub);
    const shown = runs.flatMap((run) => (this.#balances.get(run.scenario) ?? []).map((balance) => ({ run, balance })));
    this.balance.hidden = shown.length === 0;
    const drawn = JSON.stringify([
      document.documentElement.dataset.theme,
      shown.map(({ run, balance }) => [run.id, run.series.version, balance.pool])
    ]);
    if (drawn !== this.#drawn)
      this.pools.replaceChildren(...shown.map(({ run, balance }) => expertBalance(run, balance)));
    this.#drawn = drawn;
    const withAfd = this.afd.update(runs);
    this.hint.hidden = withAfd || shown.length > 0;
  }

  redraw() { this.#drawn = ''; }

  /** Once per scenario; one that the daemon no longer knows has nothing to show. */
  #ask(scenario, hub) {
    if (this.#balances.has(scenario)) return;
    this.#balances.set(scenario, []);
    this.#api.expertBalance(scenario).then((pools) => { this.#balances.set(scenario, pools); hub.changed(); })
      .catch((error) => { if (error.status === 0) this.#balances.delete(scenario); });
  }
}
