// Fewer points for few pixels, and no peak lost.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { thinned } from '../../dashboard/js/thinning.js';

const times = Array.from({ length: 1000 }, (_, index) => index);

test('points that fit are left as they are', () => {
  const data = [times, times];
  assert.equal(thinned(data, 4000, null), data);
});

test('of every stretch the lowest and the highest stay, in their order', () => {
  assert.deepEqual(thinned([[0, 1, 2, 3, 4, 5], [5, 9, 1, 7, 2, 8]], 8, null), [[0, 2, 3, 5], [9, 1, 2, 8]]);
});

test('the highest and the lowest of a noisy line survive, and gaps stay gaps', () => {
  const noisy = times.map((t) => (t === 617 ? 99 : t === 200 ? -7 : t >= 400 && t < 500 ? null : Math.sin(t)));
  const [thin, values] = thinned([times, noisy], 400, null);
  assert.ok(thin.length <= 200);
  assert.ok(values.includes(99) && values.includes(-7));
  assert.ok(thin.every((t, index) => index === 0 || t > thin[index - 1]), 'times ascend');
  assert.equal(values[thin.findIndex((t) => t >= 420)], null);
});

test('only what is shown counts: a zoom has all its points, and one beyond each end', () => {
  const data = [times, times];
  const zoom = { min: 100, max: 150 };
  assert.equal(thinned(data, 400, zoom), data);
  const [thin] = thinned(data, 40, zoom);
  assert.deepEqual([thin[0], thin.at(-1)], [99, 150]);
});
