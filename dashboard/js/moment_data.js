// What a moment of a run says: a sentence, and the cells of its tables.

import * as format from './format.js';

const WAITS = { waits_for_room: 'waits for room', moves: 'moves', loads_from_host: 'loads from the host' };

/** "At 1:30: 12 waiting, 80 running, 3 with KV under way; 500 of 600 finished." */
export function momentSentence(moment) {
  const rejected = moment.rejected > 0 ? `, ${format.count(moment.rejected)} rejected` : '';
  return (
    `At ${format.clock(moment.at_ns / 1e9)}: ${format.count(moment.waiting)} waiting, ` +
    `${format.count(moment.running)} running, ` +
    `${format.count(moment.transferring)} with KV under way; ${format.count(moment.finished)} of ` +
    `${format.count(moment.arrived)} finished${rejected}.`
  );
}

/** "2,048 prompt tokens + 17 decodes, 12 ms in, 4 ms to go", of the oldest step. */
export function stepText(steps, atNs) {
  if (steps.length === 0) return 'idle';
  const [step] = steps;
  const parts = [
    step.prompt_tokens > 0 ? `${format.count(step.prompt_tokens)} prompt tokens` : null,
    step.decodes > 0 ? format.plural(step.decodes, 'decode') : null
  ];
  return `${parts.filter((part) => part !== null).join(' + ')}, ${format.durationNs(atNs - step.began_ns)} in, ` +
    `${format.durationNs(step.ends_ns - atNs)} to go`;
}

/** Where most is going on, in seconds: the end of the window with the most requests running; null without windows. */
export function busiestMoment(windows) {
  if (windows.length === 0) return null;
  const busiest = windows.reduce((best, window) => (window.running > best.running ? window : best));
  return (busiest.start_ns + busiest.length_ns) / 1e9;
}

/** Shares of a replica's KV blocks: used, cached beside it, free. */
export function kvShares({ kv_blocks_used: used, kv_blocks_cached: cached, kv_blocks_total: total }) {
  const of = (blocks) => (total === 0 ? 0 : blocks / total);
  return { used: of(used), cached: of(cached), free: Math.max(0, 1 - of(used) - of(cached)) };
}

/** Requests of a replica, those that wait first: [state, id, age, computed, prompt, output, blocks, preemptions]. */
export function requestRows(replica) {
  const row = (request, state) => [state, request.id, format.durationNs(request.age_ns),
    format.count(request.computed_tokens), format.count(request.prompt_tokens),
    `${format.count(request.generated_tokens)} of ${format.count(request.output_tokens)}`,
    format.count(request.kv_blocks), format.count(request.preemptions)];
  return [...replica.waiting.map((request) => row(request, `waits: ${request.waits_in.replaceAll('_', ' ')}`)),
    ...replica.running.map((request) => row(request, request.in_step ? 'in the step' : 'runs'))];
}

export const transferText = (transfer) =>
  `${transfer.id} ${WAITS[transfer.state]}` +
  (transfer.destination === null
    ? ` at replica ${transfer.source}`
    : transfer.source === transfer.destination
      ? ` to replica ${transfer.source}`
      : `, replica ${transfer.source} to ${transfer.destination}`);
