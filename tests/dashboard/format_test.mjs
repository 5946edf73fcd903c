// Figures as the page prints them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as format from '../../dashboard/js/format.js';

const CASES = {
  duration: [[null, '–'], [undefined, '–'], [NaN, '–'], [0, '0 s'], [12.3e-6, '12.3 µs'], [0.0009996, '1.00 ms'],
    [0.0412, '41.2 ms'],
    [0.99949, '999 ms'], [0.9996, '1.00 s'], [12.34, '12.3 s'], [599, '599 s'], [600, '10.0 min'], [7200, '2.00 h'],
    [Infinity, '∞']],
  clock: [[null, '–'], [0, '0:00'], [59.999, '0:59'], [60, '1:00'], [3599, '59:59'], [3600, '1:00:00'],
    [90061, '25:01:01'], [-5, '−0:05']],
  count: [[null, '–'], [0, '0'], [999, '999'], [1000, '1,000'], [1234567, '1,234,567'], [-1234, '-1,234']],
  compact: [[null, '–'], [0, '0'], [0.5, '0.5'], [950, '950'], [999.9, '1k'], [1234, '1.23k'], [34100, '34.1k'],
    [5.6e6, '5.6M'], [7e9, '7G']],
  percent: [[null, '–'], [0, '0 %'], [0.123, '12.3 %'], [0.9999, '99.9 %'], [0.99951, '99.9 %'], [1, '100 %']],
  bytes: [[null, '–'], [0, '0 B'], [1023, '1,023 B'], [1024, '1.00 KiB'], [80 * 2 ** 30, '80.0 GiB']],
  speed: [[null, '–'], [0, 'max'], [1, '1×'], [2.5, '2.5×'], [300, '300×']],
  exactNs: [[null, '–'], [1234567, '1,234,567 ns']],
  shortHash: [[null, '–'], ['0123456789abcdef', '01234567']],
  shorter: [['2.50 s', '2.5 s'], ['10.0 s', '10 s'], ['100 ms', '100 ms'], ['25.0 %', '25 %'], ['0 s', '0 s']],
};
for (const [name, cases] of Object.entries(CASES)) {
  for (const [value, text] of cases) {
    test(`${name}(${String(value)}) is ${text}`, () => assert.equal(format[name](value), text));
  }
}

test('a shortfall is never rounded up to all', () => assert.notEqual(format.percent(0.99999), '100 %'));
test('plural() agrees with its number', () => assert.deepEqual([format.plural(1, 'row'), format.plural(2000, 'row')],
  ['1 row', '2,000 rows']));

test('labels start small inside a sentence, abbreviations don’t', () => {
  assert.deepEqual(['Decode queue', 'KV blocks', 'Others’ prefill'].map(format.inSentence),
    ['decode queue', 'KV blocks', 'others’ prefill']);
});
