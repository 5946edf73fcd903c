// Memory of a GPU over a run's virtual time: weights, everything else of the plan, KV used, cached and free.

import uPlot from '../vendor/uPlot.esm.js';
import { clockAxis, plainAxis } from './chart_axes.js';
import { h, setText } from './dom.js';
import * as format from './format.js';
import { BANDS, memoryOverTime, stacked } from './replica_memory.js';
import { token } from './theme.js';

const HEIGHT = 190;
const POINTS_MAX = 300;
const MEAN = 'mean';
/** Distances of the marks of the memory axis. */
const MARKS =
  [1, 2, 4, 8, 16, 32, 64, 128, 256, 512].flatMap((step) => [step * 2 ** 20, step * 2 ** 30]).sort((a, b) => a - b);

export class MemoryTimeline {
  #api;
  #charts = new Map();

  constructor(api) {
    this.#api = api;
    this.note = h('p.note', { role: 'status' });
    this.pools = h('div.timelines');
    this.element = h('section.block.memory-time', { 'aria-label': 'Memory over time' },
      h('header', {}, h('h2', { textContent: 'Memory over time' }),
        h('span.unit', { textContent: 'of one GPU, at the ends of windows' })),
      this.note, this.pools);
  }

  /** @param {object|null} run a Run of the API: its replicas are drawn */
  async show(run) {
    if (run === null) {
      this.#clear('No run of this scenario is shown: stream a trace to one, or open one from the history.');
      return;
    }
    try {
      const [{ plans }, replicas] = await Promise.all([this.#api.run(run.id), this.#api.replicas(run.id, POINTS_MAX)]);
      if (replicas.length === 0) this.#clear(`Run #${run.id} has closed no window yet.`);
      else this.#draw(run, plans, replicas);
    } catch (error) {
      this.#clear(`The run's memory cannot be read: ${error.message}`);
    }
  }

  #clear(text) {
    for (const chart of this.#charts.values()) chart.destroy();
    this.#charts.clear();
    this.pools.replaceChildren();
    setText(this.note, text);
  }

  #draw(run, plans, replicas) {
    setText(this.note, '');
    const names = plans.map((plan) => plan.pool);
    if ([...this.#charts.keys()].join() !== names.map((name) => `${run.id} ${name}`).join()) {
      this.#clear('');
      for (const plan of plans) {
        const chart = new PoolChart(plan.pool);
        this.#charts.set(`${run.id} ${plan.pool}`, chart);
        this.pools.append(chart.element);
      }
    }
    for (const plan of plans) {
      this.#charts.get(`${run.id} ${plan.pool}`).update(plan, replicas.filter((replica) => replica.pool === plan.pool));
    }
  }
}

/** One pool: a stacked chart, a choice of replica, and a key with the last figures. */
class PoolChart {
  #plot = null;
  #plan = null;
  #replicas = [];

  constructor(name) {
    this.select = h('select', { 'aria-label': `Replica of ${name}`, onchange: () => this.#redraw() });
    this.chart = h('div.chart', { role: 'img' });
    this.facts = h('p.plan-facts');
    this.values = BANDS.map(() => h('b'));
    const key = h('div.band-key', {}, ...BANDS.map((band, index) =>
      h('span', {}, h('i.swatch', { data: { hue: band.hue } }), band.label, this.values[index])));
    this.element = h('article.plan', { data: { pool: name, points: '0' } },
      h('header', {}, h('h3', { textContent: name }), h('span.spring'),
        h('label.field', {}, h('span', { textContent: 'Replica' }), this.select)),
      this.chart, key, this.facts);
    this.observer = new ResizeObserver(
      () => this.#plot?.setSize({ width: Math.max(1, this.chart.clientWidth), height: HEIGHT }));
    this.observer.observe(this.chart);
  }

  update(plan, replicas) {
    this.#plan = plan;
    this.#replicas = replicas;
    const choices = [MEAN, ...replicas.map((replica) => String(replica.replica))];
    if (this.select.children.length !== choices.length) {
      this.select.replaceChildren(...choices.map((value) =>
        h('option', { value, textContent: value === MEAN ? `mean of ${replicas.length}` : `#${value}` })));
    }
    this.#redraw();
  }

  destroy() {
    this.observer.disconnect();
    this.#plot?.destroy();
  }

  #redraw() {
    const chosen = this.select.value;
    const replicas =
      chosen === MEAN ? this.#replicas : this.#replicas.filter((replica) => String(replica.replica) === chosen);
    const { times, bands, workspace } = memoryOverTime(replicas, this.#plan);
    const edges = stacked(bands);
    this.element.dataset.points = String(times.length);
    this.chart.setAttribute('aria-label', `Memory of pool ${this.#plan.pool}: ` +
      BANDS.map(({ key, label }) => `${label} ${format.bytes(bands[key].at(-1) ?? 0)}`).join(', '));
    BANDS.forEach(({ key }, index) => setText(this.values[index], format.bytes(bands[key].at(-1) ?? 0)));
    setText(this.facts, this.#facts(bands.used, workspace));
    // The highest band is drawn first, the others over it.
    const data = [times, ...edges.toReversed()];
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#options(), data, this.chart);
  }

  #facts(used, workspace) {
    const most = used.reduce((highest, value) => Math.max(highest, value), 0);
    const room = this.#plan.blocks * this.#plan.kv_bytes_per_block;
    const reserved = this.#plan.items.find((item) => item.name === 'attention workspace');
    const text = `KV used at most ${format.bytes(most)} of ${format.bytes(room)} ` +
      `(${format.percent(room > 0 ? most / room : null)})`;
    return reserved === undefined ? text
      : `${text} · attention workspace needed ${format.bytes(workspace)}, reserved ${format.bytes(reserved.bytes)}`;
  }

  #options() {
    const step = uPlot.paths.stepped({ align: 1 });
    return {
      width: Math.max(1, this.chart.clientWidth),
      height: HEIGHT,
      padding: [8, 12, 0, 0],
      legend: { show: false },
      scales: { x: { time: false }, y: { range: (_plot, _min, max) => [0, Math.max(max, this.#plan.budget_bytes)] } },
      axes: [
        clockAxis(),
        {
          ...plainAxis(),
          size: 64,
          gap: 4,
          incrs: MARKS,
          values: (_plot, splits) => splits.map((value) => format.bytes(value))
        }
      ],
      series: [
        {}, ...BANDS.toReversed().map(({ hue }) => ({
          paths: step,
          points: { show: false },
          width: 0,
          fill: token(hue === 'free' ? '--sunken' : `--hue-${hue}`)
        }))
      ],
      cursor: { show: false },
    };
  }
}
