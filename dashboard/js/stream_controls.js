// Which stream is shown, how it stands, and the handles of its replay.

import { h, setText } from './dom.js';
import * as format from './format.js';
import { elided, OPTION_MAX } from './names.js';

const SPEEDS = [0, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1000];
const CONFIRM_MS = 4000;
const AUTO = '';

export class StreamControls {
  #api;
  #hub;
  #confirming = null;
  #names = '';

  /** @param {(name: string|null) => void} choose @param {(message: string) => void} fail shows an error
   *  @param {(stream: string) => void} whatIf adds and stops runs */
  constructor(api, hub, choose, fail, whatIf) {
    this.#api = api;
    this.#hub = hub;
    this.fail = fail;
    this.select = h('select',
      { 'aria-label': 'Stream', onchange: () => choose(this.select.value === AUTO ? null : this.select.value) });
    this.state = h('span.state');
    this.facts = h('span.facts-line');
    this.pause = h('button', { type: 'button', onclick: () => this.#pauseOrResume() });
    this.whatIf = h('button', {
      type: 'button',
      textContent: 'What if…',
      title: 'Add a scenario to this stream, fork or stop a run',
      onclick: () => whatIf(this.#name)
    });
    this.end = h('button', {
      type: 'button',
      textContent: 'End',
      title: 'Declare that no arrival follows; the runs finish',
      onclick: () => this.#end()
    });
    this.speed = h('select', {
      'aria-label': 'Replay speed',
      title: 'Virtual seconds per wall second',
      onchange: () => this.#act(this.#api.setSpeed(this.#name, Number(this.speed.value)))
    },
      ...SPEEDS.map((factor) => h('option', { value: String(factor), textContent: format.speed(factor) })));
    this.element = h('div.stream-controls', {}, h('label.field', {}, h('span', { textContent: 'Stream' }), this.select),
      this.state, this.facts, h('span.spring'), h('label.field', {}, h('span', { textContent: 'Speed' }), this.speed),
      this.whatIf, this.pause, this.end);
  }

  update() {
    const stream = this.#hub.streams.get(this.#name);
    this.#fillSelect();
    const running = stream !== undefined && ['running', 'paused', 'ended'].includes(stream.state) &&
      this.#hub.sources.api === 'ok';
    setText(this.state, stream?.state ?? '');
    this.state.dataset.state = stream?.state ?? '';
    this.select.title = this.#name ?? '';
    const known = stream?.arrivals !== undefined;
    const watermark = format.clock((stream?.watermark_ns ?? 0) / 1e9);
    setText(this.facts, known ? `${format.count(stream.arrivals)} arrivals to ${watermark}` : '');
    this.facts.title = known ? `${this.facts.textContent}, the watermark: no later arrival will be earlier` : '';
    setText(this.pause, stream?.state === 'paused' ? 'Resume' : 'Pause');
    // A scenario may join a stream that has ended, too: it replays the log.
    this.whatIf.disabled = stream === undefined || this.#hub.sources.api !== 'ok';
    this.pause.disabled = !running;
    this.end.disabled = !running || stream.ended === true;
    this.speed.disabled = !running;
    if (stream?.speed !== undefined && document.activeElement !== this.speed) this.#showSpeed(stream.speed);
  }

  get #name() { return this.#hub.shownStream; }

  #fillSelect() {
    const names = [...this.#hub.streams.keys()].reverse();
    const automatic = this.#hub.selection.stream === null && this.#hub.selection.runs === null;
    const missing = this.#hub.missingStream;
    const key = JSON.stringify([names, this.#hub.newestStream, missing]);
    if (key !== this.#names) {
      this.#names = key;
      const newest = this.#hub.newestStream;
      const prefix = 'newest: ';
      const option = (value, name, before = '') => h('option',
        { value, textContent: before + elided(name, names, OPTION_MAX - before.length), title: name });
      this.select.replaceChildren(
        newest === null ? h('option', { value: AUTO, textContent: 'none yet' }) : option(AUTO, newest, prefix),
        ...names.map((name) => option(name, name)),
        ...(missing === null ? []
          : [h('option', { value: missing, textContent: `no stream ${missing}`, disabled: true })]));
    }
    if (document.activeElement !== this.select) this.select.value = automatic ? AUTO : (this.#name ?? AUTO);
    this.select.disabled = names.length === 0;
  }

  #showSpeed(factor) {
    const value = String(factor);
    if (![...this.speed.options].some((option) => option.value === value)) {
      this.speed.append(h('option', { value, textContent: format.speed(factor) }));
    }
    this.speed.value = value;
  }

  #pauseOrResume() {
    const paused = this.#hub.streams.get(this.#name)?.state === 'paused';
    this.#act(this.#api.control(this.#name, paused ? 'resume' : 'pause'));
  }

  /** Ending cannot be undone, so the first press only asks. */
  #end() {
    if (this.#confirming === null) {
      setText(this.end, 'End for good?');
      this.end.classList.add('danger');
      this.#confirming = setTimeout(() => this.#calm(), CONFIRM_MS);
      return;
    }
    this.#calm();
    this.#act(this.#api.control(this.#name, 'end'));
  }

  #calm() {
    clearTimeout(this.#confirming);
    this.#confirming = null;
    this.end.classList.remove('danger');
    setText(this.end, 'End');
  }

  async #act(answer) {
    try {
      this.#hub.mergeStreams([await answer]);
    } catch (error) {
      this.fail(error.status === 0 && this.#api.base !== location.origin
        ? `${error.message}. Controls work from the daemon's own page: ${this.#api.base}/` : error.message);
    }
  }
}
