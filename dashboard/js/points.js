// One shape for everything a panel can draw: a point on a run's virtual clock. Windows (live websocket, API)
// and scrapes of /metrics both become points; latencies in virtual seconds, rates per virtual second.

const quantilesOf = (latency) => ({
  p50: secondsOrNull(latency?.p50_ns), p90: secondsOrNull(latency?.p90_ns), p95: secondsOrNull(latency?.p95_ns),
  p99: secondsOrNull(latency?.p99_ns), mean: secondsOrNull(latency?.mean_ns),
});

/** A Window of the API, placed at its end. */
export function pointOfWindow(window) {
  const seconds = window.length_ns / 1e9;
  const perSecond = (amount) => (seconds > 0 ? amount / seconds : null);
  const pools = {};
  for (const pool of window.pools ?? []) {
    pools[pool.name] = {
      busy: pool.busy_ratio,
      kv: ratio(pool.kv_blocks_used, pool.kv_blocks_total),
      waiting: pool.waiting,
      running: pool.running,
      tokenRate: perSecond((pool.prompt_tokens ?? 0) + (pool.output_tokens ?? 0))
    };
  }
  return {
    t: (window.start_ns + window.length_ns) / 1e9,
    ttft: quantilesOf(window.ttft), tpot: quantilesOf(window.tpot),
    e2e: quantilesOf(window.e2e), queue: quantilesOf(window.queue),
    promptRate: perSecond(window.prompt_tokens), outputRate: perSecond(window.output_tokens),
    transfer: perRequest(window, 'transfer'), transferWait: perRequest(window, 'transfer_wait'),
    queueRate: perSecond((window.queue?.mean_ns ?? 0) / 1e9 * (window.queue?.count ?? 0)),
    arrivedRate: perSecond(window.arrived), goodput: perSecond(window.within_slo),
    waiting: window.waiting, running: window.running, transferring: window.transferring,
    kv: ratio(window.kv_blocks_used, window.kv_blocks_total),
    batch: window.steps > 0 ? window.batch_sequences_mean : null,
    preemptionRate: perSecond(window.preemptions),
    sloAttainment: ratio(window.within_slo, window.finished),
    pools,
  };
}

/** Mean of a latency over every request of some windows, in nanoseconds; null without any. */
export function meanOfWindows(windows, metric) {
  let count = 0;
  let sum = 0;
  for (const window of windows) {
    const latency = window[metric];
    if (!(latency?.count > 0)) continue;
    count += latency.count;
    sum += latency.mean_ns * latency.count;
  }
  return count > 0 ? sum / count : null;
}

/**
 * A scrape's gauges, placed at the run's virtual clock.
 * @param {object} gauges of readRunGauges
 * @param {object|null} previous gauges of the scrape before, for rates of counters
 */
export function pointOfGauges(gauges, previous) {
  const elapsed = previous === null ? 0 : gauges.clock - previous.clock;
  const pools = Object.values(gauges.pools);
  return {
    t: gauges.clock,
    ttft: gauges.ttft, tpot: gauges.tpot, e2e: gauges.e2e, queue: gauges.queue,
    promptRate: gauges.promptRate, outputRate: gauges.outputRate,
    waiting: gauges.waiting, running: gauges.running, transferring: gauges.transferring,
    // Only ratios per pool are exported, so the run's figure is that of its fullest pool.
    kv: pools.length > 0 ? Math.max(...pools.map((pool) => pool.kv ?? 0)) : null,
    batch: gauges.batch,
    preemptionRate: elapsed > 0 ? (gauges.preemptions - previous.preemptions) / elapsed : null,
    sloAttainment: gauges.sloAttainment,
    pools: gauges.pools,
  };
}

/** Mean seconds of a part of the ledger; null on clusters without transfers and while nothing finishes. */
function perRequest(window, part) {
  if ((window.pools ?? []).length < 2 || window.finished === 0) return null;
  return (window.ledger_ns?.[part] ?? 0) / window.finished / 1e9;
}

function secondsOrNull(ns) {
  return ns === null || ns === undefined ? null : ns / 1e9;
}

function ratio(part, whole) {
  return whole > 0 ? part / whole : null;
}
