// The streams of further daemons, for those who share the scenarios of a stream among several processes or machines.
// Looked at from time to time, not followed: a link opens each live. They must allow this page (`listen.origins`).

import { Api } from './api.js';
import { baseOf, otherBases, withOthers } from './config.js';
import { h, reconcile, setText } from './dom.js';
import * as format from './format.js';
import { StreamBlock, WINDOWS } from './stream_block.js';
import { TokenStore } from './token_store.js';

const REFRESH_MS = 5000;
const STREAMS_SHOWN = 20;

export class OtherDaemons {
  #daemons;

  /** @param {string} pageUrl names them */
  constructor(pageUrl) {
    const bases = otherBases(pageUrl);
    this.#daemons = bases.map(
      (base) => new OtherDaemon(pageUrl, base, () => go(withOthers(pageUrl, bases.filter((other) => other !== base)))));
    const input = h(
      'input', { type: 'url', required: true, placeholder: 'http://other-host:8080', id: 'other-daemon' });
    input.addEventListener('input', () => input.setCustomValidity(''));
    const form = h('form.other-daemon', {
      onsubmit: (event) => {
        event.preventDefault();
        try {
          go(withOthers(pageUrl, [...bases, baseOf('also', input.value.trim())]));
        } catch (error) {
          input.setCustomValidity(error.message);
          input.reportValidity();
        }
      }
    },
      h('label', { for: 'other-daemon', textContent: 'Look at another daemon, too:'
      }), input, h('button', { type: 'submit', textContent: 'Add' }));
    this.element = h('div.streams', {}, ...this.#daemons.map((daemon) => daemon.element), form);
  }

  /** Asks those whose answer has become old. */
  refresh() { for (const daemon of this.#daemons) daemon.refresh(); }
}

const go = (address) => { location.assign(address); };

class OtherDaemon {
  #api;
  #blocks = new Map();
  #asked = -Infinity;

  constructor(pageUrl, base, leave) {
    const store = new TokenStore(base);
    this.#api = new Api(base, undefined, { headers: () => store.headers(), subprotocols: () => [], refused: () => {} });
    const page = new URL(pageUrl);
    page.search = '';
    page.searchParams.set('daemon', base);
    page.hash = '';
    this.page = page.href;
    this.state = h('span.lamp', { textContent: 'asking', data: { state: 'unknown' } });
    this.note = h('p.note');
    this.list = h('div.streams');
    this.element = h('section.daemon', { 'aria-label': `Daemon ${base}`, data: { daemon: base } },
      h('header', {}, h('h2', {}, h('a', { href: this.page, textContent: base })), this.state, h('span.spring'),
        h('button.quiet',
          { type: 'button', textContent: 'Leave out', 'aria-label': `Leave out ${base}`, onclick: leave })),
      this.note, this.list);
  }

  async refresh() {
    if (Date.now() - this.#asked < REFRESH_MS) return;
    this.#asked = Date.now();
    try {
      this.#show(await this.#api.streams());
      setText(this.state, 'ok');
      this.state.dataset.state = 'ok';
    } catch (error) {
      // A browser does not tell a page why another origin was silent.
      setText(this.note,
        error.status === 0
          ? `${error.message}, or it does not allow this page: expected ${location.origin} in its listen.origins`
          : `${error.message}. Its own page asks for a token: follow the link.`);
      setText(this.state, 'no answer');
      this.state.dataset.state = 'failed';
    }
  }

  #show(streams) {
    const newest = [...streams].sort((a, b) => b.created_ms - a.created_ms).slice(0, STREAMS_SHOWN);
    setText(
      this.note,
      streams.length === 0
        ? 'No stream yet.'
        : streams.length > newest.length
          ? `The newest ${newest.length} of ${format.plural(streams.length, 'stream')}.`
          : ''
    );
    const byName = new Map(streams.map((stream) => [stream.name, stream]));
    reconcile(this.list, this.#blocks, newest.map(({ name }) => name), (name) => new StreamBlock(name, this.page));
    for (const stream of newest) {
      const runs = stream.runs.map((run) => ({ ...run, id: String(run.id), colorIndex: run.color }));
      const block = this.#blocks.get(stream.name);
      block.update(stream, runs, byName);
      for (const run of runs) this.#showTrend(block, run);
    }
  }

  async #showTrend(block, run) {
    const windows = await this.#api.windows(run.id, 0, WINDOWS).catch(() => []);
    if (windows.length > 0) block.showTrend(run, windows, windows.at(-1).start_ns);
  }
}
