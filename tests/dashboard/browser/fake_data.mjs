// A made-up stream whose runs move: what the fake daemon serves. Deterministic; time passes only by advance().

const WINDOW_NS = 10e9;
const QUANTILE_SPREAD = { p50_ns: 1, p90_ns: 2.1, p99_ns: 3.9 };
const SCENARIOS = [
  { name: 'llama-3-70b-h100-mixed', disaggregated: false, gpu: 'H100', gpus: 16, ttft: 0.31, tpot: 0.041 },
  { name: 'llama-3-70b-h100-pd', disaggregated: true, gpu: 'H100', gpus: 16, ttft: 0.42, tpot: 0.024 },
  { name: 'deepseek-v3-h800-pd', disaggregated: true, gpu: 'H800', gpus: 32, ttft: 0.63, tpot: 0.029 },
  { name: 'deepseek-v3-h200-mixed', disaggregated: false, gpu: 'H200', gpus: 16, ttft: 0.74, tpot: 0.047 },
  { name: 'qwen3-235b-a22b-h20-pd', disaggregated: true, gpu: 'H20', gpus: 24, ttft: 1.1, tpot: 0.034 },
  { name: 'qwen3-235b-a22b-h20-mixed', disaggregated: false, gpu: 'H20', gpus: 24, ttft: 0.95, tpot: 0.058 },
  { name: 'qwen3-30b-a3b-a100-mixed', disaggregated: false, gpu: 'A100', gpus: 4, ttft: 0.22, tpot: 0.019 },
  { name: 'llama-3.1-8b-b200-mixed', disaggregated: false, gpu: 'B200', gpus: 2, ttft: 0.09, tpot: 0.008 },
];
/** Shares of a ledger by part, for mixed and for disaggregated clusters. */
const SHARES = {
  mixed: { routing: 0, prefill_queue: 0.09, prefill_compute: 0.12, chunk_wait: 0.04, decode_compute: 0.47,
    batch_interference: 0.26, preemption_stall: 0.015, recompute: 0.005 },
  pd: { prefill_queue: 0.13, prefill_compute: 0.14, transfer_wait: 0.02, transfer: 0.05, decode_queue: 0.02,
    decode_compute: 0.57, batch_interference: 0.07 },
};

/** A smooth ramp with two bursts, then noise that differs by run: about 0.6 … 2.6. */
function load(index, run) {
  const burst = Math.exp(-(((index - 45) / 7) ** 2)) * 1.4 + Math.exp(-(((index - 95) / 5) ** 2)) * 1.9;
  const noise = Math.sin(index * 12.9898 + run * 78.233) * 43758.5453;
  return 0.7 + 0.25 * Math.sin(index / 14) + burst + 0.18 * (noise - Math.floor(noise));
}

function splitLedger(shares, totalNs) {
  const ledger = Object.fromEntries(['gateway_queue', 'routing', 'prefill_queue', 'prefill_compute', 'chunk_wait',
    'transfer_wait', 'transfer',
    'decode_queue', 'decode_compute', 'batch_interference', 'preemption_stall', 'recompute'].map((part) => [part, 0]));
  for (const [part, share] of Object.entries(shares)) ledger[part] = Math.floor(totalNs * share);
  ledger.decode_compute += totalNs - Object.values(ledger).reduce((sum, ns) => sum + ns, 0);
  return ledger;
}

/** Blame that sums to the waiting parts and the interference of a ledger. */
function splitBlame(ledger) {
  const { prefill_queue: queue, chunk_wait: chunks, decode_queue: decodes, preemption_stall: stall, transfer_wait: link,
    batch_interference: shared } = ledger;
  const prefill = Math.floor(shared * 0.7);
  return { token_budget: queue + chunks, sequence_limit: decodes, kv_blocks: stall, link, other_prefill: prefill,
    other_decodes: shared - prefill };
}

export class FakeRun {
  constructor(id, scenario, stream, color) {
    Object.assign(this, { id, scenario, stream, color, windows: [], requests: [], state: 'running', request_rows: 'all',
      request_rows_left_out: 0 });
  }

  get shares() { return SHARES[this.scenario.disaggregated ? 'pd' : 'mixed']; }

