// Memory of a pool's GPUs over time from the series of its replicas.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BANDS, memoryOverTime, stacked } from '../../dashboard/js/replica_memory.js';

const PLAN = { pool: 'mixed', blocks: 100, kv_bytes_per_block: 10,
  items: [{ name: 'weights: attention', bytes: 300 }, { name: 'weights: dense FFN', bytes: 200 },
    { name: 'runtime', bytes: 50 }] };
const replica = (at, used, cached, workspace = []) => ({ at_ns: at.map((second) => second * 1e9), kv_blocks_used: used,
  kv_blocks_cached: cached, workspace_bytes: workspace });

test('a replica is its plan, its used and cached blocks, and the rest', () => {
  const { times, bands, workspace } = memoryOverTime([replica([10, 30], [40, 0], [5, 20], [7, 9])], PLAN);
  assert.deepEqual(times, [10, 30]);
  assert.deepEqual(bands, { weights: [500, 500], other: [50, 50], used: [400, 0], cached: [50, 200],
    free: [550, 800] });
  assert.equal(workspace, 9);
});

// The second replica says nothing at 20 s: it holds what it said at 10 s.
test('the mean carries figures forward to where another replica changed', () => {
  const { times, bands } = memoryOverTime([replica([10, 20, 30], [10, 20, 30], [0, 0, 0]),
    replica([10, 30], [30, 50], [0, 10])], PLAN);
  assert.deepEqual(times, [10, 20, 30]);
  assert.deepEqual(bands.used, [200, 250, 400]);
  assert.deepEqual(bands.cached, [0, 0, 50]);
});

test('bands are laid on each other up to the whole plan', () => {
  const edges = stacked(memoryOverTime([replica([10], [40], [5])], PLAN).bands);
  assert.equal(edges.length, BANDS.length);
  assert.deepEqual(edges.map(([edge]) => edge), [500, 550, 950, 1000, 1550]);
});

test('no replicas draw nothing', () => {
  const { times, workspace } = memoryOverTime([], PLAN);
  assert.deepEqual(times, []);
  assert.equal(workspace, 0);
});
