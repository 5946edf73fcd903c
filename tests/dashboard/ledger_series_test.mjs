// Bands of latency over time: they lie on each other and add up to the mean latency.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { edgesOf, ledgerBands } from '../../dashboard/js/ledger_series.js';

const window = (index, finished, ledger, blame = {}) => ({ start_ns: index * 1e9, length_ns: 1e9, finished,
  ledger_ns: ledger, blame_ns: blame });

test('a band is the mean of a finished request; parts that never take time have none', () => {
  const { times, bands } = ledgerBands([window(0, 2, { prefill_compute: 2e9, decode_compute: 6e9, transfer: 0 }),
    window(1, 0, {}), window(2, 1, { decode_compute: 1e9 })], 'ledger');
  assert.deepEqual(times, [1, 2, 3]);
  assert.deepEqual(bands.map(({ part, values }) => [part.key, values]), [['prefill_compute', [1, null, 0]],
    ['decode_compute', [3, null, 1]]]);
});

test('the top edge is the sum of the ledger', () => {
  const { bands } = ledgerBands([window(0, 4, { prefill_queue: 4e9, prefill_compute: 8e9, batch_interference: 2e9 })],
    'ledger');
  assert.deepEqual(edgesOf(bands).at(-1), [3.5]);
});

test('many windows are put together, weighted by their requests', () => {
  const windows = Array.from({ length: 360 }, (_, index) => window(index, index % 2 === 0 ? 3 : 1,
    { decode_compute: index % 2 === 0 ? 3e9 : 5e9 }));
  const { times, bands } = ledgerBands(windows, 'ledger');
  assert.equal(times.length, 180);
  assert.deepEqual([...new Set(bands[0].values)], [2]);
});

test('causes come largest first, and the small ones share a band', () => {
  const causes = ['decided_ahead', 'step_in_flight', 'token_budget', 'sequence_limit', 'kv_blocks', 'batch_rule',
    'link', 'other_prefill', 'other_decodes'];
  const blame = Object.fromEntries(causes.map((key, index) => [key, (index + 1) * 1e9]));
  const { bands } = ledgerBands([window(0, 1, {}, blame)], 'blame');
  assert.deepEqual(bands.map(({ part }) => part.key), [...causes.slice(2).reverse(), 'others']);
  assert.deepEqual(bands.at(-1).values, [3]);
});
