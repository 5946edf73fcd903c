// Where the bytes of one GPU of each pool go: the memory plan of a scenario as bars, formulas on demand, and below it
// what a run of it held over time.

import { h, setText } from './dom.js';
import * as format from './format.js';
import { MemoryTimeline } from './memory_timeline.js';
import { elided, OPTION_MAX } from './names.js';

const HUES = 8;
const REFRESH_MS = 5000;
const RUNS_MAX = 100;
const BASIS = {
  physics: 'follows from the model\'s shapes', habit: 'what the serving engine allocates, by its source',
  assumption: 'measured on a similar machine',
};

export class MemoryView {
  #api;
  #chosen = null;
  /** The scenario that the address or the reader named; null: that of the first run that is shown. */
  #named = null;
  #shown = [];
  /** Runs of the past and scenarios of the daemon; null until they are known. */
  #known = null;
  #offered = '';
  /** What the address names and the daemon does not know. */
  #missing = '';

  /** @param {() => void} changed is told when the address of the view changed */
  constructor(api, changed) {
    this.#api = api;
    this.timeline = new MemoryTimeline(api);
    this.select = h('select', {
      'aria-label': 'Scenario',
      onchange: () => {
        this.#chosen = this.#named = this.select.value;
        this.#missing = '';
        changed();
        this.#load();
      }
    });
    this.note = h('p.note', { role: 'status' });
    this.plans = h('div.plans');
    const plan = h('section.block.memory', { 'aria-label': 'Memory plan' },
      h('header', {}, h('h2', { textContent: 'Memory plan' }),
        h('span.unit', { textContent: 'on the fullest GPU of each pool' }), h('span.spring'),
        h('label.field', {}, h('span', { textContent: 'Scenario' }), this.select)),
      this.note, this.plans);
    this.element = h('div.memory-view', {}, plan, this.timeline.element);
    setInterval(() => this.#refresh(), REFRESH_MS);
  }

  params() { return this.#chosen === null ? [] : [['scenario', this.#chosen]]; }

  /** @param {URLSearchParams} params */
  async show(params, hub) {
    this.#named = params.get('scenario');
    this.#chosen = this.#named ?? this.#chosen;
    this.#offered = '';
    try {
      const [past, scenarios] = await Promise.all([this.#api.runs(RUNS_MAX), this.#api.scenarios()]);
      this.#known = { past, scenarios };
      await this.#offer(hub.shownRuns);
    } catch (error) {
      setText(this.note, `Scenarios cannot be read: ${error.message}`);
    }
  }

  /** @param {import('./hub.js').Hub} hub */
  update(hub) { if (this.#known !== null) this.#offer(hub.shownRuns); }

  /** The scenarios of the runs that are shown are offered first, then those of other runs. */
  async #offer(shown) {
    this.#shown = shown;
    const offered = JSON.stringify(shown.map((run) => [run.id, run.scenario]));
    if (offered === this.#offered) return;
    this.#offered = offered;
    const { past, scenarios } = this.#known;
    const ofRuns = [...shown, ...past].map((run) => run.scenario);
    const names = [...new Set([...ofRuns, ...scenarios.map(({ name }) => name)])];
    this.select.replaceChildren(...names.map((name) =>
      h('option', { value: name, textContent: elided(name, names, OPTION_MAX), title: name })));
    const stale = this.#named !== null && !names.includes(this.#named);
    this.#missing = stale ? `There is no scenario “${this.#named}”: another one is shown.` : '';
    if (stale || this.#named === null) this.#chosen = names[0] ?? null;
    this.select.value = this.#chosen ?? '';
    if (this.#chosen === null) setText(this.note, 'The daemon knows no scenario yet.');
    else await this.#load();
  }

  /** The plan that the run was made with, or without a run that of the scenario. */
  async #load() {
    const run = this.#run;
    const chosen = this.#chosen;
    try {
      const pools = run === null ? (await this.#api.scenarioPlan(chosen)).pools : (await this.#api.run(run.id)).plans;
      if (chosen !== this.#chosen || run?.id !== this.#run?.id) return; // another question came in between
      setText(this.note, this.#missing);
      this.plans.replaceChildren(...pools.map(planOf));
    } catch (error) {
      this.plans.replaceChildren();
      setText(this.note, `The plan cannot be read: ${error.message}`);
    }
    await this.timeline.show(run);
  }

  get #run() {
    return [...this.#shown, ...(this.#known?.past ?? [])].find((run) => run.scenario === this.#chosen) ?? null;
  }

  /** While the view is open and its run goes on, the timeline grows. */
  async #refresh() {
    if (!this.element.isConnected || document.hidden || this.#run?.state !== 'running') return;
    await this.timeline.show(this.#run);
  }
}

function planOf(plan) {
  const inside = [...plan.items.map((item, index) => ({ ...item, hue: index % HUES })), kvPart(plan)];
  const beside = plan.outside.map(
    (item, index) => ({ ...item, hue: (plan.items.length + index) % HUES, name: `beside the budget: ${item.name}` }));
  const used = inside.reduce((sum, part) => sum + part.bytes, 0);
  const spare = {
    name: 'unused in the budget',
    bytes: Math.max(0, plan.budget_bytes - used),
    hue: 'free',
    formula: 'too little for another block'
  };
  const margin = {
    name: 'free beside the budget',
    bytes: plan.margin_bytes ?? Math.max(0, plan.device_bytes - Math.max(used, plan.budget_bytes)),
    hue: 'free',
    formula: plan.margin_bytes !== null && plan.margin_bytes < 0
      ? 'too little: lower memory_fraction or switch graphs off'
      : 'for fragmentation and other processes'
  };
  const parts = [...inside, spare, ...beside, margin];
  return h(
    'article.plan',
    {},
    h(
      'header',
      {},
      h('h3', { textContent: `${plan.pool}` }),
      h('span.unit', {
        textContent: `${plan.role} · ${plan.gpu} ${format.bytes(plan.device_bytes)} · budget ` +
          `${format.bytes(plan.budget_bytes)} · ${format.compact(plan.parameters)} parameters`
      })
    ),
    barOf(plan, parts),
    h('p.plan-facts', {
      textContent:
        `${format.count(plan.blocks)} KV blocks` +
        `${plan.pinned ? ` pinned (${format.count(plan.fitting_blocks)} would fit)` : ' fit'} · ` +
        `${format.bytes(plan.kv_bytes_per_token)} per token` +
        (plan.state_bytes_per_request > 0
          ? ` · ${format.bytes(plan.state_bytes_per_request)} of state per request`
          : '')
    }),
    h(
      'div.scroller',
      { tabIndex: 0, role: 'region', 'aria-label': `Memory plan of ${plan.pool}, item by item` },
      h(
        'table.plain',
        {},
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            ...['Item', 'Bytes', 'Of GPU', 'Basis', 'How'].map((text) => h('th', { scope: 'col', textContent: text }))
          )
        ),
        h('tbody', {}, ...parts.map((part) => rowOf(plan, part)))
      )
    )
  );
}

function kvPart(plan) {
  return {
    name: 'KV cache',
    bytes: plan.blocks * plan.kv_bytes_per_block,
    hue: 'kv',
    formula: `${format.count(plan.blocks)} blocks × ${format.bytes(plan.kv_bytes_per_block)}` +
      `${plan.pinned ? ' (pinned by the scenario)' : ''}`
  };
}

function barOf(plan, parts) {
  const drawn = parts.filter((part) => part.bytes > 0);
  const scale = Math.max(plan.device_bytes, drawn.reduce((sum, part) => sum + part.bytes, 0));
  const width = (bytes) => `${(bytes / scale) * 100}%`;
  return h('div.memory-bar', {
    role: 'img',
    'aria-label':
      `Memory of pool ${plan.pool}: ${drawn.map((part) => `${part.name} ${format.bytes(part.bytes)}`).join(', ')}`
  },
    ...drawn.map((part) => h('i', {
      data: { hue: String(part.hue) },
      style: { width: width(part.bytes) },
      title: `${part.name}: ${format.bytes(part.bytes)}\n${part.formula}`
    })),
    h('span.budget',
      { style: { left: width(plan.budget_bytes) }, title: `Budget: ${format.bytes(plan.budget_bytes)}` }));
}

function rowOf(plan, part) {
  return h('tr', {}, h('th', { scope: 'row' }, h('i.swatch', { data: { hue: String(part.hue) } }), part.name),
    h('td', { textContent: format.bytes(part.bytes), title: `${format.count(part.bytes)} bytes` }),
    h('td', { textContent: format.percent(part.bytes / plan.device_bytes) }),
    h('td.basis', { textContent: part.basis ?? '', title: BASIS[part.basis] ?? '' }),
    h('td.formula', { textContent: part.formula }));
}
