// What the fake daemon answers about the runs of fake_data.mjs: residuals, comparisons, forecasts, moments, the balance
// of experts and the exposition.

/** Observed against predicted of a run: what was observed lies a tenth below the prediction, its alarm is raised. */
export function residualsOf(run) {
  const sums = (latency, alarm) => ({ count: latency.count, predicted_mean_ns: latency.mean_ns,
    observed_mean_ns: latency.mean_ns * 0.9, bias: 0.111, mape: 0.18,
    error_p50_ns: latency.p50_ns * 0.1, error_p90_ns: latency.p90_ns * 0.2, error_max_ns: latency.max_ns * 0.3,
    alarm });
  const items = run.windows.map((window) => ({ start_ns: window.start_ns, length_ns: window.length_ns,
    ttft: sums(window.ttft, true), tpot: sums(window.tpot, false), e2e: sums(window.e2e, false),
    cached_tokens: null }));
  const differences = run.scenario.disaggregated ? [] : ['traced on 8 GPUs, this cluster has 16'];
  return { differences, rule: { window_ns: 60e9, requests_min: 20, bias: 0.1, cache_bias: 0.05, windows: 3 },
    alarms: items.length > 0 ? ['ttft'] : [], whole: items.at(-1) ?? null, items };
}

/** Two runs compared, as daemon/api.md says; only the last fifth of the requests differs. */
export function comparisonOf(a, b, limit) {
  const pairs = a.requests.map((request, index) => ({ a: request, b: b.requests[index] }))
    .filter(({ b: other }) => other !== undefined);
  const difference = (of, from) => Object.fromEntries(Object.keys(of).map((key) => [key, of[key] - (from[key] ?? 0)]));
  const listed = pairs.filter(({ a: one, b: other }) => one.outcome === 'finished' && one.e2e_ns !== other.e2e_ns)
    .map(({ a: one, b: other }) => ({ sequence: one.sequence, id: one.id,
      ttft_ns: other.ttft_ns - one.ttft_ns, e2e_ns: other.e2e_ns - one.e2e_ns,
      ledger_ns: difference(other.ledger_ns, one.ledger_ns), blame_ns: difference(other.blame_ns, one.blame_ns),
      a: one, b: other }));
  const sum = (field) => listed.reduce((total, pair) => Object.fromEntries(Object.keys(pair[field])
    .map((key) => [key, (total[key] ?? 0) + pair[field][key]])), {});
  const figures = (field) => {
    const values = listed.map((pair) => pair.b[field] - pair.a[field]).sort((x, y) => x - y);
    const at = (q) => values[Math.min(values.length - 1, Math.floor(q * values.length))];
    return { count: values.length, mean_ns: values.reduce((total, value) => total + value, 0) / values.length,
      min_ns: values[0], p1_ns: at(0.01), p10_ns: at(0.1), p50_ns: at(0.5), p90_ns: at(0.9), p99_ns: at(0.99),
      max_ns: values.at(-1) };
  };
  const slower = listed.filter((pair) => pair.e2e_ns > 0).length;
  const named = (run) => ({ run: run.id, scenario: run.scenario.name, gpus: run.scenario.gpus,
    slo: { ttft_ns: 2e9, tpot_ns: 1e8 } });
  return { stream: a.stream, a: named(a), b: named(b), request_rows: 'all', pairs: pairs.length, only_a: 0, only_b: 0,
    differ: listed.length, b_slower: slower, b_faster: listed.length - slower, rejected_by_a: 0, rejected_by_b: 0,
    ttft: figures('ttft_ns'), tpot: figures('tpot_ns'), e2e: figures('e2e_ns'), ledger_ns: sum('ledger_ns'),
    blame_ns: sum('blame_ns'),
    breaks: { quantile: 0.99, ttft: { a_ns: 1200e9, b_ns: 360e9, b_earlier_by_ns: 840e9 },
      tpot: { a_ns: null, b_ns: null, b_earlier_by_ns: null } },
    requests: listed.sort((x, y) => Math.abs(y.e2e_ns) - Math.abs(x.e2e_ns)).slice(0, limit) };
}

/** The run as it is breaks TTFT after eleven minutes; the second candidate holds. */
export function forecastOf(run, body) {
  const at = run.json.virtual_ns;
  const line = (name, index, steep) => ({ name, gpus: 8 * (index + 1), cost: 8 * (index + 1), started_from: 'fork',
    not_forked: null, slo: { ttft_ns: 2e9, tpot_ns: 1e8 }, holds: steep < 1.5,
    break_after_ns: steep < 1.5 ? null : 660e9, ttft_break_after_ns: steep < 1.5 ? null : 660e9,
    tpot_break_after_ns: null, rejects_after_ns: null, arrived: 5000, finished: 4900, rejected: 0,
    slo_attainment: steep < 1.5 ? 0.998 : 0.81,
    ttft: { p50_ns: 3e8, p90_ns: 6e8, p99_ns: 1e9 * steep }, tpot: { p50_ns: 2e7, p90_ns: 3e7, p99_ns: 4e7 },
    windows: Array.from({ length: body.horizon_s / 10 },
      (_, window) => ({ start_ns: at + window * 10e9, length_ns: 10e9, arrived: 50, finished: 50, within_slo: 50,
        waiting: 0, ttft_ns: Math.round(1e9 + steep * window * 2e7), tpot_ns: 4e7 })) });
  const candidates = [line('as it is', 0, 3), ...body.candidates.map(({ scenario }, index) => line(scenario, index + 1,
    2 - index))];
  const cheapest = candidates.findIndex(({ holds }) => holds);
  return { run: run.id, at_ns: at, horizon_ns: body.horizon_s * 1e9, quantile: 0.99,
    traffic: { kind: body.traffic, growth: body.growth ?? 1, sample_arrivals: 1500, arrivals_per_s: 5 }, candidates,
    cheapest: cheapest < 0 ? null : cheapest };
}

