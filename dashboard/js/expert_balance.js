// How evenly the experts of a mixture-of-experts model are used: by the routing law and the placement, and by chance.

import { RUN_COLORS } from './colors.js';
import { h } from './dom.js';
import { busiestAt, tokensPerRank } from './expert_figures.js';
import * as format from './format.js';
import { currentTheme } from './theme.js';

/** Bars that stay legible; of more ranks every n-th is drawn. */
const BARS_MAX = 64;

/** @param {object} run of hub.shownRuns @param {object} balance an ExpertBalance of the API */
export function expertBalance(run, balance) {
  const tokens = tokensPerRank(run.series.windows, balance.pool);
  const loads = balance.rank_loads;
  const every = Math.ceil(loads.length / BARS_MAX);
  const drawn = loads.filter((_, index) => index % every === 0);
  const highest = Math.max(...loads, 1);
  const now =
    tokens === null
      ? ''
      : ` · with the ${format.compact(tokens)} tokens per rank and step of now, chance makes it ` +
        `${times(busiestAt(balance, tokens))}`;
  const spread = loads[0] - loads.at(-1) < 0.005
    ? 'every rank gets the same by law'
    : `busiest ${times(loads[0])}, idlest ${times(loads.at(-1))} the mean by law`;
  return h(
    'article.plan.expert-pool',
    { data: { run: run.id, pool: balance.pool } },
    h(
      'header',
      {},
      h('h3', { textContent: `${run.label} · ${balance.pool}` }),
      h('span.unit', {
        textContent:
          `${format.count(balance.experts)} experts` +
          `${balance.redundant_experts > 0 ? ` + ${format.count(balance.redundant_experts)} copies` : ''}, ` +
          `${balance.top_k} per token, ` +
          `${format.count(balance.experts_per_rank)} on each of ${format.plural(balance.ranks, 'rank')}` +
          `${balance.eplb ? ', placed by EPLB' : ''}`
      })
    ),
    h(
      'div.rank-loads',
      {
        role: 'img',
        'aria-label': `Load of ${balance.ranks} ranks over their mean: ${spread}`,
        style: { '--run': RUN_COLORS[currentTheme()][run.colorIndex] }
      },
      ...drawn.map((load, index) =>
        h('i', {
          title: `rank ${index * every + 1} by load: ${times(load)} the mean`,
          style: { height: `${(load / highest) * 100}%` }
        })
      ),
      h('span.mean', { style: { bottom: `${(1 / highest) * 100}%` }, title: 'the mean' })
    ),
    h('p.plan-facts', { textContent: `Busiest rank: ${spread}${now}.` }),
    chanceTable(balance)
  );
}

const times = (ratio) => `${ratio.toFixed(2)}×`;

/** What the slowest rank gets in steps of few and of many tokens: every third size. */
function chanceTable(balance) {
  const picked = balance.tokens_per_rank
    .map((tokens, index) => ({ tokens, ratio: balance.busiest_over_mean[index] }))
    .filter((_, index) => index % 3 === 0);
  return h('div.scroller',
    { tabIndex: 0, role: 'region', 'aria-label': `Busiest rank of ${balance.pool} by size of the step` },
    h('table.plain', {},
      h('thead', {},
        h('tr', {}, h('th', { scope: 'col', textContent: 'Tokens per rank and step' }),
          ...picked.map(({ tokens }) => h('th.number', { scope: 'col', textContent: format.count(tokens) })))),
      h('tbody', {},
        h('tr', {}, h('th', { scope: 'row', textContent: 'Busiest rank over the mean' }),
          ...picked.map(({ ratio }) => h('td.number', { textContent: times(ratio) }))))));
}
