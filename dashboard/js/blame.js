// The arithmetic of blame: what the waiting parts of a ledger waited for, and who shared the steps.

/** In the engine's order. `stage` gives the hue of the part of the ledger that it explains. */
export const BLAME_CAUSES = [
  { key: 'decided_ahead', label: 'Decided ahead', stage: 'queue',
    text: 'Its scheduler decides a step ahead of the one under way and had not seen it.' },
  { key: 'step_in_flight', label: 'Step under way', stage: 'queue',
    text: 'The step under way began before it came.' },
  { key: 'token_budget', label: 'Token budget', stage: 'queue',
    text: 'The tokens of the steps went to requests before it.' },
  { key: 'sequence_limit', label: 'Sequence limit', stage: 'queue',
    text: 'As many requests as may run together were running.' },
  { key: 'kv_blocks', label: 'KV blocks', stage: 'queue',
    text: 'The KV blocks that it needs were held by others.' },
  { key: 'batch_rule', label: 'Batch rule', stage: 'queue',
    text: 'A rule of the batch policy kept it out: a static batch, a padded limit, an interval between admissions.' },
  { key: 'other_ranks', label: 'Other ranks', stage: 'queue',
    text: 'Its data-parallel rank was idle while the other ranks of the replica went through a step.' },
  { key: 'replica_starting', label: 'Replica starting', stage: 'queue',
    text: 'Tokens, places or blocks were short while autoscaling was starting another replica.' },
  { key: 'destination_kv', label: 'Destination KV', stage: 'transfer',
    text: 'No decode replica had the KV blocks for it.' },
  { key: 'destination_sequences', label: 'Destination sequences', stage: 'transfer',
    text: 'The decode replicas ran as many requests as they may.' },
  { key: 'destination_starting', label: 'Destination starting', stage: 'transfer',
    text: 'No decode replica had room while autoscaling was starting another one.' },
  { key: 'link', label: 'Link', stage: 'transfer',
    text: 'Other KV caches were on the same link.' },
  { key: 'other_prefill', label: 'Others’ prefill', stage: 'shared',
    text: 'Prompt tokens of others made its steps longer.' },
  { key: 'other_decodes', label: 'Others’ decodes', stage: 'shared',
    text: 'Decodes of others made its steps longer.' },
  { key: 'slower_rank', label: 'Slower rank', stage: 'shared',
    text: 'Another data-parallel rank of the replica had more to do in its steps.' },
  { key: 'pipeline', label: 'Pipeline', stage: 'shared',
    text: 'Other batches and members in a pipeline-parallel pool, not taken apart further.' },
];

/**
 * The causes that took time, the largest first; of equal ones the earlier.
 * @param {Object<string, number>} blame nanoseconds by cause
 * @returns {{cause: object, ns: number}[]}
 */
export function blameRanking(blame) {
  return BLAME_CAUSES.map((cause) => ({ cause, ns: blame?.[cause.key] ?? 0 }))
    .filter(({ ns }) => ns > 0)
    .sort((a, b) => b.ns - a.ns);
}

/** Mean blame of a finished request over windows; null while none has finished. */
export function meanBlame(windows) {
  const finished = windows.reduce((sum, window) => sum + window.finished, 0);
  if (finished === 0) return null;
  return Object.fromEntries(BLAME_CAUSES.map(({ key }) =>
    [key, windows.reduce((sum, window) => sum + (window.blame_ns?.[key] ?? 0), 0) / finished]));
}
