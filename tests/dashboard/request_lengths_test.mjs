// Lengths over time: slots, bins and rates out of the rows of the history.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lengthPoints, occupied, slotSeconds, TOKEN_EDGES } from '../../dashboard/js/request_lengths.js';

test('the edges are the 1-2-5 series', () => {
  assert.deepEqual(TOKEN_EDGES.slice(0, 7), [1, 2, 5, 10, 20, 50, 100]);
  assert.equal(TOKEN_EDGES.at(-1), 500000);
});

for (const [seconds, slot] of [[0, 1], [100, 1], [3600, 60], [86400, 1800], [30 * 86400, 28800]]) {
  test(`${seconds} s of virtual time are cut into slots of ${slot} s, at most a hundred`, () => {
    assert.equal(slotSeconds(seconds), slot);
    assert.ok(seconds / slot <= 100);
  });
}

const columns = ['slot', 'outcome', 'prompt_bin', 'output_bin', 'requests', 'output_tokens', 'prefill_ns', 'decode_ns'];

test('rows become a point per slot, with the empty ones between, and rates per second', () => {
  const rows = [[0, 'finished', 3, 2, 4, 20, 8e9, 2e9], [0, 'finished', 5, 2, 2, 10, 0, 4e9],
    [2, 'rejected', 7, 0, 6, 0, 0, 0]];
  const points = lengthPoints({ columns, rows }, 2);
  assert.deepEqual(points.map(({ t, finished, rejected, maxGeneration, prefill, decode }) =>
    ({ t, finished, rejected, maxGeneration, prefill, decode })), [
    { t: 2, finished: 3, rejected: 0, maxGeneration: 15, prefill: 4, decode: 3 },
    { t: 4, finished: 0, rejected: 0, maxGeneration: 0, prefill: 0, decode: 0 },
    { t: 6, finished: 0, rejected: 3, maxGeneration: 0, prefill: 0, decode: 0 }]);
  assert.deepEqual([points[0].promptBins[3], points[0].promptBins[5], points[0].outputBins[2]], [4, 2, 6]);
  assert.equal(points[2].promptBins.every((count) => count === 0), true,
    'a rejected request has no generation to draw');
});

test('no rows are no points', () => assert.deepEqual(lengthPoints({ columns, rows: [] }, 2), []));

test('the bins drawn reach from the first to the last with a request', () => {
  assert.deepEqual(occupied([[0, 0, 2, 0], [0, 1, 0, 0]]), [1, 2]);
  assert.equal(occupied([[0, 0], [0, 0]]), null);
  assert.equal(occupied([]), null);
});