  advance() {
    const index = this.windows.length;
    const level = load(index, this.id);
    const ttft = this.scenario.ttft * level ** 1.9;
    const tpot = this.scenario.tpot * level ** (this.scenario.disaggregated ? 0.5 : 1.1);
    const quantiles = (seconds) => ({ count: 60, mean_ns: seconds * 1.2e9, max_ns: seconds * 6e9,
      ...Object.fromEntries(Object.entries(QUANTILE_SPREAD)
        .map(([key, factor]) => [key, Math.round(seconds * factor * 1e9)])) });
    const finished = Math.round(42 * level);
    const waiting = Math.max(0, Math.round((level - 1.4) * 60));
    const used = Math.min(0.99, 0.3 * level);
    const pool = (name, share) => ({ name, waiting: Math.round(waiting * share),
      running: Math.round(80 * level * share), kv_blocks_used: Math.round(10000 * used * share),
      kv_blocks_total: 10000, steps: 900, busy_ratio: Math.min(1, 0.36 * level + share * 0.1),
      prompt_tokens: Math.round(58000 * level * share), output_tokens: Math.round(9200 * level * share) });
    const ledger = splitLedger(this.shares, Math.round(finished * (ttft + 210 * tpot) * 1e9));
    this.windows.push({
      start_ns: index * WINDOW_NS, length_ns: WINDOW_NS, arrived: finished, finished, rejected: 0,
      within_slo: Math.round(finished * Math.min(1, 1.35 - ttft / 8)), ttft: quantiles(ttft), tpot: quantiles(tpot),
      e2e: quantiles(ttft + 210 * tpot), queue: quantiles(ttft * 0.4), prompt_tokens: Math.round(58000 * level),
      output_tokens: Math.round(9200 * level),
      waiting, running: Math.round(90 * level), transferring: this.scenario.disaggregated ? Math.round(3 * level) : 0,
      kv_blocks_used: Math.round(10000 * used), kv_blocks_total: 10000, steps: 900,
      preemptions: Math.max(0, Math.round((level - 2.2) * 9)),
      batch_tokens_mean: 700 * level, batch_sequences_mean: 34 * level, busy_ratio: Math.min(1, 0.4 * level),
      ledger_ns: ledger, blame_ns: splitBlame(ledger),
      pools: this.scenario.disaggregated ? [pool('prefill', 0.8), pool('decode', 0.5)] : [pool('mixed', 0.7)],
    });
    for (let count = 0; count < 5; count += 1) this.requests.push(this.#request(index, count, ttft, tpot));
  }

  #request(index, count, ttft, tpot) {
    const sequence = index * 5 + count;
    const output = 20 + ((sequence * 97) % 600);
    const arrived = index * WINDOW_NS + count * 1.7e9;
    const rejected = sequence % 83 === 40;
    const ttftNs = Math.round(ttft * (0.7 + (sequence % 7) * 0.3) * 1e9);
    const e2e = rejected ? 0 : ttftNs + Math.round(tpot * (output - 1) * 1e9);
    const ledger = splitLedger(rejected ? {} : this.shares, e2e);
    return {
      run: this.id, scenario: this.scenario.name, sequence, id: `req-${String(sequence).padStart(5, '0')}`,
      conversation: sequence % 3 === 0 ? `chat-${sequence % 11}` : '',
      slo_class: '', model: '', outcome: rejected ? 'rejected' : 'finished', reject_reason: rejected
        ? 'prompt of 140,000 tokens exceeds the context of 131,072' : '',
      prompt_tokens: 300 + ((sequence * 389) % 7000), output_tokens: output, cached_tokens: 0, arrived_ns: arrived,
      scheduled_ns: arrived + ttftNs * 0.4,
      first_token_ns: arrived + ttftNs, decode_started_ns: arrived + ttftNs, finished_ns: arrived + e2e,
      ttft_ns: rejected ? 0 : ttftNs, tpot_ns: rejected ? null : Math.round(tpot * 1e9),
      e2e_ns: e2e, queue_ns: Math.round(ttftNs * 0.4), preemptions: 0, prefill_replica: sequence % 4,
      decode_replica: this.scenario.disaggregated ? 4 + (sequence % 4) : sequence % 4,
      ledger_ns: ledger, blame_ns: splitBlame(ledger), observed_ttft_ns: sequence % 2 === 0
        ? Math.round(ttftNs * 1.12) : null, observed_e2e_ns: sequence % 2 === 0 ? Math.round(e2e * 0.95) : null,
    };
  }

