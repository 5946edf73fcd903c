// What a forecast says, and what it draws.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forecastPoints, forecastSentences, lineVerdict, pastPoints } from '../../dashboard/js/forecast_data.js';

const line = (name, changes = {}) => ({ name, gpus: 8, holds: false, ttft_break_after_ns: null,
  tpot_break_after_ns: null, rejects_after_ns: null, ...changes });
const broken = line('mixed', { ttft_break_after_ns: 660e9 });
const good = line('pd', { holds: true, gpus: 16 });
const answer = (candidates, cheapest) => ({ horizon_ns: 900e9, at_ns: 600e9, candidates, cheapest });

test('a verdict names what breaks first, and when', () => {
  assert.equal(lineVerdict(good), 'holds');
  assert.equal(lineVerdict(broken), 'breaks TTFT in 11.0 min');
  assert.equal(lineVerdict(line('x', { ttft_break_after_ns: 0 })), 'breaks TTFT now');
  assert.equal(lineVerdict(line('x', { ttft_break_after_ns: 90e9, rejects_after_ns: 30e9 })),
    'rejects in 30.0 s, breaks TTFT in 90.0 s');
});

test('sentences name the break and the cheapest remedy that holds', () => {
  assert.deepEqual(forecastSentences(answer([good], 0), 'pd'),
    ['As it is, pd holds its objectives for the next 15.0 min.']);
  assert.deepEqual(forecastSentences(answer([broken], null), 'mixed'), ['As it is, mixed breaks TTFT in 11.0 min.']);
  assert.deepEqual(forecastSentences(answer([broken, line('b')], null), 'mixed'),
    ['As it is, mixed breaks TTFT in 11.0 min.', 'No candidate holds the objectives.']);
  assert.deepEqual(forecastSentences(answer([broken, good], 1), 'mixed')[1],
    'The cheapest that holds them is pd, with 16 GPUs.');
});

test('lines ahead lie at the ends of windows; the past reaches back as far as one looks ahead', () => {
  assert.deepEqual(forecastPoints({ windows: [{ start_ns: 600e9, length_ns: 10e9, ttft_ns: 5e8 },
    { start_ns: 610e9, length_ns: 10e9, ttft_ns: null }] }, 'ttft'), [{ t: 610, value: 0.5 }, { t: 620, value: null }]);
  const points = [100, 590, 600, 610].map((t) => ({ t, ttft: { p99: t / 100 } }));
  assert.deepEqual(pastPoints(points, { at_ns: 600e9, horizon_ns: 60e9 }, 'ttft'),
    [{ t: 590, value: 5.9 }, { t: 600, value: 6 }]);
});
