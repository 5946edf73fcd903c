// Columns for the charts, and the figure under the cursor.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alignLines, nearestBefore } from '../../dashboard/js/panel_data.js';
import { PANELS } from '../../dashboard/js/panel_definitions.js';

const run = (id, points) => ({ id, series: { points } });
const LINE = { key: 'v', value: (point) => point.v };

test('points count only figures that can be seen, and the last one is dated', () => {
  const { data, points, last } = alignLines([run('1', [{ t: 1, v: 5 }, { t: 2, v: 6 }, { t: 3, v: null }])], [LINE]);
  assert.deepEqual(data, [[1, 2, 3], [5, 6, null]]);
  assert.deepEqual([points, last], [2, 2]);
});

test('several runs share one list of instants, with gaps where a run has none', () => {
  const { data, columns } = alignLines([run('1', [{ t: 1, v: 1 }, { t: 3, v: 3 }]),
    run('2', [{ t: 2, v: 2 }, { t: 3, v: 4 }])], [LINE]);
  assert.deepEqual(data, [[1, 2, 3], [1, null, 3], [null, 2, 4]]);
  assert.deepEqual(columns.map(({ run: owner }) => owner.id), ['1', '2']);
});

test('runs with the same windows need no gaps', () => {
  const { data } = alignLines([run('a', [{ t: 1, v: 1 }, { t: 2, v: null }]),
    run('b', [{ t: 1, v: 5 }, { t: 2, v: 6 }])], [LINE]);
  assert.deepEqual(data, [[1, 2], [1, null], [5, 6]]);
});

test('a run that grew is aligned anew', () => {
  const points = [{ t: 1, v: 1 }];
  const growing = { id: 'g', series: { points, version: 1 } };
  assert.deepEqual(alignLines([growing], [LINE]).data, [[1], [1]]);
  points.push({ t: 2, v: 2 });
  growing.series.version = 2;
  assert.deepEqual(alignLines([growing], [LINE]).data, [[1, 2], [1, 2]]);
});

test('no runs, or no lines, give an empty chart', () => {
  assert.deepEqual(alignLines([], [LINE]), { data: [[]], columns: [], points: 0, last: null });
  assert.deepEqual(alignLines([run('1', [{ t: 1, v: 1 }])], []).columns, []);
});

test('the figure under the cursor is the last one at or before it', () => {
  const points = [{ t: 1 }, { t: 3 }, { t: 5 }];
  assert.deepEqual([0.5, 1, 4.9, 5, Infinity].map((t) => nearestBefore(points, t)?.t ?? null), [null, 1, 3, 5, 5]);
  assert.equal(nearestBefore([], 1), null);
});

test('TTFT and TPOT stand first and are the only large panels', () => {
  assert.deepEqual(PANELS.filter(({ large }) => large).map(({ key }) => key), ['ttft', 'tpot']);
  assert.deepEqual(PANELS.slice(0, 2).map(({ key }) => key), ['ttft', 'tpot']);
});
