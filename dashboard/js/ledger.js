// The arithmetic of latency ledgers, and what each part means in plain words.

/** In the order of a request's life. `stage` gives the hue, `wait` the lighter tint (waiting, not working). */
export const LEDGER_PARTS = [
  { key: 'gateway_queue', label: 'Gateway queue', stage: 'queue', wait: true,
    text: 'Held at the gateway by an admission limit, before any replica was chosen.' },
  { key: 'routing', label: 'Routing', stage: 'queue', wait: true,
    text: 'Waiting for a replica that the router may choose.' },
  { key: 'prefill_queue', label: 'Prefill queue', stage: 'queue', wait: true,
    text: 'On its prefill replica, behind earlier requests, before its first step.' },
  { key: 'prefill_compute', label: 'Prefill compute', stage: 'prefill', wait: false,
    text: 'Steps that work on its prompt: what its own tokens alone would cost.' },
  { key: 'chunk_wait', label: 'Chunk wait', stage: 'prefill', wait: true,
    text: 'Prompt unfinished, but a step had no token budget left for it.' },
  { key: 'transfer_wait', label: 'Transfer wait', stage: 'transfer', wait: true,
    text: 'Prefill done; waiting for KV blocks at the destination or for the link.' },
  { key: 'transfer', label: 'KV transfer', stage: 'transfer', wait: false,
    text: 'Its KV cache is on the wire from the prefill to the decode replica.' },
  { key: 'decode_queue', label: 'Decode queue', stage: 'decode', wait: true,
    text: 'KV cache arrived; waiting for its first decode step.' },
  { key: 'decode_compute', label: 'Decode compute', stage: 'decode', wait: false,
    text: 'Steps that make its output tokens: what its token alone would cost.' },
  { key: 'batch_interference', label: 'Batch interference', stage: 'shared', wait: true,
    text: 'Step time beyond what the request alone would cost: the price of sharing the batch.' },
  { key: 'preemption_stall', label: 'Preemption stall', stage: 'trouble', wait: true,
    text: 'Evicted for lack of KV blocks; waiting to be scheduled again.' },
  { key: 'recompute', label: 'Recompute', stage: 'trouble', wait: false,
    text: 'Computing again the tokens that a preemption threw away.' },
];

/** Σ of all parts, in nanoseconds. */
export const ledgerSum = (ledger) => LEDGER_PARTS.reduce((sum, { key }) => sum + (ledger?.[key] ?? 0), 0);

/**
 * The parts that took time, as segments of a bar.
 * @param {Object<string, number>} ledger nanoseconds by part
 * @returns {{part: object, ns: number, startNs: number, share: number}[]} in order of life; shares sum to 1
 */
export function ledgerSegments(ledger) {
  const total = ledgerSum(ledger);
  let startNs = 0;
  const segments = [];
  for (const part of LEDGER_PARTS) {
    const ns = ledger?.[part.key] ?? 0;
    if (ns <= 0) continue;
    segments.push({ part, ns, startNs, share: ns / total });
    startNs += ns;
  }
  return segments;
}

/** Nanoseconds by which the ledger misses the end-to-end latency; 0 for every request, or there is a bug. */
export const ledgerResidual = (request) => request.e2e_ns - ledgerSum(request.ledger_ns);

/** The largest part, for a one-line answer to "why was this slow"; null for an empty ledger. */
export function dominantPart(ledger) {
  return ledgerSegments(ledger).reduce((best, next) => (best === null || next.ns > best.ns ? next : best), null);
}

/** Mean ledger of a finished request over windows; null while none has finished. */
export function meanLedger(windows) {
  const finished = windows.reduce((sum, window) => sum + window.finished, 0);
  if (finished === 0) return null;
  const mean = {};
  for (const { key } of LEDGER_PARTS) {
    mean[key] = windows.reduce((sum, window) => sum + (window.ledger_ns?.[key] ?? 0), 0) / finished;
  }
  return mean;
}
