// Columns for the charts, and the figure under the cursor.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alignLines, nearestBefore } from '../../dashboard/js/panel_data.js';
import { PANELS } from '../../dashboard/js/panel_definitions.js';

const run = (id, points) => ({ id, series: { points } });
const LINE = { key: 'v', value: (point) => point.v };

test('points count only figures that can be seen, and the last one is dated', () => {
  const { data, points, last } = alignLines([run('1', [{ t: 1, v: 5 }, { t: 2, v: 6 }, { t: 3, v: null }])], [LINE], assert.fail);
  assert.deepEqual(data, [[1, 2, 3], [5, 6, null]]);
  assert.deepEqual([points, last], [2, 2]);
});

test('several runs are joined, one column per run and line', () => {
  let tables;
  const { columns } = alignLines([run('1', [{ t: 1, v: 1 }]), run('2', [{ t: 2, v: 2 }])], [LINE, LINE], (given) => (tables = given));
  assert.equal(tables.length, 2);
  assert.deepEqual(columns.map(({ run: owner }) => owner.id), ['1', '1', '2', '2']);
});

test('no runs give an empty chart', () => {
  assert.deepEqual(alignLines([], [LINE], assert.fail), { data: [[]], columns: [], points: 0, last: null });
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
