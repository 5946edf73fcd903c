// The ledger of one request in full: every part to the nanosecond, what its waiting was for, what was observed on the
// real system, and the same request in the other scenarios.

import { blameRanking } from './blame.js';
import { ledgerColor, STAGE_COLORS } from './colors.js';
import { h } from './dom.js';
import * as format from './format.js';
import { LEDGER_PARTS, ledgerResidual, ledgerSum } from './ledger.js';
import { commonScale, ledgerBar } from './ledger_bar.js';
import { setName } from './names.js';
import { currentTheme } from './theme.js';

export class RequestDetail {
  #api;
  #labelOf;
  #request = null;

  /**
   * @param {(run: string) => string} labelOf names a run
   * @param {() => void} closed is told when the drawer was closed
   */
  constructor(api, labelOf, closed) {
    this.#api = api;
    this.#labelOf = labelOf;
    this.body = h('div.drawer-body');
    this.title = h('h2', { id: 'request-title' });
    this.element = h('dialog.drawer', {
      'aria-labelledby': 'request-title',
      onclick: (event) => {
        if (event.target === this.element) this.element.close();
      },
      onclose: closed
    },
      h('header', {}, this.title,
        h('button.quiet', { type: 'button', textContent: 'Close', onclick: () => this.element.close() })),
      this.body);
  }

