// Observed against predicted as points, and asked for no more often than needed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { observedRun, residualPoints, ResidualStore } from '../../dashboard/js/residuals.js';

const window = (index) => ({ start_ns: index * 1e9, length_ns: 1e9,
  ttft: { observed_mean_ns: 2e8, predicted_mean_ns: 3e8, bias: 0.5, mape: 0.6 }, tpot: null });
const version = async () => ({ schema_version: 7 });
const settled = () => new Promise((resolve) => setImmediate(resolve));
const hub = () => ({ sources: { api: 'ok' }, changed() {} });

test('a metric without observations in a window is a gap', () => {
  assert.deepEqual(residualPoints({ items: [window(0)] }, 'ttft'),
    [{ t: 1, observed: 0.2, predicted: 0.3, bias: 0.5, mape: 0.6 }]);
  assert.deepEqual(residualPoints({ items: [window(0)] }, 'tpot'),
    [{ t: 1, observed: null, predicted: null, bias: null, mape: null }]);
  assert.deepEqual(residualPoints(null, 'ttft'), []);
});

test('a run is asked about once while its clock stands still', async () => {
  let asked = 0;
  const store = new ResidualStore({ version, residuals: async () => { asked += 1; return { items: [] }; } });
  for (let count = 0; count < 4; count += 1) {
    store.of({ id: '1', virtual_ns: 5 }, hub());
    await settled();
  }
  assert.equal(asked, 1);
});

test('a daemon whose history knows no residuals is not asked', async () => {
  const store = new ResidualStore({ version: async () => ({ schema_version: 6 }), residuals: assert.fail });
  for (let count = 0; count < 3; count += 1) {
    assert.equal(store.of({ id: '1', virtual_ns: 5 }, hub()), null);
    await settled();
  }
});

test('a failed question is told', async () => {
  const store = new ResidualStore({ version, residuals: async () => { throw new Error('no run 1'); } });
  const run = { id: '1', virtual_ns: 5 };
  for (let count = 0; count < 3; count += 1) {
    assert.equal(store.of(run, hub()), null);
    await settled();
  }
  assert.equal(store.errorOf(run), 'no run 1');
});

test('the observed line comes from the first run that has one', async () => {
  const store = new ResidualStore({ version, residuals: async (id) =>
    ({ items: id === '2' ? [window(0), window(1)] : [] }) });
  const runs = [{ id: '1', virtual_ns: 1 }, { id: '2', virtual_ns: 1 }];
  for (let count = 0; count < 3; count += 1) {
    observedRun(runs, store, hub());
    await settled();
  }
  const found = observedRun(runs, store, hub());
  assert.deepEqual(found.series.points, [{ t: 1, observed: { ttft: 0.2, tpot: null } },
    { t: 2, observed: { ttft: 0.2, tpot: null } }]);
});
