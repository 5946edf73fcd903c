// What is drawn of an answer: columns, series, lines or bars; and the CSV.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseColumns, csvOf, groupRows, numericColumns } from '../../dashboard/js/result_data.js';

const minutes = { columns: ['run_id', 'minute', 'requests', 'ttft_p99_ms'],
  rows: [[1, 1, 5, 20], [1, 0, 4, 10], [1, 2, 6, null], [2, 0, 4, 11], [2, 1, 5, 21], [2, 2, 5, 31]] };
const names = { columns: ['scenario', 'state', 'ttft_p99_ms'], rows: [['a', 'finished', 3], ['b', 'finished', 4]] };

test('columns of numbers may hold NULL, but no text', () => {
  assert.deepEqual(numericColumns(minutes), ['run_id', 'minute', 'requests', 'ttft_p99_ms']);
  assert.deepEqual(numericColumns(names), ['ttft_p99_ms']);
});

test('time goes on x, the last figure on y, runs become series', () => {
  assert.deepEqual(chooseColumns(minutes, {}), { x: 'minute', y: 'ttft_p99_ms', series: 'run_id' });
  assert.deepEqual(chooseColumns(names, {}), { x: 'scenario', y: 'ttft_p99_ms', series: null });
});

test('wishes are followed where the answer has the columns; no series can be wished', () => {
  assert.deepEqual(chooseColumns(minutes, { x: 'requests', y: 'minute', series: '' }),
    { x: 'requests', y: 'minute', series: null });
  assert.deepEqual(chooseColumns(minutes, { x: 'nowhere', y: 'nothing', series: 'none' }),
    { x: 'minute', y: 'ttft_p99_ms', series: 'run_id' });
});

test('an answer without rows or figures is not drawn', () => {
  assert.equal(chooseColumns({ columns: ['a', 'b'], rows: [] }, {}), null);
  assert.equal(chooseColumns({ columns: ['a'], rows: [['x']] }, {}), null);
});

test('numbers on x that don’t repeat within a series make lines in order', () => {
  const { kind, groups, left } = groupRows(minutes, { x: 'minute', y: 'ttft_p99_ms', series: 'run_id' });
  assert.equal(kind, 'lines');
  assert.equal(left, 0);
  assert.deepEqual(groups[0], { name: 'run_id 1', points: [{ x: 0, y: 10 }, { x: 1, y: 20 }, { x: 2, y: null }] });
});

test('names on x make bars, and so do numbers that repeat', () => {
  assert.equal(groupRows(names, { x: 'scenario', y: 'ttft_p99_ms', series: null }).kind, 'bars');
  assert.equal(groupRows(minutes, { x: 'minute', y: 'ttft_p99_ms', series: null }).kind, 'bars');
});

test('what is not drawn is counted', () => {
  const many = { columns: ['name', 'v'], rows: Array.from({ length: 75 }, (_, index) => [`n${index}`, index]) };
  assert.equal(groupRows(many, { x: 'name', y: 'v', series: null }).left, 15);
  const runs = { columns: ['run_id', 't', 'v'], rows: Array.from({ length: 30 }, (_, index) => [Math.floor(index / 3),
    index % 3, 1]) };
  const { groups, left } = groupRows(runs, { x: 't', y: 'v', series: 'run_id' });
  assert.deepEqual([groups.length, left], [8, 2]);
});

test('CSV quotes what needs it and leaves NULL empty', () => {
  assert.equal(csvOf({ columns: ['a', 'b,c'], rows: [['say "x" so', null], ['line\nbreak', 1.5]] }),
    'a,"b,c"\r\n"say ""x"" so",\r\n"line\nbreak",1.5');
});
