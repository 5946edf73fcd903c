// Lengths, outcomes and phases of finished requests over virtual time, from the history: what windows don't carry.

/** Upper edges of vLLM's histograms of tokens, the 1-2-5 series; the last bin is open (vllm/v1/metrics/loggers.py). */
export const TOKEN_EDGES = [1, 2, 5]
  .flatMap((digit) => [0, 1, 2, 3, 4, 5].map((power) => digit * 10 ** power))
  .sort((a, b) => a - b);
const SLOTS = 100;
/** Slots are this many seconds long, or a multiple of the last. */
const SLOT_SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];

/** Length of a slot so that `seconds` of virtual time make at most SLOTS of them. */
export function slotSeconds(seconds) {
  const wanted = seconds / SLOTS;
  const hour = SLOT_SECONDS.at(-1);
  return SLOT_SECONDS.find((length) => length >= wanted) ?? Math.ceil(wanted / hour) * hour;
}

const binOf = (column) =>
  `CASE ${TOKEN_EDGES.map((edge, index) => `WHEN ${column} <= ${edge} THEN ${index}`).join(' ')} ELSE ` +
  `${TOKEN_EDGES.length} END`;

/** One row per slot, outcome and pair of bins that occur. @param {number} run @param {number} slot seconds */
export const lengthsQuery = (run,
  slot) => `SELECT finished_ns / ${slot * 1e9} AS slot, outcome, ${binOf('prompt_tokens')} AS prompt_bin,
  ${binOf('output_tokens')} AS output_bin, count(*) AS requests, sum(output_tokens) AS output_tokens,
  sum(first_token_ns - scheduled_ns) AS prefill_ns, sum(finished_ns - first_token_ns) AS decode_ns
FROM request WHERE run_id = ${Number(run)} GROUP BY 1, 2, 3, 4`;

/**
 * Points as the panels take them, one per slot up to the last with a request; rates are per virtual second.
 * @param {{columns: string[], rows: any[][]}} answer of lengthsQuery
 * @param {number} slot seconds
 */
export function lengthPoints({ columns, rows }, slot) {
  const at = Object.fromEntries(columns.map((name, index) => [name, index]));
  const last = rows.reduce((highest, row) => Math.max(highest, row[at.slot]), -1);
  const points = Array.from({ length: last + 1 }, (_, index) => ({
    t: (index + 1) * slot,
    finished: 0,
    rejected: 0,
    maxGeneration: 0,
    prefill: 0,
    decode: 0,
    promptBins: new Array(TOKEN_EDGES.length + 1).fill(0),
    outputBins: new Array(TOKEN_EDGES.length + 1).fill(0)
  }));
  for (const row of rows) {
    const point = points[row[at.slot]];
    const requests = row[at.requests];
    if (row[at.outcome] !== 'finished') {
      point.rejected += requests / slot;
      continue;
    }
    point.finished += requests / slot;
    point.maxGeneration += row[at.output_tokens] / slot;
    point.prefill += row[at.prefill_ns] / 1e9 / slot;
    point.decode += row[at.decode_ns] / 1e9 / slot;
    point.promptBins[row[at.prompt_bin]] += requests;
    point.outputBins[row[at.output_bin]] += requests;
  }
  return points;
}

/** First and last bin that hold anything, or null. */
export function occupied(rows) {
  let low = Infinity;
  let high = -1;
  for (const row of rows) {
    row.forEach((requests, bin) => {
      if (requests > 0) { low = Math.min(low, bin); high = Math.max(high, bin); }
    });
  }
  return high < 0 ? null : [low, high];
}
