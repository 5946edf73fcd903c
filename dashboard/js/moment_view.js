// A run as it stood at a moment: queues, batches and KV of each replica, live or past; and a fork from there under
// another scenario.

import { h, setText } from './dom.js';
import * as format from './format.js';
import { busiestMoment, kvShares, momentSentence, requestRows, stepText, transferText } from './moment_data.js';
import { RunPicker } from './run_picker.js';

const LISTED = 50;
/** A run that is over is searched for its busiest moment at this resolution. */
const WINDOWS = 500;
const TRANSFERS_SHOWN = 12;
/** A drag along the slider asks once it rests. */
const REST_MS = 250;
const REPLICA_COLUMNS = [
  ['Replica', 'number'], ['Pool', 'text'], ['Waiting', 'number'], ['Running', 'number'], ['Incoming', 'number'],
  ['KV blocks', 'text'], ['Step', 'text']
];
const REQUEST_COLUMNS = [
  ['State', 'text'], ['Request', 'text'], ['Age', 'number'], ['Computed', 'number'], ['Prompt', 'number'],
  ['Output', 'number'], ['Blocks', 'number'], ['Preempted', 'number']
];

export class MomentView {
  #api;
  #changed;
  #at = null;
  #replica = 0;
  #moment = null;
  #timer = null;
  #asked = 0;
  #forked = '';
  #forking = false;
  /** Id of the run whose scenario a fork was proposed to go on under. */
  #proposedFor = null;
  /** What the address names and the run does not have. */
  #missing = '';
  /** The address names another moment than the one that is shown. */
  #stale = true;

