// A run as it stood at a moment: queues, batches and KV of each replica, live or past; and a fork from there under another
// scenario.

import { RUN_COLORS } from './colors.js';
import { h, setText } from './dom.js';
import * as format from './format.js';
import { kvShares, momentSentence, requestRows, stepText, transferText } from './moment_data.js';
import { currentTheme } from './theme.js';

const LISTED = 50;
const TRANSFERS_SHOWN = 12;
/** A drag along the slider asks once it rests. */
const REST_MS = 250;
const REPLICA_COLUMNS = [['Replica', 'number'], ['Pool', 'text'], ['Waiting', 'number'], ['Running', 'number'], ['Incoming', 'number'], ['KV blocks', 'text'], ['Step', 'text']];
const REQUEST_COLUMNS = [['State', 'text'], ['Request', 'text'], ['Age', 'number'], ['Computed', 'number'], ['Prompt', 'number'], ['Output', 'number'], ['Blocks', 'number'], ['Preempted', 'number']];

export class MomentView {
  #api;
  #changed;
  #runs = [];
  #run = null;
  #at = null;
  #replica = 0;
  #moment = null;
  #timer = null;
  #asked = 0;
  #forked = '';
  /** The address names another moment than the one that is shown. */
  #stale = true;

  /** @param {() => void} changed is told when the address of the view changed */
  constructor(api, changed) {
    this.#api = api;
    this.#changed = changed;
    const field = (text, input) => h('label.field', {}, h('span', { textContent: text }), input);
    this.select = h('select', { 'aria-label': 'Run to look at', onchange: () => { this.#run = this.select.value; this.#at = null; this.#ask(0); } });
    this.swatch = h('i.swatch');
    this.slider = h('input.moment-slider', { type: 'range', min: '0', step: '0.1', 'aria-label': 'Moment, in virtual seconds', oninput: () => { this.#at = Number(this.slider.value); this.#showTime(); this.#ask(REST_MS); } });
    this.time = h('input', { type: 'number', min: '0', step: 'any', onchange: () => { this.#at = Number(this.time.value); this.#ask(0); } });
    this.sentence = h('p.summary', { role: 'status' });
    this.note = h('p.note', { role: 'status' });
    this.scenario = h('select', {});
    this.fork = h('button', { type: 'button', textContent: 'Fork here', onclick: () => this.#forkHere() });
    this.replicas = h('div.scroller', { tabIndex: 0, role: 'region', 'aria-label': 'Replicas at the moment' });
    this.transfers = h('p.note');
    this.requestsTitle = h('h2');
    this.requests = h('div.scroller.moment-requests', { tabIndex: 0, role: 'region', 'aria-label': 'Requests of the replica at the moment' });
    this.result = h('div.moment-result', { hidden: true }, h('section.block', { 'aria-label': 'Replicas' }, this.replicas, this.transfers),
      h('section.block', { 'aria-label': 'Requests of a replica' }, h('header', {}, this.requestsTitle, h('span.unit', { textContent: `the first ${LISTED} that wait, and that run` })), this.requests));
    this.element = h('div.moment', {}, h('section.block', { 'aria-label': 'Moment' },
      h('header', {}, h('h2', { textContent: 'Moment' }), h('span.unit', { textContent: 'replayed from the arrival log; the run itself is not touched' })),
      h('div.forecast-form', {}, h('label.picker', {}, h('span', { textContent: 'Run' }), this.swatch, this.select), field('Virtual time, s', this.time), this.slider),
      h('div.forecast-form', {}, field('Go on from here under', this.scenario), this.fork), this.sentence, this.note), this.result);
  }

  params() {
    const params = [];
    if (this.#run !== null) params.push(['run', this.#run]);
    if (this.#at !== null) params.push(['at', String(this.#at)]);
    if (this.#replica !== 0) params.push(['replica', String(this.#replica)]);
    return params;
  }

  /** @param {URLSearchParams} params */
  async show(params) {
    this.#run = params.get('run') ?? this.#run;
    const at = Number(params.get('at') ?? NaN);
    if (at >= 0) this.#at = at;
    const replica = Number(params.get('replica') ?? NaN);
    if (Number.isInteger(replica) && replica >= 0) this.#replica = replica;
    this.#stale = true;
    try {
      const scenarios = await this.#api.scenarios();
      this.scenario.replaceChildren(...scenarios.map(({ name }) => h('option', { value: name, textContent: name })));
      if (this.#shown) this.scenario.value = this.#shown.scenario;
    } catch (error) {
      setText(this.note, `Scenarios cannot be read: ${error.message}`);
    }
  }

  /** @param {import('./hub.js').Hub} hub */
  update(hub) {
    this.#runs = hub.shownRuns;
    const names = JSON.stringify(this.#runs.map((run) => [run.id, run.label]));
    if (this.select.dataset.names !== names) {
      this.select.dataset.names = names;
      this.select.replaceChildren(...this.#runs.map((run) => h('option', { value: run.id, textContent: run.label })));
    }
    if (!this.#runs.some((run) => run.id === this.#run)) this.#run = this.#runs[0]?.id ?? null;
    this.select.value = this.#run ?? '';
    const run = this.#shown;
    this.swatch.style.setProperty('background-color', run ? RUN_COLORS[currentTheme()][run.colorIndex] : 'transparent');
    this.fork.disabled = this.#moment === null;
    if (run === undefined) return setText(this.note, 'No run is shown.');
    this.slider.max = String(Math.max(this.#at ?? 0, run.virtual_ns / 1e9));
    this.#showTime();
    if (this.#stale) this.#ask(0);
  }

  get #shown() { return this.#runs.find((item) => item.id === this.#run); }

  #showTime() {
    const seconds = this.#at ?? (this.#moment === null ? 0 : this.#moment.at_ns / 1e9);
    this.slider.value = String(seconds);
    this.slider.setAttribute('aria-valuetext', format.clock(seconds));
    if (document.activeElement !== this.time) this.time.value = String(Math.round(seconds * 1e3) / 1e3);
  }

  #ask(afterMs) {
    this.#stale = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#load(), afterMs);
    this.#changed();
  }

  async #load() {
    const asked = ++this.#asked;
    const run = this.#run;
    setText(this.note, 'Going there…');
    try {
      const moment = await this.#api.moment(run, this.#at === null ? null : Math.round(this.#at * 1e9), LISTED);
      if (asked !== this.#asked) return;
      this.#moment = moment;
      setText(this.sentence, momentSentence(moment));
      setText(this.note, this.#forked);
      this.result.hidden = false;
      this.#draw();
      this.#showTime();
    } catch (error) {
      if (asked !== this.#asked) return;
      this.#moment = { at_ns: 0, replicas: [], transfers: [] };
      this.result.hidden = true;
      setText(this.sentence, '');
      setText(this.note, `The moment cannot be shown: ${error.message}`);
    }
    this.fork.disabled = this.result.hidden;
  }

  #draw() {
    const { replicas, transfers, at_ns: at } = this.#moment;
    if (!replicas.some(({ replica }) => replica === this.#replica)) this.#replica = 0;
    this.replicas.replaceChildren(table(REPLICA_COLUMNS, replicas.map((replica) => h('tr', { data: { replica: String(replica.replica) } },
      h('th.number', { scope: 'row' }, h('button.quiet', { type: 'button', textContent: String(replica.replica), 'aria-pressed': String(replica.replica === this.#replica),
        'aria-label': `Requests of replica ${replica.replica}`, onclick: () => { this.#replica = replica.replica; this.#changed(); this.#draw(); } })),
      h('td.text', { textContent: replica.phase === 'active' ? replica.pool : `${replica.pool} (${replica.phase})` }), ...['waiting_count', 'running_count', 'incoming'].map((key) => h('td.number', { textContent: format.count(replica[key]) })),
      h('td.text', {}, kvBar(replica)), h('td.text', { textContent: stepText(replica.steps, at) })))));
    const more = transfers.length > TRANSFERS_SHOWN ? ` and ${transfers.length - TRANSFERS_SHOWN} more` : '';
    setText(this.transfers, transfers.length === 0 ? 'No KV is under way.' : `KV under way: ${transfers.slice(0, TRANSFERS_SHOWN).map(transferText).join('; ')}${more}.`);
    const shown = replicas.find(({ replica }) => replica === this.#replica);
    setText(this.requestsTitle, `Requests of replica ${this.#replica}`);
    const rows = shown === undefined ? [] : requestRows(shown);
    this.requests.replaceChildren(rows.length === 0 ? h('p.note', { textContent: 'None waits or runs.' }) : table(REQUEST_COLUMNS, rows.map((cells) =>
      h('tr', {}, ...cells.map((text, at) => h(at === 1 ? 'th' : 'td', { className: REQUEST_COLUMNS[at][1], textContent: text, ...(at === 1 ? { scope: 'row' } : {}) }))))));
  }

  /** A run that is this one up to the moment goes on under the chosen scenario. */
  async #forkHere() {
    this.fork.disabled = true;
    try {
      const run = await this.#api.forkRun(this.#run, this.scenario.value, this.#moment.at_ns);
      this.#forked = `Run #${run.id} goes on from here under ${run.scenario}: compare it with run #${this.#run}.`;
    } catch (error) {
      this.#forked = `No fork: ${error.message}`;
    }
    setText(this.note, this.#forked);
    this.fork.disabled = false;
  }
}

function table(columns, rows) {
  return h('table.runs', {}, h('thead', {}, h('tr', {}, ...columns.map(([text, className]) => h('th', { scope: 'col', className, textContent: text })))), h('tbody', {}, ...rows));
}

function kvBar(replica) {
  const shares = kvShares(replica);
  const text = `${format.count(replica.kv_blocks_used)} used, ${format.count(replica.kv_blocks_cached)} cached of ${format.count(replica.kv_blocks_total)}`;
  return h('div.kv-bar', {}, h('div.memory-bar', { 'aria-hidden': 'true' }, h('i', { data: { hue: 'kv' }, style: { width: `${100 * shares.used}%` } }), h('i', { data: { hue: '1' }, style: { width: `${100 * shares.cached}%` } })),
    h('span', { textContent: text }));
}