  /** Shows a request, and its twins in the other runs as soon as they are known. */
  async open(request) {
    this.#request = request;
    this.title.textContent = `Request ${request.id || `#${request.sequence}`}`;
    this.#render([]);
    if (!this.element.open) this.element.showModal();
    let twins = [];
    try {
      twins = request.id ? await this.#api.requestsById(request.id) : [];
    } catch (error) {
      this.body.append(h('p.note', { textContent: `Other scenarios cannot be read: ${error.message}` }));
      return;
    }
    if (this.#request === request) this.#render(twins.filter((twin) => String(twin.run) !== String(request.run)));
  }

  #render(twins) {
    const request = this.#request;
    this.body.replaceChildren(
      ...[
        facts(request, this.#labelOf),
        request.outcome === 'rejected' ? null : times(request),
        ledgerTable(request),
        blameTable(request),
        this.#twins(twins),
        observed(request)
      ].filter((part) => part !== null)
    );
  }

  #twins(twins) {
    if (twins.length === 0) return null;
    const all = [this.#request, ...twins];
    const scale = commonScale(all.map((item) => item.ledger_ns));
    const labels = all.map((item) => this.#labelOf(String(item.run)));
    const nameOf = (item) => {
      const name = h('span.name');
      setName(name, this.#labelOf(String(item.run)), labels);
      return name;
    };
    const row = (item) => {
      const difference = item.e2e_ns - this.#request.e2e_ns;
      return h('div.twin', {},
        nameOf(item),
        ledgerBar(item.ledger_ns, scale, `Ledger in ${item.scenario}`),
        h('b', { textContent: item.outcome === 'rejected' ? 'rejected' : format.durationNs(item.e2e_ns) }),
        h('span.delta',
          { textContent: item === this.#request || item.outcome === 'rejected' ? '' : signed(difference) }));
    };
    return h('section', {}, h('h3', { textContent: 'The same request in every scenario' }), ...all.map(row));
  }
}

function facts(request, labelOf) {
  const items = [
    ['Scenario', labelOf(String(request.run))],
    ['Outcome', request.outcome === 'rejected' ? `rejected: ${request.reject_reason}` : request.outcome],
    [
      'Prompt',
      `${format.count(request.prompt_tokens)} tokens` +
        `${request.cached_tokens > 0 ? `, ${format.count(request.cached_tokens)} cached` : ''}`
    ],
    ['Output', `${format.count(request.output_tokens)} tokens`],
    ['Arrived at', format.clock(request.arrived_ns / 1e9)],
    ['Replica', replicas(request)],
    ['Preempted', format.count(request.preemptions)]
  ];
  for (const [name, value] of [
    ['Conversation', request.conversation],
    ['SLO class', request.slo_class],
    ['Model', request.model]
  ]) {
    if (value) items.push([name, value]);
  }
  return h('dl.facts', {},
    ...items.map(([name, value]) => h('div', {}, h('dt', { textContent: name }), h('dd', { textContent: value }))));
}

function replicas({ prefill_replica: prefill, decode_replica: decode }) {
  if (prefill < 0) return 'never routed';
  return decode < 0 || decode === prefill ? `#${prefill}` : `prefill #${prefill} → decode #${decode}`;
}

function times(request) {
  const items = [
    ['TTFT', request.ttft_ns], ['TPOT', request.tpot_ns], ['E2E', request.e2e_ns], ['Queue', request.queue_ns]
  ];
  return h('div.figures', {}, ...items.map(([name,
    ns]) => h('div', {}, h('span', { textContent: name }), h('b', { textContent: format.durationNs(ns) }))));
}

function ledgerTable(request) {
  const total = ledgerSum(request.ledger_ns);
  const residual = ledgerResidual(request);
  const theme = currentTheme();
  const row = (part) => {
    const ns = request.ledger_ns?.[part.key] ?? 0;
    return h(`tr${ns === 0 ? '.zero' : ''}`, { data: { part: part.key } },
      h('th', { scope: 'row' }, h('i', { style: { 'background-color': ledgerColor(part, theme) } }),
        h('b', { textContent: part.label }), h('small', { textContent: part.text })),
      h('td', { textContent: format.durationNs(ns), title: format.exactNs(ns) }),
      h('td', { textContent: total > 0 ? format.percent(ns / total) : format.MISSING }));
  };
  return h('section', {}, h('h3', { textContent: 'Ledger' }), ledgerBar(request.ledger_ns, total, 'Ledger'),
    h('table.ledger', {},
      h('thead', {},
        h('tr', {}, ...['Part', 'Time', 'Share'].map((text) => h('th', { scope: 'col', textContent: text })))),
      h('tbody', {}, ...LEDGER_PARTS.map(row)),
      h('tfoot', {},
        h('tr', {}, h('th', { scope: 'row', textContent: 'Sum' }),
          h('td', { textContent: format.durationNs(total), title: format.exactNs(total) }),
          h('td', { textContent: total > 0 ? '100 %' : format.MISSING })))),
    h(`p.note${residual === 0 ? '' : '.bad'}`, {
      textContent: residual === 0
        ? `The parts sum to the end-to-end latency exactly: ${format.exactNs(request.e2e_ns)}.`
        : `The parts miss the end-to-end latency by ${format.exactNs(residual)}: please report this as a defect.`
    }));
}

/** What it waited for and who made its steps longer, the largest cause first. */
function blameTable(request) {
  const ranking = blameRanking(request.blame_ns);
  if (ranking.length === 0) return null;
  const total = ranking.reduce((sum, { ns }) => sum + ns, 0);
  const theme = currentTheme();
  const row = ({ cause, ns }) => h('tr', { data: { cause: cause.key } },
    h('th', { scope: 'row' }, h('i', { style: { 'background-color': STAGE_COLORS[theme][cause.stage][1] } }),
      h('b', { textContent: cause.label }), h('small', { textContent: cause.text })),
    h('td', { textContent: format.durationNs(ns), title: format.exactNs(ns) }),
    h('td', { textContent: format.percent(ns / total) }));
  return h('section', {}, h('h3', { textContent: 'Why it waited' }),
    h('table.ledger.blame', {},
      h('thead', {},
        h('tr', {}, ...['Cause', 'Time', 'Share'].map((text) => h('th', { scope: 'col', textContent: text })))),
      h('tbody', {}, ...ranking.map(row))));
}

/** What the real system took, where the trace tells it. */
function observed(request) {
  const rows = [['TTFT', request.observed_ttft_ns, request.ttft_ns], ['E2E', request.observed_e2e_ns, request.e2e_ns]]
    .filter(([, seen]) => seen !== null && seen !== undefined);
  if (rows.length === 0) return null;
  return h('section', {}, h('h3', { textContent: 'Predicted against observed' }),
    h('table.plain', {},
      h('thead', {},
        h('tr', {},
          ...['', 'Predicted', 'Observed', 'Difference'].map((text) => h('th', { scope: 'col', textContent: text })))),
      h('tbody', {},
        ...rows.map(
          ([name, seen, predicted]) => h('tr', {}, h('th', { scope: 'row', textContent: name }),
            h('td', { textContent: format.durationNs(predicted) }), h('td', { textContent: format.durationNs(seen) }),
            h('td', { textContent: `${signed(predicted - seen)} (${format.percent((predicted - seen) / seen)})` }))))));
}

const signed = (ns) => `${ns < 0 ? '−' : '+'}${format.durationNs(Math.abs(ns))}`;