  /** @param {() => void} changed is told when the address of the view changed */
  constructor(api, changed) {
    this.#api = api;
    this.#changed = changed;
    const field = (text, input) => h('label.field', {}, h('span', { textContent: text }), input);
    this.picker = new RunPicker('Run to look at', () => { this.#at = null; this.#ask(0); });
    this.slider = h('input.moment-slider', {
      type: 'range',
      min: '0',
      step: '0.1',
      'aria-label': 'Moment, in virtual seconds',
      oninput: () => {
        this.#at = Number(this.slider.value);
        this.#showTime();
        this.#ask(REST_MS);
      }
    });
    this.time = h('input', {
      type: 'number',
      min: '0',
      step: 'any',
      onchange: () => {
        this.#at = Number(this.time.value);
        this.#ask(0);
      }
    });
    this.sentence = h('p.summary', { role: 'status' });
    this.note = h('p.note', { role: 'status' });
    this.scenario = h('select', {});
    this.fork = h('button', { type: 'button', textContent: 'Fork here', onclick: () => this.#forkHere() });
    this.replicas = h('div.scroller', { tabIndex: 0, role: 'region', 'aria-label': 'Replicas at the moment' });
    this.transfers = h('p.note');
    this.requestsTitle = h('h2');
    this.requests = h('div.scroller.moment-requests',
      { tabIndex: 0, role: 'region', 'aria-label': 'Requests of the replica at the moment' });
    this.result = h('div.moment-result', { hidden: true },
      h('section.block', { 'aria-label': 'Replicas' }, this.replicas, this.transfers),
      h('section.block', { 'aria-label': 'Requests of a replica' },
        h('header', {}, this.requestsTitle,
          h('span.unit', { textContent: `the first ${LISTED} that wait, and that run` })),
        this.requests));
    this.element = h('div.moment', {},
      h('section.block', { 'aria-label': 'Moment' },
        h('header', {}, h('h2', { textContent: 'Moment' }),
          h('span.unit', { textContent: 'replayed from the arrival log; the run itself is not touched' })),
        h('div.forecast-form', {}, this.picker.element, field('Virtual time, s', this.time), this.slider),
        h('div.forecast-form', {}, field('Go on from here under', this.scenario), this.fork), this.sentence, this.note),
      this.result);
  }

  params() {
    const params = [];
    if (this.picker.id !== null) params.push(['run', this.picker.id]);
    if (this.#at !== null) params.push(['at', String(this.#at)]);
    if (this.#replica !== 0) params.push(['replica', String(this.#replica)]);
    return params;
  }

  /** @param {URLSearchParams} params */
  async show(params) {
    this.picker.id = params.get('run') ?? this.picker.id;
    const at = Number(params.get('at') ?? NaN);
    if (at >= 0) this.#at = at;
    const replica = Number(params.get('replica') ?? NaN);
    if (Number.isInteger(replica) && replica >= 0) this.#replica = replica;
    this.#stale = true;
    try {
      const scenarios = await this.#api.scenarios();
      this.scenario.replaceChildren(...scenarios.map(({ name }) => h('option', { value: name, textContent: name })));
      this.#proposedFor = null;
    } catch (error) {
      setText(this.note, `Scenarios cannot be read: ${error.message}`);
    }
  }

  /** @param {import('./hub.js').Hub} hub */
  update(hub) {
    this.picker.update(hub.shownRuns);
    const run = this.picker.run;
    this.fork.disabled = this.result.hidden || this.#forking;
    if (run === undefined) return setText(this.note, 'No run is shown.');
    if (this.scenario.length > 0 && this.#proposedFor !== run.id) {
      this.#proposedFor = run.id;
      this.scenario.value = run.scenario;
    }
    this.slider.max = String(Math.max(this.#at ?? 0, run.virtual_ns / 1e9));
    this.#showTime();
    if (this.#stale) this.#ask(0);
  }

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
    const run = this.picker.id;
    setText(this.note, 'Going there…');
    try {
      if (this.#at === null && this.picker.run?.finished_ms) {
        const busiest = busiestMoment(await this.#api.windows(run, 0, WINDOWS));
        if (asked !== this.#asked) return;
        this.#at = busiest;
        this.#changed();
      }
      this.#missing = this.#keepWithin();
      const moment = await this.#api.moment(run, this.#at === null ? null : Math.round(this.#at * 1e9), LISTED);
      if (asked !== this.#asked) return;
      this.#moment = moment;
      setText(this.sentence, momentSentence(moment));
      this.result.hidden = false;
      this.#draw();
      setText(this.note, [this.#missing, this.#forked].filter(Boolean).join(' '));
      this.#showTime();
    } catch (error) {
      if (asked !== this.#asked) return;
      this.result.hidden = true;
      setText(this.sentence, '');
      setText(this.note, `The moment cannot be shown: ${error.message}`);
    }
    this.fork.disabled = this.result.hidden;
  }

  /** A run that is over has no moment after its end. Says so where one was asked for. */
  #keepWithin() {
    const run = this.picker.run;
    const end = run === undefined ? Infinity : run.virtual_ns / 1e9;
    if (!run?.finished_ms || this.#at === null || this.#at <= end) return '';
    const asked = this.#at;
    this.#at = end;
    return `The run ends at ${format.clock(end)}, before ${format.clock(asked)}: its end is shown.`;
  }

  #draw() {
    const { replicas, transfers, at_ns: at } = this.#moment;
    if (!replicas.some(({ replica }) => replica === this.#replica)) {
      this.#missing += ` There is no replica ${this.#replica}: replica 0 is shown.`;
      this.#replica = 0;
    }
    this.replicas.replaceChildren(table(REPLICA_COLUMNS,
      replicas.map(
        (replica) => h(
          'tr', { data: { replica: String(replica.replica) } }, h('th.number', { scope: 'row' }, h('button.quiet', {
            type: 'button',
            textContent: String(replica.replica),
            'aria-pressed': String(replica.replica === this.#replica),
            'aria-label': `Requests of replica ${replica.replica}`,
            onclick: () => {
              this.#replica = replica.replica;
              this.#changed();
              this.#draw();
            }
          })),
          h('td.text',
            { textContent: replica.phase === 'active' ? replica.pool : `${replica.pool} (${replica.phase})` }),
          ...['waiting_count', 'running_count', 'incoming'].map(
            (key) => h('td.number', { textContent: format.count(replica[key]) })),
          h('td.text', {}, kvBar(replica)), h('td.text', { textContent: stepText(replica.steps, at) })))));
    const more = transfers.length > TRANSFERS_SHOWN ? ` and ${transfers.length - TRANSFERS_SHOWN} more` : '';
    setText(this.transfers,
      transfers.length === 0
        ? 'No KV is under way.'
        : `KV under way: ${transfers.slice(0, TRANSFERS_SHOWN).map(transferText).join('; ')}${more}.`);
    const shown = replicas.find(({ replica }) => replica === this.#replica);
    setText(this.requestsTitle, `Requests of replica ${this.#replica}`);
    const rows = shown === undefined ? [] : requestRows(shown);
    this.requests.replaceChildren(rows.length === 0
        ? h('p.note', { textContent: 'None waits or runs.' })
        : table(REQUEST_COLUMNS, rows.map((cells) => h('tr', {}, ...cells.map((text, at) => h(at === 1 ? 'th' : 'td', {
            className: REQUEST_COLUMNS[at][1],
            textContent: text,
            ...(at === 1 ? { scope: 'row' } : {})
          }))))));
  }

  /** A run that is this one up to the moment goes on under the chosen scenario. */
  async #forkHere() {
    this.#forking = this.fork.disabled = true;
    try {
      const run = await this.#api.forkRun(this.picker.id, this.scenario.value, this.#moment.at_ns);
      this.#forked = `Run #${run.id} goes on from here under ${run.scenario}: compare it with run #${this.picker.id}.`;
    } catch (error) {
      this.#forked = `No fork: ${error.message}`;
    }
    setText(this.note, this.#forked);
    this.#forking = this.fork.disabled = false;
  }
}

function table(columns, rows) {
  return h('table.runs', {},
    h('thead', {},
      h('tr', {}, ...columns.map(([text, className]) => h('th', { scope: 'col', className, textContent: text })))),
    h('tbody', {}, ...rows));
}

function kvBar(replica) {
  const shares = kvShares(replica);
  const text = `${format.count(replica.kv_blocks_used)} used, ${format.count(replica.kv_blocks_cached)} cached of ` +
    `${format.count(replica.kv_blocks_total)}`;
  return h('div.kv-bar', {},
    h('div.memory-bar', { 'aria-hidden': 'true' },
      h('i', { data: { hue: 'kv' }, style: { width: `${100 * shares.used}%` } }),
      h('i', { data: { hue: '1' }, style: { width: `${100 * shares.cached}%` } })),
    h('span', { textContent: text }));
}
