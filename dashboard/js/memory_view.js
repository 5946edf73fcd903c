// Where the bytes of one GPU of each pool go: the memory plan of a scenario as bars, formulas on demand.

import { h, setText } from './dom.js';
import * as format from './format.js';

const HUES = 8;

export class MemoryView {
  #api;
  #chosen = null;

  constructor(api) {
    this.#api = api;
    this.select = h('select', { 'aria-label': 'Scenario', onchange: () => { this.#chosen = this.select.value; this.#load(); } });
    this.note = h('p.note', { role: 'status' });
    this.plans = h('div.plans');
    this.element = h('section.block.memory', { 'aria-label': 'Memory plan' },
      h('header', {}, h('h2', { textContent: 'Memory plan' }), h('span.unit', { textContent: 'on the fullest GPU of each pool' }), h('span.spring'),
        h('label.field', {}, h('span', { textContent: 'Scenario' }), this.select)), this.note, this.plans);
  }

  /** @param {object[]} runs of hub.shownRuns: the scenario of the first is offered first */
  async show(runs) {
    try {
      const scenarios = await this.#api.scenarios();
      const names = [...new Set([...runs.map((run) => run.scenario), ...scenarios.map((item) => item.name)])];
      this.select.replaceChildren(...names.map((name) => h('option', { value: name, textContent: name })));
      this.#chosen = names.includes(this.#chosen) ? this.#chosen : (names[0] ?? null);
      this.select.value = this.#chosen ?? '';
      if (this.#chosen === null) setText(this.note, 'The daemon knows no scenario yet.');
      else await this.#load();
    } catch (error) {
      setText(this.note, `Scenarios cannot be read: ${error.message}`);
    }
  }

  async #load() {
    try {
      const { pools } = await this.#api.scenarioPlan(this.#chosen);
      setText(this.note, '');
      this.plans.replaceChildren(...pools.map(planOf));
    } catch (error) {
      this.plans.replaceChildren();
      setText(this.note, `The plan cannot be read: ${error.message}`);
    }
  }
}

function planOf(plan) {
  const kvBytes = plan.blocks * plan.kv_bytes_per_block;
  const parts = [...plan.items.map((item, index) => ({ ...item, hue: index % HUES })),
    { name: 'KV cache', bytes: kvBytes, hue: 'kv',
      formula: `${format.count(plan.blocks)} blocks × ${format.bytes(plan.kv_bytes_per_block)}${plan.pinned ? ' (pinned by the scenario)' : ''}` }];
  const used = parts.reduce((sum, part) => sum + part.bytes, 0);
  const scale = Math.max(plan.device_bytes, used);
  const width = (bytes) => `${(bytes / scale) * 100}%`;
  const bar = h('div.memory-bar', { role: 'img', 'aria-label': `Memory of pool ${plan.pool}: ${parts.map((part) => `${part.name} ${format.bytes(part.bytes)}`).join(', ')}` },
    ...parts.map((part) => h('i', { data: { hue: String(part.hue) }, style: { width: width(part.bytes) }, title: `${part.name}: ${format.bytes(part.bytes)}\n${part.formula}` })),
    h('span.budget', { style: { left: width(plan.budget_bytes) }, title: `Budget: ${format.bytes(plan.budget_bytes)}` }));
  const row = (part) => h('tr', {}, h('th', { scope: 'row' }, h('i.swatch', { data: { hue: String(part.hue) } }), part.name),
    h('td', { textContent: format.bytes(part.bytes), title: `${format.count(part.bytes)} bytes` }), h('td', { textContent: format.percent(part.bytes / plan.device_bytes) }), h('td.formula', { textContent: part.formula }));
  return h('article.plan', {}, h('header', {}, h('h3', { textContent: `${plan.pool}` }), h('span.unit', { textContent:
      `${plan.role} · ${plan.gpu} ${format.bytes(plan.device_bytes)} · budget ${format.bytes(plan.budget_bytes)} · ${format.compact(plan.parameters)} parameters` })), bar,
    h('p.plan-facts', { textContent: `${format.count(plan.blocks)} KV blocks${plan.pinned ? ` pinned (${format.count(plan.fitting_blocks)} would fit)` : ' fit'} · ` +
      `${format.bytes(plan.kv_bytes_per_token)} per token${plan.state_bytes_per_request > 0 ? ` · ${format.bytes(plan.state_bytes_per_request)} of state per request` : ''}` }),
    h('table.plain', {}, h('thead', {}, h('tr', {}, ...['Item', 'Bytes', 'Of GPU', 'How'].map((text) => h('th', { scope: 'col', textContent: text })))),
      h('tbody', {}, ...parts.map(row), h('tr', {}, h('th', { scope: 'row', textContent: 'Free' }), h('td', { textContent: format.bytes(plan.device_bytes - used) }),
        h('td', { textContent: format.percent((plan.device_bytes - used) / plan.device_bytes) }), h('td.formula', { textContent: 'outside the budget, or too small for a block' })))));
}
