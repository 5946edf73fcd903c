// The panels of vLLM's Grafana dashboard, in its order and under its titles (vllm-project/vllm 4b5c627,
// examples/observability/prometheus_grafana/grafana.json). Rates are per virtual second.

import { DASHES } from './panel_definitions.js';

const line = (key, index, value) => (
  { key, label: key, dash: DASHES[index % DASHES.length], width: index === 0 ? 1.75 : 1.4, value });

const LATENCY_LINES = [
  { key: 'p99', label: 'P99', dash: [], width: 2 }, { key: 'p95', label: 'P95', dash: [10, 3, 2, 3], width: 1.4 },
  { key: 'p90', label: 'P90', dash: [7, 4], width: 1.4 }, { key: 'p50', label: 'P50', dash: [2, 3], width: 1.4 },
  { key: 'mean', label: 'mean', dash: [1, 2], width: 1.4 },
];
/** Five lines per run are legible for two runs; beyond, the tail and the mean are what vLLM's reader looks for. */
const LINES_OF_MANY = ['p99', 'mean'];

const latency = (field) => (view) =>
  LATENCY_LINES.filter(({ key }) => view.runs.length <= 2 || LINES_OF_MANY.includes(key)).map((item) => ({
    ...item,
    value: (point) => point[field]?.[item.key] ?? null
  }));

/** `from`: "windows", or "requests" for series of request_lengths.js; `bins`: drawn as a heatmap of that field. */
export const VLLM_PANELS = [
  {
    key: 'e2e',
    title: 'E2E request latency',
    unit: 'virtual seconds',
    kind: 'duration',
    lines: latency('e2e'),
    logarithmic: true
  },
  {
    key: 'throughput',
    title: 'Token throughput',
    unit: 'tokens / virtual s',
    kind: 'quantity',
    lines: () => [line('generation', 0, (point) => point.outputRate), line('prompt', 1, (point) => point.promptRate)]
  },
  {
    key: 'itl',
    title: 'Inter token latency',
    unit: 'gaps of a request count as equal',
    kind: 'duration',
    lines: latency('tpot'),
    objective: 'tpot_ns',
    logarithmic: true
  },
  {
    key: 'scheduler',
    title: 'Scheduler state',
    unit: 'requests',
    kind: 'quantity',
    lines: () => [line('running', 0, (point) => point.running), line('waiting', 1, (point) => point.waiting)]
  },
  {
    key: 'ttft',
    title: 'Time to first token latency',
    unit: 'virtual seconds',
    kind: 'duration',
    lines: latency('ttft'),
    objective: 'ttft_ns',
    logarithmic: true
  },
  {
    key: 'cache',
    title: 'Cache utilization',
    unit: '% of KV blocks',
    kind: 'ratio',
    full: true,
    lines: () => [line('kv', 0, (point) => point.kv)]
  },
  {key: 'prompt_length', title: 'Request prompt length', unit: 'tokens', bins: 'promptBins'},
  {key: 'generation_length', title: 'Request generation length', unit: 'tokens', bins: 'outputBins'},
  {
    key: 'finish',
    title: 'Finish reason',
    unit: 'requests / virtual s',
    kind: 'quantity',
    from: 'requests',
    lines: () => [line('length', 0, (point) => point.finished), line('error', 1, (point) => point.rejected)]
  },
  {
    key: 'queue_time',
    title: 'Queue time',
    unit: 's / virtual s',
    kind: 'quantity',
    lines: () => [line('queue', 0, (point) => point.queueRate ?? null)]
  },
  {
    key: 'phases',
    title: 'Requests prefill and decode time',
    unit: 's / virtual s',
    kind: 'quantity',
    from: 'requests',
    lines: () => [line('decode', 0, (point) => point.decode), line('prefill', 1, (point) => point.prefill)]
  },
  {
    key: 'max_generation',
    title: 'Max generation token in sequence group',
    unit: 'tokens / virtual s',
    kind: 'quantity',
    from: 'requests',
    lines: () => [line('tokens', 0, (point) => point.maxGeneration)]
  },
];
