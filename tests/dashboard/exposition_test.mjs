// The parser of the exposition format: what is accepted, and the exact complaint about what isn't.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExpositionError, parseExposition } from '../../dashboard/js/exposition.js';

test('samples are grouped by name and keep labels, type and value', () => {
  const families = parseExposition(
    '# HELP a_ratio Some help.\n# TYPE a_ratio gauge\na_ratio{pool="x",run="1"} 0.5\na_ratio 2e-3 1795000000000\n');
  assert.deepEqual(families.get('a_ratio'), { type: 'gauge', samples: [{ labels: { pool: 'x', run: '1' }, value: 0.5 },
    { labels: {}, value: 0.002 }] });
});

test('escapes, commas and braces inside label values are part of the value', () => {
  const [sample] = parseExposition('m{a="q\\"}, \\\\ \\n",b=""} 1').get('m').samples;
  assert.deepEqual(sample.labels, { a: 'q"}, \\ \n', b: '' });
});

test('infinities and NaN are numbers', () => {
  const values = parseExposition('m{le="+Inf"} +Inf\nm -Inf\nm NaN').get('m').samples.map(({ value }) => value);
  assert.deepEqual(values, [Infinity, -Infinity, NaN]);
});

test('blank lines, comments, a trailing comma and carriage returns are allowed', () => {
  const families = parseExposition('\r\n# a remark\r\nm{a="1",} 3\r\n\r\n');
  assert.deepEqual(families.get('m').samples, [{ labels: { a: '1' }, value: 3 }]);
});

const BAD = [
  ['9lives 1', "/metrics line 1: expected a metric name, found '9lives 1'"],
  ['<!doctype html>', "/metrics line 1: expected a metric name, found '<!doctype html>'"],
  ['ok 1\nm{a="1} 2', "/metrics line 2: the value of label 'a' has no closing quote"],
  ['m{a=1} 2', '/metrics line 1: expected =" after label \'a\''],
  ['m{a="1" 2', '/metrics line 1: expected a label name at column 9'],
  ['m{="1"} 2', '/metrics line 1: expected a label name at column 3'],
  ['m', "/metrics line 1: expected a number as the value of m, found ''"],
  ['m twelve', "/metrics line 1: expected a number as the value of m, found 'twelve'"],
];
for (const [text, message] of BAD) {
  test(`refused with its line: ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseExposition(text), (error) => error instanceof ExpositionError &&
      error.message === message);
  });
}