  get json() {
    const last = this.windows.at(-1);
    const total = (field) => this.windows.reduce((sum, window) => sum + window[field], 0);
    const { pools = [] } = last ?? {};
    return {
      id: this.id, stream: this.stream, scenario: this.scenario.name, state: this.state, color: this.color,
      created_ms: 1_795_000_000_000 + this.id * 60_000,
      finished_ms: this.state === 'finished' ? 1_795_000_100_000 + this.id * 60_000 : null,
      hash: this.state === 'finished'
        ? `${(this.id * 2654435761 >>> 0).toString(16).padStart(8, '0')}a97c11d0e52f4b8890ab12cd` : null,
      request_rows: this.request_rows, request_rows_left_out: this.request_rows_left_out,
      virtual_ns: this.windows.length * WINDOW_NS, arrived: total('arrived'), waiting: last?.waiting ?? 0,
      running: last?.running ?? 0, transferring: last?.transferring ?? 0,
      finished: total('finished'), rejected: this.requests.filter((request) => request.outcome === 'rejected').length,
      preemptions: total('preemptions'),
      prompt_tokens: total('prompt_tokens'), output_tokens: total('output_tokens'),
      kv_usage: last ? last.kv_blocks_used / last.kv_blocks_total : 0, speedup: this.state === 'running' ? 412 : 0,
      slo: { ttft_ns: 2e9, tpot_ns: 1e8 }, slo_attainment: last ? total('within_slo') / total('finished') : null,
      window_ns: WINDOW_NS, ttft: this.#whole('ttft'), tpot: this.#whole('tpot'), e2e: this.#whole('e2e'),
      ...(this.failure === undefined ? {} : { failure: this.failure }),
      pools: pools.map(({ name }) =>
        ({ name, role: name, gpu: this.scenario.gpu, gpus: this.scenario.gpus / pools.length / 2, replicas: 2 })),
    };
  }

  /** Quantiles of the whole run: made up as those of its worst window, so that they are not those of the last one. */
  #whole(latency) {
    return Object.fromEntries(Object.keys(QUANTILE_SPREAD).map((quantile) => [quantile,
      this.windows.length === 0 ? null : Math.max(...this.windows.map((window) => window[latency][quantile]))]));
  }

  /** Two replicas of each pool; the second changes in every other window. */
  get replicas() {
    const names = this.windows.at(-1)?.pools.map((pool) => pool.name) ?? [];
    return names.flatMap((name, index) => [0, 1].map((number) => {
      const changed = this.windows.filter((_, at) => at % (number + 1) === 0);
      const used = changed.map((window) => Math.round(window.pools[index].kv_blocks_used * 2.4));
      return { replica: 2 * index + number, pool: name, at_ns: changed.map((window) => window.start_ns +
        window.length_ns),
        kv_blocks_used: used, kv_blocks_cached: used.map((blocks) => Math.min(4000, Math.round(blocks / 3))),
        workspace_bytes: used.map(() => 0) };
    }));
  }

  get plans() {
    const gib = 2 ** 30;
    return (this.scenario.disaggregated ? ['prefill', 'decode'] : ['mixed']).map((pool) => ({
      pool, role: pool, gpu: this.scenario.gpu, device_bytes: 80 * gib, budget_bytes: 72 * gib,
      items: [['weights: attention', 6.1, '80 layers × 151 M parameters × 2 bytes / TP 4'],
        ['weights: feed-forward', 26.2, '80 layers × 705 M parameters × 2 bytes / TP 4'],
        ['weights: embedding and head', 1, '2 × 128,256 × 8,192 × 2 bytes / TP 4'], ['activations', 2.4,
          '8,192 tokens × widest layer'], ['runtime and buffers', 1.5, 'CUDA context and collectives']]
        .map(([name, size, formula]) => ({ name, bytes: Math.round(size * gib), basis: name.startsWith('weights')
          ? 'physics' : 'habit', formula })),
      outside: [{ name: 'CUDA context', bytes: Math.round(0.5 * gib), basis: 'assumption',
        formula: 'measured on H100 and H200' },
        { name: 'CUDA graphs', bytes: gib, basis: 'assumption', formula: '86 graphs × 80 layers × 384 KiB' }],
      margin_bytes: Math.round(6.5 * gib),
      kv_bytes_per_token: 81920, kv_bytes_per_block: 1310720, state_bytes_per_request: 0, fitting_blocks: 28500,
      blocks: 28500, pinned: false, parameters: 70553706496,
    }));
  }
}

export class FakeStream {
  constructor(name, runs, firstId = 1) {
    this.name = name;
    this.speed = 0;
    this.state = 'running';
    this.runs = SCENARIOS.slice(0, runs).map((scenario, index) => new FakeRun(firstId + index, scenario, name, index));
    this.created = 1_795_000_000_000 + firstId * 60_000;
  }

  advance(count = 1) {
    for (let step = 0; step < count; step += 1) for (const run of this.runs) if (run.state === 'running') run.advance();
  }

  finish() {
    this.state = 'finished';
    for (const run of this.runs) if (run.state === 'running') run.state = 'finished';
  }

  get json() {
    const runs = this.runs.map((run) => run.json);
    return { name: this.name, state: this.state, speed: this.speed, created_ms: this.created, arrivals: 9800,
      watermark_ns: runs[0]?.virtual_ns ?? 0,
      ended: this.state === 'finished', credit: 10000, clients: 1, backlog_arrivals: 420, runs };
  }
}

export const scenarioItems = SCENARIOS.map(({ name, disaggregated, gpu, gpus }) =>
  ({ name, description: '', model: 'one for all', gpu, gpus, disaggregated, built_in: true }));

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
