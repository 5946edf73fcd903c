// What a GPU of a pool holds over time, from the plan of the pool and the series of its replicas.

/** From bottom to top; `hue` as in the memory bar. */
export const BANDS = [
  { key: 'weights', label: 'weights', hue: '0' },
  { key: 'other', label: 'activations, buffers, workspace', hue: '6' },
  { key: 'used', label: 'KV used', hue: 'kv' },
  { key: 'cached', label: 'KV cached', hue: '4' },
  { key: 'free', label: 'KV free', hue: 'free' },
];

/**
 * The bands of one replica, or of the mean over several.
 * @param {{at_ns: number[], kv_blocks_used: number[], kv_blocks_cached: number[], workspace_bytes: number[]}[]}
 *   replicas
 * @param {object} plan of their pool
 * @returns {{times: number[], bands: Record<string, number[]>, workspace: number}} virtual seconds, bytes of one GPU;
 *   the figures hold from each time to the next
 */
export function memoryOverTime(replicas, plan) {
  const times = [...new Set(replicas.flatMap((replica) => replica.at_ns))].sort((a, b) => a - b);
  const used = meanOver(times, replicas, 'kv_blocks_used');
  const cached = meanOver(times, replicas, 'kv_blocks_cached');
  const sum = (items) => items.reduce((total, item) => total + item.bytes, 0);
  const weights = sum(plan.items.filter(isWeight));
  const other = sum(plan.items) - weights;
  const bytes = (blocks) => blocks * plan.kv_bytes_per_block;
  return {
    times: times.map((ns) => ns / 1e9),
    bands: {
      weights: times.map(() => weights),
      other: times.map(() => other),
      used: used.map(bytes),
      cached: cached.map(bytes),
      free: times.map((_, index) => bytes(plan.blocks - used[index] - cached[index])),
    },
    workspace: Math.max(0, ...replicas.map((replica) => replica.workspace_bytes.at(-1) ?? 0)),
  };
}

/** Bands laid on each other: for each of BANDS the upper edge. */
export function stacked(bands) {
  let below = null;
  return BANDS.map(({ key }) => {
    below = bands[key].map((value, index) => value + (below === null ? 0 : below[index]));
    return below;
  });
}

const isWeight = (item) => item.name.startsWith('weights');

/** The mean of a field at each time; each replica holds its last figure, and nothing before its first. */
function meanOver(times, replicas, field) {
  const next = replicas.map(() => 0);
  const held = replicas.map(() => 0);
  return times.map((ns) => {
    replicas.forEach((replica, index) => {
      while (next[index] < replica.at_ns.length && replica.at_ns[next[index]] <= ns) {
        held[index] = replica[field][next[index]];
        next[index] += 1;
      }
    });
    return held.reduce((sum, value) => sum + value, 0) / Math.max(1, replicas.length);
  });
}
