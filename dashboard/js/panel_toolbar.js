// What all panels obey: quantiles, linear or logarithmic latency, and the span of virtual time.

import { h, segmented } from './dom.js';

const NAMES = ['p50', 'p90', 'p99'];
const SPANS = [
  { value: 'all', text: 'All' },
  { value: '3600', text: '1 h' },
  { value: '600', text: '10 min' },
  { value: '60', text: '1 min' },
];

export class PanelToolbar {
  /** The reader's choice of quantiles; null while the number of runs decides. */
  #quantiles = null;
  log = false;
  /** null: everything; {last: seconds}; {min, max} in virtual seconds after a zoom. */
  range = null;

  /** @param {() => void} changed */
  constructor(changed) {
    this.changed = changed;
    this.#make();
  }

  /** Three lines per run are legible for up to three runs; beyond, the tail is what matters. */
  quantiles(runs) {
    return this.#quantiles ?? new Set(runs > 3 ? ['p99'] : NAMES);
  }

  setRange(range) {
    this.range = range;
    this.changed();
  }

  toggleScale() {
    this.log = !this.log;
    this.changed();
  }

  /** What the address says of the toolbar; nothing of what is as it always is. */
  params() {
    const params = [];
    if (this.#quantiles !== null) params.push(['quantiles', [...this.#quantiles].sort().join(',')]);
    if (this.log) params.push(['scale', 'log']);
    if (this.range?.last !== undefined) params.push(['last', String(this.range.last)]);
    else if (this.range !== null) params.push(['from', this.range.min.toFixed(1)], ['to', this.range.max.toFixed(1)]);
    return params;
  }

  /** Takes what an address says. @param {URLSearchParams} params */
  set(params) {
    const named = (params.get('quantiles') ?? '').split(',').filter((name) => NAMES.includes(name));
    this.#quantiles = named.length > 0 ? new Set(named) : null;
    this.log = params.get('scale') === 'log';
    const [last, min, max] = ['last', 'from', 'to'].map((name) => (params.has(name) ? Number(params.get(name)) : NaN));
    this.range = last > 0 ? { last } : max > min ? { min, max } : null;
  }

  /** vLLM's panels have quantiles of their own. */
  offerQuantiles(offered) { this.lines.element.hidden = !offered; }

  update(runs) {
    this.lines.set([...this.quantiles(runs)]);
    this.scale.set(this.log ? 'log' : 'linear');
    this.spans.set(this.range === null ? 'all' : this.range.last === undefined ? 'zoom' : String(this.range.last));
    this.reset.hidden = this.range === null || this.range.last !== undefined;
    this.runs = runs;
  }

  #make() {
    this.lines = segmented('Quantiles', NAMES.map((value) => ({ value, text: value })), (value) => this.#toggle(value));
    this.scale = segmented(
      'Scale of latency', [{ value: 'linear', text: 'Linear' }, { value: 'log', text: 'Log' }], (value) => {
        this.log = value === 'log';
        this.changed();
      });
    this.spans = segmented(
      'Virtual time shown', SPANS, (value) => this.setRange(value === 'all' ? null : { last: Number(value) }));
    this.reset = h(
      'button.quiet', { type: 'button', textContent: 'Reset zoom', hidden: true, onclick: () => this.setRange(null) });
    this.element = h('div.toolbar', {}, this.lines.element, this.scale.element, this.spans.element, this.reset);
  }

  #toggle(value) {
    const chosen = new Set(this.quantiles(this.runs));
    if (chosen.has(value)) chosen.delete(value);
    else chosen.add(value);
    if (chosen.size === 0) return;
    this.#quantiles = chosen;
    this.changed();
  }
}
