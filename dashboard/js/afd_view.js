// Attention/FFN disaggregation: two layers of the mean step of the last window, stage by stage.

import { afdTimeline } from './afd.js';
import { RUN_COLORS } from './colors.js';
import { h } from './dom.js';
import * as format from './format.js';
import { currentTheme } from './theme.js';

/** Between two questions to the daemon about the same run. */
const REFRESH_MS = 2000;

export class AfdView {
  #api;
  #asked = new Map();
  #steps = new Map();

  constructor(api) {
    this.#api = api;
    this.body = h('div.afd-steps');
    this.element = h('section.block.afd', { 'aria-label': 'Attention/FFN disaggregation', hidden: true },
      h('header', {}, h('h2', { textContent: 'Attention/FFN disaggregation' }),
        h('span.unit',
          { textContent: 'two layers in the middle of the mean step of the last busy window; one colour per stage' })),
      this.body);
  }

  /** @param {object[]} runs of hub.shownRuns @returns {boolean} whether there is anything to see */
  update(runs) {
    for (const run of runs) this.#ask(run);
    const shown = runs.flatMap((run) => (this.#steps.get(run.id) ?? []).map((step) => ({ run, step })));
    this.element.hidden = shown.length === 0;
    this.body.replaceChildren(...shown.map(({ run, step }) => picture(run, step)));
    return shown.length > 0;
  }

  /** Runs without an AFD pool are asked once, the others while their windows change. */
  #ask(run) {
    const before = this.#asked.get(run.id);
    const version = run.series.version;
    const now = Date.now();
    if (before !== undefined && (before.none || before.version === version || now - before.at < REFRESH_MS)) return;
    if (run.series.windows.length === 0) return;
    this.#asked.set(run.id, { version, at: now, none: before?.none ?? false });
    this.#api.afdSteps(run.id)
      .then((steps) => {
        this.#steps.set(run.id, steps);
        // A window without tokens has no step either; after one with some the answer is final.
        if (steps.length === 0 && run.series.windows.some((window) => window.output_tokens > 0))
          this.#asked.set(run.id, { version, at: now, none: true });
      })
      .catch(
        () => this.#asked.set(run.id, { version, at: now, none: true }));  // a past run: nothing is priced for it here
  }
}

function picture(run, step) {
  const { lengthNs, rows } = afdTimeline(step);
  const colors = RUN_COLORS[currentTheme()];
  const line = ({ resource, idle, bars }) => h('div.afd-row', { title: resource.text },
    h('span.name', { textContent: resource.label }),
    h('div.afd-track', {
      role: 'img',
      'aria-label': `${resource.label}: ${bars.length} visits, idle ${format.percent(idle)} of the step`
    },
      ...bars.map((bar) => h('i', {
        title: `Layer ${bar.layer}, stage ${bar.stage + 1}: ${format.durationNs(bar.ns)}`,
        style: {
          left: `${bar.from * 100}%`,
          width: `${bar.width * 100}%`,
          'background-color': colors[bar.stage % colors.length]
        }
      }))),
    h('span.idle', { textContent: `idle ${format.percent(idle)}` }));
  return h(
    'div.afd-step',
    { data: { run: String(run.id) } },
    h(
      'p',
      {},
      h('b', { textContent: `${run.label} · ${step.pool}` }),
      h('span', {
        textContent: ` step ${format.durationNs(step.step_ns)} for ` +
          `${format.plural(step.sequences_per_rank, 'sequence')} of ${format.count(step.context_tokens)} tokens on ` +
          `each of ${step.ranks} ranks, ${step.stages} stages; network ${format.durationNs(step.exposed_network_ns)} ` +
          `exposed, ${format.durationNs(step.hidden_network_ns)} hidden`
      })
    ),
    ...rows.map(line),
    h('div.afd-scale', {}, h('span', { textContent: '0' }), h('span', { textContent: format.durationNs(lengthNs) }))
  );
}
