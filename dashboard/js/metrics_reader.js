// The gauges of replayd's runs, picked out of a parsed exposition (daemon/metrics.md).

const QUANTILES = { 0.5: 'p50', 0.9: 'p90', 0.99: 'p99' };
const LATENCIES = ['ttft', 'tpot', 'e2e', 'queue'];

/** Gauge name → field of the run's gauges; each carries only the labels stream, scenario and run. */
const PLAIN = {
  replayd_ttft_objective_seconds: 'ttftObjective',
  replayd_tpot_objective_seconds: 'tpotObjective',
  replayd_slo_attainment_ratio: 'sloAttainment',
  replayd_requests_waiting: 'waiting',
  replayd_requests_running: 'running',
  replayd_requests_transferring: 'transferring',
  replayd_requests_arrived_total: 'arrived',
  replayd_requests_finished_total: 'finished',
  replayd_requests_rejected_total: 'rejected',
  replayd_prompt_tokens_per_second: 'promptRate',
  replayd_output_tokens_per_second: 'outputRate',
  replayd_batch_sequences: 'batch',
  replayd_preemptions_total: 'preemptions',
  replayd_virtual_clock_seconds: 'clock',
  replayd_speedup_ratio: 'speedup',
  replayd_backlog_arrivals: 'backlog',
};

const POOL = {
  replayd_kv_usage_ratio: 'kv',
  replayd_pool_busy_ratio: 'busy',
  replayd_pool_requests_waiting: 'waiting',
  replayd_pool_requests_running: 'running',
};

/**
 * @param {ReturnType<import('./exposition.js').parseExposition>} families
 * @returns {Map<string, object>} gauges by run id, in the order of the exposition. Latencies are
 *   `{p50, p90, p99}` in virtual seconds; a gauge without a sample is null.
 */
export function readRunGauges(families) {
  const runs = new Map();
  const gaugesOf = (labels) => {
    if (labels.run === undefined) return null;
    if (!runs.has(labels.run)) runs.set(labels.run, emptyGauges(labels));
    return runs.get(labels.run);
  };
  const each = (name, visit) => {
    for (const sample of families.get(name)?.samples ?? []) {
      const gauges = gaugesOf(sample.labels);
      if (gauges !== null) visit(gauges, sample.labels, finiteOrNull(sample.value));
    }
  };
  each('replayd_run_info', (gauges, labels) => {
    Object.assign(gauges, { state: labels.state ?? null, model: labels.model ?? null, gpu: labels.gpu ?? null });
  });
  for (const latency of LATENCIES) {
    each(`replayd_${latency}_seconds`, (gauges, labels, value) => {
      const quantile = QUANTILES[labels.quantile];
      if (quantile !== undefined) gauges[latency][quantile] = value;
    });
  }
  for (const [name, field] of Object.entries(PLAIN)) {
    each(name, (gauges, _labels, value) => { gauges[field] = value; });
  }
  for (const [name, field] of Object.entries(POOL)) {
    each(name, (gauges, labels, value) => {
      gauges.pools[labels.pool] ??= { kv: null, busy: null, waiting: null, running: null };
      gauges.pools[labels.pool][field] = value;
    });
  }
  return runs;
}

function emptyGauges(labels) {
  const gauges = { id: labels.run, stream: labels.stream ?? '', scenario: labels.scenario ?? '',
    state: null, model: null, gpu: null, pools: {} };
  for (const latency of LATENCIES) gauges[latency] = { p50: null, p90: null, p99: null };
  for (const field of Object.values(PLAIN)) gauges[field] = null;
  return gauges;
}

const finiteOrNull = (value) => (Number.isFinite(value) ? value : null);
