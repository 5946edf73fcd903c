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
