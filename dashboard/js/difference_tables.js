// Differences between two runs: quantiles as a table, parts and causes as bars to both sides of zero.

import { signedNs } from './compare_data.js';
import { h } from './dom.js';
import * as format from './format.js';

const COLUMNS = [
  ['mean', 'mean_ns'], ['min', 'min_ns'], ['p1', 'p1_ns'], ['p10', 'p10_ns'], ['p50', 'p50_ns'], ['p90', 'p90_ns'],
  ['p99', 'p99_ns'], ['max', 'max_ns']
];

/** @param {object} comparison of the API */
export function differenceTable(comparison) {
  const cell = (ns) => h(`td.number${ns > 0 ? '.slower' : ns < 0 ? '.faster' : ''}`, { textContent: signedNs(ns) });
  const row = ([name, figures]) => h('tr', {}, h('th', { scope: 'row', textContent: name }),
    h('td.number', { textContent: format.count(figures?.count ?? 0) }),
    ...COLUMNS.map(([, field]) => cell(figures?.[field] ?? null)));
  return h('table.plain.differences', {},
    h('thead', {},
      h('tr', {}, h('th', { scope: 'col', textContent: 'Latency' }),
        h('th.number', { scope: 'col', textContent: 'pairs' }),
        ...COLUMNS.map(([name]) => h('th.number', { scope: 'col', textContent: name })))),
    h('tbody', {}, ...[['TTFT', comparison.ttft], ['TPOT', comparison.tpot], ['E2E', comparison.e2e]].map(row)));
}

/** @param {{kind: object, ns: number}[]} differences the largest first @param {string} none what to say without any */
export function differenceBars(differences, none) {
  if (differences.length === 0) return h('p.note', { textContent: none });
  const widest = Math.abs(differences[0].ns);
  return h('div.diverging', {}, ...differences.map(({ kind, ns }) => {
    const width = `${(Math.abs(ns) / widest) * 50}%`;
    return h('div.bar-row', { title: kind.text, data: { key: kind.key } }, h('span.name', { textContent: kind.label }),
      h('span.bar-track', {},
        h(`i${ns > 0 ? '.slower' : '.faster'}`, { style: ns > 0 ? { left: '50%', width } : { right: '50%', width } })),
      h('b', { textContent: signedNs(ns) }));
  }));
}
