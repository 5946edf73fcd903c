// Tokens per rank and step, and the busiest rank at that size.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { busiestAt, tokensPerRank } from '../../dashboard/js/expert_figures.js';

const pool = (steps, prompt, output) =>
  ({ pools: [{ name: 'decode', steps, prompt_tokens: prompt, output_tokens: output }] });

test('tokens per rank are those of the last window with steps', () => {
  assert.equal(tokensPerRank([pool(10, 0, 100), pool(4, 8, 24), pool(0, 0, 0)], 'decode'), 8);
  assert.equal(tokensPerRank([pool(0, 0, 0)], 'decode'), null);
  assert.equal(tokensPerRank([pool(1, 1, 1)], 'prefill'), null);
  assert.equal(tokensPerRank([], 'decode'), null);
});

test('between two sizes the busiest rank lies straight in the logarithm; beyond them it is the nearest', () => {
  const balance = { tokens_per_rank: [1, 4, 16], busiest_over_mean: [3, 2, 1] };
  assert.deepEqual([0.5, 1, 2, 4, 8, 16, 99].map((tokens) => busiestAt(balance, tokens)), [3, 3, 2.5, 2, 1.5, 1, 1]);
});
