// Keeps the hub true: scrapes /metrics every second, polls the stream list, follows the live websocket and
// back-fills windows from the API after every (re)connection and every change of what is shown.

import { liveUrl } from './config.js';
import { parseExposition } from './exposition.js';
import { LiveClient } from './live.js';
import { readRunGauges } from './metrics_reader.js';

const SCRAPE_MS = 1000;
/** With the live websocket open the list only has to notice new streams. */
const POLL_LIVE_MS = 5000;
const POLL_MS = 2000;
const RETRY_MAX_MS = 8000;

/** Whether the daemon answered that it has no such run; 400: it is no number. */
const isAbsent = (error) => error.status === 404 || error.status === 400;

export class Feed {
  #api;
  #hub;
  #live;
  #onRequests;
  /** Back-fills that still have to succeed: first missing nanosecond by run id. */
  #missing = new Map();
  #filling = false;

  /** @param {(run: string, items: object[]) => void} onRequests receives the requests of live messages */
  constructor(api, hub, onRequests) {
    this.#api = api;
    this.#hub = hub;
    this.#onRequests = onRequests;
    this.#live = new LiveClient(
      { onState: (state) => this.#liveState(state), onMessage: (message) => this.#take(message) }, {},
      () => this.#api.subprotocols);
  }

  start() {
    this.#loop(() => this.#scrape(), () => SCRAPE_MS);
    this.#loop(() => this.#poll(), () => (this.#hub.sources.live === 'ok' ? POLL_LIVE_MS : POLL_MS));
  }

  /** To be called when what is shown changed: follows its stream and fetches its past. */
  select() {
    const live = this.#hub.shownRuns.find((run) => run.state === 'running' || run.state === 'paused');
    if (this.#hub.selection.runs !== null && live === undefined) this.#live.close();
    else this.#live.open(liveUrl(this.#api.base, this.#hub.shownStream));
    this.refill();
  }

  /** Fetches whatever windows of the shown runs the page doesn't have. */
  refill() {
    for (const run of this.#hub.shownRuns) {
      const known = this.#missing.get(run.id);
      const from = this.#hub.series(run.id).endNs;
      this.#missing.set(run.id, known === undefined ? from : Math.min(known, from));
    }
    return this.#fill();
  }

  async #loop(step, pause) {
    for (;;) {
      await step();
      const backoff = Math.min(RETRY_MAX_MS, pause() * 2 ** Math.min(3, Math.max(0, this.#hub.failures - 1)));
      await new Promise((resolve) => setTimeout(resolve, this.#hub.unreachable ? backoff : pause()));
    }
  }

  async #scrape() {
    try {
      const gauges = readRunGauges(parseExposition(await this.#api.metrics()));
      this.#hub.failures = 0;
      this.#hub.setSource('metrics', 'ok');
      this.#hub.setGauges(gauges);
    } catch (error) {
      this.#hub.failures += 1;
      this.#hub.setSource('metrics', 'failed', error.message);
      // Nothing listens there: don't leave the API's state to the next poll.
      if (error.status === 0 && this.#hub.sources.api === 'ok') await this.#poll();
    }
  }

  /** Which runs are shown; a stream that is named in the address is known only after the first answer. */
  get #shown() { return JSON.stringify([this.#hub.shownStream, this.#hub.shownRuns.map((run) => run.id)]); }

  async #poll() {
    const shown = this.#shown;
    try {
      const streams = await this.#api.streams();
      this.#hub.setSource('api', 'ok');
      this.#hub.setStreams(streams);
      await this.#adoptPastRuns();
    } catch (error) {
      this.#hub.setSource('api', 'failed', error.message);
      return;
    }
    if (this.#shown !== shown) this.select();
    if (this.#missing.size > 0 || this.#hub.sources.live !== 'ok') await this.refill();
  }

  /** Runs that are shown by id may be older than the streams in memory. */
  async #adoptPastRuns() {
    for (const id of this.#hub.selection.runs ?? []) {
      if (this.#hub.runs.has(id) || this.#hub.missingRuns.includes(id)) continue;
      try {
        this.#hub.setRuns([await this.#api.run(id)]);
      } catch (error) {
        if (!isAbsent(error)) throw error;
        this.#hub.setAbsent(id);
      }
      this.select();
    }
  }

  #liveState(state) {
    const names = { open: 'ok', connecting: 'unknown', waiting: 'failed', closed: 'off' };
    this.#hub.setSource('live', names[state], `${this.#api.base}/live/v1 closed the connection`);
    if (state === 'open') this.refill();
  }

  #take(message) {
    if (message.type === 'streams') {
      const shown = this.#shown;
      this.#hub.mergeStreams(message.items);
      if (this.#shown !== shown) this.select();
    } else if (message.type === 'windows') {
      this.#hub.series(String(message.run)).addWindows(message.items);
      this.#hub.changed();
      this.#compact(String(message.run));
    } else if (message.type === 'requests') {
      this.#onRequests(String(message.run), message.items);
    }
  }

  async #compact(id) {
    if (!this.#hub.series(id).needsCompaction || this.#filling) return;
    this.#filling = true;
    try {
      this.#hub.series(id).replaceWindows(await this.#api.windows(id));
    } catch (error) {
      this.#hub.setSource('api', 'failed', error.message);
    } finally {
      this.#filling = false;
    }
  }

  async #fill() {
    if (this.#filling) return;
    this.#filling = true;
    try {
      for (const [id, from] of this.#missing) {
        await this.#fillRun(id, from);
        this.#missing.delete(id);
        this.#hub.changed();
      }
    } catch (error) {
      // The runs stay in #missing: the next poll that succeeds fetches them.
      this.#hub.setSource('api', 'failed', error.message);
    } finally {
      this.#filling = false;
    }
  }

  /** The windows of a run from a time on; none of one that was taken out of the history meanwhile. */
  async #fillRun(id, from) {
    try {
      this.#hub.series(id).addWindows(await this.#api.windows(id, from));
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  }
}
