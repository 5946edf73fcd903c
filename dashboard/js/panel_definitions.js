// What the panels show, in the order that operators of serving systems read: latency first, then tokens,
// scheduler, cache, and what only a replay knows.

import * as format from './format.js';

export const QUANTILES = [
  { key: 'p50', label: 'p50', dash: [2, 3], width: 1.4 },
  { key: 'p90', label: 'p90', dash: [7, 4], width: 1.4 },
  { key: 'p99', label: 'p99', dash: [], width: 2 },
];
export const DASHES = [[], [6, 4], [2, 3], [10, 3, 2, 3]];

const styled = (key, label, index, value) => (
  { key, label, dash: DASHES[index % DASHES.length], width: index === 0 ? 1.75 : 1.4, value });

/** The chosen quantiles of a latency. */
const latency = (field) => (view) => QUANTILES.filter(({ key }) => view.quantiles.has(key)).map((quantile) => ({
  ...quantile,
  optional: view.observed !== undefined,
  value: (point) => point[field]?.[quantile.key] ?? null
}));

/** Beside them the mean that production observed, where it did (residuals.js). */
const observed = (field) => (view) => [...latency(field)(view), ...(view.observed === undefined ? [] : [optional({
  key: 'observed',
  label: 'observed mean',
  dash: [1, 2],
  width: 2,
  value: (point) => point.observed?.[field] ?? null
})])];

const one = (field) => () => [styled(field, '', 0, (point) => point[field])];

/** A line that some runs don't have: their legend leaves it out instead of showing a gap. */
const optional = (line) => ({ ...line, optional: true });

/** One line per pool; pools of the same name share a line style across runs. */
const perPool = (field) => (view) => {
  const names = [...new Set(view.runs.flatMap((run) => Object.keys(run.series.points.at(-1)?.pools ?? {})))];
  return names.map((name, index) => optional(styled(name, name, index, (point) => point.pools[name]?.[field] ?? null)));
};

const poolQueues = (view) => {
  const lines = perPool('waiting')(view);
  return [...lines, styled('transferring', 'on link', lines.length, (point) => point.transferring)];
};

/**
 * `lines(view)` → the lines of each run; `kind` → axis and legend format; `objective` → field of run.slo;
 * `full` → the ratio axis always spans 0–100 %; `logarithmic` → obeys the scale switch;
 * `signed` → the axis spans as much below zero as above; `observed` → what production observed is drawn beside the
 * runs; `disaggregated` → shown only while a run with more than one pool is.
 */
export const PANELS = [
  {
    key: 'ttft',
    title: 'Time to first token',
    unit: 'virtual seconds',
    kind: 'duration',
    large: true,
    lines: observed('ttft'),
    objective: 'ttft_ns',
    observed: true,
    logarithmic: true
  },
  {
    key: 'tpot',
    title: 'Time per output token',
    unit: 'virtual seconds',
    kind: 'duration',
    large: true,
    lines: observed('tpot'),
    objective: 'tpot_ns',
    observed: true,
    logarithmic: true
  },
  {
    key: 'e2e',
    title: 'End-to-end latency',
    unit: 'virtual seconds',
    kind: 'duration',
    lines: latency('e2e'),
    logarithmic: true
  },
  {
    key: 'queue',
    title: 'Queue time',
    unit: 'virtual seconds',
    kind: 'duration',
    lines: latency('queue'),
    logarithmic: true
  },
  {
    key: 'attainment',
    title: 'SLO attainment',
    unit: '% of finished',
    kind: 'ratio',
    full: true,
    lines: one('sloAttainment')
  },
  {
    key: 'goodput',
    title: 'Goodput',
    unit: 'requests in SLO / virtual s',
    kind: 'quantity',
    lines: () => [styled('goodput', 'goodput', 0, (point) => point.goodput ?? null),
      styled('arriving', 'arriving', 1, (point) => point.arrivedRate ?? null)]
  },
  {key: 'output', title: 'Output tokens', unit: 'tokens / virtual s', kind: 'quantity', lines: one('outputRate')},
  {key: 'prompt', title: 'Prompt tokens', unit: 'tokens / virtual s', kind: 'quantity', lines: one('promptRate')},
  {
    key: 'scheduler',
    title: 'Scheduler state',
    unit: 'requests',
    kind: 'quantity',
    lines: () => [styled('running', 'running', 0, (point) => point.running),
      styled('waiting', 'waiting', 1, (point) => point.waiting)]
  },
  {key: 'kv', title: 'KV cache usage', unit: '% of blocks', kind: 'ratio', full: true, lines: one('kv')},
  {key: 'batch', title: 'Batch size', unit: 'sequences / step', kind: 'quantity', lines: one('batch')},
  {key: 'preemptions', title: 'Preemptions', unit: 'per virtual s', kind: 'quantity', lines: one('preemptionRate')},
  {
    key: 'pool_busy',
    title: 'Pools: busy',
    unit: '% of time in steps',
    kind: 'ratio',
    full: true,
    lines: perPool('busy')
  },
  {key: 'pool_kv', title: 'Pools: KV cache', unit: '% of blocks', kind: 'ratio', full: true, lines: perPool('kv')},
  {key: 'pool_queues', title: 'Pools: waiting', unit: 'requests', kind: 'quantity', lines: poolQueues},
  {
    key: 'pool_output',
    title: 'Pools: tokens',
    unit: 'prompt and output / virtual s',
    kind: 'quantity',
    disaggregated: true,
    lines: perPool('tokenRate')
  },
  {
    key: 'links',
    title: 'Links',
    unit: 'KV transfer, mean of a request',
    kind: 'duration',
    disaggregated: true,
    lines: () => [optional(styled('wire', 'on the wire', 0, (point) => point.transfer ?? null)),
      optional(styled('wait', 'waiting', 1, (point) => point.transferWait ?? null))]
  },
];

/** Figures of the legend, and the shorter ones of the axis. */
export const FORMATS = { duration: format.duration, ratio: format.percent, quantity: format.compact };
export const AXIS_FORMATS = {
  duration: (value) => format.shorter(format.duration(value)),
  ratio: (value) => format.shorter(format.percent(value)),
  quantity: format.compact
};
