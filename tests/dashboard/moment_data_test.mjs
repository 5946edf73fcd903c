// What a moment of a run says.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { busiestMoment, kvShares, momentSentence, requestRows, stepText,
  transferText } from '../../dashboard/js/moment_data.js';

test('a moment is told in a sentence', () => {
  const moment = { at_ns: 90e9, waiting: 1200, running: 80, transferring: 3, finished: 500, arrived: 1800,
    rejected: 0 };
  assert.equal(momentSentence(moment),
    'At 1:30: 1,200 waiting, 80 running, 3 with KV under way; 500 of 1,800 finished.');
  assert.equal(momentSentence({ ...moment, rejected: 4 }),
    'At 1:30: 1,200 waiting, 80 running, 3 with KV under way; 500 of 1,800 finished, 4 rejected.');
});

test('a step says what it computes and how far it is', () => {
  assert.equal(stepText([], 0), 'idle');
  assert.equal(stepText([{ began_ns: 0, ends_ns: 16e6, prompt_tokens: 2048, decodes: 1 }], 12e6),
    '2,048 prompt tokens + 1 decode, 12.0 ms in, 4.00 ms to go');
  assert.equal(stepText([{ began_ns: 0, ends_ns: 2e6, prompt_tokens: 0, decodes: 7 }], 1e6),
    '7 decodes, 1.00 ms in, 1.00 ms to go');
});

test('the busiest moment is where most requests run, the first of several', () => {
  const window = (start, running) => ({ start_ns: start * 1e9, length_ns: 10e9, running });
  assert.equal(busiestMoment([window(0, 3), window(10, 8), window(20, 8), window(30, 0)]), 20);
  assert.equal(busiestMoment([]), null);
});

test('the shares of KV blocks add up to one', () => {
  assert.deepEqual(kvShares({ kv_blocks_used: 50, kv_blocks_cached: 25, kv_blocks_total: 100 }),
    { used: 0.5, cached: 0.25, free: 0.25 });
  assert.deepEqual(kvShares({ kv_blocks_used: 0, kv_blocks_cached: 0, kv_blocks_total: 0 }),
    { used: 0, cached: 0, free: 1 });
});

test('requests that wait come before those that run', () => {
  const request = { id: 'a', age_ns: 2e9, computed_tokens: 512, prompt_tokens: 2000, generated_tokens: 0,
    output_tokens: 9, kv_blocks: 32, preemptions: 1 };
  const rows = requestRows({ waiting: [{ ...request, waits_in: 'prefill_queue' }],
    running: [{ ...request, id: 'b', in_step: true }, { ...request, id: 'c', in_step: false }] });
  assert.deepEqual(rows.map(([state, id]) => [state, id]), [['waits: prefill queue', 'a'], ['in the step', 'b'],
    ['runs', 'c']]);
  assert.deepEqual(rows[0].slice(2), ['2.00 s', '512', '2,000', '0 of 9', '32', '1']);
});

test('a transfer says from where to where', () => {
  assert.equal(transferText({ id: 'a', state: 'moves', source: 1, destination: 5 }), 'a moves, replica 1 to 5');
  assert.equal(transferText({ id: 'a', state: 'waits_for_room', source: 1, destination: null }),
    'a waits for room at replica 1');
  assert.equal(transferText({ id: 'a', state: 'loads_from_host', source: 3, destination: 3 }),
    'a loads from the host to replica 3');
});
