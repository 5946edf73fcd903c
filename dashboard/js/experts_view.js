// Steps of mixture-of-experts models: attention/FFN disaggregation.

import { AfdView } from './afd_view.js';
import { h } from './dom.js';

export class ExpertsView {
  constructor(api) {
    this.afd = new AfdView(api);
    this.hint = h('p.hint', { textContent: 'No run that is shown has a pool with attention/FFN disaggregation.' });
    this.element = h('div.experts', {}, this.hint, this.afd.element);
  }

  /** @param {import('./hub.js').Hub} hub */
  update(hub) {
    this.hint.hidden = this.afd.update(hub.shownRuns);
  }
}
