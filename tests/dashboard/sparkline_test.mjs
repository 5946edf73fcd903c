// The path of a sparkline: scale, gaps, objective.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sparkPath } from '../../dashboard/js/sparkline.js';

test('the highest figure touches the top, time fills the width', () => {
  assert.deepEqual(sparkPath([{ t: 10, value: 0 }, { t: 20, value: 4 }], null),
    { path: 'M0.0 21.0L120.0 1.0', objectiveY: null });
});

test('an objective above every figure is the top, and gaps are left out', () => {
  assert.deepEqual(sparkPath([{ t: 0, value: 2 }, { t: 5, value: null }, { t: 10, value: 2 }], 4),
    { path: 'M0.0 11.0L120.0 11.0', objectiveY: 1 });
});

test('nothing known draws nothing', () => assert.deepEqual(sparkPath([{ t: 0, value: null }], 1),
  { path: '', objectiveY: null }));
