// Requests of one run with their ledgers: the latest, or the slowest of the whole run. One of them opens in a drawer.

import { RUN_COLORS } from './colors.js';
import { h, segmented, setText } from './dom.js';
import * as format from './format.js';
import { commonScale, ledgerBar, ledgerKey } from './ledger_bar.js';
import { ledgerSum } from './ledger.js';
import { RequestDetail } from './request_detail.js';
import { runOptions } from './run_picker.js';
import { currentTheme } from './theme.js';

const SHOWN = 25;
const REFRESH_MS = 2000;
const ORDERS = [
  { value: 'recent', text: 'Recent' },
  { value: 'slowest_ttft', text: 'Slowest TTFT' },
  { value: 'slowest_e2e', text: 'Slowest E2E' },
];
const OUTCOMES = ['any', 'finished', 'rejected'];
const SCALES = [
  { value: 'time', text: 'Time', title: 'Bars of one scale: length is latency' },
  { value: 'share', text: 'Share', title: 'Every bar fills the width' },
];

export class RequestsView {
  #api;
  #changed;
  #opened = null;
  #runs = [];
  #run = null;
  #order = 'recent';
  #outcome = 'any';
  #scale = 'time';
  #items = [];
  #busy = false;
  #loadedAt = -Infinity;

  /** @param {import('./hub.js').Hub} hub @param {() => void} changed is told when the address of the view changed */
  constructor(api, hub, changed) {
    this.#api = api;
    this.#changed = changed;
    const labelOf = (run) => hub.shownRuns.find((shown) => shown.id === run)?.label ??
      `${hub.runs.get(run)?.scenario ?? 'run'} #${run}`;
    this.detail = new RequestDetail(api, labelOf, () => { this.#opened = null; changed(); });
    this.select = h('select', {
      'aria-label': 'Run of the requests',
      onchange: () => this.#choose(
        () => {
          this.#run = this.select.value;
        },
        true)
    });
    this.swatch = h('i.swatch');
    this.orders = segmented('Order of requests', ORDERS, (value) => this.#choose(() => { this.#order = value; }, true));
    this.outcome = h('select', {
      'aria-label': 'Outcome',
      onchange: () => this.#choose(
        () => {
          this.#outcome = this.outcome.value;
        },
        true)
    },
      ...OUTCOMES.map((value) => h('option', { value, textContent: value === 'any' ? 'any outcome' : value })));
    this.scales = segmented('Scale of the bars', SCALES, (value) => { this.#scale = value; this.#render(); });
    this.list = h('ol.requests');
    this.key = h('div');
    this.note = h('p.note', { role: 'status' });
    this.element = h('section.block.request-block', { 'aria-label': 'Requests' },
      h('header', {}, h('h2', { textContent: 'Requests' }), h('label.picker', {}, this.swatch, this.select),
        this.orders.element, this.outcome, h('span.spring'), h('span.unit', { textContent: 'bar' }),
        this.scales.element),
      h('div.request-head', { 'aria-hidden': 'true' },
        ...['Request', 'Tokens in → out', 'TTFT', 'TPOT', 'E2E', 'Ledger: where its time went'].map(
          (text) => h('span', { textContent: text }))),
      this.note, this.list, this.key, this.detail.element);
    this.#render();
  }

  /** What of the address is this view's: run, order, outcome and the request that is open, as RUN.SEQUENCE. */
  params() {
    const params = [];
    if (this.#run !== null && this.#run !== this.#runs[0]?.id) params.push(['run', this.#run]);
    if (this.#order !== 'recent') params.push(['order', this.#order]);
    if (this.#outcome !== 'any') params.push(['outcome', this.#outcome]);
    if (this.#opened !== null) params.push(['request', this.#opened]);
    return params;
  }

  /** @param {URLSearchParams} params */
  show(params) {
    const one = (name, values) => (values.includes(params.get(name)) ? params.get(name) : values[0]);
    this.#order = one('order', ORDERS.map(({ value }) => value));
    this.#outcome = this.outcome.value = one('outcome', OUTCOMES);
    const run = params.get('run') ?? this.#runs[0]?.id ?? null;
    this.#choose(() => { this.#run = run; });
    this.select.value = run ?? '';
    const [of, sequence] = params.get('request')?.split('.') ?? [];
    if (/^\d+$/.test(sequence ?? '')) this.#openBySequence(of, sequence);
    else this.detail.element.close();
  }

  async #openBySequence(run, sequence) {
    try {
      this.#open(await this.#api.request(run, sequence));
    } catch (error) {
      setText(this.note, `Request ${sequence} of run ${run} cannot be read: ${error.message}`);
    }
  }

  #open(request) {
    this.#opened = `${request.run}.${request.sequence}`;
    this.detail.open(request);
    this.#changed();
  }

  /** @param {import('./hub.js').Hub} hub */
  update(hub) {
    const runs = hub.shownRuns;
    const same = runs.length === this.#runs.length &&
      runs.every((run, index) => run.id === this.#runs[index].id && run.label === this.#runs[index].label);
    this.#runs = runs;
    if (!same) {
      this.select.replaceChildren(...runOptions(runs));
      if (!runs.some((run) => run.id === this.#run)) this.#choose(() => { this.#run = runs[0]?.id ?? null; });
      this.select.value = this.#run ?? '';
    }
    const shown = runs.find((run) => run.id === this.#run);
    this.swatch.style.setProperty(
      'background-color', shown ? RUN_COLORS[currentTheme()][shown.colorIndex] : 'transparent');
    if (shown && performance.now() - this.#loadedAt > REFRESH_MS && !this.#held &&
      (this.#items.length === 0 || shown.state === 'running'))
      this.#load();
  }

  /** Latest requests of the live websocket. */
  take(run, items) {
    if (run !== this.#run || this.#order !== 'recent' || this.#outcome === 'rejected' || this.#held) return;
    if (performance.now() - this.#loadedAt < REFRESH_MS) return;
    this.#loadedAt = performance.now();
    const fresh = items.filter((item) => this.#outcome === 'any' || item.outcome === this.#outcome);
    const known = new Set(fresh.map((item) => item.sequence));
    this.#items = [...fresh].sort((a, b) => b.finished_ns - a.finished_ns)
      .concat(this.#items.filter((item) => !known.has(item.sequence))).slice(0, SHOWN);
    this.#render();
  }

  /** Draws again, e.g. in other colours. */
  redraw() { this.#render(); }

  /** Rows don't move under the pointer or the keyboard. */
  get #held() { return this.list.matches(':hover') || this.list.contains(document.activeElement); }

  #choose(change, tell = false) {
    change();
    if (tell) this.#changed();
    this.#items = [];
    this.#loadedAt = -Infinity;
    this.#render();
    if (this.#run !== null) this.#load();
  }

  async #load() {
    if (this.#busy) return;
    this.#busy = true;
    this.#loadedAt = performance.now();
    const asked = [this.#run, this.#order, this.#outcome].join();
    try {
      const items = await this.#api.requests(this.#run, { order: this.#order, outcome: this.#outcome, limit: SHOWN });
      this.#busy = false;
      if (asked !== [this.#run, this.#order, this.#outcome].join()) return void this.#load();
      this.#items = items;
      this.#render();
    } catch (error) {
      this.#busy = false;
      setText(this.note, `Requests cannot be read: ${error.message}`);
    }
  }

  #render() {
    this.orders.set(this.#order);
    this.scales.set(this.#scale);
    const ledgers = this.#items.map((item) => item.ledger_ns);
    const scale = commonScale(ledgers);
    const focused = document.activeElement?.closest?.('ol.requests button')?.dataset.sequence;
    this.list.replaceChildren(...this.#items.map((item) => h('li', {}, this.#row(item, scale))));
    if (focused !== undefined) this.list.querySelector(`button[data-sequence="${focused}"]`)?.focus();
    setText(
      this.note,
      this.#items.length > 0
        ? ''
        : this.#run === null
          ? 'No run is shown.'
          : 'No request of this kind has finished yet.'
    );
    this.key.replaceChildren(ledgerKey(ledgers));
  }

  #row(item, scale) {
    const rejected = item.outcome === 'rejected';
    const barScale = this.#scale === 'share' ? ledgerSum(item.ledger_ns) : scale;
    const cells = rejected ? [h('span.reject', { textContent: `rejected: ${item.reject_reason}` })] : [
      h('b', { textContent: format.durationNs(item.ttft_ns) }),
      h('b', { textContent: format.durationNs(item.tpot_ns) }), h('b', { textContent: format.durationNs(item.e2e_ns) }),
      ledgerBar(item.ledger_ns, barScale, `Ledger of ${item.id}`)
    ];
    return h(`button.request${rejected ? '.rejected' : ''}`,
      { type: 'button', data: { sequence: String(item.sequence) }, onclick: () => this.#open(item) }, h('span.id', {
        textContent: item.id || `#${item.sequence}`,
        title: `arrival ${format.count(item.sequence)} at ${format.clock(item.arrived_ns / 1e9)}`
      }),
      h('span.tokens', { textContent: `${format.count(item.prompt_tokens)} → ${format.count(item.output_tokens)}` }),
      ...cells);
  }
}
