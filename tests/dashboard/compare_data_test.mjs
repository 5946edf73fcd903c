// What a comparison says: sentences, order, reasons.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BLAME_CAUSES } from '../../dashboard/js/blame.js';
import { breakSentence, comparisonSentences, differenceOverTime, rankedDifferences, signedNs,
  whyDifferent } from '../../dashboard/js/compare_data.js';

for (const [a, b, sentence] of [
  [null, null, null],
  [null, 60e9, 'B breaks the TTFT objective at 1:00; A holds it.'],
  [60e9, null, 'A breaks the TTFT objective at 1:00; B holds it.'],
  [60e9, 60e9, 'Both break the TTFT objective at 1:00.'],
  [1200e9, 360e9, 'B breaks the TTFT objective 14.0 min earlier, at 6:00.'],
  [360e9, 1200e9, 'A breaks the TTFT objective 14.0 min earlier, at 6:00.'],
]) {
  test(`A at ${a}, B at ${b}: ${sentence}`, () => assert.equal(breakSentence('TTFT', { a_ns: a, b_ns: b }), sentence));
}

const none = { a_ns: null, b_ns: null };
const comparison = (changes) => ({ request_rows: 'all', pairs: 1000, only_a: 0, only_b: 0, differ: 312, b_slower: 300,
  b_faster: 12, rejected_by_a: 0, rejected_by_b: 0, breaks: { ttft: none, tpot: none }, ...changes });

test('a comparison says what breaks, how many differ, who rejects, and what is still to come', () => {
  assert.deepEqual(comparisonSentences(comparison({})), ['Neither breaks an objective.',
    '312 of 1,000 requests differ: 300 slower and 12 faster in B.']);
  assert.deepEqual(comparisonSentences(comparison({ differ: 0 })).at(-1),
    'All 1,000 requests go the same way in both.');
  assert.deepEqual(comparisonSentences(comparison({ rejected_by_b: 3, only_a: 1 })).slice(2),
    ['B alone rejects 3.', '1 request is through one run only so far.']);
  assert.deepEqual(comparisonSentences(comparison({ only_b: 2, request_rows: 'objective_breaks' })).slice(2),
    ['2 requests have a row in one run only.',
    'Only requests with a row in both runs are paired: the stream keeps rows by request_rows = objective_breaks.']);
  assert.deepEqual(comparisonSentences(comparison({ request_rows: 'sampled:0.01' })).at(-1),
    'Only requests with a row in both runs are paired: the stream keeps rows by request_rows = sampled:0.01.');
  assert.deepEqual(comparisonSentences(comparison({ pairs: 0 })), ['Neither breaks an objective.',
    'No request is through both runs yet.']);
});

test('differences are ranked by size, whatever their sign, and zeros left out', () => {
  const ranked = rankedDifferences({ link: -5, kv_blocks: 3, token_budget: 0 }, BLAME_CAUSES);
  assert.deepEqual(ranked.map(({ kind, ns }) => [kind.key, ns]), [['link', -5], ['kv_blocks', 3]]);
});

const request = (changes = {}) => ({ outcome: 'finished', ...changes });

test('a request is slower because of the part that grew most, and its cause where it waited', () => {
  const pair = { a: request(), b: request(), e2e_ns: 4e9, ttft_ns: 0, ledger_ns: { prefill_queue: 5e9,
    decode_compute: -9e9 }, blame_ns: { kv_blocks: 5e9, link: -7e9 } };
  assert.equal(whyDifferent(pair), 'prefill queue +5.00 s, KV blocks +5.00 s');
  assert.equal(whyDifferent({ ...pair, e2e_ns: -4e9 }), 'decode compute −9.00 s');
});

test('a request that one run rejects says so with the reason', () => {
  const rejected = request({ outcome: 'rejected', reject_reason: 'too long' });
  assert.equal(whyDifferent({ a: request(), b: rejected, e2e_ns: 0 }), 'B rejects it: too long');
  assert.equal(whyDifferent({ a: rejected, b: request(), e2e_ns: 0 }), 'A rejects it: too long');
});

test('signs stand before the figure', () => {
  assert.deepEqual([signedNs(1e9), signedNs(-2e6), signedNs(0), signedNs(null)], ['+1.00 s', '−2.00 ms', '+0 s', '–']);
});

test('differences over time are those of windows that both have', () => {
  const point = (t, p99) => ({ t, ttft: { p99 } });
  assert.deepEqual(differenceOverTime([point(1, 2), point(2, null), point(3, 4)],
    [point(1, 3), point(2, 5), point(4, 9), point(3, 3)], 'ttft'), [{ t: 1, value: 1 }, { t: 3, value: -1 }]);
});
