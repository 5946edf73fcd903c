// A made-up search of daemon/api.md: 24 clusters of one axis of prefill and one of decode replicas.

const LIMIT_TTFT_NS = 1e9;
const TOKENS_PER_S = 9000;
export const SEARCH_FILE = 'azure conv.db';
export const SEARCH_ID = '00f1e2d3c4b5a697';

function trialOf(prefill, decode, candidate) {
  const gpus = 4 * (prefill + decode);
  const ttft = Math.round(4e9 / prefill ** 1.6 + 2e7 * decode);
  return { candidate, settings: [`prefill.replicas=${prefill}`, `decode.replicas=${decode}`], arrivals: 1000, load: 1,
    possible: true, gpus, price_per_hour: 2.5 * gpus,
    prefill: { replicas: prefill, gpus: 4 * prefill }, decode: { replicas: decode, gpus: 4 * decode },
      price_per_million_tokens: (2.5 * gpus * 1e6) / (TOKENS_PER_S * 3600),
    holds: ttft <= LIMIT_TTFT_NS, excess: ttft / LIMIT_TTFT_NS, ttft_p99_ns: ttft,
      tpot_p99_ns: Math.round(6e7 / decode), e2e_p99_ns: 2 * ttft, finished: 1000, rejected: 0,
    goodput_per_s: 8, output_tokens_per_s_per_gpu: TOKENS_PER_S / gpus,
      hash: `0123456789abcd${String(candidate).padStart(2, '0')}` };
}

/** Marks those that no other beats in both figures, smaller being better. */
function markFront(trials, name, first, second) {
  for (const one of trials) {
    one[name] = !trials.some((other) => other !== one && first(other) <= first(one) && second(other) <= second(one) &&
      (first(other) < first(one) || second(other) < second(one)));
  }
}

/** The search with the first `tried` clusters tried. */
export function fakeSearch(tried = 24) {
  const trials = Array.from({ length: 24 }, (_, candidate) => trialOf(1 + Math.floor(candidate / 4),
    1 + (candidate % 4), candidate)).slice(0, tried);
  const impossible = trials.filter(({ gpus }) => gpus > 36);
  const results = trials.filter(({ gpus }) => gpus <= 36);
  for (const latency of ['ttft', 'tpot']) {
    markFront(results, `front_${latency}`, (trial) => trial.price_per_hour, (trial) => trial[`${latency}_p99_ns`]);
    markFront(results, `front_throughput_${latency}`, (trial) => -trial.output_tokens_per_s_per_gpu,
      (trial) => trial[`${latency}_p99_ns`]);
  }
  results.sort((a, b) => Number(b.holds) - Number(a.holds) || (a.holds ? a.price_per_hour - b.price_per_hour
    : a.excess - b.excess));
  const item = { file: SEARCH_FILE, id: SEARCH_ID, base: 'llama-3-70b-h100-pd', trace: 'traces/azure conv.csv',
    arrivals: 1000, engine_version: '0.1.0', method: 'grid',
    objective: { ttft_p99_ns: LIMIT_TTFT_NS, tpot_p99_ns: null, e2e_p99_ns: null, attainment: null }, load: 10,
      candidates: 24, trials: tried, possible: results.length };
  return { item, search: { ...item, tried, skipped: 24 - tried, ended: tried === 24,
    axes: [{ name: 'prefill.replicas', alternatives: 6, rising: true }, { name: 'decode.replicas', alternatives: 4,
    rising: false }],
    gpus_max: 36, prices: { 'H100-SXM': 2.5 }, stop_early: false, results, left_out: 0,
    not_possible: impossible.length === 0 ? [] : [{ reason: '40 GPUs: more than gpus_max = 36',
      count: impossible.length, candidate: impossible[0].candidate, settings: impossible[0].settings }] } };
}

/** A cluster of it as a scenario. */
export const fakeCandidate = (number) =>
  ({ candidate: number, settings: [`prefill.replicas=${1 + Math.floor(number / 4)}`,
  `decode.replicas=${1 + (number % 4)}`],
  scenario: `llama-3-70b-h100-pd-c${number}`, toml: `name = "llama-3-70b-h100-pd-c${number}"\n` });
