// Observed against predicted, per run: asked of the daemon now and then, for the panels and for the view of its own.

const REFRESH_MS = 5000;
/** Daemons with an older history know no residuals (GET /version). */
const SCHEMA_WITH_RESIDUALS = 7;

export class ResidualStore {
  #api;
  #known = new Map();
  #supported = null;

  constructor(api) { this.#api = api; }

  /** What is known of a run: the answer of the API, or null. Asks again when the run's clock moved. */
  of(run, hub) {
    const known = this.#known.get(run.id) ?? { answer: null, clock: null, due: 0, busy: false };
    this.#known.set(run.id, known);
    if (this.#supported === null && hub.sources.api === 'ok') this.#askVersion(hub);
    const due = this.#supported === true && !known.busy && known.clock !== run.virtual_ns && Date.now() >= known.due &&
      hub.sources.api === 'ok';
    if (due) this.#ask(run, known, hub);
    return known.answer;
  }

  async #askVersion(hub) {
    this.#supported = false;
    try {
      this.#supported = (await this.#api.version()).schema_version >= SCHEMA_WITH_RESIDUALS;
      hub.changed();
    } catch {
      this.#supported = null;  // asked again with the next change
    }
  }

  async #ask(run, known, hub) {
    known.busy = true;
    known.clock = run.virtual_ns;
    try {
      known.answer = await this.#api.residuals(run.id);
      known.error = '';
    } catch (error) {
      known.error = error.message;
    }
    known.busy = false;
    known.due = Date.now() + REFRESH_MS;
    hub.changed();
  }

  /** Why the last question about a run failed; empty when it did not. */
  errorOf(run) { return this.#known.get(run.id)?.error ?? ''; }
}

const seconds = (ns) => (ns === null || ns === undefined ? null : ns / 1e9);

/** Differs when an answer has other windows. */
export const versionOf = (answer) =>
  `${answer.items.length}/${answer.items.at(-1)?.start_ns}/${answer.items.at(-1)?.length_ns}`;

/** Points of one metric, at the ends of windows: means in seconds, bias as a ratio. */
export function residualPoints(answer, metric) {
  return (answer?.items ?? []).map((window) => ({
    t: (window.start_ns + window.length_ns) / 1e9,
    observed: seconds(window[metric]?.observed_mean_ns),
    predicted: seconds(window[metric]?.predicted_mean_ns),
    bias: window[metric]?.bias ?? null,
    mape: window[metric]?.mape ?? null
  }));
}

/**
 * What was observed, as one more line of the panels of TTFT and TPOT: from the first run that carries observations.
 * @param {object[]} runs of hub.shownRuns @param {ResidualStore} store
 * @returns {object|null} shaped as a run
 */
export function observedRun(runs, store, hub) {
  for (const run of runs) {
    const answer = store.of(run, hub);
    if (!(answer?.items.length > 0)) continue;
    const [ttft, tpot] = ['ttft', 'tpot'].map((metric) => residualPoints(answer, metric));
    return {
      id: 'observed',
      label: 'observed, mean',
      colorIndex: 'observed',
      state: 'finished',
      series: {
        version: versionOf(answer),
        points: ttft.map(({ t, observed }, index) => ({ t, observed: { ttft: observed, tpot: tpot[index].observed } }))
      }
    };
  }
  return null;
}
