// Ledger arithmetic: exact to the nanosecond, and in the order of a request's life.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { dominantPart, LEDGER_PARTS, ledgerResidual, ledgerSegments, ledgerSum,
  meanLedger } from '../../dashboard/js/ledger.js';

const LEDGER = { prefill_queue: 100, prefill_compute: 300, decode_compute: 599, batch_interference: 1 };

test('the parts are those of the engine, in its order', async () => {
  const source = await readFile(new URL('../../replay/sim/records.hpp', import.meta.url), 'utf8');
  const names = source.match(/k_ledger_part_names = \{([^}]*)\}/)[1].match(/"[a-z_]+"/g)
    .map((name) => name.slice(1, -1));
  assert.deepEqual(LEDGER_PARTS.map(({ key }) => key), names);
});

test('segments follow each other without gap and their shares sum to one', () => {
  const segments = ledgerSegments(LEDGER);
  assert.deepEqual(segments.map(({ part, startNs, ns }) => [part.key, startNs, ns]),
    [['prefill_queue', 0, 100], ['prefill_compute', 100, 300], ['decode_compute', 400, 599],
      ['batch_interference', 999, 1]]);
  assert.equal(segments.reduce((sum, { share }) => sum + share, 0), 1);
});

test('an empty or absent ledger has no segments', () => {
  assert.deepEqual([ledgerSegments({}), ledgerSegments(undefined), ledgerSum(undefined), dominantPart({})],
    [[], [], 0, null]);
});

test('the residual is zero exactly when the parts sum to the latency', () => {
  assert.equal(ledgerResidual({ e2e_ns: 1000, ledger_ns: LEDGER }), 0);
  assert.equal(ledgerResidual({ e2e_ns: 1001, ledger_ns: LEDGER }), 1);
});

test('the dominant part is the largest, the earlier of two equal ones', () => {
  assert.equal(dominantPart(LEDGER).part.key, 'decode_compute');
  assert.equal(dominantPart({ transfer: 5, prefill_queue: 5 }).part.key, 'prefill_queue');
});

test('the mean over windows weighs by finished requests', () => {
  const mean = meanLedger([{ finished: 1, ledger_ns: { transfer: 10 } }, { finished: 3, ledger_ns: { transfer: 90 } },
    { finished: 0, ledger_ns: {} }]);
  assert.equal(mean.transfer, 25);
  assert.equal(meanLedger([{ finished: 0, ledger_ns: {} }]), null);
});

test('every part is explained in a sentence', () => {
  for (const { key, text } of LEDGER_PARTS) assert.match(text, /^[A-Z].*\.$/, key);
});