/** Four replicas: the more virtual time has passed, the more wait. */
export function momentOf(run, search) {
  const at = Number(search.get('at_ns') ?? run.json.virtual_ns);
  const listed = Number(search.get('listed'));
  const waiting = Math.round(at / 60e9);
  const request = (index, more) => ({ sequence: index, id: `req-${String(index).padStart(5, '0')}`,
    arrived_ns: at - index * 1e9, age_ns: index * 1e9, since_ns: at - index * 1e9, prompt_tokens: 700 + index,
    output_tokens: 100, computed_tokens: 512, generated_tokens: 0, kv_blocks: 32, preemptions: 0, ...more });
  const replicas = Array.from({ length: 4 }, (_, replica) => ({
    replica, pool: run.scenario.disaggregated && replica > 1 ? 'decode' : 'prefill', phase: 'active',
    kv_blocks_total: 1000, kv_blocks_used: 400 + 100 * replica, kv_blocks_cached: 50,
    host_blocks_used: 0, waiting_count: waiting, running_count: 2, incoming: replica,
    waiting: Array.from({ length: Math.min(waiting, listed) },
      (__, index) => request(10 * replica + index, { waits_in: 'prefill_queue' })),
    running: [request(90, { in_step: true, generated_tokens: 7 })],
    steps: [{ began_ns: at - 8e6, ends_ns: at + 4e6, sequences: 2, prompt_tokens: 512, decodes: 1 }] }));
  return { run: run.id, stream: run.stream, scenario: run.scenario.name, at_ns: at, replayed_from_ns: 0, arrived: 600,
    waiting: 4 * waiting, running: 8, transferring: 1, finished: 500, rejected: 0, preemptions: 0,
    kv_blocks_used: 2200, kv_blocks_cached: 200, kv_blocks_total: 4000, replicas,
    transfers: [{ state: 'moves', sequence: 5, id: 'req-00005', source: 0, destination: 2, since_ns: at,
      ends_ns: null }] };
}

/** Of the DeepSeek and Qwen scenarios: a Zipf law's loads, and chance on top of them. */
export function expertBalances(name) {
  if (!/deepseek|qwen3-235b/.test(name)) return [];
  return (name.includes('-pd') ? ['prefill', 'decode'] : ['mixed']).map((pool, index) => {
    const ranks = 16 * (index + 1);
    const raw = Array.from({ length: ranks }, (_, rank) => 1.6 / (1 + rank * 0.06));
    const mean = raw.reduce((sum, load) => sum + load, 0) / ranks;
    const tokens = Array.from({ length: 14 }, (_, power) => 2 ** power);
    return { pool, experts: 256, top_k: 8, redundant_experts: 32, ranks, experts_per_rank: 288 / ranks, eplb: true,
      imbalance: raw[0] / mean, rank_loads: raw.map((load) => load / mean),
      tokens_per_rank: tokens, busiest_over_mean: tokens.map((count) => raw[0] / mean + 1.4 / Math.sqrt(count)) };
  });
}

/** The exposition of all runs, as daemon/metrics.md lists it. */
export function exposition(streams) {
  const lines = ['# HELP replayd_build_info Version.', '# TYPE replayd_build_info gauge',
    'replayd_build_info{version="0.1.0"} 1'];
  const gauge = (name, labels, value) =>
    lines.push(`${name}{${Object.entries(labels).map(([key, text]) => `${key}="${text}"`).join(',')}} ${value}`);
  for (const { stream, run } of streams.flatMap((item) =>
    item.runs.map((each) => ({ stream: item.name, run: each })))) {
    const labels = { stream, scenario: run.scenario.name, run: run.id };
    const last = run.windows.at(-1);
    gauge('replayd_run_info', { ...labels, state: run.state, model: 'm', gpu: run.scenario.gpu }, 1);
    gauge('replayd_virtual_clock_seconds', labels, run.json.virtual_ns / 1e9);
    gauge('replayd_speedup_ratio', labels, run.json.speedup);
    gauge('replayd_backlog_arrivals', labels, 420);
    gauge('replayd_ttft_objective_seconds', labels, 2);
    gauge('replayd_tpot_objective_seconds', labels, 0.1);
    if (last === undefined) continue;
    for (const latency of ['ttft', 'tpot', 'e2e', 'queue']) {
      for (const [quantile, field] of [['0.5', 'p50_ns'], ['0.9', 'p90_ns'], ['0.99', 'p99_ns']])
        gauge(`replayd_${latency}_seconds`, { ...labels, quantile }, last[latency][field] / 1e9);
    }
    gauge('replayd_slo_attainment_ratio', labels, last.within_slo / last.finished);
    for (const field of ['waiting', 'running', 'transferring']) gauge(`replayd_requests_${field}`, labels, last[field]);
    gauge('replayd_output_tokens_per_second', labels, last.output_tokens / 10);
    gauge('replayd_prompt_tokens_per_second', labels, last.prompt_tokens / 10);
    gauge('replayd_batch_sequences', labels, last.batch_sequences_mean);
    gauge('replayd_preemptions_total', labels, run.json.preemptions);
    for (const pool of last.pools) {
      gauge('replayd_kv_usage_ratio', { ...labels, pool: pool.name }, pool.kv_blocks_used / pool.kv_blocks_total);
      gauge('replayd_pool_busy_ratio', { ...labels, pool: pool.name }, pool.busy_ratio);
      gauge('replayd_pool_requests_waiting', { ...labels, pool: pool.name }, pool.waiting);
    }
  }
  return `${lines.join('\n')}\n`;
}
