// Ahead of now: how long the objectives of a run hold under the traffic that is expected, and the cheapest of some
// candidates that holds them. The run itself is not touched.

import { h, setText } from './dom.js';
import * as format from './format.js';
import { ForecastChart } from './forecast_chart.js';
import { forecastSentences, lineVerdict } from './forecast_data.js';
import { RunPicker } from './run_picker.js';

const TRAFFIC = [
  ['recent', 'goes on as lately'], ['ramp', 'grows or shrinks'], ['seasonal', 'repeats the period before']
];
const HORIZONS = [300, 900, 1800, 3600];
const CANDIDATES_MAX = 8;

export class ForecastView {
  #api;
  #changed;
  #answer = null;
  #scenarios = [];
  /** Why the last question had no answer; empty after one that had. */
  #failure = '';

  /** @param {() => void} changed is told when the address of the view changed */
  constructor(api, changed) {
    this.#api = api;
    this.#changed = changed;
    const option = ([value, textContent]) => h('option', { value, textContent });
    const field = (text, input) => h('label.field', {}, h('span', { textContent: text }), input);
    this.picker = new RunPicker('Run to look ahead from', () => this.#forget());
    this.traffic = h('select', { onchange: () => { this.#showGrowth(); changed(); } }, ...TRAFFIC.map(option));
    this.growth = h('input', { type: 'number', min: '0.1', max: '1000', step: '0.1', value: '1.5', onchange: changed });
    this.growthField = field('rate at the end ×', this.growth);
    this.horizon = h('select', { onchange: changed },
      ...HORIZONS.map((seconds) => option([String(seconds), format.duration(seconds)])));
    this.horizon.value = '900';
    this.candidates = h('fieldset.candidates', {}, h('legend', { textContent: 'What would hold? Tick candidates' }));
    this.button = h('button.primary', { type: 'button', textContent: 'Look ahead', onclick: () => this.#ask() });
    this.missing = h('p.note', { role: 'status' });
    this.sentences = h('p.summary', { role: 'status' });
    this.note = h('p.note', { role: 'status' });
    this.charts = { ttft: new ForecastChart('ttft', 'TTFT, p99'), tpot: new ForecastChart('tpot', 'TPOT, p99') };
    this.table = h('div.scroller', { tabIndex: 0, role: 'region', 'aria-label': 'Candidates of the forecast' });
    this.result = h('div.forecast-result', { hidden: true },
      h('div.panels', {}, this.charts.ttft.element, this.charts.tpot.element),
      h('section.block', { 'aria-label': 'Candidates compared' },
        h('header', {}, h('h2', { textContent: 'Candidates' }),
          h('span.unit', { textContent: 'the run as it is first' })),
        this.table));
    this.element = h('div.forecast', {},
      h('section.block.forecast-head', { 'aria-label': 'Forecast' },
        h('header', {}, h('h2', { textContent: 'Forecast' }),
          h('span.unit', { textContent: 'a copy of the run goes on; the run itself is not touched' })),
        h('div.forecast-form', {}, this.picker.element, field('Traffic', this.traffic), this.growthField,
          field('Look ahead', this.horizon), this.button),
        this.candidates, this.sentences, this.note, this.missing),
      this.result);
    this.#showGrowth();
  }

  params() {
    const params = [['traffic', this.traffic.value], ['horizon', this.horizon.value]];
    if (this.traffic.value === 'ramp') params.push(['growth', this.growth.value]);
    const candidates = this.#candidates;
    if (candidates.length > 0) params.push(['candidates', candidates.join(',')]);
    if (this.picker.id !== null) params.push(['run', this.picker.id]);
    return params;
  }

  /** @param {URLSearchParams} params */
  async show(params) {
    this.picker.id = params.get('run') ?? this.picker.id;
    for (const [name, input] of [['traffic', this.traffic], ['horizon', this.horizon]]) {
      if ([...input.options].some(({ value }) => value === params.get(name))) input.value = params.get(name);
    }
    if (Number(params.get('growth')) > 0) this.growth.value = params.get('growth');
    this.#showGrowth();
    const chosen = params.get('candidates')?.split(',') ?? this.#candidates;
    try {
      this.#scenarios = await this.#api.scenarios();
      const gone = chosen.filter((name) => !this.#scenarios.some((item) => item.name === name));
      setText(this.missing, gone.length === 0 ? '' : `No scenario of this daemon: ${gone.join(', ')}.`);
      this.#offer(chosen);
    } catch (error) {
      this.#failure = `Scenarios cannot be read: ${error.message}`;
    }
  }

  /** @param {import('./hub.js').Hub} hub */
  update(hub) {
    this.picker.update(hub.shownRuns);
    const run = this.picker.run;
    const { model } = this.#scenarios.find(({ name }) => name === run?.scenario) ?? {};
    if (model !== undefined && this.candidates.dataset.model !== model) this.#offer(this.#candidates);
    const ahead = run !== undefined && run.finished_ms === null && hub.sources.api === 'ok';
    this.button.disabled = !ahead || this.asking === true;
    if (this.#answer === null && this.asking !== true)
      setText(
        this.note,
        ahead
          ? this.#failure
          : run === undefined
            ? 'No run is shown.'
            : `Run #${run.id} is over: what comes next can be asked of a run that goes on.`
      );
    if (this.#answer !== null) this.#drawCharts();
  }

  redraw() { this.charts.ttft.forget(); this.charts.tpot.forget(); }

  /** Scenarios of the run's model, where it is known; an answer with another model would be about another service. */
  #offer(chosen) {
    const { model } = this.#scenarios.find(({ name }) => name === this.picker.run?.scenario) ?? {};
    const offered = this.#scenarios.filter((item) => model === undefined || item.model === model);
    const box = ({ name, gpus, gpu }) => h('label.field', {},
      h('input', { type: 'checkbox', value: name, checked: chosen.includes(name), onchange: this.#changed }),
      h('span', { textContent: `${name} (${gpus} × ${gpu})` }));
    this.candidates.replaceChildren(this.candidates.firstChild, ...offered.map(box));
    this.candidates.dataset.model = model ?? '';
  }

  get #candidates() { return [...this.candidates.querySelectorAll('input:checked')].map(({ value }) => value); }

  #showGrowth() { this.growthField.hidden = this.traffic.value !== 'ramp'; }

  #forget() {
    this.#answer = null;
    this.result.hidden = true;
    setText(this.sentences, '');
    setText(this.note, '');
    this.#changed();
  }

  async #ask() {
    const run = this.picker.id;
    this.asking = this.button.disabled = true;
    this.#failure = '';
    setText(this.note, 'Looking ahead…');
    const body = {
      traffic: this.traffic.value,
      horizon_s: Number(this.horizon.value),
      candidates: this.#candidates.slice(0, CANDIDATES_MAX).map((scenario) => ({ scenario }))
    };
    if (this.traffic.value === 'ramp') body.growth = Number(this.growth.value);
    try {
      const began = performance.now();
      const answer = await this.#api.forecast(run, body);
      if (run !== this.picker.id) return;
      this.#answer = answer;
      setText(this.sentences, forecastSentences(answer, this.picker.run?.label ?? `run #${run}`).join(' '));
      setText(
        this.note,
        `From ${format.clock(answer.at_ns / 1e9)} on, with ${format.compact(answer.traffic.arrivals_per_s)} ` +
          `arrivals/s; answered in ${format.duration((performance.now() - began) / 1e3)}.`
      );
      this.table.replaceChildren(candidateTable(answer));
      this.result.hidden = false;
      this.redraw();
      this.#drawCharts();
    } catch (error) {
      this.#failure = `No forecast: ${error.message}`;
      setText(this.note, this.#failure);
    } finally {
      this.asking = false;
      this.button.disabled = false;
    }
  }

  #drawCharts() {
    for (const chart of Object.values(this.charts)) chart.update(this.#answer, this.picker.run?.series.points ?? []);
  }
}

function candidateTable(answer) {
  const columns = [
    ['Candidate', 'text'], ['GPUs', 'number'], ['Objectives', 'text'], ['In SLO', 'number'], ['TTFT p99', 'number'],
    ['TPOT p99', 'number'], ['Rejected', 'number'], ['Begins from', 'text']
  ];
  const cells = (line, index) => [`${line.name}${index === answer.cheapest ? ' (cheapest that holds)' : ''}`,
    format.count(line.gpus), lineVerdict(line), format.percent(line.slo_attainment),
    format.durationNs(line.ttft.p99_ns), format.durationNs(line.tpot.p99_ns), format.count(line.rejected),
    line.started_from === 'fork' ? 'the state of now' : 'empty, after the sample'];
  return h(
    'table.runs',
    {},
    h(
      'thead',
      {},
      h('tr', {}, ...columns.map(([text, className]) => h('th', { scope: 'col', className, textContent: text })))
    ),
    h(
      'tbody',
      {},
      ...answer.candidates.map((line, index) =>
        h(
          'tr',
          { data: { holds: String(line.holds) } },
          ...cells(line, index).map((text, at) =>
            h(at === 0 ? 'th' : 'td', {
              className: columns[at][1],
              textContent: text,
              title: at === 7 ? (line.not_forked ?? '') : '',
              ...(at === 0 ? { scope: 'row' } : {})
            })
          )
        )
      )
    )
  );
}
