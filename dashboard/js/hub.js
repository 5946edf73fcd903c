// What the page knows about the daemon: streams, runs, their series and gauges, and how well each of the three
// sources (exposition, API, live websocket) answers. Views listen to "change" and read; only the feed writes.

import { assignColors } from './colors.js';
import { RunSeries } from './run_series.js';

export class Hub extends EventTarget {
  /** Streams by name, oldest first. */
  streams = new Map();
  /** Runs by id (a string), of the streams in memory and of past runs that were opened. */
  runs = new Map();
  /** Gauges of the last scrape by run id. */
  gauges = new Map();
  /** "unknown", "ok" or "failed" by source; `live` also "off". `detail` is the message of the last failure. */
  sources = { metrics: 'unknown', api: 'unknown', live: 'off' };
  detail = '';
  failures = 0;
  /** The daemon answers, but not without a token. */
  refused = false;
  /** What the page shows: runs of one stream, the newest stream (stream: null), or named runs. */
  selection = { stream: null, runs: null };
  #series = new Map();
  /** Ids that were asked for and that the daemon does not have. */
  #absent = new Set();

  /** True while neither the exposition nor the API answers. */
  get unreachable() { return this.sources.metrics === 'failed' && this.sources.api === 'failed'; }
  get metricsOnly() { return this.sources.metrics === 'ok' && this.sources.api === 'failed'; }

  series(id) {
    if (!this.#series.has(id)) this.#series.set(id, new RunSeries());
    return this.#series.get(id);
  }

  /** Chooses what is shown. @param {{stream: string|null, runs: string[]|null}} selection */
  select(selection) {
    this.selection = selection;
    this.#absent.clear();
  }

  /** The daemon has no such run. */
  setAbsent(id) {
    this.#absent.add(id);
    this.changed();
  }

  /** The chosen stream where the daemon says that it has none of that name; else null. */
  get missingStream() {
    const { stream } = this.selection;
    return stream !== null && this.sources.api === 'ok' && !this.streams.has(stream) ? stream : null;
  }

  /** Those of the chosen runs that the daemon does not have. */
  get missingRuns() { return (this.selection.runs ?? []).filter((id) => this.#absent.has(id)); }

  changed() { this.dispatchEvent(new Event('change')); }

  setSource(name, state, detail = '') {
    this.sources[name] = state;
    if (state === 'failed') this.detail = detail;
    this.changed();
  }

  setStreams(items) {
    this.streams = new Map([...items].sort((a, b) => a.created_ms - b.created_ms).map((item) => [item.name, item]));
    for (const stream of items) this.setRuns(stream.runs);
  }

  /** Takes the streams of a live message, which may be all or only some. */
  mergeStreams(items) {
    this.setStreams(
      [...[...this.streams.values()].filter((old) => !items.some((item) => item.name === old.name)), ...items]);
  }

  setRuns(items) {
    for (const item of items) {
      const id = String(item.id);
      this.runs.set(id, { ...this.runs.get(id), ...item, id });
    }
    this.changed();
  }

  /** Takes a scrape. Without an API, streams and runs are made up from the labels. */
  setGauges(gauges) {
    this.gauges = gauges;
    for (const run of gauges.values()) this.series(run.id).addScrape(run);
    if (this.sources.api === 'failed') this.#adoptGauges();
    this.changed();
  }

  /** Name of the stream that is shown, or null. */
  get shownStream() {
    if (this.selection.runs !== null) return this.runs.get(this.selection.runs[0])?.stream ?? null;
    return this.selection.stream ?? this.newestStream;
  }

  /** Name of the stream that is shown while none is chosen: the newest that goes on, else the newest; or null. */
  get newestStream() {
    const newestFirst = [...this.streams.values()].reverse();
    const busy = newestFirst.find((stream) => stream.state !== 'finished');
    return (busy ?? newestFirst[0])?.name ?? null;
  }

  /** The runs that are shown, each with its label, palette index and series. */
  get shownRuns() {
    const ids = this.selection.runs ?? this.#idsOfStream(this.shownStream);
    const runs = ids.map((id) => this.runs.get(id)).filter((run) => run !== undefined);
    const colors = assignColors(runs);
    return runs.map((run) => ({ ...run, label: labelOf(run, runs), colorIndex: colors.get(run.id),
      series: this.series(run.id), gauges: this.gauges.get(run.id) ?? null }));
  }

  #idsOfStream(name) {
    return (this.streams.get(name)?.runs ?? []).map((run) => String(run.id));
  }

  #adoptGauges() {
    const streams = new Map();
    for (const gauges of this.gauges.values()) {
      const known = this.runs.get(gauges.id);
      if (!streams.has(gauges.stream))
        streams.set(gauges.stream,
          { state: null, created_ms: 0, ...this.streams.get(gauges.stream), name: gauges.stream, runs: [] });
      const { runs } = streams.get(gauges.stream);
      runs.push({ color: runs.length, ...known, ...runOfGauges(gauges) });
    }
    this.setStreams([...streams.values()]);
  }
}

/** A run as far as the exposition tells it. */
function runOfGauges(gauges) {
  const ns = (seconds) => (seconds === null ? null : Math.round(seconds * 1e9));
  return {
    id: gauges.id, stream: gauges.stream, scenario: gauges.scenario, state: gauges.state ?? 'running',
    virtual_ns: ns(gauges.clock), arrived: gauges.arrived, waiting: gauges.waiting, running: gauges.running,
    finished: gauges.finished, rejected: gauges.rejected, preemptions: gauges.preemptions,
    speedup: gauges.speedup, slo_attainment: gauges.sloAttainment,
    slo: { ttft_ns: ns(gauges.ttftObjective), tpot_ns: ns(gauges.tpotObjective) },
  };
}

/** The scenario's name, with the stream or the run's id where that alone would be ambiguous. */
function labelOf(run, runs) {
  const twins = runs.filter((other) => other.scenario === run.scenario);
  if (twins.length === 1) return run.scenario;
  const sameStream = twins.some((other) => other.id !== run.id && other.stream === run.stream);
  return sameStream ? `${run.scenario} #${run.id}` : `${run.scenario} · ${run.stream}`;
}
