// The twelve panels that operators of vLLM know, in their order, for the runs of the page.

import { h } from './dom.js';
import { Heatmap } from './heatmap.js';
import { emptyText } from './live_view.js';
import { Panel } from './panel.js';
import { lengthPoints, lengthsQuery, slotSeconds, TOKEN_EDGES } from './request_lengths.js';
import { RunPicker } from './run_picker.js';
import { VLLM_PANELS } from './vllm_panels.js';

const REFRESH_MS = 5000;
/** A run whose rows take long to read is asked less often: this many times as long as the answer took. */
const REST = 20;
const NO_SERIES = { points: [], version: 0 };

export class VllmView {
  #api;
  #hidden = new Set();
  #panels = [];
  #heatmaps = [];
  #lengths = new Map();

  constructor(api, toolbar, redraw) {
    this.#api = api;
    this.toolbar = toolbar;
    this.redraw = redraw;
    const toggleRun = (id) => {
      if (!this.#hidden.delete(id)) this.#hidden.add(id);
      redraw();
    };
    const actions = { toggleRun, zoom: (range) => toolbar.setRange(range) };
    const elements = VLLM_PANELS.map((definition) => {
      const panel = definition.bins
        ? new Heatmap(definition, TOKEN_EDGES)
        : new Panel({ ...definition, large: true }, actions);
      (definition.bins ? this.#heatmaps : this.#panels).push({ definition, panel });
      return panel.element;
    });
    this.picker = new RunPicker('Run of the heatmaps', redraw, 'Heatmaps of');
    this.note = h('p.note', { role: 'status' });
    this.element = h(
      'div.vllm',
      {},
      h(
        'section.block.vllm-head',
        { 'aria-label': 'About these panels' },
        h('p', {
          textContent:
            'The panels of vLLM’s Grafana dashboard, in its order, with what the scenarios would do. The same series ' +
              'are at /metrics/vllm for Grafana itself.'
        }),
        this.picker.element,
        this.note
      ),
      h('div.panels', {}, ...elements)
    );
  }

  /** @param {import('./hub.js').Hub} hub */
  update(hub) {
    const runs = hub.shownRuns;
    this.picker.update(runs);
    const view = {
      runs,
      hidden: this.#hidden,
      quantiles: this.toolbar.quantiles(runs.length),
      log: this.toolbar.log,
      range: this.toolbar.range,
      emptyText: emptyText(hub, this.#api.base)
    };
    const ofRequests = {
      ...view,
      emptyText: view.emptyText.startsWith('No samples yet') ? 'No request has finished yet.' : view.emptyText,
      runs: runs.map((run) => ({ ...run, series: this.#lengths.get(run.id)?.series ?? NO_SERIES }))
    };
    for (const { definition, panel } of this.#panels) panel.update(definition.from === 'requests' ? ofRequests : view);
    for (const { panel } of this.#heatmaps) {
      const lengths = this.#lengths.get(this.picker.id)?.series ?? NO_SERIES;
      panel.update(this.picker.run ?? null, lengths.points, ofRequests.emptyText);
    }
    if (hub.sources.api === 'ok') for (const run of runs) this.#ask(run);
  }

  /** Reads the requests of a run when its clock has moved since, and the last reading is some time ago. */
  async #ask(run) {
    const known = this.#lengths.get(run.id) ?? { series: NO_SERIES, clock: -1, due: 0, busy: false };
    if (known.busy || known.clock === run.virtual_ns || Date.now() < known.due) return;
    this.#lengths.set(run.id, { ...known, busy: true });
    const slot = slotSeconds((run.virtual_ns ?? 0) / 1e9);
    try {
      const answer = await this.#api.query(lengthsQuery(run.id, slot));
      this.note.textContent = answer.truncated ? 'The answer of the history was cut off: lengths are incomplete.' : '';
      this.#lengths.set(run.id, {
        series: { points: lengthPoints(answer, slot), version: run.virtual_ns },
        clock: run.virtual_ns,
        busy: false,
        due: Date.now() + Math.max(REFRESH_MS, REST * answer.elapsed_ms)
      });
    } catch (error) {
      this.note.textContent = `Lengths cannot be read: ${error.message}`;
      this.#lengths.set(run.id, { ...known, busy: false, due: Date.now() + REFRESH_MS });
    }
    this.redraw();
  }
}
